"""Who acts in a scenario, and how each proves it to the system."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import httpx

from pytest_sr.stack.addresses import HUMAN_CLIENT, IssuerAddress

ActorName: TypeAlias = Literal[
    "human", "agent", "system", "bystander", "roleless", "nobody"
]

ACTORS: Final[dict[str, str]] = {
    "human": "alice, who has every portal's role, and may read and erase what is secret",
    "agent": "an agent",
    "system": "a service of the platform",
    "bystander": "bob, a person without any portal's role",
    "roleless": "mallory, a person without any role at all",
    "nobody": "a caller without a token",
}

_PEOPLE: Final = {"human": "alice", "bystander": "bob", "roleless": "mallory"}
_MACHINES: Final = {"agent": "sr-agent", "system": "sr-system"}


class Accounts:
    """Tokens by actor, each fetched from the issuer when it is first wanted."""

    def __init__(self, issuer: IssuerAddress) -> None:
        self._issuer = issuer
        self._tokens: dict[str, str] = {}

    async def headers(self, actor: ActorName) -> dict[str, str]:
        """Return the headers by which the actor proves who it is."""
        if actor == "nobody":
            return {}
        if actor not in self._tokens:
            self._tokens[actor] = await self._fetch(actor)
        return {"authorization": f"Bearer {self._tokens[actor]}"}

    async def _fetch(self, actor: ActorName) -> str:
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            answer = await client.post(
                f"{self._issuer.issuer_url}/token", data=self._grant(actor)
            )
        answer.raise_for_status()
        token: str = answer.json()["access_token"]
        return token

    def _grant(self, actor: ActorName) -> dict[str, str]:
        if actor in _PEOPLE:
            person = self._issuer.person(_PEOPLE[actor])
            return {
                "grant_type": "password",
                "client_id": HUMAN_CLIENT,
                "username": person.name,
                "password": person.password,
            }
        client = self._issuer.client(_MACHINES[actor])
        return {
            "grant_type": "client_credentials",
            "client_id": client.client_id,
            "client_secret": client.client_secret,
        }
