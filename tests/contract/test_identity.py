"""The Identity port over a real JWKS endpoint: rotation, floods and outages."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sr_core.adapters.memory.actor_kinds import MemoryKindBindings
from sr_core.adapters.oidc.actor_kinds import KindRules
from sr_core.adapters.oidc.identity import OidcIdentity, OidcSettings
from sr_core.domain.actors import ActorKind
from sr_core.ports.errors import Unavailable
from sr_core.ports.identity import (
    Identity,
    KindChanged,
    NotAuthenticated,
    NotIdentified,
)

pytestmark = pytest.mark.anyio

ISSUER = "https://id.example"
NOW = datetime(2026, 3, 4, 12, tzinfo=UTC)
MAX_AGE_S, MAX_STALE_S, COOLDOWN_S = 300, 3600, 30
MIB = 1024 * 1024


@pytest.fixture
def anyio_backend():
    return "asyncio"


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Key:
    """One of the provider's signing keys."""

    def __init__(self, kid: str) -> None:
        self.kid = kid
        self._private = Ed25519PrivateKey.generate()
        x = b64(self._private.public_key().public_bytes_raw())
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "kid": kid, "use": "sig", "x": x}

    def token(self, **changes: Any) -> str:
        header = {"alg": "Ed25519", "kid": self.kid, "typ": "at+jwt"}
        claims = {
            "iss": ISSUER,
            "aud": "sr",
            "sub": "alice",
            "azp": "web",
            "exp": int(NOW.timestamp()) + 600,
            "roles": ["human"],
            "amr": ["pwd"],
            "auth_time": int(NOW.timestamp()),
            **changes,
        }
        text = ".".join(b64(json.dumps(part).encode()) for part in (header, claims))
        return f"{text}.{b64(self._private.sign(text.encode()))}"


def answer(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}"
    return f"{head}Connection: close\r\n\r\n".encode() + body


def published(*keys: Key) -> bytes:
    return answer(json.dumps({"keys": [key.jwk for key in keys]}).encode())


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HANGING = None
"""An answer that never comes."""


class Provider:
    """A JWKS endpoint on loopback, which counts how often it is asked."""

    def __init__(self, *keys: Key) -> None:
        self.fetches = 0
        self.answer: bytes | Talk | None = published(*keys)
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self.uri = ""

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        self.uri = f"http://127.0.0.1:{port}/keys"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()
        if self._talks:
            await asyncio.wait(self._talks, timeout=5)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        try:
            await reader.readuntil(b"\r\n\r\n")
            self.fetches += 1
            await self._reply(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # whoever asked has hung up
        finally:
            writer.close()

    async def _reply(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self.answer is HANGING:
            await reader.read()
        elif isinstance(self.answer, bytes):
            writer.write(self.answer)
            await writer.drain()
        else:
            await self.answer(reader, writer)


class Dial:
    """A monotonic clock that stands where it is put."""

    def __init__(self) -> None:
        self.at = 5_000.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def key():
    return Key("first")


@pytest.fixture
async def provider(key):
    made = Provider(key)
    await made.open()
    yield made
    await made.close()


@pytest.fixture
def dial():
    return Dial()


@asynccontextmanager
async def opened(uri: str, dial: Dial, **changes: Any) -> AsyncIterator[OidcIdentity]:
    kinds = KindRules(frozenset({"web"}), frozenset({"coder"}), frozenset({"governor"}))
    whole: dict[str, Any] = {
        "issuer": ISSUER,
        "audience": "sr",
        "jwks_uri": uri,
        "kinds": kinds,
        "max_age_s": MAX_AGE_S,
        "max_stale_s": MAX_STALE_S,
        "cooldown_s": COOLDOWN_S,
        **changes,
    }
    settings = OidcSettings(**whole)
    identity = OidcIdentity(
        settings, now=lambda: NOW, monotonic=dial, bindings=MemoryKindBindings()
    )
    try:
        yield identity
    finally:
        await identity.aclose()


@pytest.fixture
async def identity(provider, dial):
    async with opened(provider.uri, dial) as made:
        yield made


async def is_known(identity: Identity, token: str) -> bool:
    try:
        await identity.actor_of(token)
    except NotAuthenticated:
        return False
    return True


class TestActorOf:
    """The port itself: token in, actor or one of three refusals out."""

    async def test_a_human(self, identity: Identity, key):
        actor = await identity.actor_of(key.token())

        assert actor.kind is ActorKind.HUMAN
        assert actor.actor_id.endswith(":alice")
        assert actor.roles == {"human"}

    async def test_an_agent(self, identity, key):
        actor = await identity.actor_of(key.token(azp="coder", roles=["agent"]))

        assert (actor.kind, actor.actor_id) == (ActorKind.AGENT, "agent:coder:alice")

    async def test_genuine_but_of_no_kind(self, identity, key):
        with pytest.raises(NotIdentified):
            await identity.actor_of(key.token(roles=["release"]))

    @pytest.mark.parametrize(
        "claims",
        [{"iss": "https://evil.example"}, {"aud": "other"}, {"exp": 1}, {"nonce": "n"}],
        ids=repr,
    )
    async def test_not_for_us(self, identity, key, claims):
        with pytest.raises(NotAuthenticated):
            await identity.actor_of(key.token(**claims))

    async def test_signed_by_somebody_else(self, identity, key):
        with pytest.raises(NotAuthenticated) as caught:
            await identity.actor_of(Key(key.kid).token())

        assert caught.value.reason == "the signature is not the key's"

    @pytest.mark.parametrize("token", ["", "x", "a.b.c", "a" * 100_000])
    async def test_what_is_no_token_asks_nobody(self, identity, provider, token):
        with pytest.raises(NotAuthenticated):
            await identity.actor_of(token)

        assert provider.fetches == 0

    async def test_one_message_for_the_outside(self, identity, key):
        messages = set()
        for token in ("", Key("other").token(), Key(key.kid).token(), key.token(exp=1)):
            with pytest.raises(NotAuthenticated) as caught:
                await identity.actor_of(token)
            messages.add(str(caught.value))

        assert len(messages) == 1


class TestBinding:
    """R-API-1: a subject is of the kind that it first proved to be, and of no other."""

    async def test_it_stays_what_it_was(self, identity, key):
        await identity.actor_of(key.token())

        assert (await identity.actor_of(key.token())).kind is ActorKind.HUMAN

    async def test_an_agent_never_becomes_a_human(self, identity, key):
        await identity.actor_of(key.token(azp="coder", roles=["agent"]))

        with pytest.raises(KindChanged, match="bound to AGENT"):
            await identity.actor_of(key.token())

    async def test_a_human_never_becomes_a_system(self, identity, key):
        await identity.actor_of(key.token())

        with pytest.raises(KindChanged, match="bound to HUMAN"):
            await identity.actor_of(key.token(azp="governor", roles=["system"]))

    async def test_what_is_refused_binds_nothing(self, identity, key):
        with pytest.raises(NotIdentified):
            await identity.actor_of(key.token(azp="coder", roles=["human"]))

        assert (await identity.actor_of(key.token())).kind is ActorKind.HUMAN

    async def test_another_subject_is_another(self, identity, key):
        await identity.actor_of(key.token(azp="coder", roles=["agent"]))

        actor = await identity.actor_of(key.token(sub="bob"))

        assert actor.kind is ActorKind.HUMAN


class TestFetching:
    """R-API-5: where keys come from, and how often."""

    async def test_keys_are_fetched_when_first_needed_and_kept(
        self, identity, provider, key, dial
    ):
        for _ in range(100):
            await identity.actor_of(key.token())
        dial.at += MAX_AGE_S - 1
        await identity.actor_of(key.token())

        assert provider.fetches == 1
        assert identity.keys_age_s == MAX_AGE_S - 1

    async def test_fifty_at_once_lead_to_one_fetch(self, identity, provider, key):
        await asyncio.gather(*(identity.actor_of(key.token()) for _ in range(50)))

        assert provider.fetches == 1

    @pytest.mark.parametrize(
        "status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"]
    )
    async def test_a_redirect_is_not_followed(self, identity, provider, key, status):
        target = Provider(key)
        await target.open()
        location = f"Location: {target.uri}\r\n"
        provider.answer = answer(b"", status=status, headers=location)

        with pytest.raises(Unavailable):
            await identity.actor_of(key.token())

        assert (provider.fetches, target.fetches) == (1, 0)
        await target.close()

    async def test_a_proxy_is_not_asked(self, provider, key, dial, monkeypatch):
        proxy = Provider(key)
        await proxy.open()
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.uri.removesuffix("/keys"))

        async with opened(provider.uri, dial) as identity:
            await identity.actor_of(key.token())

        assert (provider.fetches, proxy.fetches) == (1, 0)
        await proxy.close()

    async def test_a_caller_who_hangs_up_does_not_end_the_fetch(
        self, identity, provider, key
    ):
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def in_its_own_time(_reader, writer):
            asked.set()
            await go_on.wait()
            writer.write(published(key))

        provider.answer = in_its_own_time
        impatient = asyncio.create_task(identity.actor_of(key.token()))
        await asked.wait()
        impatient.cancel()
        await asyncio.wait([impatient])
        go_on.set()

        await identity.actor_of(key.token())

        assert provider.fetches == 1

    async def test_a_fetch_that_outlasts_the_cooldown_is_joined(
        self, identity, provider, key, dial
    ):
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def in_its_own_time(_reader, writer):
            asked.set()
            await go_on.wait()
            writer.write(published(key))

        provider.answer = in_its_own_time
        first = asyncio.create_task(identity.actor_of(key.token()))
        await asked.wait()
        dial.at += COOLDOWN_S
        second = asyncio.create_task(identity.actor_of(key.token()))
        await asyncio.wait([second], timeout=0.05)
        go_on.set()

        await asyncio.gather(first, second)

        assert provider.fetches == 1

    async def test_an_endless_answer_is_cut_short(self, identity, provider, key):
        sent = 0

        async def endless(_reader, writer):
            nonlocal sent
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while sent < 64 * MIB:
                writer.write(b" " * MIB)
                await writer.drain()
                sent += MIB

        provider.answer = endless

        with pytest.raises(Unavailable):
            await identity.actor_of(key.token())

        await provider.close()
        assert sent < 32 * MIB


class TestRotation:
    """R-API-6: keys come and go, and nobody can make us ask without end."""

    async def test_a_new_key_works_after_one_refresh(
        self, identity, provider, key, dial
    ):
        await identity.actor_of(key.token())
        new = Key("second")
        provider.answer = published(key, new)
        dial.at += COOLDOWN_S

        await identity.actor_of(new.token())
        await identity.actor_of(key.token())

        assert provider.fetches == 2

    async def test_a_removed_key_dies_with_the_age(self, identity, provider, key, dial):
        await identity.actor_of(key.token())
        provider.answer = published(Key("second"))
        dial.at += MAX_AGE_S

        assert not await is_known(identity, key.token())

    async def test_a_key_replaced_under_its_name_dies_too(
        self, identity, provider, key, dial
    ):
        await identity.actor_of(key.token())
        new = Key(key.kid)
        provider.answer = published(new)
        dial.at += MAX_AGE_S

        assert not await is_known(identity, key.token())
        assert await is_known(identity, new.token())

    async def test_a_flood_of_unknown_names(self, identity, provider, key, dial):
        await identity.actor_of(key.token())
        strangers = [Key(f"stranger-{number}").token() for number in range(1000)]

        at_once = await asyncio.gather(
            *(is_known(identity, token) for token in strangers)
        )
        within_cooldown = provider.fetches
        dial.at += COOLDOWN_S
        later = await asyncio.gather(
            *(is_known(identity, token) for token in strangers)
        )

        assert not any(at_once + later)
        assert (within_cooldown, provider.fetches) == (1, 2), "one fetch a cooldown"
        assert await is_known(identity, key.token()), "nothing was evicted"

    async def test_known_keys_do_not_wait_for_a_strangers_refresh(
        self, identity, provider, key, dial
    ):
        await identity.actor_of(key.token())
        provider.answer = HANGING
        dial.at += COOLDOWN_S
        stranger = asyncio.create_task(identity.actor_of(Key("stranger").token()))
        while provider.fetches < 2:
            await asyncio.wait([stranger], timeout=0.001)

        async with asyncio.timeout(1):
            await identity.actor_of(key.token())

        assert not stranger.done()
        stranger.cancel()
        await asyncio.wait([stranger])


async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer a byte at a time, for as long as somebody listens."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        try:
            await asyncio.wait_for(reader.read(), timeout=0.01)
        except TimeoutError:
            continue
        return  # whoever asked has hung up


BROKEN: dict[str, bytes | Talk | None] = {
    "garbage": answer(b"<html>maintenance</html>"),
    "empty": answer(b""),
    "no keys": published(),
    "half an answer": published(Key("second"))[:-20],
    "no HTTP": b"SSH-2.0-OpenSSH\r\n",
    "only unfit keys": answer(b'{"keys": [{"kty": "oct", "kid": "k", "k": "AAAA"}]}'),
    "an error": answer(b'{"keys": []}', status="500 Internal Server Error"),
    "an error with keys": published(Key("second")).replace(b"200 OK", b"503 Busy"),
    "too many keys": published(*(Key(str(number)) for number in range(33))),
    "too large": answer(b" " * 65_537),
    "compressed": answer(b"\x1f\x8b\x08", headers="Content-Encoding: gzip\r\n"),
    "nothing ever": HANGING,
    "a drip": dripping,
}


class TestOutage:
    """R-API-7: the last good keys serve until they are too old, and then none does."""

    @pytest.fixture
    async def hurried(self, provider, dial):
        async with opened(provider.uri, dial, deadline_s=0.2) as made:
            yield made

    @pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
    async def test_without_keys_nobody_is_judged(self, hurried, provider, key, broken):
        provider.answer = broken

        async with asyncio.timeout(5):
            with pytest.raises(Unavailable, match="the identity provider"):
                await hurried.actor_of(key.token())

    @pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
    async def test_good_keys_serve_until_they_are_too_old(
        self, hurried, provider, key, dial, broken
    ):
        await hurried.actor_of(key.token())
        provider.answer = broken
        dial.at += MAX_STALE_S

        async with asyncio.timeout(5):
            await hurried.actor_of(key.token())
            dial.at += 1
            with pytest.raises(Unavailable):
                await hurried.actor_of(key.token())

    async def test_nobody_listens(self, provider, key, dial):
        await provider.close()

        async with opened(provider.uri, dial) as identity:
            with pytest.raises(Unavailable):
                await identity.actor_of(key.token())

    async def test_an_unknown_name_is_left_open_while_the_provider_fails(
        self, identity, provider, key, dial
    ):
        await identity.actor_of(key.token())
        provider.answer = BROKEN["an error"]
        dial.at += COOLDOWN_S

        with pytest.raises(Unavailable):
            await identity.actor_of(Key("second").token())

    async def test_a_failing_provider_is_asked_once_a_cooldown(
        self, identity, provider, key, dial
    ):
        provider.answer = BROKEN["an error"]

        for _ in range(100):
            with pytest.raises(Unavailable):
                await identity.actor_of(key.token())
        before = provider.fetches
        dial.at += COOLDOWN_S
        with pytest.raises(Unavailable):
            await identity.actor_of(key.token())

        assert (before, provider.fetches) == (1, 2)

    async def test_it_heals(self, identity, provider, key, dial):
        provider.answer = BROKEN["garbage"]
        with pytest.raises(Unavailable):
            await identity.actor_of(key.token())
        provider.answer = published(key)
        dial.at += COOLDOWN_S

        assert await is_known(identity, key.token())
        assert not await is_known(identity, Key("other").token())

    async def test_in_a_known_outage_nobody_waits(self, identity, provider, key, dial):
        await identity.actor_of(key.token())
        provider.answer = BROKEN["an error"]
        dial.at += MAX_AGE_S
        await identity.actor_of(key.token())
        provider.answer = HANGING
        dial.at += COOLDOWN_S

        async with asyncio.timeout(1):
            await identity.actor_of(key.token())

    async def test_what_was_left_out_is_said(self, provider, key, dial, caplog):
        weak = {"kty": "RSA", "kid": "weak", "n": "AQAB", "e": "AQAB"}
        provider.answer = answer(json.dumps({"keys": [key.jwk, weak]}).encode())

        async with opened(provider.uri, dial) as identity:
            await identity.actor_of(key.token())

        assert "kid 'weak'" in caplog.text
        assert "2048" in caplog.text
