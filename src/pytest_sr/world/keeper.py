"""One case's KEK at the secrets' keeper: written and read past the system.

The KEK has a name of the case's own, so that no two cases see each other's, and what was
written is removed at the end. The system asks through the case's own door.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import httpx

from pytest_sr.stack.addresses import InfisicalAddress
from pytest_sr.stack.own_servers import KEK_FOLDER
from pytest_sr.world.door import Door

DEADLINE_S: Final = 2
"""How long a key may take in a case: short, as a fault may use up all of it."""
CACHE_TTL_S: Final = 1
"""How late a rotation is noticed in a case; the least that can be set."""
KEY_BYTES: Final = 32
_LOOK_S: Final = 1.0
"""How long somebody waits who looks whether the keeper answers."""
_LOGIN: Final = "/api/v1/auth/universal-auth/login"


def key_text(size: int = KEY_BYTES) -> str:
    """Return the text of a fresh key, of so many bytes."""
    return f"base64:{base64.b64encode(secrets.token_bytes(size)).decode()}"


class Keeper:
    """The secrets of one case's KEK, by the keeper's own HTTP."""

    def __init__(self, address: InfisicalAddress, case: str) -> None:
        self.kek_id = f"kek-{case.replace('_', '-')}"
        self.door = Door(httpx.URL(address.url).netloc.decode())
        self._address = address
        self._client = httpx.AsyncClient(
            base_url=address.url, trust_env=False, timeout=10
        )
        self._bearer: dict[str, str] = {}

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings of a deployment that has its KEK here."""
        return {
            "INFISICAL_API_ENDPOINT": f"http://{self.door.address}",
            "INFISICAL_WORKSPACE_ID": self._address.project_id,
            "INFISICAL_ENVIRONMENT": self._address.environment,
            "INFISICAL_KEK_PATH": KEK_FOLDER,
            "INFISICAL_ENVELOPE_KEY_ID": self.kek_id,
            "INFISICAL_CLIENT_ID": self._address.client_id,
            "INFISICAL_CLIENT_SECRET": self._address.client_secret,
            "INFISICAL_DEADLINE_S": str(DEADLINE_S),
            "INFISICAL_CACHE_TTL_S": str(CACHE_TTL_S),
        }

    async def prepare(self) -> None:
        """Have the first version of the KEK there, unless something is."""
        if self._bearer:
            return
        self.door.open()
        login = {
            "clientId": self._address.client_id,
            "clientSecret": self._address.client_secret,
        }
        answer = await self._client.post(_LOGIN, json=login)
        answer.raise_for_status()
        self._bearer = {"authorization": f"Bearer {answer.json()['accessToken']}"}
        await self.write(self.key_name(1), key_text())
        await self.write(self.kek_id, "versions:1-1")

    def key_name(self, version: int) -> str:
        """Return the name of the secret that has this version."""
        return f"{self.kek_id}@{version}"

    async def write(self, name: str, text: str) -> None:
        """Have the secret be `text`, in its first version, whatever was there."""
        await self.remove(name)
        await self._asked("POST", name, {"secretValue": text})

    async def remove(self, name: str) -> None:
        """Have no such secret."""
        await self._asked("DELETE", name, {}, HTTPStatus.NOT_FOUND)

    async def text(self, name: str) -> str | None:
        """Return the secret's text as it is kept now; None if there is none."""
        answer = await self._looked(self._client, name)
        if answer.status_code == HTTPStatus.NOT_FOUND:
            return None
        answer.raise_for_status()
        found: str = answer.json()["secret"]["secretValue"]
        return found

    async def seen(self) -> str:
        """Return how who comes through the door is answered about the KEK."""
        async with httpx.AsyncClient(
            base_url=f"http://{self.door.address}", trust_env=False, timeout=_LOOK_S
        ) as client:
            try:
                answer = await self._looked(client, self.kek_id)
            except httpx.TimeoutException:
                return "kept waiting"
            except httpx.HTTPError:
                return "hung up"
        told = answer.json()
        what = told.get("error", "") or ", ".join(sorted(told))
        return f"HTTP {answer.status_code} {what}"

    async def close(self) -> None:
        """Remove what was written, and take the door away."""
        try:
            if self._bearer:
                for name in await self._names():
                    await self.remove(name)
        finally:
            await self._client.aclose()
            self.door.close()

    async def _names(self) -> list[str]:
        """Return the names of all secrets of this KEK, whoever made them."""
        answer = await self._client.get(
            "/api/v4/secrets", params=self._place(), headers=self._bearer
        )
        answer.raise_for_status()
        names = [str(each["secretKey"]) for each in answer.json()["secrets"]]
        return [each for each in names if each.partition("@")[0] == self.kek_id]

    async def _looked(self, client: httpx.AsyncClient, name: str) -> httpx.Response:
        path = f"/api/v4/secrets/{name}"
        return await client.get(path, params=self._place(), headers=self._bearer)

    async def _asked(
        self, method: str, name: str, more: Mapping[str, Any], *fine: HTTPStatus
    ) -> None:
        answer = await self._client.request(
            method,
            f"/api/v4/secrets/{name}",
            json={**self._place(), **more},
            headers=self._bearer,
        )
        if answer.status_code not in fine:
            answer.raise_for_status()

    def _place(self) -> dict[str, str]:
        return {
            "projectId": self._address.project_id,
            "environment": self._address.environment,
            "secretPath": KEK_FOLDER,
        }
