"""The KekSource port over Infisical: the adapter against a server with a memory.

Every clause that says what the adapter must not do has its mutant in
`tests/infisical_mutants.py`, and `test_infisical_mutants.py` shows that this suite kills
it.
"""

from __future__ import annotations

import hashlib
from contextlib import asynccontextmanager
from dataclasses import replace
from http import HTTPStatus

import httpx
import pytest
from tests.infisical_world import (
    CLIENT,
    ENVIRONMENT,
    FOLDER,
    KEK_ID,
    POINTER,
    PROJECT,
    READER,
    TEXTS,
    WORD,
    a_world,
    asking,
    key,
    lies,
    ref,
)
from tests.sealing import a_context, seal

from pytest_sr.stack.troubles import answer_of
from pytest_sr.stack.vault import Place, Refused
from pytest_sr.stack.vault_seeds import Rights
from pytest_sr.stack.web import Response
from sr_core.adapters.infisical.access import Api
from sr_core.adapters.infisical.kek_source import VersionsInUse
from sr_core.adapters.memory.kek_source import MemoryKekSource
from sr_core.codec.sealed import opened
from sr_core.domain.errors import MalformedInput
from sr_core.domain.kek import SecretKey, parse_kek, write_kek
from sr_core.domain.sealing_errors import BadKeyMaterial
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


class TestReading:
    """What both of the port's programs do; memory is the other one."""

    @pytest.fixture(params=["memory", "infisical v4", "infisical v3"])
    async def any_source(self, request, world):
        if request.param == "memory":
            memory = MemoryKekSource([key(1), key(2), key(3)])
            memory.retire_below(ref(2))
            yield memory
            return
        api = Api(request.param.split()[1])
        async with asking(world.url, world.clock, api=api) as it:
            yield it

    async def test_the_current_version_is_the_one_in_use(self, any_source):
        assert await any_source.current(KEK_ID) == key(3)

    async def test_an_older_version_in_use_is_given_by_its_number(self, any_source):
        assert await any_source.version(ref(2)) == key(2)

    async def test_a_retired_one_is_not_given(self, any_source):
        with pytest.raises(KekRetired) as caught:
            await any_source.version(ref(1))

        assert caught.value.oldest == 2

    async def test_a_version_that_never_was_is_missing(self, any_source):
        with pytest.raises(KekMissing, match="version 4 of solver-ralph-kek"):
            await any_source.version(ref(4))

    async def test_so_is_a_kek_that_never_was(self, any_source):
        with pytest.raises(KekMissing):
            await any_source.current("another-kek")


class TestTheQuestion:
    async def test_names_everything_that_says_which_secret(self, world, source):
        await source.version(ref(2))

        asked = world.troubles.asked[-1]
        assert asked.segments == ("api", "v4", "secrets", "solver-ralph-kek@2")
        assert asked.query == {
            "projectId": PROJECT,
            "environment": ENVIRONMENT,
            "secretPath": FOLDER,
            "type": "shared",
            "version": "1",
            "viewSecretValue": "true",
            "expandSecretReferences": "false",
            "include_imports": "false",
        }

    async def test_v3_asks_by_its_own_names(self, world):
        async with asking(world.url, world.clock, api=Api.V3) as source:
            await source.current(KEK_ID)

        asked = world.troubles.asked[-1]
        assert asked.segments[:4] == ("api", "v3", "secrets", "raw")
        assert asked.query["workspaceId"] == PROJECT
        assert "projectId" not in asked.query

    async def test_a_namesake_in_another_folder_is_not_taken(self, world, source):
        root = replace(world.folder, path="/")
        world.vault.create(root, "lost-kek", "versions:1-1")

        with pytest.raises(KekMissing):
            await source.current("lost-kek")

    async def test_a_key_that_was_written_over_is_still_the_first(self, world, source):
        world.vault.update(world.folder, f"{KEK_ID}@3", value=TEXTS[1])

        assert await source.current(KEK_ID) == key(3)

    async def test_one_whose_first_text_was_pruned_is_missing(self):
        with a_world(project={"versions_kept": 1}) as world:
            world.vault.update(world.folder, f"{KEK_ID}@3", value=TEXTS[1])
            async with asking(world.url, world.clock) as source:
                with pytest.raises(KekMissing):
                    await source.current(KEK_ID)


class TestTheAnswer:
    """R-INF-5: an answer to another question is none."""

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("secretKey", "solver-ralph-kek@2"),
            ("secretPath", "/"),
            ("environment", "prod"),
            ("workspace", "another-project"),
            ("version", 2),
            ("type", "personal"),
        ],
    )
    async def test_has_to_be_about_what_was_asked(self, world, source, field, value):
        world.troubles.lie(lies(field, value))

        with pytest.raises(KekInconsistent, match="about another"):
            await source.version(ref(3))

    async def test_an_old_server_that_ignores_the_version_is_seen(self, world, source):
        """Trap 4: before April 2025 the latest version was given, whatever was asked."""
        world.vault.update(world.folder, f"{KEK_ID}@3", value=TEXTS[1])

        def old(request, answer):
            if request.segments[-1] != f"{KEK_ID}@3":
                return answer
            latest = {"secretValue": TEXTS[1], "version": 2}
            return replace(answer, body={"secret": {**answer.body["secret"], **latest}})

        world.troubles.lie(old)

        with pytest.raises(KekInconsistent, match=r"version \(2, not 1\)"):
            await source.current(KEK_ID)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"secret": None},
            {"secrets": []},
            {"approval": {}},
            [],
            "ok",
            {"secret": {"secretKey": "solver-ralph-kek"}},
        ],
    )
    async def test_of_another_form_is_refused(self, world, source, body):
        answer = Response(status=HTTPStatus.OK, body=body)
        world.troubles.next(answer, only=POINTER)

        with pytest.raises(KekInconsistent, match="agreed form"):
            await source.current(KEK_ID)

    async def test_a_hidden_value_is_a_refusal(self):
        """Trap 2: 200, and no value."""
        with a_world(client={"rights": Rights(sees_values=False)}) as world:
            async with asking(world.url, world.clock) as source:
                with pytest.raises(KekDenied, match="hidden"):
                    await source.current(KEK_ID)

    async def test_so_is_the_mask_alone(self, world, source):
        world.vault.update(world.folder, KEK_ID, value="<hidden-by-infisical>")

        with pytest.raises(KekDenied, match="hidden"):
            await source.current(KEK_ID)

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "versions:0-1",
            "versions:3-2",
            "versions:1",
            "3",
            "versions:1-3 ",
            "versions:1-99999999999",
            "versions:1-4294967296",
        ],
    )
    async def test_a_list_of_versions_of_another_form_is_refused(
        self, world, source, text
    ):
        world.troubles.lie(lies("secretValue", text, only=KEK_ID))

        with pytest.raises(KekInconsistent, match="versions:1-3"):
            await source.in_use(KEK_ID)

    @pytest.mark.parametrize("size", [0, 16, 31, 33, 64])
    async def test_a_key_has_32_bytes(self, world, size):
        """R-ENC-9; `parse_kek` has the other texts that are no keys."""
        world.vault.update(world.folder, KEK_ID, value="versions:1-9")
        text = write_kek(SecretKey(bytes(range(7, 7 + size))))
        world.store(f"{KEK_ID}@9", text)

        async with asking(world.url, world.clock) as source:
            with pytest.raises(BadKeyMaterial) as caught:
                await source.current(KEK_ID)

        told = str(caught.value)
        assert text.removeprefix("base64:") not in told or not size


class TestWriting:
    """R-INF-4, R-INF-7: sent once, and looked at."""

    async def test_what_is_stored_reads_back(self):
        with a_world(is_empty=True) as world:
            async with asking(world.url, world.clock) as source:
                await source.put(key(1))
                await source.use(KEK_ID, VersionsInUse(oldest=1, current=1))

                assert await source.current(KEK_ID) == key(1)
            assert world.value(f"{KEK_ID}@1") == TEXTS[1]
            assert world.names("/") == []

    async def test_a_new_version_is_used_when_it_is_said(self, source):
        fresh = parse_kek(TEXTS[1], ref=ref(4))
        await source.put(fresh)

        assert await source.current(KEK_ID) == key(3)
        await source.use(KEK_ID, VersionsInUse(oldest=2, current=4))
        assert await source.current(KEK_ID) == fresh
        assert await source.version(ref(3)) == key(3)

    async def test_a_version_without_a_key_is_not_used(self, world, source):
        with pytest.raises(KekMissing):
            await source.use(KEK_ID, VersionsInUse(oldest=2, current=4))

        assert world.value(KEK_ID) == "versions:2-3"

    async def test_the_same_again_is_no_change(self, world, source):
        await source.put(key(3))

        assert len(world.vault.secret(world.folder, f"{KEK_ID}@3").versions) == 1

    async def test_another_one_is_not_written_over(self, world, source):
        with pytest.raises(KekTaken):
            await source.put(parse_kek(TEXTS[1], ref=ref(3)))

        assert world.value(f"{KEK_ID}@3") == TEXTS[3]

    @pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
    async def test_is_never_repeated_when_it_failed(self, world, source, status):
        await source.current(KEK_ID)
        world.troubles.next(answer_of(status), only=f"{POINTER}@4")

        with pytest.raises(KekNotStored, match=str(status)):
            await source.put(parse_kek(TEXTS[1], ref=ref(4)))

        assert world.troubles.count("POST", f"{KEK_ID}@4") == 1

    @pytest.mark.parametrize("status", [500, 502, 503, 504])
    async def test_is_found_when_only_its_answer_was_lost(self, world, source, status):
        await source.current(KEK_ID)
        world.troubles.next(answer_of(status), only=f"{POINTER}@4", after=True)

        await source.put(parse_kek(TEXTS[1], ref=ref(4)))

        assert world.troubles.count("POST", f"{KEK_ID}@4") == 1
        assert world.value(f"{KEK_ID}@4") == TEXTS[1]

    async def test_one_that_waits_for_an_approval_is_not_stored(self):
        """Trap 1: 200, and nothing was stored."""
        with a_world(project={"approved": (FOLDER,)}) as world:
            async with asking(world.url, world.clock) as source:
                with pytest.raises(KekNotStored, match="approval"):
                    await source.put(parse_kek(TEXTS[1], ref=ref(4)))
                with pytest.raises(KekNotStored, match="approval"):
                    await source.use(KEK_ID, VersionsInUse(oldest=1, current=3))
                with pytest.raises(KekNotStored, match="approval"):
                    await source.destroy(ref(1))
            assert len(world.vault.approvals) == 3

    async def test_an_answer_without_a_secret_is_not_believed(self, world, source):
        answer = replace(answer_of(400), status=HTTPStatus.OK)
        world.troubles.next(answer, only=f"{POINTER}@4")

        with pytest.raises(KekNotStored, match="no secret"):
            await source.put(parse_kek(TEXTS[1], ref=ref(4)))

    async def test_a_folder_that_is_not_there_is_said(self, world):
        async with asking(world.url, world.clock, folder="/nowhere") as source:
            with pytest.raises(KekNotStored, match="folder"):
                await source.put(key(1))

    async def test_who_may_only_read_is_denied(self):
        with a_world(client={"rights": READER}) as world:
            async with asking(world.url, world.clock) as source:
                with pytest.raises(KekDenied, match="PermissionDenied"):
                    await source.put(parse_kek(TEXTS[1], ref=ref(4)))

    async def test_a_retired_key_can_be_destroyed_and_no_other(self, world, source):
        await source.destroy(ref(1))
        with pytest.raises(MalformedInput, match="below 2"):
            await source.destroy(ref(2))

        assert f"{KEK_ID}@1" not in world.names()
        assert f"{KEK_ID}@2" in world.names()

    async def test_v3_writes_by_its_own_names(self):
        with a_world(is_empty=True) as world:
            async with asking(world.url, world.clock, api=Api.V3) as source:
                await source.put(key(1))
                await source.use(KEK_ID, VersionsInUse(oldest=1, current=1))
                await source.put(key(2))
                await source.use(KEK_ID, VersionsInUse(oldest=2, current=2))
                await source.destroy(ref(1))
            assert world.names() == [KEK_ID, f"{KEK_ID}@2"]


class TestPowers:
    """R-INF-8: what the platform's identity may do, and need not."""

    async def test_one_that_may_only_read_has_none(self):
        with a_world(client={"rights": READER}) as world:
            async with asking(world.url, world.clock) as source:
                assert await source.current(KEK_ID) == key(3)
                assert await source.powers(KEK_ID) == ()

    async def test_others_are_named_and_nothing_is_removed(self, world, source):
        before = world.names()

        assert len(await source.powers(KEK_ID)) == 2
        assert world.names() == before


class TestRoundTrips:
    """R-INF-9: a server that trims and expands does not change a key."""

    async def test_what_was_sealed_opens_after_a_rotation(self, source):
        """R-ENC-8: a key record names its version, and that one is still given."""
        blob = b"what only few may read" * 9999
        kek = await source.current(KEK_ID)
        container, done = seal(blob, kek=kek)
        await source.put(parse_kek(TEXTS[1], ref=ref(4)))
        await source.use(KEK_ID, VersionsInUse(oldest=2, current=4))

        assert (await source.current(KEK_ID)).ref == ref(4)
        named = await source.version(done.record.kek)
        assert opened([container], done.record, named, a_context()) == blob

        await source.use(KEK_ID, VersionsInUse(oldest=4, current=4))
        with pytest.raises(KekRetired):
            await source.version(done.record.kek)

    async def test_any_key_comes_back(self):
        with a_world(is_empty=True) as world:
            async with asking(world.url, world.clock) as source:
                for number in range(40):
                    data = hashlib.sha256(b"%d" % number).digest()
                    text = write_kek(SecretKey(data))
                    kek = parse_kek(text, ref=ref(number + 1))
                    await source.put(kek)
                    await source.use(
                        KEK_ID, VersionsInUse(oldest=1, current=number + 1)
                    )
                    assert (await source.current(KEK_ID)).key.reveal() == data


class TestTheFake:
    """R-INF-1: what the server does that the adapter is held to, as it is documented."""

    async def test_the_old_route_without_a_name_takes_no_secret(self, world):
        token = world.vault.login(CLIENT, WORD).access_token
        async with talkable(world, token) as post:
            answer = await post(
                "/api/v3/secrets/raw",
                {"workspaceId": PROJECT, "environment": ENVIRONMENT},
            )

        assert answer.status_code == 422

    async def test_trouble_can_be_ordered_over_http(self, world, source):
        async with talkable(world, "") as post:
            await post("/_troubles", {"status": 503, "times": 9, "only": POINTER})

        with pytest.raises(KekUnavailable, match="503"):
            await source.current(KEK_ID)

    def test_a_right_is_to_a_folder_and_what_is_below(self):
        with a_world(client={"rights": READER}) as world:
            vault = world.vault
        below = Place(project_id=PROJECT, environment="dev", path=f"{FOLDER}/x")
        vault.permit(CLIENT, below, "read")
        for path in ("/", f"{FOLDER}x"):
            with pytest.raises(Refused, match="not allowed"):
                vault.permit(CLIENT, replace(below, path=path), "read")
        with pytest.raises(Refused, match="not allowed"):
            vault.permit(CLIENT, below, "write")


@asynccontextmanager
async def talkable(world, token):
    """Give a function that posts JSON, without the adapter."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(base_url=world.url, headers=headers) as client:
        yield lambda path, body: client.post(path, json=body)
