"""R-EVT-9: each check of the verifier is needed.

For each there is a way to tamper that it alone finds. With the check taken out, from
outside, that tampering goes through: the log is called sound.
"""

from __future__ import annotations

import io
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
)
from dataclasses import dataclass

import pytest
from tests.conftest import Bucket, remove_for_good
from tests.integration.conftest import (
    KEY,
    SIZES,
    SignedLog,
    an_event,
    rechained,
    resealed,
)

from sr_core.adapters.postgres import log_record
from sr_core.adapters.s3.checkpoints import S3CheckpointStore
from sr_core.application import checkpoints, log_check, log_verification
from sr_core.codec import note
from sr_core.codec.checkpoint import checkpoint_key, leaves_key
from sr_core.codec.note import SigningKey
from sr_core.domain.checkpoint import Checkpoint, Leaves
from sr_core.domain.merkle import Frontier
from sr_core.ports.checkpoints import Kept
from sr_core.ports.content_store import ObjectKey
from sr_core.ports.log_record import Place

pytestmark = pytest.mark.anyio


@dataclass(frozen=True)
class Scene:
    """A log of 40 events, signed at 10, 20 and 30, and its bucket.

    The events at 35, 37 and 39 are each alone in their stream and boundary.
    """

    log: SignedLog
    bucket: Bucket

    def put(self, objects: Mapping[ObjectKey, bytes]) -> None:
        """Put these in the place of what is there, for good."""
        for key, data in objects.items():
            remove_for_good(self.bucket, key)
            self.bucket.admin.put_object(
                self.bucket.name, key, io.BytesIO(data), len(data)
            )


@pytest.fixture
async def scene(signed_log: SignedLog, locked_bucket: Bucket) -> Scene:
    for size in SIZES:
        await signed_log.grow(up_to=size)
        await signed_log.sign()
    await signed_log.grow(up_to=34)
    for number in range(35, 41):
        if number % 2:
            lone = f"loop:lone-{number}"
            await signed_log.append(an_event(number, lone, 1), boundary=lone)
        else:
            after = 0 if number == 36 else number - 2
            await signed_log.append(
                an_event(number, "loop:d", (number - 34) // 2),
                boundary="loop:d",
                after=after,
            )
    return Scene(signed_log, locked_bucket)


Act = Callable[[Scene], Awaitable[None]]
TakeOut = Callable[[pytest.MonkeyPatch], None]


async def remove_a_lone_event(scene: Scene) -> None:
    scene.log.forger.do("DELETE FROM es.events WHERE global_seq = 37")
    scene.log.forger.settle()


async def edit_an_envelope(scene: Scene) -> None:
    rows = scene.log.forger.rows()
    rows[12]["envelope"] = rows[12]["envelope"].replace(b'"number":13', b'"number":99')
    scene.log.forger.write(rows)


async def swap_lone_events(scene: Scene) -> None:
    rows = scene.log.forger.rows()
    for one, other in ((34, 36), (36, 34)):
        kept = {name: rows[one][name] for name in ("global_seq", "chain_hash")}
        rows[one] = {**scene.log.forger.rows()[other], **kept}
    scene.log.forger.write(rows)
    scene.log.forger.settle()


async def change_a_column(scene: Scene) -> None:
    scene.log.forger.do("UPDATE es.events SET actor_id = 'eve' WHERE global_seq = 4")


async def skip_a_number_of_a_stream(scene: Scene) -> None:
    rows = scene.log.forger.rows()
    rows[39] = resealed(rows[39], stream_seq=9)
    scene.log.forger.write(rechained(rows))
    scene.log.forger.settle()


async def move_to_another_boundary(scene: Scene) -> None:
    scene.log.forger.do(
        "UPDATE es.events SET boundary = 'loop:lone-35' WHERE global_seq = 40"
    )
    scene.log.forger.settle()


async def change_a_streams_row(scene: Scene) -> None:
    scene.log.forger.do("UPDATE es.streams SET stream_version = 1")


async def change_a_streams_kind(scene: Scene) -> None:
    scene.log.forger.do("UPDATE es.streams SET stream_kind = 'RUN'")


async def change_a_boundarys_row(scene: Scene) -> None:
    scene.log.forger.do("UPDATE es.boundaries SET position = 1")


async def cut_what_is_not_signed(scene: Scene) -> None:
    scene.log.forger.do("DELETE FROM es.events WHERE global_seq = 40")
    scene.log.forger.settle(head=False)


async def cut_what_is_signed(scene: Scene) -> None:
    scene.log.forger.do("DELETE FROM es.events WHERE global_seq > 25")
    scene.log.forger.settle()


async def rewrite(scene: Scene, position: int = 15) -> None:
    rows = scene.log.forger.rows()
    rows[position - 1] = resealed(rows[position - 1], actor_id="eve")
    scene.log.forger.write(rechained(rows))
    scene.log.forger.settle()


async def rewrite_where_no_leaves_are(scene: Scene) -> None:
    await rewrite(scene)
    for key in (checkpoint_key(20), leaves_key(20)):
        remove_for_good(scene.bucket, key)


async def lose_leaves(scene: Scene) -> None:
    remove_for_good(scene.bucket, leaves_key(20))


async def forge_checkpoints(scene: Scene) -> None:
    await rewrite(scene)
    forger = SigningKey(name=KEY.name, seed=bytes(32))
    scene.put(await scene.log.signed_by(forger))


async def bring_checkpoints_of_another_log(scene: Scene) -> None:
    await rewrite(scene)
    scene.put(await scene.log.signed_by(KEY, origin="another/log"))


async def put_an_earlier_checkpoint_in_the_place_of_a_later(scene: Scene) -> None:
    scene.log.forger.do("DELETE FROM es.events WHERE global_seq > 20")
    scene.log.forger.settle()
    made = await scene.log.signed_by(KEY, sizes=(10, 20))
    remove_for_good(scene.bucket, checkpoint_key(20))
    scene.put({checkpoint_key(30): made[checkpoint_key(20)]})


async def mark_the_last_as_removed(scene: Scene) -> None:
    for key in (checkpoint_key(30), leaves_key(30)):
        scene.bucket.admin.remove_object(scene.bucket.name, key)
    scene.log.forger.do("DELETE FROM es.events WHERE global_seq > 20")
    scene.log.forger.settle()


def without_row_check(name: str) -> TakeOut:
    def act(patch: pytest.MonkeyPatch) -> None:
        left = tuple(each for each in log_check.ROW_CHECKS if each.__name__ != name)
        assert len(left) == len(log_check.ROW_CHECKS) - 1
        patch.setattr(log_check, "ROW_CHECKS", left)

    return act


def without_comparison(place: Place) -> TakeOut:
    def act(patch: pytest.MonkeyPatch) -> None:
        left = {**log_record._COMPARISONS}  # noqa: SLF001 - a mutant reaches inside
        del left[place]
        patch.setattr(log_record, "_COMPARISONS", left)

    return act


def without_checkpoint_check(name: str) -> TakeOut:
    def act(patch: pytest.MonkeyPatch) -> None:
        left = tuple(
            each for each in checkpoints.CHECKPOINT_CHECKS if each.__name__ != name
        )
        assert len(left) == len(checkpoints.CHECKPOINT_CHECKS) - 1
        patch.setattr(checkpoints, "CHECKPOINT_CHECKS", left)

    return act


def without_head(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(log_verification, "check_head", lambda *_: ())


def without_end(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: object, **__: object) -> AsyncIterator[log_check.Finding]:
        for each in tuple[log_check.Finding, ...]():
            yield each

    patch.setattr(log_verification._Witness, "end", nothing)  # noqa: SLF001 - as above


def without_roots(patch: pytest.MonkeyPatch) -> None:
    closed = log_verification._Witness._closed  # noqa: SLF001 - as above

    def pass_by(
        witness: log_verification._Witness,
        checkpoint: Checkpoint,
        *,
        is_bad: bool,
    ) -> Iterator[log_check.Finding]:
        del is_bad
        return closed(witness, checkpoint, is_bad=True)

    patch.setattr(log_verification._Witness, "_closed", pass_by)  # noqa: SLF001


def without_leaves(patch: pytest.MonkeyPatch) -> None:
    async def found(*_: object) -> Leaves:
        return Leaves(before=Frontier(), hashes=())

    patch.setattr(checkpoints.Archive, "leaves", found)


def without_signatures(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(note, "_check_signature", lambda *_, **__: None)


def without_versions(patch: pytest.MonkeyPatch) -> None:
    def kept(self: S3CheckpointStore, prefix: str) -> list[Kept]:
        stored = self._client.list_objects(
            self._bucket,
            prefix=prefix,
            recursive=True,
        )
        names = sorted(each.object_name or "" for each in stored)
        return [Kept(key=each, version=None, changed=None) for each in names]  # type: ignore[arg-type]

    patch.setattr(S3CheckpointStore, "_kept", kept)


CASES: list[tuple[Act, set[str], int | None, TakeOut]] = [
    (remove_a_lone_event, {"GAP"}, 37, without_row_check("_follows")),
    (edit_an_envelope, {"ENVELOPE_HASH"}, 13, without_row_check("_hashes")),
    (swap_lone_events, {"CHAIN"}, 35, without_row_check("_links")),
    (change_a_column, {"COLUMN"}, 4, without_row_check("_repeats")),
    (
        skip_a_number_of_a_stream,
        {"STREAM_ORDER"},
        40,
        without_comparison(Place.STREAM_ORDER),
    ),
    (
        move_to_another_boundary,
        {"STREAM_BOUNDARY"},
        40,
        without_comparison(Place.STREAM_BOUNDARY),
    ),
    (
        change_a_streams_row,
        {"STREAM_ROW"},
        None,
        without_comparison(Place.STREAM_ROW),
    ),
    (
        change_a_streams_kind,
        {"STREAM_ROW"},
        None,
        without_comparison(Place.STREAM_ROW),
    ),
    (
        change_a_boundarys_row,
        {"BOUNDARY_ROW"},
        None,
        without_comparison(Place.BOUNDARY_ROW),
    ),
    (cut_what_is_not_signed, {"HEAD"}, 40, without_head),
    (cut_what_is_signed, {"CUT"}, 26, without_end),
    (rewrite_where_no_leaves_are, {"REWRITTEN"}, 11, without_roots),
    (lose_leaves, {"LEAVES"}, None, without_leaves),
    (forge_checkpoints, {"CHECKPOINT"}, None, without_signatures),
    (
        bring_checkpoints_of_another_log,
        {"CHECKPOINT"},
        None,
        without_checkpoint_check("_is_of_this_log"),
    ),
    (
        put_an_earlier_checkpoint_in_the_place_of_a_later,
        {"CHECKPOINT"},
        None,
        without_checkpoint_check("_lies_under_its_size"),
    ),
    (
        mark_the_last_as_removed,
        {"CHECKPOINT", "LEAVES", "CUT"},
        21,
        without_versions,
    ),
]


class TestEachCheck:
    @pytest.mark.parametrize(
        ("tamper", "faults", "first_bad", "take_out"),
        CASES,
        ids=[case[0].__name__ for case in CASES],
    )
    async def test_alone_finds_it_and_taken_out_lets_it_through(
        self, scene, monkeypatch, tamper, faults, first_bad, take_out
    ):
        await tamper(scene)

        found = await scene.log.verify()
        take_out(monkeypatch)
        missed = await scene.log.verify()

        assert (found.code, found.faults, found.first_bad) == (1, faults, first_bad)
        assert (missed.code, missed.findings_total) == (0, 0)


class TestTheLeaves:
    """They name the event; without them it is only known between which two sizes."""

    async def test_name_the_event(self, scene):
        await rewrite(scene, 15)

        assert (await scene.log.verify()).first_bad == 15

    async def test_that_are_lost_leave_a_range(self, scene):
        await rewrite(scene, 15)
        await lose_leaves(scene)

        found = await scene.log.verify()

        assert (found.code, found.first_bad) == (1, 11)
        assert found.faults == {"LEAVES", "REWRITTEN"}

    async def test_that_somebody_writes_over_still_name_it(self, scene):
        await rewrite(scene, 15)
        scene.bucket.admin.put_object(
            scene.bucket.name, leaves_key(20), io.BytesIO(b"other"), 5
        )

        found = await scene.log.verify()

        assert (found.code, found.first_bad) == (1, 15)
        assert found.faults == {"LEAVES", "REWRITTEN"}

    async def test_that_are_forged_accuse_nobody(self, scene):
        forged = await scene.log.signed_by(KEY, sizes=SIZES)
        data = bytearray(forged[leaves_key(20)])
        data[-1] ^= 1
        scene.put({leaves_key(20): bytes(data)})

        found = await scene.log.verify()

        assert (found.faults, found.first_bad) == ({"LEAVES"}, None)

    async def test_that_were_not_proven_would_accuse_an_event(self, scene, monkeypatch):
        forged = await scene.log.signed_by(KEY, sizes=SIZES)
        data = bytearray(forged[leaves_key(20)])
        data[-1] ^= 1
        scene.put({leaves_key(20): bytes(data)})
        monkeypatch.setattr(checkpoints, "is_proven", lambda *_: True)

        found = await scene.log.verify()

        assert (found.faults, found.first_bad) == ({"REWRITTEN"}, 20)


def names(cases: Iterable[tuple[Act, set[str], int | None, TakeOut]]) -> set[str]:
    return {fault for each in cases for fault in each[1]}


def test_every_fault_has_its_case():
    """A check that is added has to be shown to be needed."""
    assert names(CASES) == {each.value for each in log_check.Fault}
