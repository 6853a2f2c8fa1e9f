"""What a journey did, kept for the fuzzer: its requests and the names that came of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from pytest_sr.world.accounts import ActorName
from pytest_sr.world.world import Answer, World
from sr_core.api.app import build_description

_PLACE = re.compile(r"{(\w+)(?::\w+)?}")


class Recording:
    """A world whose accepted requests are remembered."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.parameters: dict[str, list[str]] = defaultdict(list)
        self.requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._routes = [
            (f"{each.method} {each.path}", each.method, _pattern(each.path))
            for each in build_description().operations
        ]

    async def ask(
        self,
        actor: ActorName,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
    ) -> Answer:
        """See `World.ask`."""
        answer = await self._world.ask(actor, method, path, body)
        if answer.is_accepted:
            self.remember(method, path, body)
            for name, value in _names(answer.body):
                self._know(name, value)
        return answer

    async def upload(
        self, actor: ActorName, path: str, *, filename: str, data: bytes
    ) -> Answer:
        """See `World.upload`; a form is not remembered."""
        answer = await self._world.upload(actor, path, filename=filename, data=data)
        for name, value in _names(answer.body):
            self._know(name, value)
        return answer

    def remember(
        self, method: str, path: str, body: object, *, first: bool = False
    ) -> None:
        """Remember a request that is in order; before the others of its kind, if asked."""
        parts = urlsplit(path)
        for label, its_method, pattern in self._routes:
            matched = pattern.fullmatch(parts.path)
            if matched is None or its_method != method:
                continue
            names = {name: unquote(it) for name, it in matched.groupdict().items()}
            for name, value in names.items():
                self._know(name, value)
            request = {
                "path": names,
                "query": dict(parse_qsl(parts.query)),
                "body": body,
            }
            known = self.requests[label]
            known.insert(0 if first else len(known), request)
            return
        message = f"no operation {method} {path}"
        raise AssertionError(message)

    def seeds(self) -> dict[str, Any]:
        """Return what was remembered."""
        return {"parameters": self.parameters, "requests": self.requests}

    def _know(self, name: str, value: str) -> None:
        if value not in self.parameters[name]:
            self.parameters[name].append(value)


class Withheld:
    """A world that is asked, but told nothing: what would change it is left to the fuzzer.

    So steps say what a request has to be that can succeed only once.
    """

    def __init__(self, recording: Recording) -> None:
        self._recording = recording

    async def ask(
        self,
        actor: ActorName,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
    ) -> Answer:
        """Ask, or keep the request for the fuzzer."""
        if method == "GET":
            return await self._recording.ask(actor, method, path, body)
        self._recording.remember(method, path, body, first=True)
        return Answer(status=0, code="WITHHELD", body={})


def _pattern(path: str) -> re.Pattern[str]:
    """Return what matches the path; a blob's name alone may hold slashes."""
    pattern = _PLACE.sub(r"(?P<\1>[^/]+)", path)
    return re.compile(pattern.replace("/blobs/(?P<name>[^/]+)", "/blobs/(?P<name>.+)"))


def _names(body: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield each field of an answer that names something, with its value."""
    for name, value in body.items():
        if isinstance(value, str) and re.fullmatch(r"\w+_(id|hash)", name):
            yield name, value
