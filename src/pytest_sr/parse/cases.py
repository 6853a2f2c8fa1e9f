"""`cases` and `matrix`: what differs from one run of the story to the next."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Final, Literal, TypeAlias

from pytest_sr.parse.problems import Code
from pytest_sr.parse.shape import Shape
from pytest_sr.parse.tree import Entry, MapNode, Node, ScalarNode
from pytest_sr.scenario import Case, Place, Scalar, as_text

CELLS_MAX: Final = 256
_KEY: Final = re.compile(r"[a-z][a-z0-9_-]*", re.ASCII)
_NOT_IN_IDS: Final = re.compile(r"[^a-z0-9.]+", re.ASCII)

Axis: TypeAlias = Literal["case", "matrix"] | None

ONE_CASE: Final = (Case(name=None, values={}),)


def read_cases(top: MapNode, shape: Shape) -> tuple[Axis, tuple[Case, ...]]:
    """Return the axis and the cases of the file; one without a name if it has none.

    Where a section says nothing, which is noted, there are no cases either.
    """
    cases, matrix = top.entries.get("cases"), top.entries.get("matrix")
    if cases and matrix:
        shape.problems.add(
            Code.CONFLICT,
            max(cases.place, matrix.place, key=lambda each: each.line),
            "the file has both `cases` and `matrix`",
            "Write one of them",
        )
    if cases:
        return "case", tuple(_named(cases, shape))
    if matrix:
        return "matrix", tuple(_cells(matrix, shape))
    return None, ONE_CASE


def _named(section: Entry, shape: Shape) -> Iterator[Case]:
    rows = shape.mapping(section.value, "`cases`")
    for row in shape.named(rows) if rows else ():
        values = shape.mapping(row.value, f"the case {row.shown}")
        if values:
            yield Case(name=row.key, values=dict(_values(values, shape)))


def _values(row: MapNode, shape: Shape) -> Iterator[tuple[str, Scalar]]:
    for entry in row.entries.values():
        _check_key(entry, shape)
        yield entry.key, _value(entry.value, f"the value of {entry.shown}", shape)


def _cells(section: Entry, shape: Shape) -> Iterator[Case]:
    axes = shape.mapping(section.value, "`matrix`")
    columns = dict(_columns(axes, shape)) if axes else {}
    if not columns:
        return
    if prod(map(len, columns.values())) > CELLS_MAX:
        found = f"the matrix has more than {CELLS_MAX} cells"
        shape.problems.add(Code.TOO_MANY, section.place, found, "Leave some values out")
        return
    cells = [
        Case(name=_cell_name(values), values=dict(zip(columns, values, strict=True)))
        for values in product(*columns.values())
    ]
    _check_distinct(cells, section.place, shape)
    yield from cells


def _columns(axes: MapNode, shape: Shape) -> Iterator[tuple[str, list[Scalar]]]:
    for entry in axes.entries.values():
        _check_key(entry, shape)
        what = f"{entry.shown} of `matrix`"
        items = shape.items(entry.value, what)
        values = [_value(each, f"a value of {what}", shape) for each in items]
        if values:
            yield entry.key, values


def _check_key(entry: Entry, shape: Shape) -> None:
    if not _KEY.fullmatch(entry.key):
        shape.problems.add(
            Code.BAD_ID,
            entry.place,
            f"{entry.shown} is no name of a value",
            "Write it in lower case, with digits, dashes and underscores",
        )


def _value(node: Node, what: str, shape: Shape) -> Scalar:
    if not isinstance(node, ScalarNode):
        shape.problems.add(
            Code.WRONG_TYPE,
            node.place,
            f"{what} takes one value, and this is {node.shown}",
            "Write a text, a number, true or false",
        )
        return None
    if isinstance(node.value, str) and "${" in node.value:
        found = f"{what} cannot look anything up"
        shape.problems.add(Code.BAD_LOOKUP, node.place, found, "Write the value out")
    return node.value


def _cell_name(values: tuple[Scalar, ...]) -> str:
    """Return the cell's part of a test's id, where few characters are safe."""
    joined = "-".join(as_text(each).lower() for each in values)
    return _NOT_IN_IDS.sub("-", joined).strip("-") or "empty"


def _check_distinct(cells: list[Case], place: Place, shape: Shape) -> None:
    seen: set[str | None] = set()
    for cell in cells:
        if cell.name in seen:
            shape.problems.add(
                Code.DOUBLED_NAME,
                place,
                f"two cells of the matrix have the name `{cell.name}`",
                "Remove the doubled value, or write the two differently",
            )
            return
        seen.add(cell.name)
