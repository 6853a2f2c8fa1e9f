"""Whether one log has told two stories, by what several files of evidence say (R-ATT-10).

A log has one root at each size, and at each place one event for ever. Two files that hold
and differ in that are the proof, for each has a checkpoint that the log has signed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from sr_core.application.attestation import Attested
from sr_core.domain.judging_errors import SplitView


def check_one_story(files: Mapping[str, Attested]) -> None:
    """Return if no two of the files, each verified, prove that a log told two stories.

    Raises:
        SplitView: two of them do; both hold by themselves, and so both are the proof.

    """
    proven = [(name, it) for name, it in files.items() if it.checkpoint is not None]
    for (name, one), (other_name, other) in combinations(proven, 2):
        for what, found, wanted in _same_place(one, other):
            if found != wanted:
                raise SplitView(
                    field=f"{name} and {other_name}: {what}",
                    found=f"{wanted} in the first and {found} in the second",
                    expected="both to those who keep the log, and have them explain",
                )


def _same_place(one: Attested, other: Attested) -> Iterator[tuple[str, str, str]]:
    """Yield what has to be the same in both: a name, and what each of them has."""
    first, second = one.checkpoint, other.checkpoint
    assert first is not None, "only what has a proof is compared"
    assert second is not None, "only what has a proof is compared"
    if first.origin != second.origin:
        return
    if first.size == second.size:
        what = f"the root of {first.origin} at {first.size} events"
        yield what, second.root.hex(), first.root.hex()
    if one.mention.position == other.mention.position:
        what = f"the event of {first.origin} at {one.mention.position}"
        yield what, other.mention.envelope_hash, one.mention.envelope_hash
