"""KEKs from Infisical, over HTTP: v4 of its secrets, or v3 for servers before that."""
