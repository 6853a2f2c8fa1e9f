"""Check the map of hollow spots, and make its page.

python docs/hollow_spots.py              check it and print the page
python docs/hollow_spots.py --write      write docs/reference/hollow-spots.md
"""  # noqa: INP001 - a program of its own, run by path

from __future__ import annotations

import argparse
import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.parse import parse_file
from pytest_sr.scenario import Scenario

ROOT: Final = Path(__file__).resolve().parents[1]
MAP: Final = ROOT / "docs" / "hollow_spots.toml"
WRITTEN: Final = ROOT / "docs" / "reference" / "hollow-spots.md"

NUMBERS: Final = (
    *(str(number) for number in range(1, 95)),
    "94a",
    *(str(number) for number in range(95, 142)),
)
AREAS: Final = {
    "harness": "The harness",
    "replay": "Replay",
    "suites": "Suites and oracles",
    "runner": "Runner and workers",
    "governor": "The governor",
    "api": "The API and its rules",
    "auth": "Who is asking",
    "log": "Log, outbox, bus",
    "evidence": "Evidence and secrets",
    "operations": "Operations and claims",
}
CORE: Final = {"governor", "api", "auth"}
"""Where nothing may be left open: the governed core."""
ROOMS: Final = {
    "log": "log, outbox and replay",
    "secrets": "evidence encryption and secrets",
    "oracles": "oracle runner and suites",
    "deployment": "deployment and CI",
}

_HEAD: Final = """\
<!-- Made by `python docs/hollow_spots.py --write` from `docs/hollow_spots.toml`. -->

# Hollow spots

The system before this one only pretended in {spots} places: something was written down as
shown that nothing had shown. Each has a row here, with what would have caught it: a test
by its node id, or a scenario and those of its claims that turn red. That they can is shown
by `make prove`; a scenario with a claim that no control turns red is refused.

A spot is **caught** where a system that pretends so fails what is named; **partly** where
some of it waits for a part that is still to come, which is then said; and **not yet** where
all of it does. In the governed core (the governor, the API and its rules, who is asking)
none may be open.

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One place at which something was pretended."""

    number: str
    area: str
    pretended: str
    caught_by: tuple[str, ...] = ()
    """Tests by node id, and claims of scenarios as `path::claim, claim`."""
    room: str | None = None
    left: str | None = None
    """What of it waits for `room`; both are there, or neither."""

    @property
    def state(self) -> str:
        """How far it is caught."""
        if self.room is None:
            return "caught"
        return "partly" if self.caught_by else "not yet"


def read(text: str) -> tuple[Spot, ...]:
    """Return the spots of a map, in its order; `TypeError` for a key that is none."""
    return tuple(
        Spot(**{**each, "caught_by": tuple(each.get("caught_by", ()))})
        for each in tomllib.loads(text)["spot"]
    )


def faults(spots: Sequence[Spot], root: Path) -> Iterator[str]:
    """Say what is wrong with the map; `root` is where its paths begin."""
    if [each.number for each in spots] != [*NUMBERS]:
        found = Counter(each.number for each in spots)
        missing = [each for each in NUMBERS if each not in found]
        yield f"the numbers are not 1 to 141 with 94a, in order; missing: {missing}"
    for spot in spots:
        for fault in (*_faults_of(spot), *_lost(spot, root)):
            yield f"{spot.number}: {fault}"


def _faults_of(spot: Spot) -> Iterator[str]:
    if not spot.pretended.strip():
        yield "what was pretended is not said"
    if spot.area not in AREAS:
        yield f"there is no area {spot.area}"
    if spot.room not in {None, *ROOMS}:
        yield f"there is no room {spot.room}"
    if (spot.room is None) is not (spot.left is None) or spot.left == "":
        yield "a room, and what is left for it, are said together"
    if not spot.caught_by and spot.room is None:
        yield "nothing would have caught it, and nothing is to come"
    if spot.area in CORE and spot.state != "caught":
        yield "it belongs to the governed core, and is open"
    if len(set(spot.caught_by)) != len(spot.caught_by):
        yield "a test is named twice"


def _lost(spot: Spot, root: Path) -> Iterator[str]:
    """Say which of the tests and claims that the spot names are not there."""
    for each in spot.caught_by:
        path, *names = each.split("::")
        if not names or not (root / path).is_file():
            yield f"there is no {each}"
        elif path.endswith(".scenario.yaml"):
            claims = [name.strip() for name in names[0].split(",")]
            yield from _lost_claims(path, claims, root)
        elif not _is_test(root / path, names):
            yield f"there is no test {each}"


def _lost_claims(path: str, claims: Sequence[str], root: Path) -> Iterator[str]:
    """Say which claims a scenario has not; one that no control turns red is refused."""
    known = {each.name for each in _scenario(root / path).claims}
    for claim in claims:
        if claim not in known:
            yield f"{path} claims no {claim}"


def _is_test(path: Path, names: Sequence[str]) -> bool:
    """Tell whether classes lead to a test function that is written there."""
    *classes, function = names
    body = _module(path).body
    for name in classes:
        found = [
            each
            for each in body
            if isinstance(each, ast.ClassDef) and each.name == name
        ]
        if not found:
            return False
        body = found[0].body
    return function.startswith("test_") and any(
        isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
        and each.name == function
        for each in body
    )


@cache
def _module(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def _scenario(path: Path) -> Scenario:
    return parse_file(path, CATALOGUE, shown_as=path.name)


def page(spots: Sequence[Spot]) -> str:
    """Return the page."""
    return _HEAD.format(spots=len(spots)) + "\n".join(_lines(spots)) + "\n"


def _lines(spots: Sequence[Spot]) -> Iterator[str]:
    yield "| area | caught | partly | not yet |"
    yield "| --- | --- | --- | --- |"
    for area, title in AREAS.items():
        yield _counted(title, [each for each in spots if each.area == area])
    yield _counted("**all**", spots)
    for area, title in AREAS.items():
        yield from ("", f"## {title}", "")
        yield "| # | what was pretended | | what would have caught it | still to come |"
        yield "| --- | --- | --- | --- | --- |"
        yield from (_row(each) for each in spots if each.area == area)


def _counted(title: str, spots: Sequence[Spot]) -> str:
    count = Counter(each.state for each in spots)
    return f"| {title} | {count['caught']} | {count['partly']} | {count['not yet']} |"


def _row(spot: Spot) -> str:
    named = "<br>".join(map(_named, spot.caught_by))
    left = f"{spot.left} ({ROOMS[spot.room]})" if spot.room else ""
    state = f"**{spot.state}**" if spot.room else spot.state
    return f"| {spot.number} | {spot.pretended} | {state} | {named} | {left} |"


def _named(reference: str) -> str:
    path, _, rest = reference.partition("::")
    return f"`{path}`: {rest}" if path.endswith(".scenario.yaml") else f"`{reference}`"


def main(arguments: Sequence[str]) -> int:
    """Check the map; print or write its page. 1 if something is wrong with it."""
    parser = argparse.ArgumentParser(description="The map of hollow spots.")
    parser.add_argument("--write", action="store_true", help=f"write {WRITTEN.name}")
    writes = parser.parse_args(arguments).write
    spots = read(MAP.read_text(encoding="utf-8"))
    if wrong := [*faults(spots, ROOT)]:
        sys.stderr.writelines(f"{each}\n" for each in wrong)
        return 1
    if writes:
        WRITTEN.write_text(page(spots), encoding="utf-8")
    else:
        sys.stdout.write(page(spots))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
