"""The composition root: the one place that knows both the ports and who fills them."""
