"""`sr evidence verify`: whether files of signed evidence hold.

It needs the files and the keys, and nothing else: no settings, no network, no clock. Of
several files it also says whether the log has told one story in all of them. Without any
it asks the deployment whether all cited evidence is there: `evidence_retrieve`.

Exit codes: 0 all of it holds; 1 something does not, and the message says where; 2 misused.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Final, TypeAlias

from sr_core.application.attestation import Attested, verify
from sr_core.application.split_view import check_one_story
from sr_core.cli.files import read_file, unreadable
from sr_core.codec.attestation import FILE_BYTES_MAX
from sr_core.codec.trust import TEXT_CHARS_MAX, TrustedKey, parse_trusted_keys
from sr_core.domain.errors import MalformedInput
from sr_core.domain.judging_errors import AttestationInvalid, SplitView

Retrieve: TypeAlias = Callable[[Mapping[str, str]], Awaitable[int]]

HELD: Final = 0
BROKEN: Final = 1
_BLOCK: Final = 1 << 20


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    chosen = _parser().parse_args(arguments)
    if not chosen.file:
        return await _retrieved(chosen, environment)
    keys = _keys(chosen.key, chosen.keys)
    files = {path: read_file(path, bytes_max=FILE_BYTES_MAX) for path in chosen.file}
    held: dict[str, Attested] = {}
    for path, data in files.items():
        try:
            held[path] = verify(data, keys)
            found = [_subject(held[path], each) for each in chosen.subject]
        except AttestationInvalid as error:
            sys.stderr.write(f"sr evidence verify: {path}: {error}\n")
            return BROKEN
        for line in (*told(held[path]), *found):
            sys.stdout.write(f"{line}\n")
    try:
        check_one_story(held)
    except SplitView as error:
        sys.stderr.write(f"sr evidence verify: {error}\n")
        return BROKEN
    return HELD


async def _retrieved(chosen: argparse.Namespace, environment: Mapping[str, str]) -> int:
    """Look at all cited evidence; its drivers are loaded for nothing else."""
    if chosen.key or chosen.keys or chosen.subject:
        raise MalformedInput(
            field="FILE", found="none", expected="the file that the options are about"
        )
    module = import_module("sr_core.cli.evidence_retrieve")
    retrieve: Retrieve = module.run
    return await retrieve(environment)


def told(it: Attested) -> Iterator[str]:
    """Yield what holds, line by line."""
    manifest, claim = it.manifest, it.claim
    yield f"{claim.bundle} is {manifest.verdict}"
    yield (
        f"{manifest.oracle_suite_id} judged {manifest.candidate_id},"
        f" {len(manifest.results)} results"
    )
    if manifest.environment_fingerprint.get("authoritative") != "true":
        yield "The oracles ran where nothing kept them in: it is not authoritative."
    yield f"{len(it.bundle.subjects)} subjects are named by their hashes"
    yield f"signed at {claim.signed_at} by {it.file.bundle.key_id}"
    yield (
        f"recorded at {it.recording.occurred_at} by {it.recording.actor_id},"
        f" event {it.mention.position} of the log"
    )
    if it.checkpoint is None:
        yield "The log does not vouch for it yet: no checkpoint was of that event."
        return
    yield (
        f"which is in the signed checkpoint of {it.checkpoint.size} events of"
        f" {it.checkpoint.origin}"
    )


def _subject(it: Attested, path: str) -> str:
    """Return which subject the file is.

    Raises:
        AttestationInvalid: it is none.

    """
    digest = _digest(path)
    for each in it.bundle.subjects:
        if each.sha256 == digest:
            return f"{path} is {each.name}"
    raise AttestationInvalid(
        field=f"--subject {path}",
        found=f"sha256 {digest}",
        expected="a file that the statement is about",
    )


def _digest(path: str) -> str:
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


def _keys(texts: Sequence[str], paths: Sequence[str]) -> tuple[TrustedKey, ...]:
    """Return the keys that are given, of which there is one at least."""
    listed = [*texts]
    for path in paths:
        data = read_file(path, bytes_max=TEXT_CHARS_MAX)
        listed.append(data.decode(errors="replace"))
    keys = parse_trusted_keys("\n".join(listed), field="the keys given")
    if keys:
        return keys
    raise MalformedInput(
        field="--key", found="none", expected="at least one key that is believed"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sr evidence verify",
        description="A key is written as `sr evidence keygen` and `sr log keygen` print"
        " it; after it may stand from=, until= and revoked=, each with a time.",
    )
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="*",
        help="what `sr evidence export` wrote; without any, all evidence that active"
        " claims cite is read anew from the deployment that the settings name",
    )
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="PUB",
        help="a key; may be repeated",
    )
    parser.add_argument(
        "--keys",
        action="append",
        default=[],
        metavar="FILE",
        help="a file of such keys",
    )
    parser.add_argument(
        "--subject",
        action="append",
        default=[],
        metavar="FILE",
        help="also demand that the evidence is about this file",
    )
    return parser
