"""Redacted copies over HTTP: made by who may, read by anyone (C-EVID-5, R-ENC-15, 16)."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.redacting import CASES, JWT, PEM, not_the_difference

from sr_core.application import redactions
from sr_core.application.recorder import Asked
from sr_core.application.redactions import Redactions
from sr_core.codec.canonical import plain
from sr_core.domain.errors import AuthorityRequired
from sr_core.domain.evidence import Secrecy
from sr_core.domain.redacted_copy import REDACTER, RestrictedEvidenceRedacted
from sr_core.domain.redaction import Redacted, redact, survivors
from sr_core.domain.redaction import Region as Cut
from sr_core.domain.refs import hash_bytes, parse_content_hash
from sr_core.domain.restricted import READER, RestrictedEvidenceRead
from sr_core.testing import CORE, HUMAN, SYSTEM, build_manifest

pytestmark = pytest.mark.anyio

PASSWORDS = ("hunter2", "letmein99", "qwerty7", "admin1234")
SECRET = (
    b"\xff\xfe log of the run\npwd='hunter2' in\npassword: letmein99\n"
    b"\x80mysql://root:qwerty7@db/x y\nDB_PASSWORD=admin1234\n" + JWT + b"\n" + PEM
)
WHY = {"rationale": "people outside have to see it"}


class Held:
    """A bundle with one secret in it."""

    def __init__(self, api: Any, bundle: str, secret: str, others: list[str]) -> None:
        self.api, self.bundle, self.secret, self.others = api, bundle, secret, others
        self.path = f"evidence/{bundle}"

    async def published(self) -> dict[str, Any]:
        answer = await self.api.post(f"{self.path}/redact", WHY)
        assert answer.status_code == 201, answer.text
        told: dict[str, Any] = answer.json()
        return told

    async def copy_of(self, told: dict[str, Any], *, by: str = "bystander") -> bytes:
        place = f"{self.path}/redactions/{told['redacted_bundle_hash']}"
        answer = await self.api.get(f"{place}/blobs/{self.secret}", by=by)
        assert answer.status_code == 200, answer.text
        return base64.b64decode(answer.json()["content"])

    async def events(self, kind: type) -> list[Any]:
        found = [each.event for each in await self.api.events()]
        return [each for each in found if isinstance(each, kind)]


async def hold(
    api, data: bytes, *, name: str | None = None, secrecy=Secrecy.RESTRICTED
):
    _, candidate_id = await api.a_candidate()
    body = {
        "candidate_id": candidate_id,
        "oracle_suite_id": CORE,
        "execution": "external",
    }
    run = await api.done("runs", body, by="system")
    platform = api.stage.platform
    dossier = await platform.recorder.state(await platform.candidate_case(candidate_id))
    suite = await platform.suite(CORE)
    made = build_manifest(dossier.run(run["run_id"]), suite.definition, {}, by=SYSTEM)
    first, *others = made.artifacts
    blobs = {each.name: each.name.encode() for each in others}
    hashed = hash_bytes(data)
    named = name or first.name
    first = replace(
        first, name=named, size=len(data), content_hash=hashed, classification=secrecy
    )
    results = tuple(
        replace(
            each,
            artifacts=tuple(
                replace(part, path=named, sha256=hashed)
                if part.path == made.artifacts[0].name
                else part
                for part in each.artifacts
            ),
        )
        for each in made.results
    )
    manifest = replace(made, artifacts=(first, *others), results=results)
    told = await api.done(
        "evidence",
        {
            "manifest": plain(manifest),
            "blobs": {
                each: base64.b64encode(it).decode()
                for each, it in {**blobs, named: data}.items()
            },
        },
        by="system",
    )
    return Held(api, told["content_hash"], named, sorted(blobs))


@pytest.fixture
async def held(api) -> Held:
    it: Held = await hold(api, SECRET)
    return it


class TestCopy:
    async def test_anyone_reads_it_and_finds_no_secret(self, held):
        copy = await held.copy_of(await held.published())

        assert survivors(copy) == frozenset()
        for each in (*PASSWORDS, JWT.decode(), *PEM.decode().split("\n")[1:-1]):
            assert each.encode() not in copy
        assert copy.startswith(b"\xff\xfe log of the run\n")

    async def test_its_manifest_is_the_difference_of_the_two(self, held):
        told = await held.published()

        cuts = tuple(
            Cut(
                offset=each["offset"],
                length=each["length"],
                redacted_offset=each["redacted_offset"],
                kind=each["content_type"],
                rules=tuple(each["reasons"]),
            )
            for each in told["manifest"]["redactions"]
        )
        copy = await held.copy_of(told)
        assert len(cuts) == 6
        assert list(not_the_difference(SECRET, Redacted(data=copy, regions=cuts))) == []

    async def test_the_two_are_linked_both_ways(self, held):
        told = await held.published()
        copy = told["redacted_bundle_hash"]

        place = f"{held.path}/redactions"
        detail = (await held.api.get(f"{place}/{copy}", by="bystander")).json()
        (row,) = (await held.api.get(place, by="agent")).json()["redactions"]
        (event,) = await held.events(RestrictedEvidenceRedacted)

        assert detail["manifest"] == told["manifest"]
        assert detail["manifest"]["original_bundle_hash"] == held.bundle
        assert (row["redacted_bundle_hash"], row["regions"]) == (copy, 6)
        assert (row["redacted_by_id"], row["rationale"]) == (
            HUMAN.actor_id,
            WHY["rationale"],
        )
        assert (event.original_bundle_hash, event.redacted_bundle_hash) == (
            held.bundle,
            copy,
        )

    async def test_holds_nothing_that_was_open_already(self, held):
        told = await held.published()

        (artifact,) = told["manifest"]["artifacts"]
        assert artifact["name"] == held.secret
        place = f"{held.path}/redactions/{told['redacted_bundle_hash']}/blobs"
        for each in held.others:
            assert (await held.api.get(f"{place}/{each}")).status_code == 404

    async def test_is_no_evidence(self, held):
        copy = (await held.published())["redacted_bundle_hash"]

        assert (await held.api.get(f"evidence/{copy}")).status_code == 404

    async def test_the_original_stays_for_few(self, held):
        await held.published()

        path = f"{held.path}/blobs/{held.secret}"
        assert (await held.api.get(path, by="bystander")).status_code == 403
        answer = (await held.api.get(path)).json()
        assert base64.b64decode(answer["content"]) == SECRET


class TestWhoMay:
    @pytest.mark.parametrize("by", ["bystander", "agent", "system"])
    async def test_nobody_else_has_it_made(self, held, by):
        answer = await held.api.post(f"{held.path}/redact", WHY, by=by)

        assert answer.status_code == 403
        assert await held.events(RestrictedEvidenceRead) == []

    async def test_who_may_not_read_the_original_does_not_either(self, held):
        may_not = Asked(by=replace(HUMAN, roles=frozenset({REDACTER})))
        copies = Redactions(platform=held.api.stage.platform)

        with pytest.raises(AuthorityRequired, match=READER):
            await copies.make(parse_content_hash(held.bundle), "why", may_not)

        assert await held.events(RestrictedEvidenceRedacted) == []

    async def test_the_reading_is_an_event_before_the_copy_is(self, held):
        await held.published()

        (read,) = await held.events(RestrictedEvidenceRead)
        assert (read.blob_name, read.outcome) == (held.secret, "RELEASED")


class TestRefusals:
    async def test_of_what_is_not_restricted_there_is_no_copy(self, api):
        held = await hold(api, SECRET, secrecy=None)

        answer = await api.post(f"{held.path}/redact", WHY)

        assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_INPUT")

    async def test_without_a_reason_nothing_is_read(self, held):
        answer = await held.api.post(f"{held.path}/redact", {"rationale": " "})

        assert (answer.status_code, answer.json()["code"]) == (400, "MALFORMED_INPUT")
        assert await held.events(RestrictedEvidenceRead) == []

    async def test_a_secret_in_a_name_is_not_published(self, api):
        held = await hold(api, SECRET, name="logs/password=hunter2")

        answer = await api.post(f"{held.path}/redact", WHY)

        assert answer.json()["code"] == "REDACTION_UNFINISHED"
        assert await held.events(RestrictedEvidenceRedacted) == []

    async def test_a_survivor_is_not_published(self, held, monkeypatch):
        """However it came to survive; nothing of it is written."""
        before = held.api.stage.evidence_bytes.keys()
        monkeypatch.setattr(
            redactions, "redact", lambda data: Redacted(data=data, regions=())
        )

        answer = await held.api.post(f"{held.path}/redact", WHY)

        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "REDACTION_UNFINISHED",
        )
        assert held.api.stage.evidence_bytes.keys() == before
        assert await held.events(RestrictedEvidenceRedacted) == []

    async def test_control_unsearched_it_is_published(self, held, monkeypatch):
        monkeypatch.setattr(
            redactions, "redact", lambda data: Redacted(data=data, regions=())
        )
        monkeypatch.setattr(redactions, "survivors", lambda _: frozenset())

        copy = await held.copy_of(await held.published())

        assert b"hunter2" in copy

    async def test_what_does_not_open_has_no_copy(self, held):
        held.api.stage.keks.is_down = True

        answer = await held.api.post(f"{held.path}/redact", WHY)

        assert (answer.status_code, answer.json()["code"]) == (
            409,
            "EVIDENCE_UNREADABLE",
        )
        (read,) = await held.events(RestrictedEvidenceRead)
        assert read.outcome == "KEK_UNAVAILABLE"

    async def test_what_nobody_published_is_not_there(self, held):
        other = await hold(held.api, SECRET)
        told = await held.published()

        copy = told["redacted_bundle_hash"]
        strange = f"{other.path}/redactions/{copy}"
        assert (await held.api.get(strange)).status_code == 404
        assert (await held.api.get(f"{strange}/blobs/x")).status_code == 404

    @pytest.mark.parametrize("part", ["manifest.json", "blobs/"])
    async def test_what_is_lost_of_a_copy_is_missing(self, held, part):
        told = await held.published()
        copy, store = told["redacted_bundle_hash"], held.api.stage.evidence_bytes
        keys = store.keys()
        (key,) = [it for it in keys if copy[7:] in it and part in it]
        store.overwrite(key, b"other bytes")

        place = f"{held.path}/redactions/{copy}/blobs/{held.secret}"
        assert (await held.api.get(place)).json()["code"] == "EVIDENCE_MISSING"


def guesses() -> Iterator[str]:
    """A million words that people take for passwords, and those that were planted."""
    words = ("admin", "hunter", "letmein", "qwerty", "password", "secret", "root")
    yield from (
        f"{word}{digits:0{width}}"
        for word in words
        for width in range(1, 6)
        for digits in range(10**width)
    )
    letters = "abcdefghijklmnopqrst"
    yield from map("".join, itertools.product(letters, repeat=4))
    yield from map("".join, itertools.product("0123456789", repeat=5))


def cracked(manifest: str, candidates: Iterable[str]) -> set[str]:
    """Return the candidates that the manifest gives away, as they are or by a hash."""
    tokens = set(re.findall(r"[A-Za-z0-9+/_=-]+", manifest))
    prefixes = {token[:32] for token in tokens}
    return {
        each
        for each in candidates
        for data in [each.encode()]
        if each in tokens
        or hashlib.sha256(data).hexdigest()[:32] in prefixes
        or hashlib.md5(data, usedforsecurity=False).hexdigest() in prefixes
    }


class TestGuessing:
    """R-ENC-16: the manifest tells nobody whether a guess is right."""

    async def test_no_word_of_a_dictionary_is_found(self, held, api):
        """But the words of the form, which are there whatever the secrets were."""
        other = await hold(api, b"AKIAIOSFODNN7EXAMPLE")
        told, form = await held.published(), await other.published()

        tried = list(guesses())
        assert len(tried) > 1_000_000
        assert set(PASSWORDS) <= set(tried)
        hits = cracked(json.dumps(told["manifest"]), tried)
        assert hits - cracked(json.dumps(form["manifest"]), hits) == set()

    async def test_control_with_their_hashes_all_are(self, held):
        """What the original did (O-6)."""
        told = await held.published()
        rows = [
            {**each, "original_content_hash": hashlib.sha256(it.encode()).hexdigest()}
            for each, it in zip(told["manifest"]["redactions"], PASSWORDS, strict=False)
        ]

        assert cracked(json.dumps(rows), PASSWORDS) == set(PASSWORDS)

    async def test_equal_cuts_of_other_secrets_have_equal_manifests(self, api):
        """But for the container and what comes of it, it depends on lengths alone."""
        one = await hold(api, b"pwd='hunter2'\n")
        other = await hold(api, b"pwd='letmein'\n")

        first, second = await one.published(), await other.published()

        told = [first["manifest"], second["manifest"]]
        for each in told:
            del each["original_bundle_hash"]
            del each["redacted_at"]
        assert told[0] == told[1]


def test_every_hard_case_makes_a_manifest_that_is_clean():
    """The names of rules and kinds are no secrets to the rules."""
    kinds = {each.kind for case in CASES.values() for each in redact(case.data).regions}
    rules = {
        rule
        for case in CASES.values()
        for each in redact(case.data).regions
        for rule in each.rules
    }

    assert survivors(json.dumps([sorted(kinds), sorted(rules)]).encode()) == frozenset()
