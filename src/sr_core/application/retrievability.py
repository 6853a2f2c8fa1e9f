"""Whether all evidence that active claims cite is there, as it was written (C-EVID-6).

    verified candidates ─┐
    approvals ───────────┼──▶ bundles, each once ──every byte read anew──▶ what was found
    freezes ─────────────┘

These are the claims that evidence is read for at the gates (SPEC 6.1); what is shippable
is a candidate among them. Nothing is recorded here: who finds something lost asks the
gate, which does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

from sr_core.application.evidence import read_bundle
from sr_core.application.facts import all_rows
from sr_core.application.vault import Vault
from sr_core.domain.evidence import BundleReading
from sr_core.domain.refs import ContentHash, parse_content_hash
from sr_core.domain.verification import VerificationStatus
from sr_core.ports.content_store import ContentStore
from sr_core.ports.errors import Unavailable
from sr_core.ports.read_model import ReadModel, Row

UNREACHABLE: Final = "UNREACHABLE"
"""What says nothing about the bundle: there was no answer in time."""
FLAWED: Final = "MANIFEST_INVALID"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A bundle that is cited; `faults` are what is wrong with it, by part."""

    content_hash: ContentHash
    cited_by: tuple[str, ...]
    faults: Mapping[str, str]

    @property
    def is_intact(self) -> bool:
        """Whether every part was read and is what it was."""
        return not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrievability:
    """The evidence of one deployment, and the claims that cite it."""

    rows: ReadModel
    evidence: ContentStore
    vault: Vault

    async def all(self) -> AsyncIterator[Checked]:
        """Yield what was found of each bundle that an active claim cites.

        Raises:
            Unavailable: the claims could not be read; bundles that cannot be reached
                are among what is yielded.

        """
        for content_hash, cited_by in (await self._cited()).items():
            yield Checked(
                content_hash=content_hash,
                cited_by=tuple(cited_by),
                faults=await self._faults(content_hash),
            )

    async def _cited(self) -> Mapping[ContentHash, Sequence[str]]:
        cited: dict[ContentHash, list[str]] = {}
        for table in ("candidates", "approvals", "freeze_records"):
            for row in await all_rows(self.rows, table, {}):
                for claim, each in _citations(table, row):
                    cited.setdefault(parse_content_hash(each), []).append(claim)
        return cited

    async def _faults(self, content_hash: ContentHash) -> Mapping[str, str]:
        try:
            reading = await read_bundle(self.evidence, content_hash, self.vault)
        except Unavailable as error:
            return {error.found: UNREACHABLE}
        return _faults_of(reading)


def _citations(table: str, row: Row) -> Iterator[tuple[str, str]]:
    """Yield the claim of a row with each bundle that it cites; a void one cites none."""
    match table:
        case "candidates":
            if row["verification_status"] == VerificationStatus.UNVERIFIED:
                return
            claim, cited = f"candidate {row['candidate_id']}", row["evidence_hashes"]
        case "approvals":
            claim, cited = f"approval {row['approval_id']}", row["evidence_refs"]
        case _:
            claim, cited = f"freeze {row['freeze_id']}", row["evidence_bundle_refs"]
    for each in cast("Sequence[str]", cited):
        yield claim, each


def _faults_of(reading: BundleReading) -> Mapping[str, str]:
    faults = {name: str(state) for name, state in reading.lost.items()}
    if reading.flaw is not None:
        faults[f"{reading.flaw.defect}: {reading.flaw.why}"] = FLAWED
    return faults
