"""R-ENC-17, R-API-16: a secret is in nothing that comes out, whatever form it takes.

    planted    a KEK, the keeper's client secret, tokens, passwords, restricted evidence
    done       handed in, read, refused, spoilt, without Infisical, with every call of
               the ciphers raising
    searched   log, events, rows, metrics, answers, stored objects, messages, exceptions

The control takes the mask out of the log, and the secrets are found.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import pickle
import traceback
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import pytest

from pytest_sr.faults.keeper import How, spoil_kek, trouble_keeper
from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.steps.platform import prepare_candidate
from pytest_sr.steps.restricted import hand_in_secret, read_evidence
from pytest_sr.steps.runner import start_elsewhere
from pytest_sr.world import operator
from pytest_sr.world.accounts import Accounts
from pytest_sr.world.clear import SECRET
from pytest_sr.world.world import Template, World, _admin, world
from sr_core.adapters.system import SystemClock
from sr_core.bootstrap.logs import Masker, start_logging
from sr_core.bootstrap.settings import parse_settings
from sr_core.codec import crypto, floe, key_record
from sr_core.domain.kek import KekRef, parse_kek, parse_kek_id

pytestmark = pytest.mark.anyio

TROUBLES: tuple[How, ...] = ("down", "unauthorised", "token-error", "approval")


def forms(secret: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the forms in which a secret would get about, by name."""
    yield "plain", secret
    yield "reversed", secret[::-1]
    yield "hex", secret.hex().encode()
    yield "url", quote(secret, safe="").encode()
    with suppress(UnicodeDecodeError):
        yield "json", json.dumps(secret.decode())[1:-1].encode()
    for skipped in range(3):
        whole = secret[skipped:][: len(secret[skipped:]) // 3 * 3]
        yield f"base64 at {skipped}", base64.b64encode(whole)
        yield f"base64url at {skipped}", base64.urlsafe_b64encode(whole)


def searched(sinks: Mapping[str, bytes], planted: Mapping[str, bytes]) -> Iterator[str]:
    """Yield which secret is where, in which form."""
    for secret, canary in planted.items():
        for form, text in forms(canary):
            assert len(text) > 6, f"{secret} is too short to be told from chance"
            yield from (
                f"{secret} in {sink}, {form}"
                for sink, data in sinks.items()
                if text in data
            )


@dataclass
class Canaries:
    """A world with secrets in it, and everything that came out of it."""

    world: World
    log: io.StringIO
    answers: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    planted: dict[str, bytes] = field(default_factory=dict)

    async def plant(self) -> None:
        told = self.world.environment
        dsn = urlsplit(told["SR_DATABASE_URL"])
        key = await self.world.keeper.text(self.world.keeper.key_name(1))
        headers = await self.world._accounts.headers("human")  # noqa: SLF001 - its token
        assert key is not None
        assert dsn.password is not None
        self.planted = {
            "KEK": base64.b64decode(key.removeprefix("base64:")),
            "client secret": told["INFISICAL_CLIENT_SECRET"].encode(),
            "database password": unquote(dsn.password).encode(),
            "store's key": told["SR_MINIO_SECRET_KEY"].encode(),
            "bus password": told["SR_NATS_PASSWORD"].encode(),
            "token": headers["authorization"].removeprefix("Bearer ").encode(),
            "evidence": SECRET,
        }

    async def sinks(self) -> Mapping[str, bytes]:
        """Return all that came out, each channel read past the platform."""
        channel = self.world.channel
        client = self.world._client  # noqa: SLF001 - what no step asks for
        metrics = [
            (await client.get(path)).content
            for path in ("/api/v1/metrics", "/metrics/prometheus", "/ready", "/health")
        ]
        log = await channel.raw_log()
        return {
            "log": self.log.getvalue().encode(),
            "events": b"\n".join(bytes(each.envelope) for each in log),
            "rows": json.dumps(await channel.rows(), default=str).encode(),
            "metrics": b"\n".join(metrics),
            "answers": "\n".join(self.answers).encode(),
            "objects": b"\n".join(self.objects()),
            "exceptions": "\n".join(self.raised).encode(),
        }

    def objects(self) -> Iterator[bytes]:
        client = _admin(self.world.stack)
        for bucket in self.world.buckets.names:
            for each in client.list_objects(bucket, recursive=True):
                yield str(each.object_name).encode()
                yield client.get_object(bucket, str(each.object_name)).read()

    async def hits(self) -> list[str]:
        """Return which secret is where, in which form; every sink has something."""
        sinks = await self.sinks()
        assert [name for name, data in sinks.items() if not data] == []
        print(  # noqa: T201 - a figure
            f"{len(self.planted)} secrets, {len([*forms(b'x' * 32)])} forms, in",
            ", ".join(f"{name} ({len(data)} bytes)" for name, data in sinks.items()),
        )
        return [*searched(sinks, self.planted)]

    async def live(self, monkeypatch) -> None:
        """Do all that makes use of a secret, well and badly."""
        world_, refused = self.world, []
        made = await prepare_candidate(world_)
        run = await start_elsewhere(world_, candidate=made.candidate)
        held = await hand_in_secret(world_, run=run.run)
        assert held.answer.is_accepted
        await self.plant()
        real = world_.ask

        async def ask(*args: Any, **more: Any) -> Any:
            answer = await real(*args, **more)
            self.answers.append(f"{answer.status} {json.dumps(answer.body)}")
            refused.append(answer.status)
            return answer

        read = await read_evidence(world_, bundle=held.evidence)
        assert read.answer.body["content"] == base64.b64encode(SECRET).decode()
        monkeypatch.setattr(world_, "ask", ask)
        for by in ("bystander", "nobody"):
            await read_evidence(world_, bundle=held.evidence, by=by)
        for kept in ("missing", "wrong", "short", "retired"):
            async with spoil_kek(world_, do=kept) as landing:
                assert landing.landed
                await operator.keks_forgotten()
                await read_evidence(world_, bundle=held.evidence)
        for how in TROUBLES:
            async with trouble_keeper(world_, do=how) as landing:
                assert landing.landed
                await operator.keks_forgotten()
                await read_evidence(world_, bundle=held.evidence)
        await self.ciphers_raise(monkeypatch, held.evidence)
        assert min(refused) >= 400, "all of it is refused"

    async def ciphers_raise(self, monkeypatch, bundle: str) -> None:
        async with AsyncExitStack() as exits:
            patched = exits.enter_context(monkeypatch.context())
            for owner in (crypto, floe, key_record):
                for name in ("derived", "expanded", "is_same"):
                    if hasattr(owner, name):
                        patched.setattr(owner, name, raising(name))
            answer = await read_evidence(self.world, bundle=bundle)
            assert answer.answer.status == 500


def raising(name: str) -> Any:
    def call(*_: object, **__: object) -> None:
        msg = f"{name} does not work today"
        raise RuntimeError(msg)

    return call


@pytest.fixture
async def canaries(stack: StackAddresses, worlds: Template) -> AsyncIterator[Canaries]:
    accounts, log = Accounts(stack.issuer), io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    async with world(
        stack, worlds, accounts, system="in-process", sandbox="plain"
    ) as made:
        start_logging(
            style="json",
            level="trace",
            secrets=parse_settings(made.environment).secrets,
            clock=SystemClock(),
            stream=log,
        )
        try:
            yield Canaries(made, log)
        finally:
            root.handlers[:], level = before
            root.setLevel(level)


async def test_no_secret_comes_out_in_any_form(canaries, monkeypatch):
    await canaries.live(monkeypatch)
    settings = parse_settings(canaries.world.environment)
    kek = parse_kek(
        f"base64:{base64.b64encode(canaries.planted['KEK']).decode()}",
        ref=KekRef(id=parse_kek_id("a-kek"), version=1),
    )
    for told in (kek, kek.key, settings, settings.keks):
        canaries.raised.append(f"{told!r} {told!s}")
    for told in (kek, kek.key):
        try:
            canaries.raised.append(pickle.dumps(told).hex())
        except TypeError:
            canaries.raised.append(traceback.format_exc())

    assert await canaries.hits() == []


async def test_control_without_the_mask_the_log_has_them(canaries, monkeypatch):
    await canaries.live(monkeypatch)
    monkeypatch.setattr(Masker, "masked", lambda _, text: text)
    canaries.raised.append("nothing")
    for name in ("client secret", "database password", "store's key", "bus password"):
        said = canaries.planted[name].decode()
        for form in (
            said,
            said.encode().hex(),
            base64.b64encode(said.encode()).decode(),
        ):
            logging.getLogger("sr_core").error("a driver says %s", form)

    found = await canaries.hits()

    assert {each.partition(",")[0] for each in found} == {
        f"{name} in log"
        for name in (
            "client secret",
            "database password",
            "store's key",
            "bus password",
        )
    }


@pytest.mark.parametrize("at", range(3))
def test_control_each_form_is_found_wherever_it_begins(at):
    canary = b'a "canary" of many bytes/+'
    for form, text in forms(canary):
        whole = b"\0" * at + canary
        said = {
            "base64": base64.b64encode(whole),
            "base64url": base64.urlsafe_b64encode(whole),
        }.get(form.partition(" ")[0], text)
        found = [*searched({"a sink": b"... " + said + b" ..."}, {"canary": canary})]
        assert found, f"{form} is overlooked"
