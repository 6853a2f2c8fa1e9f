"""The platform: governed work for AI agents, kept as events in an append-only log."""
