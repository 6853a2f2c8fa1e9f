"""How an S3-compatible store is reached: where, as whom, and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from minio import Minio
from urllib3 import PoolManager, Timeout

CONNECT_TIMEOUT_S_MAX: Final = 2.0
CONNECTIONS_MAX: Final = 32
"""As many as there are threads to ask at once; each is made when it is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Access:
    """One identity at one store; `endpoint` is host:port.

    The region is said, so that the client never asks the store for it.
    """

    endpoint: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    is_tls: bool = False
    deadline_s: float = 10.0

    def pool(self) -> PoolManager:
        """Return connections that never try again: a write might be done twice."""
        return PoolManager(
            timeout=Timeout(
                connect=min(CONNECT_TIMEOUT_S_MAX, self.deadline_s),
                read=self.deadline_s,
            ),
            retries=False,
            maxsize=CONNECTIONS_MAX,
        )

    def client(self, pool: PoolManager) -> Minio:
        """Return a client that asks through `pool`."""
        return Minio(
            self.endpoint,
            access_key=self.access_key,
            secret_key=self.secret_key,
            secure=self.is_tls,
            region=self.region,
            http_client=pool,
        )
