"""What breaks things on purpose; importing this registers every kind of fault."""

from pytest_sr.faults import keeper, s3

__all__ = ["keeper", "s3"]
