"""The two servers that are ours: the secrets' keeper and the issuer of tokens."""

import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from pytest_sr.stack.accounts import current
from pytest_sr.stack.addresses import (
    Client,
    InfisicalAddress,
    IssuerAddress,
    Person,
)
from pytest_sr.stack.plan import Launch, Plan, expect
from pytest_sr.stack.ports import LOOPBACK, PortBook

ENVIRONMENT: Final = "dev"
KEK_FOLDER: Final = "/solver-ralph/kek"
AUDIENCE: Final = "solver-ralph"

_MACHINES: Final[Mapping[str, tuple[str, ...]]] = {
    "sr-system": ("system",),
    "sr-agent": ("agent",),
    "sr-roleless": (),
}
_PEOPLE: Final[Mapping[str, tuple[str, ...]]] = {
    "alice": (
        "human",
        "ReleaseApprover",
        "ExceptionReviewer",
        "GovernanceSteward",
        "BudgetApprover",
        "EngineeringApprover",
        "operator",
        "evidence:restricted",
        "evidence:erase",
    ),
    "bob": ("human",),
    "mallory": (),
}
_PROBE_S: Final = 5.0


def plan_infisical(directory: Path, ports: PortBook) -> Plan[InfisicalAddress]:
    """Return how to run a secrets' keeper with one client and one project."""
    port = ports.take()
    address = InfisicalAddress(
        url=f"http://{LOOPBACK}:{port}",
        client_id=token_hex(16),
        client_secret=token_urlsafe(32),
        project_id=token_hex(16),
        environment=ENVIRONMENT,
    )
    seed = {**asdict(address), "folders": [KEK_FOLDER]}
    return Plan(
        launch=_launch("infisical", seed, directory, port),
        address=address,
        port=port,
        probe=lambda: probe_infisical(address),
    )


def plan_issuer(directory: Path, ports: PortBook) -> Plan[IssuerAddress]:
    """Return how to run an issuer that knows our machines and people."""
    port = ports.take()
    address = IssuerAddress(
        issuer_url=f"http://{LOOPBACK}:{port}",
        audience=AUDIENCE,
        clients=tuple(
            Client(
                client_id=client_id,
                client_secret=token_urlsafe(32),
                subject=f"machine-{client_id}",
                roles=roles,
            )
            for client_id, roles in _MACHINES.items()
        ),
        people=tuple(
            Person(
                name=name,
                password=token_urlsafe(16),
                subject=f"person-{name}",
                roles=roles,
            )
            for name, roles in _PEOPLE.items()
        ),
    )
    return Plan(
        launch=_launch("issuer", asdict(address), directory, port),
        address=address,
        port=port,
        probe=lambda: probe_issuer(address),
    )


def probe_infisical(address: InfisicalAddress) -> None:
    """Log in; write, read and remove a secret."""
    login = {"clientId": address.client_id, "clientSecret": address.client_secret}
    granted = _call(address.url, "POST", _LOGIN, json_body=login)
    bearer = {"Authorization": f"Bearer {granted['accessToken']}"}
    path = f"/api/v4/secrets/PROBE_{token_hex(4)}"
    place = {
        "projectId": address.project_id,
        "environment": address.environment,
        "secretPath": "/",
    }
    value = {**place, "secretValue": "probe"}
    _call(address.url, "POST", path, json_body=value, headers=bearer)
    asked = f"{path}?{urlencode(place)}"
    read = _call(address.url, "GET", asked, headers=bearer)
    value_read = read["secret"]["secretValue"]
    expect(value_read == "probe", that="a secret is what was written")
    _call(address.url, "DELETE", path, json_body=place, headers=bearer)
    session = {"accessToken": granted["accessToken"]}
    _call(address.url, "POST", "/api/v1/auth/token/revoke", json_body=session)


def probe_issuer(address: IssuerAddress) -> None:
    """Get a token and verify it with the issuer's published key."""
    from joserfc import jwt  # noqa: PLC0415 - only who probes needs it
    from joserfc.jwk import KeySet  # noqa: PLC0415 - only who probes needs it

    client = address.clients[0]
    form = {
        "grant_type": "client_credentials",
        "client_id": client.client_id,
        "client_secret": client.client_secret,
    }
    granted = _call(address.issuer_url, "POST", "/token", form=form)
    keys = KeySet.import_key_set(_call(address.issuer_url, "GET", "/keys"))
    token = jwt.decode(granted["access_token"], keys, algorithms=["ES256"])
    subject = token.claims["sub"]
    expect(subject == client.subject, that="a token is about who asked for it")


_LOGIN: Final = "/api/v1/auth/universal-auth/login"


def _launch(
    module: str, seed: Mapping[str, object], directory: Path, port: int
) -> Launch:
    seed_file = directory / "seed.json"
    seed_file.touch(mode=0o600)
    seed_file.write_text(
        json.dumps({**seed, "host": LOOPBACK, "port": port}), encoding="utf-8"
    )
    program = f"pytest_sr.stack.{module}"
    return Launch(
        argv=(sys.executable, "-P", "-m", program, str(seed_file)),
        directory=directory,
        environment=dict(os.environ),  # it finds its modules the way we found ours
        account=current(),
        stop_signal=signal.SIGTERM,
    )


def _call(
    url: str,
    method: str,
    path: str,
    *,
    json_body: object = None,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Any:  # noqa: ANN401 - whatever JSON the server sends
    """Return the JSON that the server answers with; raise for any status but 200."""
    body = urlencode(form) if form else json.dumps(json_body) if json_body else None
    kind = "application/x-www-form-urlencoded" if form else "application/json"
    connection = HTTPConnection(urlsplit(url).netloc, timeout=_PROBE_S)
    try:
        connection.request(
            method, path, body, {"Content-Type": kind, **(headers or {})}
        )
        response = connection.getresponse()
        text = response.read()
    finally:
        connection.close()
    said = f"{method} {urlsplit(path).path} is answered with 200"
    expect(response.status == HTTPStatus.OK, that=f"{said}, not {response.status}")
    return json.loads(text)
