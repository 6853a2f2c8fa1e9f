"""Oracle: what the intake says vaguely is listed among its unknowns.

    python3 -I -B ambiguity.py --oracle-id oracle:ambiguity --set-hash …

A statement is vague if it has a word whose measure everyone has to guess. It is
inventoried if an unknown names that word, or the place of the statement.
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
from typing import Final

AXIS: Final = "ambiguity_bounded"
VAGUE: Final = re.compile(
    r"\b(?:as appropriate|as needed|as soon as possible|and so on|etc|tbd|to be decided"
    r"|to be determined|some|several|various|many|few|soon|fast|quick|quickly|easy|easily"
    r"|simple|user-friendly|intuitive|flexible|robust|scalable|efficient|efficiently"
    r"|reasonable|reasonably|adequate|sufficient|appropriate|relevant|roughly|usually"
    r"|normally|typically|if possible|where possible|modern|seamless)\b"
)


def measure(candidate: Path) -> _intake.Measured:
    """Return how much of what is vague nobody wrote down as unknown."""
    intake = _intake.load_intake(candidate)
    stated = _intake.statements(intake)
    unknowns = " \n ".join(
        each.lower()
        for each in _intake.items(intake, "unknowns")
        if isinstance(each, str)
    )
    open_ = {
        where: vague
        for where, text in stated.items()
        if (vague := uninventoried(where, text, unknowns))
    }
    return _intake.Measured(
        axis=AXIS,
        residual=len(open_) / len(stated),
        coverage=1 - len(open_) / len(stated),
        counted=len(stated),
        violations=[
            _intake.Violation(
                code="ambiguities_inventoried",
                axis=AXIS,
                severity="warning",
                detail=f"{where}: {', '.join(vague)}",
            )
            for where, vague in open_.items()
        ],
    )


def uninventoried(where: str, text: str, unknowns: str) -> list[str]:
    """Return the vague words of a statement that no unknown accounts for."""
    if where in unknowns:
        return []
    found = dict.fromkeys(VAGUE.findall(text.lower()))
    return [
        each for each in found if not re.search(rf"\b{re.escape(each)}\b", unknowns)
    ]


if __name__ == "__main__":
    sys.exit(_intake.main("ambiguity", measure))
