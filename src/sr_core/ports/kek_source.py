"""Where key-encryption keys come from: a secret store, which gives them by version.

* PortError
  - KekUnobtainable          the store gives no key to work with
    . KekMissing             nothing is kept under that id, or that version
    . KekRetired             the version is no longer to be used
    . KekDenied              the store knows us, and does not let us read it
    . KekInconsistent        the answer is not the answer to the question
  - Unavailable
    . KekUnavailable         no usable answer in time; it says nothing about the key

A text that is kept as a key and is none is `BadKeyMaterial` of the domain. These are
distinct for those who operate the platform (R-ENC-7), and none repeats a secret's text.
"""

from __future__ import annotations

from typing import Protocol

from sr_core.domain.kek import Kek, KekId, KekRef
from sr_core.ports.errors import PortError, Unavailable


class KekUnobtainable(PortError):  # noqa: N818 - named for what it says, like Refused
    """The secret store answered, and there is no key to work with; `kek` says which."""

    code = "KEK_UNOBTAINABLE"

    def __init__(self, *, kek: str, why: str, remedy: str) -> None:
        super().__init__(f"{kek} {why}", remedy=remedy)
        self.kek = kek


class KekMissing(KekUnobtainable):
    """Nothing is kept under that id, or under that version (R-ENC-13)."""

    code = "KEK_MISSING"

    def __init__(self, *, kek: str) -> None:
        super().__init__(
            kek=kek,
            why="is not in the secret store",
            remedy="Make it if it never was, or bring it back from a copy: what is sealed"
            " under it opens with nothing else",
        )


class KekRetired(KekUnobtainable):
    """The version was taken out of use; newer ones are in use (R-ENC-7)."""

    code = "KEK_RETIRED"

    def __init__(self, *, kek: str, oldest: int) -> None:
        super().__init__(
            kek=kek,
            why=f"is retired: the oldest version in use is {oldest}",
            remedy="Wrap the key record anew under a version in use, or take the"
            " retirement back until that is done",
        )
        self.oldest = oldest


class KekDenied(KekUnobtainable):
    """The secret store does not let us in, or does not let us see the value."""

    code = "KEK_DENIED"

    def __init__(self, *, kek: str, why: str) -> None:
        super().__init__(
            kek=kek,
            why=f"is not shown to us: {why}",
            remedy="Look at the credentials, and let this identity read secrets'"
            " values in the folder of KEKs",
        )
        self.why = why


class KekInconsistent(KekUnobtainable):
    """The answer is of another form, or about something else than was asked (R-INF-5)."""

    code = "KEK_INCONSISTENT"

    def __init__(self, *, kek: str, why: str) -> None:
        super().__init__(
            kek=kek,
            why=f"was asked for, and the answer does not fit: {why}",
            remedy="Look at what stands between us and the secret store, and at what is"
            " stored there; nothing of the answer was used",
        )
        self.why = why


class KekUnavailable(Unavailable):
    """The secret store gave no usable answer in time; `cause` says how it failed."""

    code = "KEK_UNAVAILABLE"

    def __init__(self, *, cause: str, deadline_s: float | None = None) -> None:
        within = "" if deadline_s is None else f" within {deadline_s:g} s"
        PortError.__init__(
            self,
            f"The secret store gave no usable answer{within}: {cause}",
            remedy="Retry, and look at the health of the secret store if it lasts",
        )
        self.system = "the secret store"
        self.deadline_s = deadline_s
        self.cause = cause


class KekSource(Protocol):
    """A secret store, as who seals and opens evidence sees it."""

    async def current(self, kek_id: KekId) -> Kek:
        """Return the version of the KEK under which new keys are wrapped.

        Raises:
            KekMissing: there is no KEK of that id.
            KekDenied, KekInconsistent, KekUnavailable: as above.
            BadKeyMaterial: what is kept there is no key.

        """
        ...

    async def version(self, ref: KekRef) -> Kek:
        """Return this very version, under which something was wrapped once.

        Raises:
            KekMissing: there is no such version; never to be taken for "not sealed".
            KekRetired: there is or was one, and it is no longer to be used.
            KekDenied, KekInconsistent, KekUnavailable: as above.
            BadKeyMaterial: what is kept there is no key.

        """
        ...
