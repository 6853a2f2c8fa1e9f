"""Bytes to text: small enough, UTF-8, and nothing in it that an editor hides.

What some readers take for a line break and others do not (U+0085, U+2028), or what
turns the shown order around (U+202E), is refused before YAML is asked: every place
that a message names is then the one that the author sees.
"""

from __future__ import annotations

import re
from typing import Final

from pytest_sr.parse.problems import Code, Problems
from pytest_sr.scenario import Place

SIZE_BYTES_MAX: Final = 256 * 1024

_HIDDEN: Final = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202f-\u2065\u206a-\ud7ff"
    "\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
_BREAK: Final = re.compile("\r\n|\r|\n")
_DIRECTIVE: Final = re.compile(r"\A(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\r|\n))*%")
_UTF16_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER_MARK: Final = "\ufeff"


def decoded(data: bytes, file: str, problems: Problems) -> str:
    """Return `data` as text, or refuse it."""
    _check_size(len(data), file, problems)
    if data.startswith(_UTF16_MARKS) or b"\0" in data[:2]:
        problems.refuse(
            Code.NOT_UTF8, _start(file), "the file is UTF-16", "Save it as UTF-8"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        problems.refuse(
            Code.NOT_UTF8,
            place_of(before, len(before), file),
            f"the byte 0x{data[error.start]:02x} is not UTF-8",
            "Save the file as UTF-8",
        )


def check(text: str, file: str, problems: Problems) -> None:
    """Refuse `text` for its size, its characters, or a directive in front."""
    _check_size(len(text.encode("utf-8", "surrogatepass")), file, problems)
    hidden = _HIDDEN.search(text)
    if hidden:
        _refuse_hidden(hidden, file, problems)
    directive = _DIRECTIVE.search(text)
    if directive:
        problems.refuse(
            Code.DIRECTIVE,
            place_of(text, directive.end() - 1, file),
            "a line that begins with % is a YAML directive",
            "Remove the line; a scenario needs none",
        )


def is_storable(value: str) -> bool:
    """Return whether databases and files can hold `value`, whatever escapes made it."""
    return not _UNSTORABLE.search(value)


def place_of(text: str, index: int, file: str) -> Place:
    """Return where the character at `index` stands."""
    before = _BREAK.split(text[:index])
    return Place(file=file, line=len(before), column=len(before[-1]) + 1)


def lines_of(text: str) -> list[str]:
    """Return the lines as YAML counts them, without their ends."""
    return _BREAK.split(text)


def _check_size(size: int, file: str, problems: Problems) -> None:
    if size > SIZE_BYTES_MAX:
        problems.refuse(
            Code.TOO_LARGE,
            _start(file),
            f"the file has more than {SIZE_BYTES_MAX} bytes",
            "Split it: one failure mode is one file",
        )


def _refuse_hidden(hidden: re.Match[str], file: str, problems: Problems) -> None:
    place = place_of(hidden.string, hidden.start(), file)
    if hidden[0] == _BYTE_ORDER_MARK and hidden.start() == 0:
        problems.refuse(
            Code.BAD_CHARACTER,
            place,
            "the file begins with a byte order mark",
            "Save it as UTF-8 without one",
        )
    problems.refuse(
        Code.BAD_CHARACTER,
        place,
        f"the character U+{ord(hidden[0]):04X} does not show",
        "Remove it",
    )


def _start(file: str) -> Place:
    return Place(file=file, line=1, column=1)
