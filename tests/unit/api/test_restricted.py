"""Restricted evidence over HTTP: handed in, read, erased (R-ENC-1, 7, 13, 14)."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sr_core.application import restricted
from sr_core.application.evidence import write_bundle
from sr_core.codec.canonical import plain
from sr_core.domain.evidence import EvidenceManifest, Secrecy
from sr_core.domain.restricted import RestrictedEvidenceErased, RestrictedEvidenceRead
from sr_core.domain.sealing_errors import EvidenceErased
from sr_core.domain.verification import EvidenceMissingDetected
from sr_core.ports.content_store import ObjectKey
from sr_core.ports.key_records import Unremovable
from sr_core.testing import CORE, SYSTEM, Stage, build_kek, build_manifest

pytestmark = pytest.mark.anyio

FAULTS = {
    "WRONG_KEK": lambda it: it.stage.keks.put(
        replace(build_kek(2), ref=build_kek().ref)
    ),
    "KEK_RETIRED": lambda it: it.stage.keks.retire_below(build_kek(2).ref),
    "KEK_UNAVAILABLE": lambda it: setattr(it.stage.keks, "is_down", True),
    "SEAL_TAMPERED": lambda it: spoil_container(it.stage),
    "SEAL_MALFORMED": lambda it: put_record(it.stage, b"no record"),
    "KEY_RECORD_MISSING": lambda it: put_record(it.stage, None),
    "UNRETRIEVABLE": lambda it: it.stage.restricted_bytes.lose(
        *it.stage.restricted_bytes.keys()
    ),
}


def spoil_container(stage: Stage) -> None:
    (key,) = stage.restricted_bytes.keys()
    data = stage.restricted_bytes.lose(key)
    stage.restricted_bytes.overwrite(key, data[:-1] + bytes((data[-1] ^ 1,)))


def put_record(stage: Stage, data: bytes | None) -> None:
    """Let other bytes be in the place of the only key record, or none."""
    held = stage.key_records._records  # noqa: SLF001 - behind the back of who wrote it
    (key,) = held
    if data is None:
        del held[key]
    else:
        held[key] = data


async def an_external_run(api) -> dict[str, Any]:
    _, candidate_id = await api.a_candidate()
    body = {
        "candidate_id": candidate_id,
        "oracle_suite_id": CORE,
        "execution": "external",
    }
    told: dict[str, Any] = await api.done("runs", body, by="system")
    return told


async def manifest_of(
    api, run: dict[str, Any], secrecy: Secrecy | None = Secrecy.RESTRICTED
) -> EvidenceManifest:
    """A manifest whose first artifact is secret."""
    platform = api.stage.platform
    case = await platform.candidate_case(run["candidate_id"])
    dossier = await platform.recorder.state(case)
    suite = await platform.suite(CORE)
    made = build_manifest(dossier.run(run["run_id"]), suite.definition, {}, by=SYSTEM)
    first, *others = made.artifacts
    return replace(made, artifacts=(replace(first, classification=secrecy), *others))


def body_of(manifest: EvidenceManifest) -> dict[str, Any]:
    blobs = {
        each.name: base64.b64encode(each.name.encode()).decode()
        for each in manifest.artifacts
    }
    return {"manifest": plain(manifest), "blobs": blobs}


class Held:
    """A bundle with one secret in it, and how its parts are asked for."""

    def __init__(self, api, run: dict[str, Any], told: dict[str, Any], secret: str):
        self.api = api
        self.stage: Stage = api.stage
        self.run = run
        self.bundle = told["content_hash"]
        self.secret = secret
        self.path = f"evidence/{self.bundle}/blobs/{secret}"

    async def outcomes(self) -> list[str]:
        return [
            each.event.outcome
            for each in await self.api.events()
            if isinstance(each.event, RestrictedEvidenceRead)
        ]

    async def erase(self, **more: Any) -> Any:
        body = {"rationale": "the person asked for it"}
        return await self.api.post(f"evidence/{self.bundle}/erase", body, **more)


@pytest.fixture
async def held(api) -> Held:
    run = await an_external_run(api)
    manifest = await manifest_of(api, run)
    told = await api.done("evidence", body_of(manifest), by="system")
    return Held(api, run, told, manifest.artifacts[0].name)


class TestHandedIn:
    async def test_it_comes_back_byte_for_byte(self, held):
        answer = (await held.api.get(held.path)).json()

        assert base64.b64decode(answer["content"]) == held.secret.encode()
        assert (answer["size"], answer["classification"]) == (
            len(held.secret),
            "RESTRICTED",
        )

    async def test_its_wrap_is_counted(self, api):
        run = await an_external_run(api)
        body = body_of(await manifest_of(api, run))
        before = (await api.get("metrics")).json()["domain"]["kek_wraps"]

        await api.done("evidence", body, by="system")

        after = (await api.get("metrics")).json()["domain"]["kek_wraps"]
        vault = api.stage.platform.vault
        current = str((await vault.keks.current(vault.kek_id)).ref)
        assert (before, after) == (
            {},
            {current: len(api.stage.restricted_bytes.keys())},
        )

    async def test_no_store_has_its_bytes_or_their_hash(self, held):
        stage = held.stage
        stored = [
            *stage.evidence_bytes._objects.values(),  # noqa: SLF001 - all that is there
            *stage.restricted_bytes._objects.values(),  # noqa: SLF001 - as above
        ]
        said = [each.envelope for each in await stage.log.read(after=0, limit=1000)]
        was = plain(await manifest_of(held.api, held.run))["artifacts"][0]

        assert len(stage.restricted_bytes.keys()) == 1
        for each in (*stored, *said):
            assert each != held.secret.encode()
            assert was["content_hash"].encode() not in each

    async def test_its_manifest_says_that_it_is_sealed(self, held):
        told = (await held.api.get(f"evidence/{held.bundle}")).json()["manifest"]

        first, *others = told["artifacts"]
        assert (first["classification"], first["is_sealed"]) == ("RESTRICTED", True)
        assert {each["is_sealed"] for each in others} == {False}
        (part,) = told["results"][0]["artifacts"]
        assert part["sha256"] == first["content_hash"]

    async def test_with_it_the_candidate_is_verified(self, held):
        await held.api.done(
            f"runs/{held.run['run_id']}/complete",
            {"outcome": "SUCCESS", "evidence_bundle_hash": held.bundle},
            by="system",
        )

        told = await held.api.get(f"candidates/{held.run['candidate_id']}")
        assert told.json()["verification_status"] == "VERIFIED_STRICT"

    async def test_what_is_said_to_be_sealed_already_is_refused(self, api):
        run = await an_external_run(api)
        body = body_of(await manifest_of(api, run))
        body["manifest"]["artifacts"][0]["is_sealed"] = True

        answer = await api.post("evidence", body, by="system")

        assert (answer.status_code, answer.json()["code"]) == (400, "MANIFEST_INVALID")
        assert api.stage.restricted_bytes.keys() == ()

    async def test_without_a_key_nothing_is_written(self, api):
        run = await an_external_run(api)
        body = body_of(await manifest_of(api, run))
        api.stage.keks.is_down = True

        answer = await api.post("evidence", body, by="system")

        assert (answer.status_code, answer.json()["code"]) == (503, "KEK_UNAVAILABLE")
        assert (
            api.stage.restricted_bytes.keys() == api.stage.evidence_bytes.keys() == ()
        )
        assert (await api.get("evidence")).json()["total"] == 0

    async def test_no_manifest_with_an_open_secret_is_ever_written(self, api):
        manifest = await manifest_of(api, await an_external_run(api))
        blobs = {each.name: each.name.encode() for each in manifest.artifacts}

        with pytest.raises(AssertionError, match="sealed before"):
            await write_bundle(api.stage.evidence_bytes, manifest, blobs)


class TestWhoReads:
    @pytest.mark.parametrize("by", ["bystander", "agent", "system"])
    async def test_without_the_role_nobody_does(self, held, by):
        answer = await held.api.get(held.path, by=by)

        assert (answer.status_code, answer.json()["code"]) == (
            403,
            "AUTHORITY_REQUIRED",
        )
        assert await held.outcomes() == []

    @pytest.mark.parametrize("by", ["bystander", "agent", "system"])
    async def test_the_rest_of_the_bundle_is_anyones(self, held, by):
        told = (await held.api.get(f"evidence/{held.bundle}", by=by)).json()

        open_one = next(each for each in told["blob_names"] if each != held.secret)
        path = f"evidence/{held.bundle}/blobs/{open_one}"
        assert (await held.api.get(path, by=by)).status_code == 200

    async def test_each_reading_is_an_event(self, held):
        await held.api.get(held.path, headers={"X-Correlation-ID": "corr-7"})

        (read,) = [
            each
            for each in await held.api.events()
            if isinstance(each.event, RestrictedEvidenceRead)
        ]
        assert (read.event.blob_name, read.event.outcome) == (held.secret, "RELEASED")
        assert (read.by.actor_id, read.correlation_id) == (
            "oidc_sub:issuer:alice",
            "corr-7",
        )
        row = await held.stage.rows.row(
            "restricted_evidence_reads", {"read_id": read.event.read_id}
        )
        assert row["read_by_id"] == "oidc_sub:issuer:alice"

    async def test_what_cannot_be_recorded_is_not_given_out(self, held):
        held.stage.log.conflicts = 99

        answer = await held.api.get(held.path)

        assert answer.status_code == 409
        assert "content" not in answer.json()


class TestFaults:
    """R-ENC-7: distinct in the log, one to who may read, nothing to who may not."""

    @pytest.mark.parametrize("code", FAULTS)
    async def test_the_log_says_which_it_was(self, held, code):
        FAULTS[code](held)

        answer = await held.api.get(held.path)

        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "EVIDENCE_UNREADABLE",
        )
        assert await held.outcomes() == [code]

    @pytest.mark.parametrize(("by", "status"), [("human", 409), ("bystander", 403)])
    async def test_no_answer_tells_one_from_another(self, held, by, status):
        answers = await answers_to_faults(held, by)

        assert {each.status_code for each in answers} == {status}
        assert len({each.content for each in answers}) == 1

    async def test_who_may_not_is_not_told_that_nothing_is_wrong(self, held):
        faulty = await answers_to_faults(held, "bystander")

        sound = await ask(held, "bystander")

        assert {each.content for each in faulty} == {sound.content}

    async def test_control_without_the_one_refusal_they_differ(self, held, monkeypatch):
        monkeypatch.setattr(restricted, "_UNOPENED", ())

        answers = await answers_to_faults(held, "human")

        assert len({each.content for each in answers}) == len(FAULTS)


async def ask(held: Held, by: str) -> Any:
    """Ask under one name, so that the whole body can be compared."""
    names = {"X-Correlation-ID": "corr-1", "X-Request-ID": "req-1"}
    return await held.api.get(held.path, by=by, headers=names)


async def answers_to_faults(held: Held, by: str) -> list[Any]:
    """What the caller is answered to each of the faults, one at a time."""
    answers = []
    for each in FAULTS.values():
        mend = mending(held.stage)
        each(held)
        answers.append(await ask(held, by))
        mend()
    return answers


def mending(stage: Stage) -> Callable[[], None]:
    """Return what brings back all that the faults take away."""
    holders: list[dict[Any, Any]] = [
        stage.restricted_bytes._objects,  # noqa: SLF001 - behind the back of who wrote it
        stage.key_records._records,  # noqa: SLF001 - as above
        stage.keks._keks,  # noqa: SLF001 - as above
        stage.keks._oldest,  # noqa: SLF001 - as above
    ]
    before = [dict(each) for each in holders]

    def mend() -> None:
        stage.keks.is_down = False
        for each, was in zip(holders, before, strict=True):
            each.clear()
            each.update(was)

    return mend


class TestGates:
    """R-ATT-4, R-ENC-13: what is lost of sealed evidence blocks, and is not "open"."""

    @pytest.mark.parametrize(
        ("code", "part"),
        [
            ("KEY_RECORD_MISSING", "key record of {}"),
            ("SEAL_MALFORMED", "key record of {}"),
            ("SEAL_TAMPERED", "{}"),
            ("UNRETRIEVABLE", "{}"),
        ],
    )
    async def test_a_candidate_is_not_verified_over_it(self, held, code, part):
        FAULTS[code](held)

        await held.api.post(
            f"runs/{held.run['run_id']}/complete",
            {"outcome": "SUCCESS", "evidence_bundle_hash": held.bundle},
            by="system",
        )

        told = (await held.api.get(f"candidates/{held.run['candidate_id']}")).json()
        assert told["verification_status"] != "VERIFIED_STRICT"
        events = [each.event for each in await held.api.events()]
        (lost,) = [it for it in events if isinstance(it, EvidenceMissingDetected)]
        assert set(lost.missing_parts) == {part.format(held.secret)}

    async def test_its_plaintext_in_its_place_is_not_it(self, held):
        (key,) = held.stage.restricted_bytes.keys()
        held.stage.restricted_bytes.overwrite(key, held.secret.encode())

        answer = await held.api.get(held.path)
        status = (await held.api.get(f"evidence/{held.bundle}/status")).json()

        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "EVIDENCE_UNREADABLE",
        )
        assert status["lost"] == {held.secret: "CORRUPTED"}

    async def test_another_bundles_record_is_not_its_own(self, held, api):
        other = await an_external_run(api)
        manifest = await manifest_of(api, other)
        told = await api.done("evidence", body_of(manifest), by="system")
        records = held.stage.key_records._records  # noqa: SLF001 - behind its back
        mine, foreign = sorted(records, key=lambda it: told["content_hash"][7:] in it)
        records[mine] = records[foreign]

        status = (await held.api.get(f"evidence/{held.bundle}/status")).json()

        assert status["lost"] == {f"key record of {held.secret}": "CORRUPTED"}
        assert (await held.api.get(held.path)).status_code == 409

    async def test_a_status_asks_for_no_key(self, held):
        held.stage.keks.is_down = True

        status = (await held.api.get(f"evidence/{held.bundle}/status")).json()

        assert (status["available"], status["integrity_ok"]) == (True, True)


class TestErasure:
    """R-ENC-14: gone for good, by a human who may, with an event."""

    @pytest.mark.parametrize("by", ["bystander", "agent", "system"])
    async def test_nobody_else_has_it_done(self, held, by):
        assert (await held.erase(by=by)).status_code == 403
        assert (await held.api.get(held.path)).status_code == 200

    async def test_what_is_erased_is_told_to_be(self, held):
        done = await held.erase()

        answer = await held.api.get(held.path)
        assert done.json()["blob_names"] == [held.secret]
        assert (answer.status_code, answer.json()["code"]) == (410, "EVIDENCE_ERASED")
        assert await held.outcomes() == [EvidenceErased.code]
        assert held.stage.key_records._records == {}  # noqa: SLF001 - no key is left
        assert len(held.stage.restricted_bytes.keys()) == 1

    async def test_who_may_not_read_is_not_told(self, held):
        sound = await ask(held, "bystander")
        await held.erase()

        assert (await ask(held, "bystander")).content == sound.content

    async def test_what_rested_on_it_rests_on_nothing(self, held):
        await held.api.done(
            f"runs/{held.run['run_id']}/complete",
            {"outcome": "SUCCESS", "evidence_bundle_hash": held.bundle},
            by="system",
        )
        path = f"candidates/{held.run['candidate_id']}"
        before = (await held.api.get(path)).json()["verification_status"]
        await held.erase()

        answer = await held.api.post(f"{path}/verify")

        status = (await held.api.get(path)).json()["verification_status"]
        assert (before, status) == ("VERIFIED_STRICT", "UNVERIFIED")
        assert "EVIDENCE_MISSING" in answer.text
        events = [each.event for each in await held.api.events()]
        (lost,) = [it for it in events if isinstance(it, EvidenceMissingDetected)]
        assert lost.missing_parts == {f"key record of {held.secret}": "MISSING"}

    async def test_it_is_recorded_once_and_done_again(self, held):
        record = dict(held.stage.key_records._records)  # noqa: SLF001 - from a copy
        await held.erase()
        held.stage.key_records._records.update(record)  # noqa: SLF001 - brought back

        still = await held.api.get(held.path)
        again = await held.erase()

        events = [each.event for each in await held.api.events()]
        assert (
            len([it for it in events if isinstance(it, RestrictedEvidenceErased)]) == 1
        )
        assert (still.status_code, again.status_code) == (410, 200)
        assert held.stage.key_records._records == {}  # noqa: SLF001 - no key is left

    async def test_what_the_store_would_not_remove_is_removed_by_the_next_try(
        self, held, monkeypatch
    ):
        async def kept(key: ObjectKey) -> None:
            raise Unremovable(key=key)

        named = {"Idempotency-Key": "erase-7"}
        with monkeypatch.context() as meanwhile:
            meanwhile.setattr(held.stage.key_records, "remove", kept)
            first = await held.erase(headers=named)
        between = await held.api.get(held.path)
        second = await held.erase(headers=named)

        assert (first.status_code, first.json()["code"]) == (503, "UNREMOVABLE")
        assert (between.status_code, second.status_code) == (410, 200)
        assert held.stage.key_records._records == {}  # noqa: SLF001 - no key is left
        events = [each.event for each in await held.api.events()]
        assert (
            len([it for it in events if isinstance(it, RestrictedEvidenceErased)]) == 1
        )

    async def test_a_reason_is_needed(self, held):
        answer = await held.api.post(
            f"evidence/{held.bundle}/erase", {"rationale": " "}
        )

        assert answer.status_code == 400
        assert (await held.api.get(held.path)).status_code == 200

    async def test_where_nothing_is_sealed_nothing_is_erased(self, api):
        run = await an_external_run(api)
        manifest = await manifest_of(api, run, None)
        told = await api.done("evidence", body_of(manifest), by="system")

        path = f"evidence/{told['content_hash']}/erase"
        answer = await api.post(path, {"rationale": "as asked"})

        assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_INPUT")
        assert RestrictedEvidenceErased not in {
            type(each.event) for each in await api.events()
        }
