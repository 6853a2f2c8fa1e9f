"""How fast we are, as ratios to floors that any reader can check in the same run."""
