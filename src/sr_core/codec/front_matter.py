"""A governed document's bytes to its metadata (C-META-1..3).

Markdown begins with its front matter, between two lines of ``---``. A YAML document is
front matter from end to end. Either holds one map, `solver_ralph`, with the keys below
and no others; what belongs to a type stands under ``ext.<type_key>``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, TypeVar

from sr_core.codec.yaml import Plain, Yaml, load_yaml
from sr_core.domain.artifact_metadata import (
    METADATA_SCHEMA,
    ArtifactMetadata,
    ArtifactStatus,
    AuthorityKind,
    NormativeStatus,
    parse_artifact_id,
)
from sr_core.domain.errors import DocumentInvalid, MalformedInput
from sr_core.domain.refs import parse_version
from sr_core.domain.type_keys import TypeKey, parse_type_key

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

ROOT: Final = "solver_ralph"
REQUIRED: Final = (
    "schema",
    "id",
    "type",
    "title",
    "version",
    "status",
    "normative_status",
    "authority_kind",
    "governed_by",
)
OPTIONAL: Final = ("tags", "supersedes", "ext")
FENCE: Final = "---"
TITLE_CHARS_MAX: Final = 200

NAME_CHARS_MAX: Final = 128


def parse_document(data: bytes, *, file: str) -> ArtifactMetadata:
    """Return what the document `data` says of itself; `file` names it in messages.

    Raises:
        DocumentInvalid: there is no front matter, or it is not in order.

    """
    text = _decoded(data, file)
    if file.endswith((".yaml", ".yml")):
        return _metadata(load_yaml(text, file=file))
    return _metadata(load_yaml(_front(text, file), file=file, first_line=2))


def _decoded(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DocumentInvalid(
            file=file,
            line=1 + data.count(b"\n", 0, error.start),
            found=f"the byte 0x{data[error.start]:02x} is not UTF-8",
            remedy="Save the file as UTF-8",
        ) from None


def _front(text: str, file: str) -> str:
    """Return what stands between the two fences."""
    first, *lines = text.splitlines() or [""]
    if first != FENCE:
        raise DocumentInvalid(
            file=file,
            line=1,
            found="the document has no front matter",
            remedy=f"Begin it with a line {FENCE}, the map {ROOT}, and a line {FENCE}",
        )
    if FENCE not in lines:
        raise DocumentInvalid(
            file=file,
            line=1,
            found="the front matter does not end",
            remedy=f"Close it with a line {FENCE}",
        )
    return "\n".join(lines[: lines.index(FENCE)]) + "\n"


def _metadata(document: Yaml) -> ArtifactMetadata:
    whole = _map(document, (), document.value, "front matter")
    _only(document, (), whole, (ROOT,))
    if ROOT not in whole:
        document.refuse((), f"there is no {ROOT}", f"Write the metadata under {ROOT}")
    fields = _map(document, (ROOT,), whole[ROOT], ROOT)
    _only(document, (ROOT,), fields, (*REQUIRED, *OPTIONAL))
    absent = [each for each in REQUIRED if each not in fields]
    if absent:
        found = f"{ROOT} lacks {', '.join(absent)}"
        document.refuse((ROOT,), found, "Add it" if len(absent) == 1 else "Add them")
    _the_schema(document, fields)
    type_key = _parsed(document, fields, "type", parse_type_key)
    return ArtifactMetadata(
        id=_parsed(document, fields, "id", parse_artifact_id),
        type=type_key,
        title=_text(document, fields, "title"),
        version=_parsed(document, fields, "version", parse_version),
        status=_choice(document, fields, "status", ArtifactStatus),
        normative_status=_choice(document, fields, "normative_status", NormativeStatus),
        authority_kind=_choice(document, fields, "authority_kind", AuthorityKind),
        governed_by=_texts(document, fields, "governed_by"),
        tags=_texts(document, fields, "tags"),
        supersedes=_texts(document, fields, "supersedes"),
        ext=_ext(document, fields, type_key),
    )


def _map(
    document: Yaml, at: tuple[str, ...], value: Plain, name: str
) -> Mapping[str, Plain]:
    if not isinstance(value, dict):
        document.refuse(at, f"{name} is no map", "Write keys and values below it")
    return value


def _only(
    document: Yaml,
    at: tuple[str, ...],
    fields: Mapping[str, Plain],
    known: tuple[str, ...],
) -> None:
    unknown = next((each for each in fields if each not in known), None)
    if unknown is not None:
        document.refuse(
            (*at, unknown),
            f"{unknown!r} does not belong here",
            f"Keep to {', '.join(known)}; what belongs to a type goes under "
            f"{ROOT}.ext.<type_key>",
        )


def _the_schema(document: Yaml, fields: Mapping[str, Plain]) -> None:
    if fields["schema"] != METADATA_SCHEMA:
        found = f"schema is {fields['schema']!r}"
        document.refuse((ROOT, "schema"), found, f"Write {METADATA_SCHEMA}")


def _parsed(
    document: Yaml, fields: Mapping[str, Plain], name: str, parse: Callable[[str], T]
) -> T:
    """Return what `parse` makes of the text under `name`."""
    try:
        return parse(_text(document, fields, name))
    except MalformedInput as error:
        document.refuse((ROOT, name), error.found, error.remedy.removesuffix("."))


def _text(document: Yaml, fields: Mapping[str, Plain], name: str) -> str:
    value = fields[name]
    if not isinstance(value, str) or not 0 < len(value.strip()) <= TITLE_CHARS_MAX:
        remedy = (
            f"Write 1 to {TITLE_CHARS_MAX} characters; quote what looks like a number"
        )
        document.refuse((ROOT, name), f"{name} is {_shown(value)}", remedy)
    return value


def _texts(document: Yaml, fields: Mapping[str, Plain], name: str) -> tuple[str, ...]:
    value = fields.get(name, [])
    if not isinstance(value, list):
        document.refuse((ROOT, name), f"{name} is no list", "Write it as a list")
    for index, each in enumerate(value):
        if not isinstance(each, str) or not each.strip() or len(each) > NAME_CHARS_MAX:
            found = f"{name} holds {_shown(each)}"
            document.refuse((ROOT, name, index), found, "Write names")
    return tuple(str(each) for each in value)


def _choice(document: Yaml, fields: Mapping[str, Plain], name: str, kind: type[E]) -> E:
    value = fields[name]
    if not isinstance(value, str) or value not in {*kind}:
        remedy = f"Write one of {', '.join(kind)}"
        document.refuse((ROOT, name), f"{name} is {_shown(value)}", remedy)
    return kind(value)


def _ext(
    document: Yaml, fields: Mapping[str, Plain], type_key: TypeKey
) -> Mapping[str, object]:
    """Return what stands under ``ext.<type_key>``: the one key that ext may have."""
    ext = _map(document, (ROOT, "ext"), fields.get("ext", {}), "ext")
    foreign = next((each for each in ext if each != type_key), None)
    if foreign is not None:
        document.refuse(
            (ROOT, "ext", foreign),
            f"ext.{foreign} belongs to another type",
            f"Put what belongs to this document under ext.{type_key}",
        )
    own = ext.get(type_key, {})
    return _map(document, (ROOT, "ext", type_key), own, f"ext.{type_key}")


def _shown(value: Plain) -> str:
    return repr(value)[:80]
