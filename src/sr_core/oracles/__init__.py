"""Programs of their own, run by path inside a sandbox; nothing here is imported."""
