"""C-EVID-6: what is cited by an active claim is read anew, whichever claim it is."""

from __future__ import annotations

import pytest

from sr_core.application import retrievability
from sr_core.application.evidence import manifest_key
from sr_core.application.retrievability import FLAWED, Checked, Retrievability
from sr_core.cli.evidence_retrieve import told
from sr_core.domain.evidence import BundleReading, Flaw, ManifestDefect
from sr_core.testing import SOME_HASH

pytestmark = pytest.mark.anyio


async def look(journey) -> list[Checked]:
    stage = journey.stage
    it = Retrievability(
        rows=stage.rows, evidence=stage.evidence_bytes, vault=stage.platform.vault
    )
    return [each async for each in it.all()]


async def judged(setting_out):
    """A journey whose candidate was judged, and not verified."""
    journey = await setting_out().open()
    await journey.make()
    await journey.judge()
    return journey


async def test_every_kind_of_claim_is_a_claim(setting_out):
    journey = await judged(setting_out)
    await journey.verify()
    await journey.approve()
    await journey.freeze()

    (checked,) = await look(journey)

    assert checked.content_hash == await journey.evidence()
    kinds = [each.partition(" ")[0] for each in checked.cited_by]
    assert (kinds, checked.faults) == (["candidate", "approval", "freeze"], {})


async def test_what_is_approved_is_read_though_its_candidate_is_void(setting_out):
    """A candidate that is no longer verified cites nothing; who approved it, does."""
    journey = await judged(setting_out)
    await journey.verify()
    await journey.approve()
    key = {"candidate_id": journey.candidate_id}
    journey.change("candidates", key, verification_status="UNVERIFIED")
    bundle = await journey.evidence()
    journey.stage.evidence_bytes.lose(manifest_key(bundle))

    (checked,) = await look(journey)

    assert [each.partition(" ")[0] for each in checked.cited_by] == ["approval"]
    assert checked.faults == {"manifest.json": "MISSING"}


async def test_each_kind_of_claim_is_needed(setting_out, monkeypatch):
    """Without the tables that it looks into it finds nothing to read."""
    journey = await judged(setting_out)
    await journey.verify()
    monkeypatch.setattr(retrievability, "_citations", lambda *_: iter(()))

    assert await look(journey) == []


async def test_a_manifest_that_is_none_is_a_fault(setting_out, monkeypatch):
    journey = await judged(setting_out)
    await journey.verify()
    flaw = Flaw(defect=ManifestDefect.BLOB_MISMATCH, why="report.json\nhas 3 bytes")

    async def flawed(*_: object) -> BundleReading:
        return BundleReading(content_hash=SOME_HASH, lost={}, manifest=None, flaw=flaw)

    monkeypatch.setattr(retrievability, "read_bundle", flawed)

    (checked,) = await look(journey)

    assert list(checked.faults.values()) == [FLAWED]
    assert r"MANIFEST_INVALID BLOB_MISMATCH: report.json\nhas 3" in told(checked)
