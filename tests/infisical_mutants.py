"""The adapter for Infisical and the cache of KEKs, broken from outside, one way at a time.

    python -m tests.infisical_mutants        prints which tests fail, for each mutant

Each mutant is what somebody could have written instead; the first six are mistakes that
were made elsewhere. A mutant says which attributes it replaces, and by what. Of the suite
only the class is run that has to kill it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager, redirect_stdout
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from pytest_sr.mutants.base import Patch, inside
from sr_core.adapters.infisical import secrets, session, wire
from sr_core.adapters.infisical.secrets import SecretFolder
from sr_core.adapters.infisical.session import Session
from sr_core.adapters.infisical.wire import Answer, Call, Wire
from sr_core.application.kek_cache import KekCache

Mutant = Callable[[], tuple[Patch, ...]]

_where = inside(SecretFolder, "_where")
_question = inside(SecretFolder, "_question")
_body_call = inside(SecretFolder, "_body_call")
_path = inside(SecretFolder, "_path")
_current = inside(Session, "_current")


def drop_the_folder() -> tuple[Patch, ...]:
    def where(self: SecretFolder) -> dict[str, str]:
        told: dict[str, str] = _where(self)
        return {name: told[name] for name in told if name != "secretPath"}

    return (Patch(owner=SecretFolder, name="_where", value=where),)


def ignore_the_version() -> tuple[Patch, ...]:
    def question(self: SecretFolder, place: secrets.Place, _: int | None) -> Call:
        call: Call = _question(self, place, None)
        return call

    return (Patch(owner=SecretFolder, name="_question", value=question),)


def retry_a_post() -> tuple[Patch, ...]:
    def body_call(self: SecretFolder, *told: Any) -> Call:
        call: Call = _body_call(self, *told)
        return replace(call, is_repeatable=True)

    return (Patch(owner=SecretFolder, name="_body_call", value=body_call),)


def cache_for_ever() -> tuple[Patch, ...]:
    return (Patch(owner=KekCache, name="_is_fresh", value=lambda _, __: True),)


def follow_a_redirect() -> tuple[Patch, ...]:
    class Follower(httpx.AsyncClient):
        def __init__(self, **told: Any) -> None:
            super().__init__(**{**told, "follow_redirects": True})

    class Httpx:
        """The library, with another client."""

        AsyncClient = Follower

        def __getattr__(self, name: str) -> Any:
            return getattr(httpx, name)

    return (Patch(owner=wire, name="httpx", value=Httpx()),)


def post_to_raw() -> tuple[Patch, ...]:
    def body_call(self: SecretFolder, method: str, *told: Any) -> Call:
        call: Call = _body_call(self, method, *told)
        return replace(call, path="/api/v3/secrets/raw") if method == "POST" else call

    return (Patch(owner=SecretFolder, name="_body_call", value=body_call),)


def delete_without_a_body() -> tuple[Patch, ...]:
    def body_call(self: SecretFolder, method: str, *told: Any) -> Call:
        call: Call = _body_call(self, method, *told)
        return replace(call, body=None) if method == "DELETE" else call

    return (Patch(owner=SecretFolder, name="_body_call", value=body_call),)


def believe_any_answer() -> tuple[Patch, ...]:
    def nothing(*_: object) -> None:
        """Require nothing."""

    return (Patch(owner=SecretFolder, name="_require_asked", value=nothing),)


def believe_any_write() -> tuple[Patch, ...]:
    def nothing(*_: object) -> None:
        """Refuse nothing."""

    return (Patch(owner=secrets, name="_refuse_approval", value=nothing),)


def take_the_mask_for_a_value() -> tuple[Patch, ...]:
    return (Patch(owner=secrets, name="HIDDEN_VALUE", value="<another mask>"),)


def take_403_for_401() -> tuple[Patch, ...]:
    is_of_the_token = property(lambda self: self.status in (401, 403))
    return (Patch(owner=Answer, name="is_of_the_token", value=is_of_the_token),)


def take_a_token_error_for_a_refusal() -> tuple[Patch, ...]:
    is_of_the_token = property(lambda self: self.status == 401)
    return (Patch(owner=Answer, name="is_of_the_token", value=is_of_the_token),)


def retry_everything() -> tuple[Patch, ...]:
    worth: Callable[[int], bool] = lambda status: status >= 400  # noqa: E731
    return (Patch(owner=wire, name="is_worth_repeating", value=worth),)


def never_ask_again() -> tuple[Patch, ...]:
    return (Patch(owner=wire, name="ATTEMPTS_MAX", value=1),)


def come_back_too_early() -> tuple[Patch, ...]:
    return (Patch(owner=wire, name="asked_pause_s", value=lambda _, __: None),)


def hammer_the_login() -> tuple[Patch, ...]:
    return (Patch(owner=session, name="LOGIN_REFUSED_S", value=0.0),)


def never_renew() -> tuple[Patch, ...]:
    return (Patch(owner=session, name="RENEW_AT", value=9.0),)


def let_everybody_log_in() -> tuple[Patch, ...]:
    class NoLock:
        async def __aenter__(self) -> None:
            await asyncio.sleep(0)

        async def __aexit__(self, *_: object) -> None:
            """Let go of nothing."""

    class Asyncio:
        """The library, with a lock that locks nothing."""

        Lock = NoLock

        def __getattr__(self, name: str) -> Any:
            return getattr(asyncio, name)

    return (Patch(owner=session, name="asyncio", value=Asyncio()),)


def wait_for_ever() -> tuple[Patch, ...]:
    @asynccontextmanager
    async def operation(_: Wire) -> Any:
        async with asyncio.timeout(2):
            yield

    return (Patch(owner=Wire, name="operation", value=operation),)


def give_out_stale_keys() -> tuple[Patch, ...]:
    def stale(self: KekCache, key: Any) -> Any:
        entry = self._entries.get(key)
        return None if entry is None else entry.kek

    return (Patch(owner=KekCache, name="_stale", value=stale),)


def keep_keys_after_a_refusal() -> tuple[Patch, ...]:
    def nothing(_: KekCache) -> None:
        """Forget nothing."""

    return (Patch(owner=KekCache, name="forget", value=nothing),)


def keep_every_key() -> tuple[Patch, ...]:
    def keep(self: KekCache, key: Any, entry: Any) -> None:
        self._entries[key] = entry

    return (Patch(owner=KekCache, name="_keep", value=keep),)


SUITE: Final = ("test_infisical.py", "test_infisical_wire.py", "test_kek_cache.py")
KILLED_BY: Final[Mapping[Mutant, str]] = {
    drop_the_folder: "TestTheQuestion",
    ignore_the_version: "TestTheQuestion",
    retry_a_post: "TestWriting",
    cache_for_ever: "TestTheCache",
    follow_a_redirect: "TestWhoIsAsked",
    post_to_raw: "TestWriting",
    delete_without_a_body: "TestWriting",
    believe_any_answer: "TestTheAnswer",
    believe_any_write: "TestWriting",
    take_the_mask_for_a_value: "TestTheAnswer",
    take_403_for_401: "TestOurToken",
    take_a_token_error_for_a_refusal: "TestOurToken",
    retry_everything: "TestAskingAgain",
    never_ask_again: "TestAskingAgain",
    come_back_too_early: "TestAskingAgain",
    hammer_the_login: "TestOurToken",
    never_renew: "TestOurToken",
    let_everybody_log_in: "TestOurToken",
    wait_for_ever: "TestDeadlines",
    give_out_stale_keys: "TestTheCache",
    keep_keys_after_a_refusal: "TestTheCache",
    keep_every_key: "TestTheCache",
}
MUTANTS: Final[Mapping[str, Mutant]] = {
    each.__name__.replace("_", " "): each for each in KILLED_BY
}


class Failures:
    """A plugin of pytest that keeps which tests failed, and whether any ran."""

    def __init__(self) -> None:
        self.failed: list[str] = []
        self.ran = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take note of one phase of one test."""
        self.ran += report.when == "call"
        if report.failed:
            self.failed.append(report.nodeid.partition("::")[2])


def failures(chosen: str, mutant: Mutant | None = None) -> Failures:
    """Run what of the suite is chosen, up to a failure, over the adapter so broken."""
    noted = Failures()
    patches = mutant() if mutant else ()
    with pytest.MonkeyPatch.context() as patching:
        for each in patches:
            patching.setattr(each.owner, each.name, each.value)
        with redirect_stdout(StringIO()):
            pytest.main(
                [
                    *("-x", "-q", "-n", "0", "-p", "no:cacheprovider"),
                    *("-k", chosen),
                    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
                    *(str(Path(__file__).parent / "contract" / each) for each in SUITE),
                ],
                plugins=[noted],
            )
    return noted


def main() -> None:
    """Print, as JSON, what failed for each mutant, and for none."""
    chosen = " or ".join(sorted(set(KILLED_BY.values())))
    control = failures(chosen)
    killed = {
        name: failures(KILLED_BY[each], each).failed for name, each in MUTANTS.items()
    }
    told = {"ran": control.ran, "control": control.failed, "killed": killed}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
