"""Who is asking, proved by signed tokens."""
