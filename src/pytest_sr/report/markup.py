"""Markup that cannot be broken out of: text is escaped unless it was made here.

    tag("p", "a < b", class_="why")  ──▶  <p class="why">a &lt; b</p>

Whatever is not `Html` is text. Characters that would change how a line reads without
being seen (controls, directions, halves of pairs) are spelt out.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, TypeAlias

ID_TAIL: Final = 6
"""How many characters of an identifier's end are always shown."""

_UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069"
    r"\ufeff\ud800-\udfff]"
)
_ID: Final = re.compile(
    r"\b(?:[a-z0-9]+[_:])?(?:[0-9A-HJKMNP-TV-Z]{26}|[0-9a-f]{32,128})\b", re.ASCII
)
_VOID: Final = frozenset({"br", "link", "meta"})


class Html(str):
    """Markup that is ready to be written."""

    __slots__ = ()


Child: TypeAlias = "str | Iterable[Child] | None"
Attribute: TypeAlias = str | int | float | bool | None


def tag(name: str, /, *children: Child, **attributes: Attribute) -> Html:
    """Return an element; `class_` gives the attribute `class`, `data_x` `data-x`."""
    start = f"<{name}{''.join(_attributes(attributes))}>"
    return Html(start if name in _VOID else f"{start}{joined(*children)}</{name}>")


def joined(*children: Child) -> Html:
    """Return the children one after the other, escaped where they are text."""
    return Html("".join(_written(children)))


def visible(text: str) -> str:
    """Return `text` with every unseen character spelt out."""
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def prose(text: str) -> Html:
    """Return `text` with every identifier in it shortened to the eye."""
    parts: list[Child] = []
    end = 0
    for found in _ID.finditer(text):
        parts += [text[end : found.start()], identifier(found[0])]
        end = found.end()
    return joined(*parts, text[end:])


def identifier(text: str) -> Html:
    """Return an identifier: its middle is hidden from the eye, never from a copy."""
    return tag(
        "span",
        tag("span", text[:-ID_TAIL]),
        tag("span", text[-ID_TAIL:]),
        class_="id",
        title=text,
    )


def clipped(text: str, chars_max: int) -> str:
    """Return `text`, cut after `chars_max` characters with word of how many went."""
    if len(text) <= chars_max:
        return text
    return f"{text[:chars_max]} … ({len(text) - chars_max} more characters)"


def as_json(value: object) -> str:
    """Return a value in one line: text as it is, everything else as JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, default=_plain)


def hidden(text: str) -> Html:
    """Return text for those who listen; others see it from what stands around it."""
    return tag("span", text, class_="hidden")


def table(
    caption: str, columns: Iterable[str], rows: Iterable[Child], **attributes: Attribute
) -> Html:
    """Return a table in a region that can be scrolled sideways, by keys too."""
    head = tag("tr", [tag("th", each, scope="col") for each in columns])
    return tag(
        "div",
        tag(
            "table",
            tag("caption", caption, class_="hidden"),
            tag("thead", head),
            tag("tbody", rows),
            **attributes,
        ),
        class_="scroll",
        role="region",
        aria_label=caption,
        tabindex=0,
    )


def facts(pairs: Iterable[tuple[str, Child]]) -> Html:
    """Return names with what is so of each."""
    return tag(
        "dl",
        (tag("div", tag("dt", name), tag("dd", value)) for name, value in pairs),
        class_="facts",
    )


def _attributes(attributes: Mapping[str, Attribute]) -> Iterator[str]:
    for name, value in attributes.items():
        written = name.rstrip("_").replace("_", "-")
        if value is True:
            yield f" {written}"
        elif value is not None and value is not False:
            yield f' {written}="{_escaped(str(value))}"'


def _written(children: Iterable[Child]) -> Iterator[str]:
    for each in children:
        if isinstance(each, Html):
            yield each
        elif isinstance(each, str):
            yield _escaped(each)
        elif each is not None:
            yield from _written(each)


def _escaped(text: str) -> str:
    return html.escape(visible(text), quote=True)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)
