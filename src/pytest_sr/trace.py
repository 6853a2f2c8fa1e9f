"""Which scenarios and tests name each clause of the contract, and which none does.

A scenario names clauses in `proves`; a Python test in its docstring, that of its class or
of its module, or by the marker `sr_proves`. ``C-META-1..3`` names each from 1 to 3.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.parse import parse_file
from pytest_sr.session import SUFFIX

_HEADING: Final = re.compile(r"#+\s.*?\b(C-[A-Z]+-\d+)\b[\s:.-]*(.*)")
_NAMED: Final = re.compile(r"\b(C-[A-Z]+-)(\d+)(?:\.\.(\d+))?\b")


class TraceError(Exception):
    """There is nothing to trace, or a clause is named that there is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One clause, and all that proves it; each by where it stands."""

    clause: str
    title: str
    scenarios: tuple[str, ...]
    tests: tuple[str, ...]

    @property
    def is_proven(self) -> bool:
        """Whether anything proves it."""
        return bool(self.scenarios or self.tests)


@dataclass(slots=True, kw_only=True)
class _Names:
    """Who names which clause."""

    scenarios: dict[str, list[str]] = field(default_factory=dict)
    tests: dict[str, list[str]] = field(default_factory=dict)


def trace(
    contract: Path, scenarios: Sequence[Path], tests: Sequence[Path]
) -> tuple[Row, ...]:
    """Return a row for each clause of `contract`, in its order.

    `scenarios` and `tests` are files, or folders that are searched.

    Raises:
        TraceError: a path is not there, the contract has no clause, no scenario is
            found, or one that the contract does not have is named.
        ScenarioRefused: a scenario file is not one.

    """
    clauses = _clauses(contract)
    names = _Names()
    for path in _files(scenarios, SUFFIX):
        for clause in _expanded(_proves(path)):
            names.scenarios.setdefault(clause, []).append(path.name[: -len(SUFFIX)])
    if not names.scenarios:
        message = f"no scenario proves anything in {_told(scenarios)}"
        raise TraceError(message)
    for path in _files(tests, ".py"):
        for clause, where in _named_in(path):
            names.tests.setdefault(clause, []).append(where)
    _require_known(clauses, names)
    return tuple(
        Row(
            clause=clause,
            title=title,
            scenarios=tuple(dict.fromkeys(names.scenarios.get(clause, ()))),
            tests=tuple(dict.fromkeys(names.tests.get(clause, ()))),
        )
        for clause, title in clauses.items()
    )


def render(rows: Iterable[Row]) -> Iterator[str]:
    """Yield the matrix, a line a clause, and what it comes to."""
    rows = list(rows)
    yield f"{'clause':<10} {'scenarios':>9} {'tests':>5}  proven by"
    for row in rows:
        shown = [*row.scenarios, *row.tests]
        more = f" (+{len(shown) - 3})" if len(shown) > 3 else ""  # noqa: PLR2004 - what fits a line
        by = ", ".join(shown[:3]) + more if shown else "NOTHING"
        yield f"{row.clause:<10} {len(row.scenarios):>9} {len(row.tests):>5}  {by}"
    bare = [row.clause for row in rows if not row.is_proven]
    yield f"{len(rows) - len(bare)} of {len(rows)} clauses are proven"
    if bare:
        yield f"nothing proves {', '.join(bare)}"


def _proves(path: Path) -> Sequence[str]:
    return parse_file(path, CATALOGUE, shown_as=str(path)).proves


def _clauses(contract: Path) -> Mapping[str, str]:
    """Return the title of each clause by its id, from the contract's headings."""
    if not contract.is_file():
        message = f"{contract} is not there: name the contract with --contract"
        raise TraceError(message)
    found: dict[str, str] = {}
    for line in contract.read_text(encoding="utf-8").splitlines():
        if heading := _HEADING.fullmatch(line.strip()):
            found.setdefault(heading[1], heading[2].strip())
    if not found:
        message = f"{contract} has no heading with a clause such as C-LOOP-1"
        raise TraceError(message)
    return found


def _files(paths: Sequence[Path], suffix: str) -> Iterator[Path]:
    for path in paths:
        if not path.exists():
            message = f"{path} is not there: name a file or a folder that is"
            raise TraceError(message)
        if path.is_file():
            yield path
        else:
            yield from sorted(path.rglob(f"*{suffix}"))


def _named_in(path: Path) -> Iterator[tuple[str, str]]:
    """Yield each clause that a test of the file names, and where."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    yield from _of_node(tree, path.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith(("Test", "test_")):
                yield from _of_node(node, f"{path.name}::{node.name}")
            yield from _of_markers(node, f"{path.name}::{node.name}")


def _of_node(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
    where: str,
) -> Iterator[tuple[str, str]]:
    for clause in _expanded([ast.get_docstring(node) or ""]):
        yield clause, where


def _of_markers(
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, where: str
) -> Iterator[tuple[str, str]]:
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and ast.unparse(each.func).endswith("sr_proves"):
            said = [arg.value for arg in each.args if isinstance(arg, ast.Constant)]
            for clause in _expanded(map(str, said)):
                yield clause, where


def _expanded(texts: Iterable[str]) -> Iterator[str]:
    """Yield each clause that the texts name; a range names all of it."""
    for text in texts:
        for family, first, last in _NAMED.findall(text):
            for number in range(int(first), int(last or first) + 1):
                yield f"{family}{number}"


def _require_known(clauses: Mapping[str, str], names: _Names) -> None:
    for claimed in (names.scenarios, names.tests):
        for clause, by in claimed.items():
            if clause not in clauses:
                message = f"{by[0]} names {clause}, which the contract does not have"
                raise TraceError(message)


def _told(paths: Sequence[Path]) -> str:
    return ", ".join(map(str, paths))
