"""What answers hold, in full: each is the schema that OpenAPI tells."""
