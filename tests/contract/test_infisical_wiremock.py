"""The adapter for Infisical against WireMock, as far as a mock without memory goes."""

from __future__ import annotations

import asyncio
import json
from typing import Final

import httpx
import pytest
from tests.infisical_mutants import MUTANTS
from tests.infisical_world import (
    ENVIRONMENT,
    FOLDER,
    KEK_ID,
    PROJECT,
    TEXTS,
    Clock,
    a_world,
    asking,
    key,
    ref,
)
from tests.infisical_world import WORD as THE_WORD
from tests.wiremock_server import MAPPINGS, wiremock
from wiremock.client import (
    HttpMethods,
    Mapping,
    MappingRequest,
    MappingResponse,
    Mappings,
    NearMissMatchPatternRequest,
    Requests,
)

from sr_core.adapters.infisical.access import (
    AccessToken,
    Api,
    Deadlines,
    MachineIdentity,
)
from sr_core.domain.errors import SrError
from sr_core.domain.kek import KekRef, parse_kek, parse_kek_id
from sr_core.ports.kek_source import (
    KekDenied,
    KekInconsistent,
    KekMissing,
    KekNotStored,
    KekRetired,
    KekTaken,
    KekUnavailable,
)

pytestmark = pytest.mark.anyio

POINTER = f"/api/v4/secrets/{KEK_ID}"
WORD = "mock-secret"
TOKEN = "mock-token"  # noqa: S105 - `deploy/infisical-mock` tells it to everybody
CLIENT = MachineIdentity(client_id="mock-client", client_secret=WORD)
HIDDEN = parse_kek_id("hidden-kek")


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with wiremock(tmp_path_factory.mktemp("wiremock")) as it:
        yield it


@pytest.fixture
def clean(url):
    """The mock as its files have it, which has been asked nothing yet."""
    Mappings.reset_mappings()
    Requests.reset_request_journal()
    return url


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def source(clean, clock):
    async with asking(clean, clock, login=CLIENT) as it:
        yield it


def asked(method, path):
    request = NearMissMatchPatternRequest(method=method, url_path=path)
    return Requests.get_matching_request_count(request).count


def answers(path, *, method=HttpMethods.GET, scenario=None, **response):
    """Have the mock answer so in place of what its files say."""
    states = {}
    if scenario:
        before, after = scenario
        states = {
            "scenario_name": "trouble",
            "required_scenario_state": before,
            "new_scenario_state": after,
        }
    Mappings.create_mapping(
        Mapping(
            priority=1,
            request=MappingRequest(method=method, url_path=path),
            response=MappingResponse(**response),
            persistent=False,
            **states,
        )
    )


class TestReading:
    @pytest.fixture(params=list(Api))
    async def any_source(self, request, clean, clock):
        async with asking(clean, clock, login=CLIENT, api=request.param) as it:
            yield it

    async def test_keys_are_given_by_version(self, any_source):
        assert await any_source.current(KEK_ID) == key(3)
        assert await any_source.version(ref(2)) == key(2)
        with pytest.raises(KekRetired):
            await any_source.version(ref(1))
        with pytest.raises(KekMissing):
            await any_source.version(ref(4))

    async def test_a_hidden_value_is_a_refusal(self, source):
        with pytest.raises(KekDenied, match="hidden"):
            await source.current(HIDDEN)

    async def test_another_folder_project_or_environment_has_nothing(
        self, clean, clock
    ):
        for change in (
            {"folder": "/elsewhere"},
            {"project_id": "another"},
            {"environment": "prod"},
        ):
            async with asking(clean, clock, login=CLIENT, **change) as source:
                with pytest.raises(KekMissing):
                    await source.current(KEK_ID)

    async def test_the_identity_has_no_power_but_to_read(self, source):
        assert await source.powers(KEK_ID) == ()


class TestWriting:
    async def test_an_approval_is_no_success(self, source):
        waiting = KekRef(id=parse_kek_id("waiting-kek"), version=1)

        with pytest.raises(KekNotStored, match="approval"):
            await source.put(parse_kek(TEXTS[1], ref=waiting))

    async def test_what_is_there_is_compared(self, source):
        await source.put(key(3))
        with pytest.raises(KekTaken):
            await source.put(parse_kek(TEXTS[1], ref=ref(3)))

        assert asked("POST", f"{POINTER}%403") == 2

    async def test_a_write_is_sent_once(self, source):
        answers(f"{POINTER}%404", method=HttpMethods.POST, status=503)

        with pytest.raises(KekNotStored, match="503"):
            await source.put(parse_kek(TEXTS[1], ref=ref(4)))

        assert asked("POST", f"{POINTER}%404") == 1

    @pytest.mark.parametrize("fault", ["EMPTY_RESPONSE", "MALFORMED_RESPONSE_CHUNK"])
    async def test_one_whose_connection_broke_is_looked_at_and_not_repeated(
        self, source, fault
    ):
        answers(f"{POINTER}%404", method=HttpMethods.POST, fault=fault)
        answers(f"{POINTER}%403", method=HttpMethods.POST, fault=fault)

        with pytest.raises(KekNotStored, match="connection broke"):
            await source.put(parse_kek(TEXTS[1], ref=ref(4)))
        await source.put(key(3))

        assert asked("POST", f"{POINTER}%404") == 1
        assert asked("POST", f"{POINTER}%403") == 1


class TestTrouble:
    async def test_two_outages_are_not_felt(self, source):
        answers(POINTER, status=503, scenario=("Started", "second"))
        answers(POINTER, status=503, scenario=("second", "over"))

        assert await source.current(KEK_ID) == key(3)
        assert asked("GET", POINTER) == 3

    async def test_a_limit_says_when(self, source, clock):
        answers(
            POINTER,
            status=429,
            headers={"Retry-After": "3"},
            scenario=("Started", "over"),
        )

        assert await source.current(KEK_ID) == key(3)
        assert clock.pauses == pytest.approx([3.2])

    @pytest.mark.parametrize(
        "fault",
        ["CONNECTION_RESET_BY_PEER", "EMPTY_RESPONSE", "RANDOM_DATA_THEN_CLOSE"],
    )
    async def test_a_broken_connection_is_tried_four_times(self, source, fault):
        answers(POINTER, fault=fault)

        with pytest.raises(KekUnavailable, match="connection broke"):
            await source.current(KEK_ID)

        assert asked("GET", POINTER) == 4

    async def test_half_an_answer_is_none(self, source):
        answers(POINTER, fault="MALFORMED_RESPONSE_CHUNK")

        with pytest.raises(KekUnavailable):
            await source.current(KEK_ID)

    async def test_a_late_answer_is_not_waited_for(self, clean, clock):
        answers(POINTER, status=200, fixed_delay_milliseconds=5000)
        deadlines = Deadlines(connect_s=1, read_s=0.4, total_s=0.8)
        token = AccessToken(token=TOKEN)
        loop = asyncio.get_running_loop()
        async with asking(clean, clock, login=token, deadlines=deadlines) as source:
            began = loop.time()
            with pytest.raises(KekUnavailable, match="timeout"):
                await source.current(KEK_ID)

        assert loop.time() - began < 1.2

    async def test_a_redirect_is_not_followed(self, clean, source):
        headers = {"Location": f"{clean}/elsewhere"}
        answers(POINTER, status=302, headers=headers)

        with pytest.raises(KekInconsistent, match="302"):
            await source.current(KEK_ID)

        assert asked("GET", "/elsewhere") == 0


class TestTokens:
    async def test_a_renewal_that_breaks_off_leaves_the_token_as_it_is(
        self, source, clock
    ):
        await source.current(KEK_ID)
        clock.passes(21 * 86_400)
        renew = "/api/v1/auth/token/renew"
        answers(renew, method=HttpMethods.POST, fault="EMPTY_RESPONSE")

        for _ in range(3):
            assert await source.current(KEK_ID) == key(3)

        assert asked("POST", renew) == 1
        assert asked("POST", "/api/v1/auth/universal-auth/login") == 1

    async def test_one_that_is_over_is_replaced(self, source):
        body = {"error": "TokenError", "message": "Your token has expired."}
        answers(POINTER, status=403, json_body=body, scenario=("Started", "over"))

        assert await source.current(KEK_ID) == key(3)
        assert asked("POST", "/api/v1/auth/universal-auth/login") == 2

    async def test_a_wrong_word_is_tried_once(self, clean, clock):
        wrong = MachineIdentity(client_id="mock-client", client_secret=WORD[1:])
        async with asking(clean, clock, login=wrong) as source:
            for _ in range(3):
                with pytest.raises(KekDenied, match="401"):
                    await source.current(KEK_ID)

        assert asked("POST", "/api/v1/auth/universal-auth/login") == 1


class TestItsFiles:
    """The two servers tell the same story, field by field (R-INF-1)."""

    STUBS: Final = json.loads((MAPPINGS / "keks.json").read_text(encoding="utf-8"))
    SECRETS: Final = [
        each["response"]["jsonBody"]["secret"]
        for each in STUBS["mappings"]
        if "secret" in each["response"]["jsonBody"]
    ]

    def test_a_secret_has_the_fields_of_the_one_with_a_memory(self):
        with a_world() as world:
            grant = world.vault.login("client-of-the-platform", THE_WORD)
            answer = httpx.get(
                f"{world.url}{POINTER}@3",
                params={
                    "projectId": PROJECT,
                    "environment": ENVIRONMENT,
                    "secretPath": FOLDER,
                },
                headers={"Authorization": f"Bearer {grant.access_token}"},
            )
        fields = answer.json()["secret"].keys()

        assert len(self.SECRETS) == 9
        assert all(each.keys() == fields for each in self.SECRETS)

    @pytest.mark.parametrize("version", TEXTS)
    def test_the_keys_are_those_of_the_tests(self, version):
        values = [
            each["secretValue"]
            for each in self.SECRETS
            if each["secretKey"] == f"{KEK_ID}@{version}"
        ]

        assert values == [TEXTS[version]] * 2


class TestItsOwnTeeth:
    """The mock refuses an adapter that asks without what says which secret it is."""

    @pytest.mark.parametrize("mutant", ["drop the folder", "ignore the version"])
    async def test_a_mutant_reads_nothing(self, source, mutant, monkeypatch):
        for each in MUTANTS[mutant]():
            monkeypatch.setattr(each.owner, each.name, each.value)

        with pytest.raises(KekMissing):
            await source.current(KEK_ID)

    @pytest.mark.parametrize("mutant", ["post to raw", "retry a post"])
    async def test_a_mutant_writes_nothing(self, source, mutant, monkeypatch):
        answers(f"{POINTER}%404", method=HttpMethods.POST, status=503)
        for each in MUTANTS[mutant]():
            monkeypatch.setattr(each.owner, each.name, each.value)

        with pytest.raises(SrError):
            await source.put(parse_kek(TEXTS[1], ref=ref(4)))

        assert asked("POST", f"{POINTER}%404") != 1
