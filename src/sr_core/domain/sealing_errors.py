"""Why sealed evidence is not opened, or is not sealed at all.

* SrError
  - SealUnsound              what is stored cannot be opened as it is
    . SealMalformed          the bytes are not of the form
    . SealTruncated          they end before the last segment has come
    . SealTampered           they were changed, or put together from several
    . KeyNotCommitted        the container was not made with the record's key
    . SealContextMismatch    they are another blob's than the one asked for
    . WrongKek               the KEK given is not the one that wrapped the key
    . KeyRecordMissing       there is no key record, so that nothing opens the container
  - EvidenceUnreadable       what a reader is told of all of these, and of no KEK
  - EvidenceErased           the key was removed for good; the bytes say nothing more
  - BadKeyMaterial           a text that is to be a KEK is none
  - WrapLimitReached         a KEK version has wrapped as many keys as it may

None of them repeats a byte of a key, of plaintext, or of a text that may be a key. They
are distinct for those who operate the platform; who may not read restricted evidence is
told none of them (R-ENC-7).
"""

from __future__ import annotations

from collections.abc import Collection

from sr_core.domain.errors import Refused, SrError

_RESTORE = "Restore the object from a copy, and find out who wrote what is there"


class SealUnsound(SrError):  # noqa: N818 - named for what it says, like Refused
    """Sealed evidence that cannot be opened as it is; `part` says where it shows."""

    code = "SEAL_UNSOUND"

    def __init__(self, *, part: str, why: str, remedy: str = _RESTORE) -> None:
        super().__init__(f"{part[0].upper()}{part[1:]} {why}", remedy=remedy)
        self.part = part


class SealMalformed(SealUnsound):
    """A container or a key record that is not of its form (R-ENC-3)."""

    code = "SEAL_MALFORMED"


class SealTruncated(SealUnsound):
    """A container or a key record that ends too early (R-ENC-4)."""

    code = "SEAL_TRUNCATED"


class SealTampered(SealUnsound):
    """Bytes that are not those which were sealed in that place (R-ENC-3, R-ENC-4)."""

    code = "SEAL_TAMPERED"


class KeyNotCommitted(SealUnsound):
    """A container whose header does not commit to this key and context (R-ENC-5)."""

    code = "KEY_NOT_COMMITTED"

    def __init__(self) -> None:
        super().__init__(
            part="header",
            why="does not commit to this key and this context",
            remedy="Look whether the container is the one that the key record belongs "
            "to, and restore what was replaced",
        )


class SealContextMismatch(SealUnsound):
    """A key record of another blob than the one asked for (R-ENC-6)."""

    code = "SEAL_CONTEXT_MISMATCH"

    def __init__(self, *, fields: Collection[str]) -> None:
        super().__init__(
            part="key record",
            why="is of another blob than the one asked for, by "
            f"{', '.join(sorted(fields))}",
            remedy="Ask for the blob by the names under which it was sealed, and find "
            "out who put this record in its place",
        )
        self.fields = tuple(sorted(fields))


class WrongKek(SealUnsound):
    """The KEK that was given is not the one that wrapped the data key (R-ENC-7)."""

    code = "WRONG_KEK"

    def __init__(self, *, named: str, why: str) -> None:
        super().__init__(
            part="key record",
            why=f"was wrapped under {named}, and {why}",
            remedy=f"Have the secret store give the very key that {named} was when the "
            "record was written",
        )


class KeyRecordMissing(SealUnsound):
    """No key record lies with the container; that never means "not sealed" (R-ENC-13)."""

    code = "KEY_RECORD_MISSING"

    def __init__(self, *, blob_name: str) -> None:
        super().__init__(
            part="key record",
            why=f"of {blob_name} is not in the store",
            remedy="Bring it back from a copy: without it nobody opens the container",
        )


class EvidenceUnreadable(Refused):
    """Restricted evidence that does not open; why is in the log alone (R-ENC-7)."""

    code = "EVIDENCE_UNREADABLE"

    def __init__(self, *, blob_name: str) -> None:
        super().__init__(
            f"{blob_name} cannot be opened",
            remedy="Have who operates the platform look into the log for why: the event "
            "has the correlation id of this answer",
        )


class EvidenceErased(Refused):
    """Restricted evidence whose key was removed by a human's command (R-ENC-14)."""

    code = "EVIDENCE_ERASED"

    def __init__(self, *, content_hash: str) -> None:
        super().__init__(
            f"The key of what is sealed in {content_hash} was erased",
            remedy="Read the event of the erasure for who had it done, and why; what was "
            "sealed is gone for good",
        )


class RedactionUnfinished(Refused):
    """Bytes that cannot be rid of their secrets within bounds (R-ENC-15)."""

    code = "REDACTION_UNFINISHED"

    def __init__(self, *, why: str) -> None:
        super().__init__(
            f"The redaction came to no end: {why}",
            remedy="Leave it restricted: no redacted copy is made of it",
        )


class BadKeyMaterial(SrError):  # noqa: N818 - as above
    """A text that is to be a KEK, and is none; the text is not repeated (R-ENC-9)."""

    code = "BAD_KEY_MATERIAL"

    def __init__(self, *, name: str, why: str) -> None:
        super().__init__(
            f"{name} is no KEK: {why}",
            remedy="Store base64: and the base64 of 32 random bytes, 51 characters in "
            "all, under a new version",
        )


class WrapLimitReached(SrError):  # noqa: N818 - as above
    """A KEK version that has wrapped as many data keys as it may (R-ENC-11)."""

    code = "WRAP_LIMIT_REACHED"

    def __init__(self, *, kek: str, limit: int) -> None:
        super().__init__(
            f"{kek} has wrapped {limit} data keys, which is as many as it may",
            remedy="Rotate: make a new version of the KEK, and seal under that one",
        )
