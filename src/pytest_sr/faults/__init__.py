"""What breaks things on purpose; importing this registers every kind of fault."""

from pytest_sr.faults import s3

__all__ = ["s3"]
