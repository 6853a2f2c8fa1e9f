"""Candidates and evidence, in any S3 store."""
