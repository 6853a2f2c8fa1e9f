"""`sr kek`: make, rotate, retire and destroy the KEKs of restricted evidence.

    sr kek make                   prints a fresh key, for development
    sr kek show                   which versions are in use in Infisical
    sr kek rotate                 a new version, which seals from now on; the first one too
    sr kek retire --below 3       versions 1 and 2 are no longer used
    sr kek destroy --version 1    a retired one is removed for good

Exit codes: 0 it is done; 1 the secret store did not do it; 2 misused.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence

from sr_core.adapters.infisical.kek_source import VersionsInUse
from sr_core.bootstrap.kek_keeping import KekKeeping, fresh_text, kek_keeping
from sr_core.bootstrap.settings import parse_keks
from sr_core.domain.errors import SrError
from sr_core.domain.kek import KEK_VERSION_MAX, KekId, parse_kek_id
from sr_core.domain.sealing_errors import BadKeyMaterial
from sr_core.ports.errors import PortError


async def run(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command and return its exit code."""
    told = _parser().parse_args(arguments)
    if told.act == "make":
        sys.stdout.write(f"{fresh_text()}\n")
        return 0
    settings = parse_keks(environment)
    kek_id = parse_kek_id(told.kek) if told.kek else settings.kek_id
    try:
        async with kek_keeping(settings, kek_id) as keeping:
            sys.stdout.write(f"{await _done(keeping, told)}\n")
    except (PortError, BadKeyMaterial) as error:
        return _failed(error)
    return 0


async def _done(keeping: KekKeeping, told: argparse.Namespace) -> str:
    """Do what was told, and return what is to be said of it."""
    match told.act:
        case "show":
            return _said(keeping.kek_id, await keeping.in_use())
        case "rotate":
            return _said(keeping.kek_id, await keeping.rotate())
        case "retire":
            return _said(keeping.kek_id, await keeping.retire(below=told.below))
        case _:
            await keeping.destroy(version=told.version)
            return f"version {told.version} of {keeping.kek_id} is destroyed"


def _said(kek_id: KekId, in_use: VersionsInUse) -> str:
    return (
        f"{kek_id}: versions {in_use.oldest} to {in_use.current} are in use,"
        f" {in_use.current} seals"
    )


def _failed(error: SrError) -> int:
    sys.stderr.write(f"sr kek: {error}\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sr kek",
        description="The keys of restricted evidence. Settings come from the"
        " environment; the identity has to be one that may write in the folder of KEKs.",
    )
    acts = parser.add_subparsers(dest="act", required=True)
    acts.add_parser("make", help="print a fresh key, for development")
    asking = argparse.ArgumentParser(add_help=False)
    asking.add_argument("--kek", help="which KEK (default: the one of the settings)")
    acts.add_parser("show", parents=[asking], help="say which versions are in use")
    acts.add_parser("rotate", parents=[asking], help="make a version that seals")
    retire = acts.add_parser(
        "retire", parents=[asking], help="take old ones out of use"
    )
    retire.add_argument("--below", type=_version, required=True, metavar="VERSION")
    destroy = acts.add_parser("destroy", parents=[asking], help="remove a retired one")
    destroy.add_argument("--version", type=_version, required=True)
    return parser


def _version(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= KEK_VERSION_MAX:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 up")  # noqa: EM102, TRY003 - argparse wants it so
