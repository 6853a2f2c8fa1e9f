"""What a secrets' keeper begins with: who may log in, what they may do, which projects."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

ROOT: Final = "/"
VERSIONS_KEPT: Final = 10
"""How many versions of a secret a project keeps unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What a machine identity may do, by the folders that it may do it in and below."""

    read: tuple[str, ...] = (ROOT,)
    write: tuple[str, ...] = (ROOT,)
    remove: tuple[str, ...] = (ROOT,)
    sees_values: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSeed:
    """A machine identity that may log in, its rights, and the bounds of its tokens."""

    client_id: str
    client_secret: str
    rights: Rights = Rights()
    token_ttl: timedelta = timedelta(days=30)
    token_max_ttl: timedelta = timedelta(days=30)
    lockout_failures: int = 3
    lockout_window: timedelta = timedelta(seconds=30)
    lockout_duration: timedelta = timedelta(seconds=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectSeed:
    """A project with its environments; each has the same folders at first."""

    project_id: str
    environments: tuple[str, ...]
    folders: tuple[str, ...] = ()
    versions_kept: int = VERSIONS_KEPT
    """A secret's older versions are pruned."""
    approved: tuple[str, ...] = ()
    """The folders where somebody has to approve a change before it is made."""
