"""A file as a whole: its closed set of keys, and the order they are understood in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final

from pytest_sr.parse import characters
from pytest_sr.parse.cases import Axis, read_cases
from pytest_sr.parse.claims import Claims
from pytest_sr.parse.load import load
from pytest_sr.parse.problems import Code, Problems
from pytest_sr.parse.resolve import Scope
from pytest_sr.parse.shape import Shape
from pytest_sr.parse.story import Story, names_made
from pytest_sr.parse.tree import Entry, MapNode, ScalarNode
from pytest_sr.registry import Registries
from pytest_sr.scenario import TIMEOUT_S_DEFAULT, Action, Case, Heal, Place, Scenario

SUFFIX: Final = ".scenario.yaml"

_NEEDED: Final = ("scenario", "title", "proves", "when", "then", "controls")
_KEYS: Final = (
    *("scenario", "title", "proves", "tags", "timeout", "cases", "matrix"),
    *("given", "fault", "when", "then", "always", "controls"),
)


def parse_file(path: Path, registries: Registries, *, shown_as: str) -> Scenario:
    """Return the scenario in the file at `path`, which messages call `shown_as`.

    Raises:
        ScenarioRefused: the file cannot be read, or is no scenario; says why.

    """
    problems = Problems()
    try:
        with path.open("rb") as file:
            data = file.read(characters.SIZE_BYTES_MAX + 1)
    except OSError as error:
        place = Place(file=shown_as, line=1, column=1)
        why = error.strerror or "it cannot be opened"
        problems.refuse(
            Code.UNREADABLE, place, f"the file cannot be read: {why}", "Mend that first"
        )
    return parse_text(data, registries, shown_as=shown_as)


def parse_text(text: str | bytes, registries: Registries, *, shown_as: str) -> Scenario:
    """Return the scenario that `text` is.

    Raises:
        ScenarioRefused: it is none; has every problem that could be found at once.

    """
    problems = Problems()
    if isinstance(text, bytes):
        text = characters.decoded(text, shown_as, problems)
    characters.check(text, shown_as, problems)
    root = load(text, shown_as, problems)
    if not isinstance(root, MapNode) or not root.entries:
        problems.refuse(
            Code.EMPTY if root is None else Code.WRONG_TYPE,
            root.place if root else Place(file=shown_as, line=1, column=1),
            "the file says nothing" if root is None else f"the file is {root.shown}",
            "Begin with `scenario: name`",
        )
    scenario = _Reading(root, Shape(problems), registries).scenario(shown_as, text)
    problems.raise_if_any()
    return scenario


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the top of a file; what is missing is noted, and empty in the result."""

    top: MapNode
    shape: Shape
    registries: Registries

    def scenario(self, file: str, source: str) -> Scenario:
        """Return the scenario, which counts only if no problem was noted."""
        self.shape.closed(self.top, "the file", allowed=_KEYS, needed=_NEEDED)
        axis, cases = read_cases(self.top, self.shape)
        story = self._story(axis, cases)
        given = story.given(self._entry("given"))
        faults = story.faults(self._entry("fault"))
        when = story.when(self._entry("when"))
        claims = self._claims(story, when)
        return Scenario(
            name=self._name(file),
            title=self._text("title"),
            proves=self._words("proves"),
            tags=self._tags(),
            timeout_s=self._timeout_s(),
            axis=axis,
            cases=cases,
            given=given,
            faults=faults,
            when=when,
            then=claims.read(self._entry("then"), "then"),
            always=claims.read(self._entry("always"), "always"),
            controls=claims.controls(self._entry("controls")),
            place=self._place(),
            source=source,
        )

    def _story(self, axis: Axis, cases: tuple[Case, ...]) -> Story:
        return Story(
            shape=self.shape,
            scope=Scope(
                problems=self.shape.problems,
                axis=axis,
                cases=cases,
                made_at=dict(names_made(self.top)),
            ),
            registries=self.registries,
            fault_names=self._fault_names(),
        )

    def _claims(self, story: Story, when: tuple[Action | Heal, ...]) -> Claims:
        return Claims(
            shape=self.shape,
            scope=story.scope,
            registries=self.registries,
            fault_names=story.fault_names,
            heals=any(isinstance(each, Heal) for each in when),
            claim_places={},
        )

    def _entry(self, key: str) -> Entry | None:
        return self.top.entries.get(key)

    def _place(self) -> Place:
        entry = self._entry("scenario")
        return entry.place if entry else self.top.place

    def _name(self, file: str) -> str:
        entry = self._entry("scenario")
        name = self._text("scenario")
        stem = PurePath(file).name.removesuffix(SUFFIX)
        if entry is None or not name:
            return name
        assert isinstance(entry.value, ScalarNode), "only a scalar is text"
        self.shape.check_id(name, entry.value)
        if name != stem:
            self.shape.problems.add(
                Code.WRONG_NAME,
                entry.value.place,
                f"the scenario is {entry.value.shown} and the file `{stem}{SUFFIX}`",
                f"Write `scenario: {stem}`, or rename the file",
            )
        return name

    def _text(self, key: str) -> str:
        entry = self._entry(key)
        return (self.shape.text(entry.value, f"`{key}`") or "") if entry else ""

    def _words(self, key: str) -> tuple[str, ...]:
        entry = self._entry(key)
        words = self.shape.texts(entry.value, f"`{key}`") if entry else ()
        return tuple(word for word, _ in words)

    def _tags(self) -> tuple[str, ...]:
        entry = self._entry("tags")
        words = tuple(self.shape.texts(entry.value, "`tags`")) if entry else ()
        for word, node in words:
            self.shape.check_id(word, node)
        return tuple(word for word, _ in words)

    def _timeout_s(self) -> float:
        entry = self._entry("timeout")
        asked = self.shape.duration(entry.value, "`timeout`") if entry else None
        return TIMEOUT_S_DEFAULT if asked is None else asked

    def _fault_names(self) -> dict[str, Place]:
        entry = self._entry("fault")
        node = entry.value if entry else None
        entries = node.entries.values() if isinstance(node, MapNode) else ()
        return {each.key: each.place for each in entries}
