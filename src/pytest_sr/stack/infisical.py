"""A secrets' keeper that speaks Infisical's HTTP: `Vault` behind its routes.

    python -m pytest_sr.stack.infisical SEED     (a file that `supervisor` writes)

Served: universal-auth login, token renew and revoke, secrets v4 and v3, folders v2,
versions of a secret. An error is `{reqId, statusCode, message, error}`, as the real
server has it. Limits, outages and answers that lie are put around it by `troubles`.
"""

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from secrets import token_hex
from typing import Any, Final, NoReturn, TypeAlias

from pytest_sr.stack.fields import Answer, Fields
from pytest_sr.stack.troubles import Troubles
from pytest_sr.stack.vault import (
    Action,
    Folder,
    Grant,
    Place,
    Refused,
    Secret,
    Vault,
    Version,
)
from pytest_sr.stack.vault_seeds import ClientSeed, ProjectSeed
from pytest_sr.stack.web import (
    Application,
    Request,
    Response,
    build_server,
    one_at_a_time,
)

HIDDEN_VALUE: Final = "<hidden-by-infisical>"
VERSIONS_PAGE: Final = 20

_FOLDER_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_SECRET_NAME: Final = re.compile(r"[^\s:/]+")

Route: TypeAlias = Callable[["Asked"], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, taken apart; `name` is the part of its path that varies."""

    vault: Vault
    fields: Fields
    name: str
    client_id: str = ""
    """Whose token it was asked with; empty where none is needed."""

    def permitted(self, place: Place, action: Action) -> Place:
        """Return `place` if the client may do that there."""
        self.vault.permit(self.client_id, place, action)
        return place

    def shows(self, *, view: bool) -> bool:
        """Tell whether the value is to be shown: it was asked for, and may be seen."""
        return view and self.vault.sees_values(self.client_id)


def build_application(vault: Vault) -> Application:
    """Return the server's function from a request to its answer."""

    def application(request: Request) -> Response:
        try:
            return Response(status=HTTPStatus.OK, body=_answer(vault, request))
        except Refused as refused:
            return _refusal(refused)

    return one_at_a_time(application)


def _answer(vault: Vault, request: Request) -> Answer:
    match request.method, *request.segments:
        case ["POST", "api", "v1", "auth", "universal-auth", "login"]:
            return _login(_asked(vault, request))
        case ["POST", "api", "v1", "auth", "token", "renew"]:
            return _renew(_asked(vault, request))
        case ["POST", "api", "v1", "auth", "token", "revoke"]:
            return _revoke(_asked(vault, request))
        case ["GET", "api", "status"]:
            return {"message": "Ok"}
        case _:
            return _with_a_token(vault, request)


def _with_a_token(vault: Vault, request: Request) -> Answer:
    route = _route(request)
    if route is None:
        _no_route(request)
    client_id = vault.authenticate(_bearer(request))
    return route(replace(_asked(vault, request), client_id=client_id))


def _route(request: Request) -> Route | None:
    """Return what answers the request once we know whose it is."""
    match request.method, *request.segments:
        case [method, "api", "v4", "secrets"]:
            return _SECRETS.get(method)
        case [method, "api", "v3", "secrets", "raw"]:
            return _SECRETS_V3.get(method)
        case [method, "api", "v4", "secrets", name] if name:
            return _SECRET.get(method)
        case [method, "api", "v3", "secrets", "raw", name] if name:
            return _SECRET.get(method)
        case [method, "api", "v2", "folders"]:
            return _FOLDERS.get(method)
        case ["GET", "api", "v1", "secret", _, "secret-versions"]:
            return _list_versions
        case _:
            return None


def _asked(vault: Vault, request: Request) -> Asked:
    given = request.query if request.method == "GET" else _json_object(request.body)
    is_old = request.segments[1:2] == ("v3",)
    fields = Fields(given, project="workspaceId" if is_old else "projectId")
    return Asked(vault=vault, fields=fields, name=_name_in(request.segments))


def _name_in(segments: tuple[str, ...]) -> str:
    parts = [each for each in segments if each != "secret-versions"]
    return parts[-1]


def _json_object(body: bytes) -> Mapping[str, object]:
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise Refused(
            status=HTTPStatus.BAD_REQUEST,
            error="BadRequest",
            message="Body must be a JSON object",
        )
    return value


def _bearer(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Refused(
            status=HTTPStatus.UNAUTHORIZED,
            error="UnauthorizedError",
            message="Token missing",
        )
    return token.strip()


def _no_route(request: Request) -> NoReturn:
    path = "/".join(request.segments)
    message = f"Route {request.method}:/{path} not found"
    raise Refused(status=HTTPStatus.NOT_FOUND, error="Not Found", message=message)


# Tokens


def _login(asked: Asked) -> Answer:
    client_id = asked.fields.text("clientId").strip()
    client_secret = asked.fields.text("clientSecret").strip()
    asked.fields.check()
    return _rendered_grant(asked.vault.login(client_id, client_secret))


def _renew(asked: Asked) -> Answer:
    access_token = asked.fields.text("accessToken")
    asked.fields.check()
    return _rendered_grant(asked.vault.renew(access_token))


def _revoke(asked: Asked) -> Answer:
    access_token = asked.fields.text("accessToken")
    asked.fields.check()
    asked.vault.revoke(access_token)
    return {"message": "Successfully revoked access token"}


def _rendered_grant(grant: Grant) -> Answer:
    return {
        "accessToken": grant.access_token,
        "expiresIn": int(grant.ttl.total_seconds()),
        "accessTokenMaxTTL": int(grant.max_ttl.total_seconds()),
        "tokenType": "Bearer",
    }


# Secrets


def _get_secret(asked: Asked) -> Answer:
    fields = asked.fields
    place = fields.place("secretPath")
    number = fields.number("version")
    view = fields.flag("viewSecretValue", default=True)
    _accept_only_plain_reading(fields)
    fields.check()
    secret = asked.vault.secret(asked.permitted(place, "read"), asked.name)
    shown = asked.shows(view=view)
    return {"secret": _rendered(secret, secret.at(number), view=shown)}


def _list_secrets(asked: Asked) -> Answer:
    fields = asked.fields
    place = fields.place("secretPath")
    recursive = fields.flag("recursive", default=False)
    view = fields.flag("viewSecretValue", default=True)
    _accept_only_plain_reading(fields)
    fields.check()
    place = asked.permitted(place, "read")
    found = asked.vault.secrets(place, recursive=recursive)
    shown = asked.shows(view=view)
    rendered = [_rendered(each, each.latest, view=shown) for each in found]
    return {"secrets": rendered, "imports": []}


def _accept_only_plain_reading(fields: Fields) -> None:
    """Look at the other parameters; references are not expanded, imports not made."""
    fields.shared()
    fields.flag("include_imports", default=False)
    if fields.flag("expandSecretReferences", default=False):
        fields.issue(
            "expandSecretReferences", "custom", "This server expands no references"
        )


def _create_secret(asked: Asked) -> Answer:
    fields = asked.fields
    place = fields.place("secretPath")
    value = fields.text("secretValue")
    comment = fields.text("secretComment", "")
    fields.shared()
    _check_secret_name(fields, asked.name)
    fields.check()
    place = asked.permitted(place, "write")
    if not asked.vault.is_approved(place, asked.name):
        return _approval(asked)
    secret = asked.vault.create(place, asked.name.strip(), value, comment=comment)
    return {"secret": _rendered(secret, secret.latest, view=asked.shows(view=True))}


def _update_secret(asked: Asked) -> Answer:
    fields = asked.fields
    place = fields.place("secretPath")
    value = fields.maybe_text("secretValue")
    comment = fields.maybe_text("secretComment")
    new_name = fields.maybe_text("newSecretName")
    fields.shared()
    if new_name is not None:
        _check_secret_name(fields, new_name, field_name="newSecretName")
    fields.check()
    place = asked.permitted(place, "write")
    if not asked.vault.is_approved(place, asked.name):
        return _approval(asked)
    secret = asked.vault.update(
        place, asked.name, value=value, comment=comment, new_name=new_name
    )
    return {"secret": _rendered(secret, secret.latest, view=asked.shows(view=True))}


def _delete_secret(asked: Asked) -> Answer:
    fields = asked.fields
    place = fields.place("secretPath")
    fields.shared()
    fields.check()
    place = asked.permitted(place, "remove")
    if not asked.vault.is_approved(place, asked.name):
        return _approval(asked)
    secret = asked.vault.delete(place, asked.name)
    return {"secret": _rendered(secret, secret.latest, view=asked.shows(view=True))}


def _create_on_the_old_route(asked: Asked) -> NoReturn:
    """Refuse: without a name this is another, older call, which wants ciphertext."""
    asked.fields.issue("secretKeyCiphertext", "invalid_type", "Required")
    asked.fields.check()
    unreachable = "it has an issue"
    raise AssertionError(unreachable)


def _approval(asked: Asked) -> Answer:
    """Return what a write is answered with that somebody has to approve first."""
    number = len(asked.vault.approvals)
    return {"approval": {"id": f"approval-{number}", "status": "open"}}


def _check_secret_name(
    fields: Fields, name: str, *, field_name: str = "secretName"
) -> None:
    if not _SECRET_NAME.fullmatch(name.strip()):
        fields.issue(field_name, "invalid_string", "Secret name is not a valid name")


def _list_versions(asked: Asked) -> Answer:
    offset = asked.fields.number("offset", 0) or 0
    limit = asked.fields.number("limit", VERSIONS_PAGE) or VERSIONS_PAGE
    asked.fields.check()
    secret = asked.vault.secret_of(asked.name)
    page = secret.versions[::-1][offset : offset + limit]
    rendered = [{**_rendered(secret, each), "secretId": asked.name} for each in page]
    return {"secretVersions": rendered}


def _rendered(secret: Secret, version: Version, *, view: bool = True) -> Answer:
    return {
        "id": secret.secret_id,
        "_id": secret.secret_id,
        "workspace": secret.place.project_id,
        "environment": secret.place.environment,
        "secretPath": secret.place.path,
        "version": version.number,
        "type": "shared",
        "secretKey": version.name,
        "secretValue": version.value if view else HIDDEN_VALUE,
        "secretValueHidden": not view,
        "secretComment": version.comment,
        "secretReminderNote": None,
        "secretReminderRepeatDays": None,
        "skipMultilineEncoding": False,
        "isRotatedSecret": False,
        "rotationId": None,
        "secretMetadata": [],
        "tags": [],
        "createdAt": _timestamp(secret.created_at),
        "updatedAt": _timestamp(version.written_at),
    }


# Folders


def _create_folder(asked: Asked) -> Answer:
    parent = asked.fields.place("path")
    name = asked.fields.name("name", _FOLDER_NAME)
    asked.fields.check()
    return {"folder": _rendered_folder(asked.vault.create_folder(parent, name))}


def _list_folders(asked: Asked) -> Answer:
    parent = asked.fields.place("path")
    recursive = asked.fields.flag("recursive", default=False)
    asked.fields.check()
    found = asked.vault.folders(parent, recursive=recursive)
    return {"folders": [_rendered_folder(each) for each in found]}


def _rendered_folder(folder: Folder) -> Answer:
    return {
        "id": folder.folder_id,
        "name": folder.name,
        "path": folder.place.path,
        "environment": folder.place.environment,
        "projectId": folder.place.project_id,
        "createdAt": _timestamp(folder.created_at),
        "updatedAt": _timestamp(folder.created_at),
    }


_SECRETS: Final[Mapping[str, Route]] = {"GET": _list_secrets}
_SECRETS_V3: Final[Mapping[str, Route]] = {
    "GET": _list_secrets,
    "POST": _create_on_the_old_route,
}
_SECRET: Final[Mapping[str, Route]] = {
    "GET": _get_secret,
    "POST": _create_secret,
    "PATCH": _update_secret,
    "DELETE": _delete_secret,
}
_FOLDERS: Final[Mapping[str, Route]] = {"GET": _list_folders, "POST": _create_folder}


def _refusal(refused: Refused) -> Response:
    return Response(
        status=refused.status,
        body={
            "reqId": f"req-{token_hex(8)}",
            "statusCode": refused.status.value,
            "message": refused.message,
            "error": refused.error,
        },
    )


def _timestamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# The program


def _wall_clock() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - a server of its own; timestamps in answers are wall-clock


def build_vault(seed: Mapping[str, Any]) -> Vault:
    """Return the keeper that `seed`, the supervisor's JSON, asks for."""
    return Vault(
        clients=[
            ClientSeed(
                client_id=seed["client_id"],
                client_secret=seed["client_secret"],
            )
        ],
        projects=[
            ProjectSeed(
                project_id=seed["project_id"],
                environments=(seed["environment"],),
                folders=tuple(seed["folders"]),
            )
        ],
        now=_wall_clock,
        fresh_id=lambda: token_hex(16),
    )


def main(arguments: list[str]) -> None:
    """Serve until told to stop by a signal."""
    seed = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    application = Troubles(build_application(build_vault(seed)))
    build_server(application, host=seed["host"], port=seed["port"]).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
