"""Print the catalogue: every step, fault, check and mutant that scenarios may name.

    python docs/catalogue.py             print it
    python docs/catalogue.py --write     write docs/reference/catalogue.md

Everything in it is read from the registries, so it says what the parser accepts.
"""  # noqa: INP001 - a program of its own, run by path

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.registry import (
    Form,
    Kind,
    Parameter,
    Registry,
    Spec,
    fields_of,
)
from pytest_sr.scenario import as_text
from pytest_sr.world.accounts import ACTORS

WRITTEN: Final = Path(__file__).parent / "reference" / "catalogue.md"

_HEAD: Final = """\
<!-- Made by `python docs/catalogue.py --write`. Change the code, not this file. -->

# Steps, faults, checks, mutants

Everything that a scenario may name. How the names are put together is told in the
[scenario format](scenario-format.md).

An argument that is not required may be left out. What a step gives is reached by
`${name.field}`, where `name` is that of its `as:`; all of it together is `${name}`, for
arguments that take any value.
"""
_ACTORS: Final = """\
## Actors

Who acts is said with `by:`.
"""
_STEPS: Final = """\
## Steps

For `given` and `when`.
"""
_FAULTS: Final = """\
## Faults

For `fault`. Each shows by itself that it landed, and that it is undone.
"""
_CHECKS: Final = """\
## Checks

For `then` and `always`. The first argument may stand right after the check's name, and
the others beside it.
"""
_MUTANTS: Final = """\
## Mutants

For `controls`. Each is a bug that is put into the platform while a case runs.
"""
_ACTOR_WORDS: Final = tuple(ACTORS)


def catalogue() -> str:
    """Return the whole page."""
    sections = (
        _HEAD,
        _ACTORS,
        _table(("actor", "is"), [(f"`{name}`", told) for name, told in ACTORS.items()]),
        _STEPS,
        *_entries(CATALOGUE.steps),
        _FAULTS,
        *_entries(CATALOGUE.faults),
        _CHECKS,
        *_entries(CATALOGUE.checks),
        _MUTANTS,
        _table(
            ("mutant", "bug"),
            [(f"`{each.name}`", each.summary) for each in _sorted(CATALOGUE.mutants)],
        ),
    )
    return "\n".join(sections)


def main(arguments: Sequence[str]) -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(prog="catalogue.py", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"write {WRITTEN.name}")
    if parser.parse_args(arguments).write:
        WRITTEN.write_text(catalogue(), encoding="utf-8")
    else:
        sys.stdout.write(catalogue())


def _sorted(registry: Registry) -> list[Spec]:
    return [registry[name] for name in sorted(registry)]


def _entries(registry: Registry) -> Iterator[str]:
    for spec in _sorted(registry):
        yield f"### `{spec.name}`\n\n{spec.summary}\n"
        if spec.parameters:
            head = ("argument", "takes", "default", "meaning")
            yield _table(head, [_row(each) for each in spec.parameters])
        if registry is CATALOGUE.steps:
            yield f"{_given(spec)}\n"


def _row(parameter: Parameter) -> Sequence[str]:
    default = "required" if parameter.required else _default(parameter.default)
    return (f"`{parameter.key}`", _taken(parameter.kind), default, parameter.doc)


def _taken(kind: Kind) -> str:
    if kind.choices == _ACTOR_WORDS:
        return "an [actor](#actors)"
    if kind.form is Form.CHOICE:
        return "one of " + ", ".join(f"`{as_text(each)}`" for each in kind.choices)
    return str(kind.form)


def _default(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, tuple):
        return f"`[{', '.join(map(as_text, value))}]`"
    return f"`{as_text(value)}`"


def _given(spec: Spec) -> str:
    if spec.returns is None:
        return "Gives nothing that `as:` could name."
    return "Gives " + ", ".join(_paths(spec.returns, before="")) + "."


def _paths(result: type, *, before: str) -> Iterator[str]:
    """Yield each path into `result`, with what stands there."""
    for name, reached in fields_of(result).items():
        if isinstance(reached, Kind):
            yield f"`{before}{name}` ({_taken(reached)})"
        else:
            yield from _paths(reached, before=f"{before}{name}.")


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; a column that is empty in every row is left out."""
    used = [n for n in range(len(head)) if any(row[n] for row in rows)]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(
        "| " + " | ".join(line[n].replace("|", "\\|") for n in used) + " |\n"
        for line in lines
    )


if __name__ == "__main__":
    main(sys.argv[1:])
