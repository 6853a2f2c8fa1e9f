"""Fault runs: what befalls writers and servers, and what is in the log afterwards."""
