"""Make the JSON Schema of a message on the bus, from the struct that it is read into.

python docs/message_schema.py              print it
python docs/message_schema.py --write      write it to docs/reference/
"""  # noqa: INP001 - a program of its own, run by path

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from sr_core.codec.message import message_schema

WRITTEN: Final = Path(__file__).parent / "reference" / "message-envelope.schema.json"


def text() -> str:
    """Return the schema as it is written."""
    return json.dumps(message_schema(), indent=2, sort_keys=True) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Print or write the schema."""
    parser = argparse.ArgumentParser(description="The JSON Schema of a message.")
    parser.add_argument("--write", action="store_true", help=f"write {WRITTEN.name}")
    if parser.parse_args(arguments).write:
        WRITTEN.write_text(text(), encoding="utf-8")
    else:
        sys.stdout.write(text())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
