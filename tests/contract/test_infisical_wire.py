"""Calls to Infisical: repeated or not, with which token, for how long, and to whom."""

from __future__ import annotations

import asyncio
import logging
import traceback
from dataclasses import replace

import pytest
from tests.infisical_world import (
    A_TOKEN,
    CLIENT,
    KEK_ID,
    POINTER,
    TEXTS,
    WORD,
    Clock,
    a_world,
    access,
    asking,
    key,
    lies,
    ref,
    talking,
)

from pytest_sr.stack.troubles import answer_of
from sr_core.adapters.infisical.access import AccessToken, Deadlines, MachineIdentity
from sr_core.domain.errors import MalformedInput, SrError
from sr_core.domain.kek import parse_kek
from sr_core.ports.kek_source import (
    KekDenied,
    KekInconsistent,
    KekMissing,
    KekUnavailable,
)

pytestmark = pytest.mark.anyio


class TestAskingAgain:
    """R-INF-4: what is asked again, and how often, exactly."""

    @pytest.mark.parametrize(
        ("status", "attempts", "raised"),
        [
            (400, 1, KekInconsistent),
            (403, 1, KekDenied),
            (404, 1, KekMissing),
            (422, 1, KekInconsistent),
            (429, 4, KekUnavailable),
            (500, 1, KekUnavailable),
            (502, 4, KekUnavailable),
            (503, 4, KekUnavailable),
            (504, 4, KekUnavailable),
            (302, 1, KekInconsistent),
            (206, 1, KekInconsistent),
            (204, 1, KekInconsistent),
        ],
    )
    async def test_by_the_status_of_a_read(
        self, world, source, status, attempts, raised
    ):
        world.troubles.next(answer_of(status), times=99, only=POINTER)

        with pytest.raises(raised):
            await source.current(KEK_ID)

        assert world.troubles.count("GET", KEK_ID) == attempts

    @pytest.mark.parametrize("status", [429, 502, 503, 504])
    async def test_an_outage_that_passes_is_not_felt(self, world, source, status):
        world.troubles.next(answer_of(status), times=3, only=POINTER)

        assert await source.current(KEK_ID) == key(3)

    async def test_pauses_grow_up_to_a_bound(self, world, source):
        world.troubles.next(answer_of(503), times=3, only=POINTER)

        await source.current(KEK_ID)

        assert world.clock.pauses == pytest.approx([0.2, 0.4, 0.8])

    @pytest.mark.parametrize(
        ("headers", "message"),
        [
            ({"Retry-After": "3"}, "on demand"),
            ({}, "Rate limit exceeded. Please try again in 3 seconds"),
        ],
    )
    async def test_a_server_that_says_when_is_not_asked_before(
        self, world, source, headers, message
    ):
        answer = answer_of(429, headers=headers, message=message)
        world.troubles.next(answer, only=POINTER)

        await source.current(KEK_ID)

        assert world.clock.pauses == pytest.approx([3.2])

    async def test_one_that_says_later_than_we_wait_is_not_waited_for(
        self, world, source
    ):
        answer = answer_of(429, headers={"Retry-After": "3600"})
        world.troubles.next(answer, times=9, only=POINTER)

        with pytest.raises(KekUnavailable, match="429"):
            await source.current(KEK_ID)

        assert world.clock.pauses == []
        assert world.troubles.count("GET", KEK_ID) == 1

    async def test_a_limit_of_the_server_is_kept_to(self, world):
        world.troubles.limit(per_minute=3, now=world.clock.now)

        async with asking(
            world.url, world.clock, deadlines=Deadlines(total_s=90)
        ) as source:
            for _ in range(3):
                await source.in_use(KEK_ID)

        [pause] = world.clock.pauses
        assert 60 < pause < 62

    async def test_no_connection_at_all_is_tried_again(self, world):
        async with asking("http://127.0.0.1:9", world.clock) as source:
            with pytest.raises(KekUnavailable, match="no connection"):
                await source.current(KEK_ID)

        assert len(world.clock.pauses) == 3

    async def test_a_login_is_repeated_too(self, world, source):
        world.troubles.next(answer_of(503), times=2, only="/api/v1/auth")

        assert await source.current(KEK_ID) == key(3)
        assert world.logins() == 3

    async def test_up_to_a_bound_and_a_login_that_fails_so_is_no_refusal(
        self, world, source
    ):
        world.troubles.next(answer_of(503), times=4, only="/api/v1/auth")

        with pytest.raises(KekUnavailable, match="503 at the login"):
            await source.current(KEK_ID)

        assert world.logins() == 4
        assert await source.current(KEK_ID) == key(3)


class TestOurToken:
    """R-INF-6."""

    async def test_is_got_once_for_fifty_who_ask(self, world, source):
        await asyncio.gather(*(source.version(ref(2)) for _ in range(50)))

        assert world.logins() == 1

    async def test_is_renewed_before_it_is_over(self, world, source):
        await source.current(KEK_ID)
        world.clock.passes(21 * 86_400)

        await asyncio.gather(*(source.current(KEK_ID) for _ in range(20)))

        assert world.troubles.count("POST", "renew") == 1
        assert world.logins() == 1

    async def test_and_got_anew_when_it_is_over(self, world, source):
        await source.current(KEK_ID)
        world.clock.passes(31 * 86_400)

        await source.current(KEK_ID)

        assert world.troubles.count("POST", "renew") == 0
        assert world.logins() == 2

    async def test_a_renewal_that_fails_is_no_failure_yet(self, world, source):
        await source.current(KEK_ID)
        world.clock.passes(21 * 86_400)
        world.troubles.next(answer_of(503), times=9, only="/api/v1/auth/token/renew")

        for _ in range(5):
            assert await source.current(KEK_ID) == key(3)

        assert world.troubles.count("POST", "renew") == 1
        assert world.logins() == 1

    async def test_a_renewal_that_is_refused_is_a_login(self, world, source):
        await source.current(KEK_ID)
        world.clock.passes(21 * 86_400)
        world.troubles.next(answer_of(400), only="/api/v1/auth/token/renew")

        assert await source.current(KEK_ID) == key(3)
        assert world.logins() == 2

    @pytest.mark.parametrize(
        ("status", "error"), [(401, "UnauthorizedError"), (403, "TokenError")]
    )
    async def test_one_that_is_refused_is_replaced_once(
        self, world, source, status, error
    ):
        await source.current(KEK_ID)
        refusal = answer_of(status, error=error)
        world.troubles.next(refusal, times=50, only=f"{POINTER}@2")

        results = await asyncio.gather(
            *(source.version(ref(2)) for _ in range(25)), return_exceptions=True
        )

        assert all(isinstance(each, KekDenied) for each in results)
        assert world.troubles.count("GET", "@2") == 50

    async def test_fifty_who_find_it_over_log_in_once(self, world, source):
        await source.current(KEK_ID)
        world.vault.end_sessions()

        found = await asyncio.gather(*(source.version(ref(2)) for _ in range(50)))

        assert found == [key(2)] * 50
        assert world.logins() == 2

    async def test_a_right_that_is_missing_is_no_token_that_is(self, world, source):
        await source.current(KEK_ID)
        refusal = answer_of(403, error="PermissionDenied")
        world.troubles.next(refusal, times=9, only=POINTER)

        with pytest.raises(KekDenied, match="403 PermissionDenied"):
            await source.current(KEK_ID)

        assert world.logins() == 1

    async def test_a_wrong_word_is_not_tried_again_for_300_s(self, world):
        wrong = MachineIdentity(client_id=CLIENT, client_secret=WORD[1:])
        async with asking(world.url, world.clock, login=wrong) as source:
            for _ in range(10):
                with pytest.raises(KekDenied, match="401 UnauthorizedError"):
                    await source.current(KEK_ID)
                world.clock.passes(29)
            assert world.logins() == 1
            world.clock.passes(30)
            with pytest.raises(KekDenied):
                await source.current(KEK_ID)
            assert world.logins() == 2

    async def test_a_given_token_is_used_as_it_is(self, world):
        token = world.vault.login(CLIENT, WORD).access_token
        async with asking(
            world.url, world.clock, login=AccessToken(token=token)
        ) as source:
            assert await source.current(KEK_ID) == key(3)
            world.vault.revoke(token)
            with pytest.raises(KekDenied, match="over or was revoked"):
                await source.current(KEK_ID)
        assert world.logins() == 0

    @pytest.mark.parametrize(
        "change",
        [
            {"accessToken": ""},
            {"accessToken": "a\nb"},
            {"tokenType": "MAC"},
            {"expiresIn": -1},
            {"expiresIn": "30"},
        ],
    )
    async def test_a_grant_of_another_form_is_refused(self, world, source, change):
        def lie(_, answer):
            return replace(answer, body={**answer.body, **change})

        world.troubles.lie(lie)

        with pytest.raises(KekInconsistent, match="login"):
            await source.current(KEK_ID)


async def until_hung_up(reader, tick=None):
    """Wait for the other side to hang up; meanwhile do something every 50 ms."""
    hung_up = asyncio.create_task(reader.read())
    while not (await asyncio.wait([hung_up], timeout=0.05))[0]:
        if tick:
            tick()


class TestDeadlines:
    """R-INF-3: whatever the server does, an operation ends in its time."""

    TOTAL_S = 0.5

    @staticmethod
    async def silent(reader, _):
        await until_hung_up(reader)

    @staticmethod
    async def half_a_head(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-")
        await until_hung_up(reader)

    @staticmethod
    async def half_a_body(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        await until_hung_up(reader)

    @staticmethod
    async def a_trickle(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{")
        await until_hung_up(reader, lambda: writer.write(b" "))

    @pytest.mark.parametrize(
        "talk", ["silent", "half_a_head", "half_a_body", "a_trickle"]
    )
    async def test_an_operation_ends(self, talk):
        loop = asyncio.get_running_loop()
        deadlines = Deadlines(connect_s=0.2, read_s=0.3, total_s=self.TOTAL_S)
        async with talking(getattr(self, talk)) as (url, asked):
            token = AccessToken(token=A_TOKEN)
            async with asking(url, Clock(), login=token, deadlines=deadlines) as source:
                began = loop.time()
                with pytest.raises(KekUnavailable, match="timeout"):
                    await source.current(KEK_ID)
                took_s = loop.time() - began

        assert took_s < self.TOTAL_S + 0.25
        assert len(asked) == 1

    async def test_an_answer_has_a_bound(self):
        async def endless(reader, writer):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n")
            writer.write(b" " * ((1 << 20) + 1))
            await until_hung_up(reader)

        async with talking(endless) as (url, asked):
            token = AccessToken(token=A_TOKEN)
            async with asking(url, Clock(), login=token) as source:
                with pytest.raises(KekUnavailable, match="1048576 bytes"):
                    await source.current(KEK_ID)

        assert len(asked) == 1

    @pytest.mark.parametrize("status", [b"200 OK", b"503 No", b"403 No"])
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>",
            b"\xff\xfe",
            b'{"secret":{"secretKey":"\xff"}}',
            b"[" * 200_000,
            b'{"secret":' + b'{"a":' * 150_000,
            b'{"error":' + b"[" * 200_000,
            b'{"error":7,"message":["TokenError"]}',
        ],
    )
    async def test_a_body_of_any_kind_is_one_of_our_errors(self, status, body):
        async def says(reader, writer):
            head = b"HTTP/1.1 %s\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
            writer.write(head % (status, len(body)) + body)
            await writer.drain()
            await until_hung_up(reader)

        async with talking(says) as (url, _):
            token = AccessToken(token=A_TOKEN)
            async with asking(url, Clock(), login=token) as source:
                with pytest.raises((KekInconsistent, KekUnavailable, KekDenied)):
                    await source.current(KEK_ID)

    async def test_a_connection_that_breaks_is_tried_again(self):
        async def breaks(_, writer):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")

        clock = Clock()
        async with talking(breaks) as (url, asked):
            token = AccessToken(token=A_TOKEN)
            async with asking(url, clock, login=token) as source:
                with pytest.raises(KekUnavailable, match="the connection broke"):
                    await source.current(KEK_ID)

        assert len(asked) == 4


class TestWhoIsAsked:
    """R-INF-10: our token goes to the one host that the settings name."""

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    async def test_a_redirect_is_not_followed(self, world, source, status):
        with a_world() as other:
            headers = {"Location": f"{other.url}/api/v4/secrets/{KEK_ID}"}
            answer = answer_of(status, headers=headers)
            world.troubles.next(answer, times=9, only=POINTER)

            with pytest.raises(KekInconsistent, match=f"HTTP {status}"):
                await source.current(KEK_ID)

            assert other.troubles.asked == []

    async def test_nor_one_of_the_login(self, world, source):
        with a_world() as other:
            headers = {"Location": f"{other.url}/api/v1/auth/universal-auth/login"}
            answer = answer_of(307, headers=headers)
            world.troubles.next(answer, times=9, only="/api/v1/auth")

            with pytest.raises(KekInconsistent, match="307"):
                await source.current(KEK_ID)

            assert other.troubles.asked == []

    async def test_a_proxy_of_the_environment_is_not_asked(self, world, monkeypatch):
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, "http://127.0.0.1:9")

        async with asking(world.url, world.clock) as fresh:
            assert await fresh.current(KEK_ID) == key(3)

    @pytest.mark.parametrize(
        "endpoint",
        [
            "http://infisical.example",
            "http://10.0.0.1:8080",
            "http://127.0.0.1.example",
            "https://user:word@infisical.example",
            "https://infisical.example/api",
            "https://infisical.example?x=1",
            "https://",
            "ftp://127.0.0.1",
            "infisical.example",
            "https://infisical.example:99999",
            "",
        ],
    )
    def test_an_address_without_tls_is_refused(self, endpoint):
        with pytest.raises(MalformedInput) as caught:
            access(endpoint)

        assert "word" not in str(caught.value)

    @pytest.mark.parametrize(
        "endpoint",
        ["https://infisical.example", "https://i.example:8443", "http://[::1]:8080"],
    )
    def test_one_with_tls_or_on_loopback_is_not(self, endpoint):
        assert access(endpoint).endpoint == endpoint


CANARIES = (TEXTS[3], TEXTS[3].removeprefix("base64:"), WORD)


class TestSecrecy:
    """R-ENC-17: neither keys nor tokens nor passwords are in what people see."""

    async def test_nothing_is_in_the_log_at_its_loudest(self, world, source, caplog):
        caplog.set_level(logging.DEBUG)
        await source.current(KEK_ID)
        world.troubles.next(answer_of(401), times=9, only=f"{POINTER}@2")
        with pytest.raises(KekDenied):
            await source.version(ref(2))

        assert world.vault.tokens
        for secret in (*CANARIES, *world.vault.tokens):
            assert secret not in caplog.text
        assert "Bearer" not in caplog.text

    @pytest.mark.parametrize(
        "lie",
        [
            lies("version", 7),
            lies("secretKey", TEXTS[3]),
            lies("version", TEXTS[3]),
            lies("secretValue", [TEXTS[3]]),
            lies("secretValue", TEXTS[3][:-2]),
        ],
    )
    async def test_nor_in_what_is_raised(self, world, source, lie):
        world.troubles.lie(lie)

        with pytest.raises(SrError) as caught:
            await source.version(ref(3))

        told = "".join(traceback.format_exception(caught.value))
        assert not [each for each in CANARIES if each[:40] in told]

    async def test_nor_a_servers_words_about_our_value(self, world, source):
        issue = [{"path": ["secretValue"], "message": TEXTS[1]}]
        answer = answer_of(422, message=issue)
        world.troubles.next(answer, only=f"{POINTER}@4")

        with pytest.raises(KekInconsistent) as caught:
            await source.put(parse_kek(TEXTS[1], ref=ref(4)))

        assert TEXTS[1] not in str(caught.value)

    def test_nor_in_a_repr(self, world):
        assert WORD not in repr(access(world.url))
        assert A_TOKEN not in repr(access(world.url, login=AccessToken(token=A_TOKEN)))
