"""Which sandbox oracles get here: one that proved itself, never none in silence."""

from __future__ import annotations

from pathlib import Path

from sr_core.adapters.sandbox.bubblewrap import Bubblewrap
from sr_core.adapters.sandbox.plain import Plain
from sr_core.ports.sandbox import Sandbox, SandboxUnavailable


async def choose_sandbox(
    bwrap: str | None, *, allow_plain: bool, below: Path | None = None
) -> Sandbox:
    """Return bubblewrap where it proves itself, else `Plain` if that is allowed.

    `bwrap` is the program's path, or None to look for it. `allow_plain` is a
    developer's word that the candidates are their own; what runs in `Plain` is stamped
    as not authoritative. What probes need is laid out `below`, by default in the folder
    for temporary files.

    Raises:
        SandboxUnavailable: bubblewrap did not prove itself, and why.

    """
    try:
        return await Bubblewrap.proven(bwrap, below=below)
    except SandboxUnavailable:
        if not allow_plain:
            raise
        return Plain(below=below)
