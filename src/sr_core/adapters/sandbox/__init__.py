"""Where oracles run."""
