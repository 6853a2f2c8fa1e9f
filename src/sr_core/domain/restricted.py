"""Restricted evidence in the log: who read it, with what outcome; and its erasure.

    sealed --read--> sealed
      |
      +--erase, by a human who may--> erased, for good

Each reading is recorded before a byte of it is given out, and each that failed with the
code of its failure, which the reader is not told (R-ENC-7). An erasure is recorded first
and carried out then; whoever finds it recorded carries it out again (R-ENC-14).

Clauses: C-EVID-5, SPEC 9.1 (removal by a human, with an event), SPEC 9.2 (access).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.errors import MalformedInput
from sr_core.domain.evidence import Secrecy
from sr_core.domain.ids import EvidenceReadId
from sr_core.domain.ref_builders import bundle_ref
from sr_core.domain.refs import ContentHash, Ref, RefRelation

READER: Final = "evidence:restricted"
"""The role of who may read restricted evidence; handing it in gives no right to read."""
ERASER: Final = "evidence:erase"
"""The role of the humans who may have it erased."""
RELEASED: Final = "RELEASED"
"""The outcome of a reading that gave out the blob; any other is an error's code.

A large blob is given out as it is read, so that a failure may follow its release: that is
an event of its own.
"""
RATIONALE_CHARS_MAX: Final = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedEvidenceRead:
    """Somebody who may read it asked for a restricted blob."""

    read_id: EvidenceReadId
    content_hash: ContentHash
    blob_name: str
    classification: Secrecy
    outcome: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """It is about the bundle."""
        return (bundle_ref(self.content_hash, RefRelation.ABOUT),)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestrictedEvidenceErased:
    """A human had the keys of all that is sealed in a bundle removed."""

    content_hash: ContentHash
    blob_names: tuple[str, ...]
    rationale: str

    @property
    def refs(self) -> tuple[Ref, ...]:
        """It is about the bundle."""
        return (bundle_ref(self.content_hash, RefRelation.ABOUT),)


EvidenceReadEvent: TypeAlias = RestrictedEvidenceRead
EvidenceKeyEvent: TypeAlias = RestrictedEvidenceErased


@dataclass(frozen=True, slots=True, kw_only=True)
class EraseEvidence:
    """Remove the keys of all that is sealed in a bundle, for good."""

    by: Actor
    content_hash: ContentHash
    blob_names: tuple[str, ...]
    rationale: str


def parse_rationale(text: str, *, why: str) -> str:
    """Return the reason that a human gives, or raise `MalformedInput`."""
    rationale = text.strip()
    if 0 < len(rationale) <= RATIONALE_CHARS_MAX:
        return rationale
    raise MalformedInput(
        field="rationale",
        found=rationale[:80],
        expected=f"{why}, in 1 to {RATIONALE_CHARS_MAX} characters",
    )


def authorise_reading(by: Actor) -> None:
    """Raise `AuthorityRequired` unless `by` may read restricted evidence."""
    by.require_role(READER, action="reading restricted evidence")


def authorise_erasure(by: Actor) -> None:
    """Raise `AuthorityRequired` unless `by` is a human who may have it erased."""
    by.require(ActorKind.HUMAN, action="erasing restricted evidence")
    by.require_role(ERASER, action="erasing restricted evidence")


def erase(
    known: RestrictedEvidenceErased | None, command: EraseEvidence
) -> tuple[RestrictedEvidenceErased, ...]:
    """Return the erasure as recorded; nothing if it was recorded before.

    Raises:
        AuthorityRequired: no human with the role gives it.
        MalformedInput: nothing in the bundle is sealed, or no reason is given.

    """
    authorise_erasure(command.by)
    if not command.blob_names:
        raise MalformedInput(
            field="bundle",
            found=command.content_hash,
            expected="a bundle in which something is sealed",
        )
    rationale = parse_rationale(command.rationale, why="why it is erased")
    if known is not None:
        return ()
    return (
        RestrictedEvidenceErased(
            content_hash=command.content_hash,
            blob_names=command.blob_names,
            rationale=rationale,
        ),
    )
