"""A form (``multipart/form-data``) taken apart as it comes, in bounded memory.

    form = Form(request)
    part = await form.next()      None at the end
    async for piece in form.content():
        use(piece)

Each part is taken to its end before the next one. The end comes only if the form is
whole, and the body is the one that its ``Content-Digest`` announces.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from litestar import Request
from multipart import MultipartError, MultipartSegment, PushMultipartParser

from sr_core.api.digests import streamed
from sr_core.domain.errors import MalformedInput

PARTS_MAX: Final = 4096
FILE: Final = {"type": "string", "format": "binary"}
"""How OpenAPI says of a part that it has bytes."""
FORM_TYPE: Final = "multipart/form-data"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The head of one part."""

    name: str
    filename: str | None
    media_type: str | None


class Form:
    """The form that a request's body is."""

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        media_type, options = request.content_type
        if media_type != FORM_TYPE or not options.get("boundary"):
            raise MalformedInput(
                field="body",
                found=media_type[:128],
                expected=f"{FORM_TYPE} with a boundary",
            )
        self._body = streamed(request)
        self._parser = PushMultipartParser(
            options["boundary"], max_segment_count=PARTS_MAX, strict=True
        )
        self._events: deque[MultipartSegment | bytes | None] = deque()

    async def next(self) -> Part | None:
        """Return the head of the next part, None if there is none.

        Raises:
            MalformedInput: the form is not whole, or none.

        """
        event = await self._event()
        if event is None:
            return None
        assert isinstance(event, MultipartSegment), "a part is read to its end before"
        return Part(
            name=event.name or "",
            filename=event.filename,
            media_type=event.content_type,
        )

    async def content(self) -> AsyncGenerator[bytes, None]:
        """Yield what is in the part, as it comes."""
        while event := await self._event():
            assert not isinstance(event, MultipartSegment), (
                "a part ends before the next"
            )
            yield bytes(event)

    async def _event(self) -> MultipartSegment | bytes | None:
        """Return what the parser says next; None is the end of a part, or of all."""
        while not self._events:
            if self._parser.closed:
                await self._finish()
                return None
            self._parse(await anext(self._body, b""))
        return self._events.popleft()

    def _parse(self, piece: bytes) -> None:
        try:
            self._events.extend(self._parser.parse(piece))
        except MultipartError as error:
            raise _malformed(str(error)) from error

    async def _finish(self) -> None:
        """Read what follows the form, which means nothing; the digest is of it too."""
        async for _ in self._body:
            pass


def _malformed(why: str) -> MalformedInput:
    return MalformedInput(
        field="body", found=why[:128], expected="a form that is whole"
    )


def form_schema(
    description: str,
    properties: Mapping[str, Any],
    *,
    required: Sequence[str],
    others: object = False,
) -> dict[str, Any]:
    """Return how a form is told in OpenAPI; `others` are the parts without a name here."""
    schema = {
        "type": "object",
        "properties": dict(properties),
        "required": list(required),
        "additionalProperties": others,
    }
    return {
        "required": True,
        "description": description,
        "content": {FORM_TYPE: {"schema": schema}},
    }
