"""Oracle: nothing in the candidate identifies a person.

    python3 -I -B privacy.py --oracle-id oracle:privacy --set-hash …

Every file is read. One that cannot be read as text is not covered, and the axis asks for
all. What is found is told by its kind and place, never by itself. A number counts only
if its own check holds (Luhn for cards, mod 97 for IBANs, the ranges in use for social
security numbers); addresses in domains that are kept for examples are nobody's.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sr_core.oracles import _intake
else:  # -I keeps a program's own directory off the path
    sys.path.insert(0, str(Path(__file__).parent))
    import _intake

    sys.path.pop(0)

import re
from collections.abc import Callable, Iterator
from typing import Final

AXIS: Final = "privacy_safe"
EXAMPLE_DOMAINS: Final = re.compile(
    r"(?:^|\.)(?:example\.(?:com|net|org)|example|invalid|test|localhost)$"
)
DIGITS_OF_A_PHONE: Final = range(8, 16)
DIGITS_OF_A_CARD: Final = range(13, 20)


def measure(candidate: Path) -> _intake.Measured:
    """Return in how many files somebody can be recognised."""
    files = [*_intake.files_below(candidate)]
    if not files:
        message = "there is no file to look at"
        raise _intake.UnmeasurableError(message)
    read = 0
    violations: list[_intake.Violation] = []
    exposed = set()
    for each in files:
        name = str(each.relative_to(candidate))
        try:
            text = _intake.read_text(each)
        except (OSError, ValueError):
            continue
        read += 1
        for line, kind in findings(text):
            exposed.add(name)
            violations.append(
                _intake.Violation(
                    code="no_pii_in_public",
                    axis=AXIS,
                    severity="error",
                    detail=f"{name}:{line}: {kind}",
                )
            )
    return _intake.Measured(
        axis=AXIS,
        residual=len(exposed) / len(files),
        coverage=read / len(files),
        counted=len(files),
        violations=violations,
    )


def findings(text: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the kind of each thing that identifies somebody."""
    for number, line in enumerate(text.splitlines(), start=1):
        for kind, (pattern, is_real) in PATTERNS.items():
            if any(is_real(each.group()) for each in pattern.finditer(line)):
                yield number, kind


def is_private_address(text: str) -> bool:
    """Whether it is an address that somebody can have."""
    return not EXAMPLE_DOMAINS.search(text.rpartition("@")[2].lower())


def is_phone(text: str) -> bool:
    """Whether it has as many digits as telephone numbers have."""
    return len(digits(text)) in DIGITS_OF_A_PHONE


def is_card(text: str) -> bool:
    """Whether it has a card's length, and its check digit is right (Luhn)."""
    found = digits(text)
    if len(found) not in DIGITS_OF_A_CARD or len(set(found)) == 1:
        return False
    total = 0
    for place, digit in enumerate(reversed(found)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value  # noqa: PLR2004 - of two digits
    return total % 10 == 0


def is_iban(text: str) -> bool:
    """Whether its check digits are right (ISO 7064, mod 97)."""
    compact = text.replace(" ", "")
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(each, 36)) for each in turned)) % 97 == 1


def is_social_security(text: str) -> bool:
    """Whether such a number can have been given out."""
    area, group, serial = text.split("-")
    return (
        area not in {"000", "666"}
        and area < "900"
        and group != "00"
        and serial != "0000"
    )


def digits(text: str) -> str:
    """Return the digits of a text."""
    return "".join(each for each in text if each in "0123456789")


PATTERNS: Final[dict[str, tuple[re.Pattern[str], Callable[[str], bool]]]] = {
    "an e-mail address": (
        re.compile(
            r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
        ),
        is_private_address,
    ),
    "a telephone number": (
        re.compile(
            r"(?<![\w+])(?:\+\d[\d ().-]{6,18}\d|\(\d{3}\) ?\d{3}[-.]\d{4})(?!\w)"
        ),
        is_phone,
    ),
    "a payment card": (re.compile(r"(?<![\w-])\d(?:[ -]?\d){12,18}(?![\w-])"), is_card),
    "an IBAN": (
        re.compile(
            r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)"
        ),
        is_iban,
    ),
    "a social security number": (
        re.compile(r"(?<![\w-])\d{3}-\d{2}-\d{4}(?![\w-])"),
        is_social_security,
    ),
    "a date of birth": (
        re.compile(
            r"(?i)\b(?:born(?: on)?|date of birth|dob)[ :]+"
            r"(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})"
        ),
        bool,
    ),
}


if __name__ == "__main__":
    sys.exit(_intake.main("privacy", measure))
