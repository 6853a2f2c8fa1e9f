"""Candidates: take in their bytes, and give them back to whoever judges them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sr_core.application.platform import Platform, loop_case
from sr_core.application.recorder import Asked
from sr_core.codec.evidence import hash_candidate, manifest_of
from sr_core.domain import candidate
from sr_core.domain.candidate import CandidateManifest, RegisterCandidate
from sr_core.domain.dossier import Dossier
from sr_core.domain.events import Ruling
from sr_core.domain.ids import CandidateId, IterationId, build_candidate_id
from sr_core.domain.refs import ContentHash, Ref
from sr_core.ports.content_store import ObjectKey
from sr_core.ports.event_store import NewEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidates:
    """The candidates of one log, and their bytes."""

    platform: Platform

    async def register(
        self,
        iteration_id: IterationId,
        files: Mapping[str, bytes],
        *,
        declared: ContentHash | None,
        asked: Asked,
        git_sha: str | None = None,
        description: str = "",
        refs: tuple[Ref, ...] = (),
    ) -> tuple[CandidateId, tuple[NewEvent, ...]]:
        """Store the files, and record them under the hash that is computed of them.

        Raises:
            MalformedInput: a path is not one that a candidate may have.
            CandidateMismatch: the declared hash is another.

        """
        loop_id = await self.platform.loop_of("iter", iteration_id, kind="iteration")
        manifest = manifest_of(files)
        command = RegisterCandidate(
            by=asked.by,
            candidate_id=build_candidate_id(
                hash_candidate(manifest),
                fresh=self.platform.ids.fresh("cand"),
                git_sha=git_sha,
            ),
            manifest=manifest,
            declared=declared,
            git_sha=git_sha,
            description=description,
            refs=refs,
        )
        for each in manifest.files:
            key = _key(each.content_hash)
            await self.platform.candidate_bytes.put(key, files[each.path])

        async def rule(dossier: Dossier) -> Ruling:
            known = dossier.iteration(iteration_id)
            return Ruling(events=candidate.decide(dossier.the_loop(), known, command))

        events = await self.platform.recorder.record(loop_case(loop_id), rule, asked)
        return command.candidate_id, events

    async def files(self, manifest: CandidateManifest) -> Mapping[str, bytes]:
        """Return the bytes of all files of the manifest, each with the hash it names.

        Raises:
            Unretrievable: a file is missing, denied, or not what was stored.
            Unavailable: no answer in time.

        """
        return {
            each.path: await self.platform.candidate_bytes.get(
                _key(each.content_hash), expected=each.content_hash
            )
            for each in manifest.files
        }


def _key(content_hash: ContentHash) -> ObjectKey:
    return ObjectKey(f"sha256/{content_hash.removeprefix('sha256:')}")
