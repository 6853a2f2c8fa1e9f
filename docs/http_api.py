"""Make the pages of the HTTP face, from the routes themselves.

    python docs/http_api.py              print both pages
    python docs/http_api.py --write      write them to docs/reference/

`authority.md` says who may ask for what, `http-api.md` what each route takes and answers.
"""  # noqa: INP001 - a program of its own, run by path

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

from sr_core.api.app import build_description
from sr_core.api.authority import Authority
from sr_core.api.description import Description, Operation
from sr_core.domain.actors import ActorKind

Told: TypeAlias = Mapping[str, Any]

REFERENCE: Final = Path(__file__).parent / "reference"
_MADE: Final = "<!-- Made by `python docs/http_api.py --write`; do not edit. -->"
_AUTHORITY: Final = f"""\
{_MADE}

# Who may ask for what

Every route names its authority, which is checked before the body is read. The rule behind
the route checks again, and is the truth; a route that names none keeps the application
from being built. What each caller is answered is tried for every route in
`tests/unit/api/test_authority_matrix.py`.

- A caller without a token, with an expired one, one for another audience, of another
  issuer, or an ID token is answered 401. Where the token is optional, no token is fine,
  and a bad one is not.
- A caller of another kind, or a human without the role, is answered 403.
- `yes` means that the caller is heard; the rule may still refuse.

"""
_API: Final = f"""\
{_MADE}

# The HTTP API

All of it is served as OpenAPI 3.1 at `/openapi.json`. Who may ask is told in
[authority](authority.md), what the codes of refusals mean in [errors](../errors.md).

- Bodies are `application/json`, UTF-8, at most 1 MiB where a route does not say
  otherwise, without `Content-Encoding`; each key once, no NaN, 64 levels, numbers of 4300
  digits. A number is a number: `"5"` is refused. So are a field, a query parameter or a
  body that the route does not know.
- Headers have 16 KiB at most, a query 8 KiB. A body has 30 s, and a second more for 64
  KiB each.
- Every answer has `X-Request-Id` and `X-Correlation-Id`: those of the request, or fresh
  ones. The second is written to every event that the request records.
- An unsafe request with an `Idempotency-Key` is carried out once. Sent again, it is given
  the first answer, byte for byte; with another body it is refused (422); while it is
  being carried out, or if its answer was lost, it is told so (409). A key belongs to one
  actor at one route and does not expire. What recorded nothing, above all a refusal, is
  not kept; nor is a failure (500 and above).
- A form (`multipart/form-data`) is read as it comes and never whole. With a key it has to
  say its hash, `Content-Digest: sha-256=:BASE64:`, which is compared before anything is
  recorded; `POST /api/v1/evidence/stream` takes up to 5 GiB so, the manifest first and
  then each blob as a part of its name.
- What is given as `/content` is hashed on its way. If it is not what was stored, the
  connection ends before the `Content-Length` that was announced: such an answer is to be
  thrown away.
- Every refusal is a [problem](#problem), `application/problem+json`.

"""


def authority_page(description: Description) -> str:
    """Return the page of who may ask for what."""
    columns = ("route", "no token", "agent", "human", "system", "role")
    lines = [
        f"| {' | '.join(columns)} |",
        f"|{' --- |' * len(columns)}",
        *(_row(each) for each in sorted(description.operations, key=_place)),
    ]
    return _AUTHORITY + "\n".join(lines) + "\n"


def _place(operation: Operation) -> tuple[str, str]:
    return operation.path, operation.method


def _row(operation: Operation) -> str:
    authority = operation.authority
    is_open = authority.kinds is None or authority.is_optional
    cells = (
        f"`{operation.method} {operation.path}`",
        _yes(is_open),
        *(
            _yes(_hears(authority, kind))
            for kind in (ActorKind.AGENT, ActorKind.HUMAN, ActorKind.SYSTEM)
        ),
        " or ".join(sorted(authority.roles)),
    )
    return f"| {' | '.join(cells)} |"


def _hears(authority: Authority, kind: ActorKind) -> bool:
    return authority.kinds is None or kind in authority.kinds


def _yes(holds: bool) -> str:  # noqa: FBT001 - a cell says one thing
    return "yes" if holds else "no"


def api_page(description: Description) -> str:
    """Return the page of what each route takes and answers."""
    document = description.document
    parts = [_API]
    for tag in document["tags"]:
        parts.append(f"## {tag['name'].capitalize()}\n\n{tag['description']}\n")
        for path, method, told in _of_tag(document, tag["name"]):
            parts.append("\n".join(_operation(path, method, told)) + "\n")
    parts.append("## Forms\n\nWhat bodies and answers are made of.\n")
    for name, schema in sorted(document["components"]["schemas"].items()):
        parts.append("\n".join(_schema(name, schema)) + "\n")
    return "\n".join(parts)


def _of_tag(document: Told, tag: str) -> Iterator[tuple[str, str, Told]]:
    for path in sorted(document["paths"]):
        for method, told in document["paths"][path].items():
            if tag in told.get("tags", ()):
                yield path, method.upper(), told


def _operation(path: str, method: str, told: Told) -> Iterator[str]:
    yield f"### `{method} {path}`"
    yield ""
    yield f"{_text(told.get('description', ''))} Who may ask: {told['x-authority']}."
    own = [each for each in told.get("parameters", ()) if "$ref" not in each]
    if own:
        yield ""
        yield "| parameter | in | type | |"
        yield "| --- | --- | --- | --- |"
    for each in own:
        needed = "needed" if each.get("required") else ""
        yield f"| `{each['name']}` | {each['in']} | {_type(each['schema'])} | {needed} |"
    yield ""
    for content in told.get("requestBody", {}).get("content", {}).values():
        yield f"- Takes {_type(content['schema'])}"
    for status, answer in told["responses"].items():
        if "$ref" not in answer:
            forms = [
                _type(each.get("schema", {}))
                for each in answer.get("content", {}).values()
            ]
            yield f"- {status}: {' or '.join(forms) or 'nothing'}"


def _schema(name: str, schema: Told) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if schema.get("description"):
        yield _text(schema["description"])
        yield ""
    if "enum" in schema:
        yield ", ".join(f"`{each}`" for each in schema["enum"]) + "."
        return
    needed = set(schema.get("required", ()))
    yield "| field | type | |"
    yield "| --- | --- | --- |"
    for field, told in schema.get("properties", {}).items():
        yield f"| `{field}` | {_type(told)} | {'needed' if field in needed else ''} |"


def _type(schema: Told) -> str:
    """Return a schema in a few words."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for union in ("oneOf", "anyOf"):
        if union in schema:
            return " or ".join(_type(each) for each in schema[union])
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        kind = f"list of {_type(schema.get('items', {}))}"
    if kind == "object":
        values = schema.get("additionalProperties")
        kind = (
            f"object of {_type(values)}"
            if isinstance(values, dict) and values
            else kind
        )
    return f"{kind}{_bounds(schema)}"


def _bounds(schema: Told) -> str:
    names = {
        "minimum": "from",
        "exclusiveMinimum": "above",
        "maximum": "to",
        "minLength": "from",
        "maxLength": "to",
        "minItems": "from",
        "maxItems": "to",
        "default": "default",
        "format": "",
    }
    said = [
        f"{word} {_plain(schema[name])}".strip()
        for name, word in names.items()
        if name in schema and schema[name] not in (None, {}, [])
    ]
    return f", {' '.join(said)}" if said else ""


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _text(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES: Final = {"authority.md": authority_page, "http-api.md": api_page}


def main(arguments: Sequence[str]) -> int:
    """Print or write the pages."""
    parser = argparse.ArgumentParser(description="The pages of the HTTP face.")
    parser.add_argument("--write", action="store_true", help="write docs/reference/")
    chosen = parser.parse_args(arguments)
    description = build_description()
    for name, page in PAGES.items():
        if chosen.write:
            (REFERENCE / name).write_text(page(description), encoding="utf-8")
        else:
            sys.stdout.write(f"==> {name}\n{page(description)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
