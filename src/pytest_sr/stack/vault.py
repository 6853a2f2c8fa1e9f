"""What a secrets' keeper of Infisical's kind knows and refuses, without any HTTP.

    client --login--> token --+--> folders --> secrets --> versions
                              |
               renew, revoke, expire

Time and fresh identifiers come from outside, so every state can be reached in a test.
A refusal is a `Refused`, with the status, the error name and the message that the real
server sends.
"""

import hmac
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Literal, TypeAlias

from pytest_sr.stack.vault_seeds import ROOT, ClientSeed, ProjectSeed

Action: TypeAlias = Literal["read", "write", "remove"]


class Refused(Exception):  # noqa: N818 - the domain's word; not every refusal is an error of ours
    """The keeper refuses, as the real one would."""

    def __init__(self, *, status: HTTPStatus, error: str, message: object) -> None:
        """Keep what the answer is made of."""
        self.status = status
        self.error = error
        self.message = message
        super().__init__(f"{status.value} {error}: {message}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A token as it is handed out; the lifetimes are those of this moment."""

    access_token: str
    ttl: timedelta
    max_ttl: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A folder: where secrets are."""

    project_id: str
    environment: str
    path: str

    def child(self, name: str) -> "Place":
        """Return the folder `name` in this one."""
        return replace(self, path=f"{self.path.rstrip('/')}/{name}")

    def parts(self) -> list[str]:
        """Return the names of the folders from the root down to this one."""
        return [each for each in self.path.split("/") if each]


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A secret as it was from one write to the next."""

    number: int
    name: str
    value: str
    comment: str
    written_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret with everything that it has been; the last version is what it is."""

    secret_id: str
    place: Place
    created_at: datetime
    versions: tuple[Version, ...]

    @property
    def latest(self) -> Version:
        """What the secret is now."""
        return self.versions[-1]

    def at(self, number: int | None) -> Version:
        """Return the version `number`, or the latest for None."""
        if number is None:
            return self.latest
        for version in self.versions:
            if version.number == number:
                return version
        raise _not_found(
            operation="GetSecretByName", message=f"Secret version {number} not found"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """A folder; the root of an environment is one too."""

    folder_id: str
    place: Place
    created_at: datetime

    @property
    def name(self) -> str:
        """The last part of its path, `root` for the root."""
        parts = self.place.parts()
        return parts[-1] if parts else "root"


@dataclass(slots=True, kw_only=True)
class _Failures:
    """The failed logins of one client; state of `Vault`."""

    at: list[datetime] = field(default_factory=list)
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Session:
    """What all tokens since one login share."""

    client: ClientSeed
    ends_at: datetime
    expires_at: datetime


class Vault:
    """The whole state of the keeper."""

    def __init__(
        self,
        *,
        clients: Iterable[ClientSeed],
        projects: Iterable[ProjectSeed],
        now: Callable[[], datetime],
        fresh_id: Callable[[], str],
    ) -> None:
        """Begin with `clients` and `projects`; `fresh_id` never gives the same twice."""
        self._now = now
        self._fresh_id = fresh_id
        self._clients = {each.client_id: each for each in clients}
        self._failures = {each: _Failures() for each in self._clients}
        self._sessions: dict[str, _Session] = {}
        self._tokens: dict[str, tuple[str, datetime]] = {}
        self._folders: dict[Place, Folder] = {}
        self._secrets: dict[tuple[Place, str], Secret] = {}
        self._projects: dict[str, ProjectSeed] = {}
        self.approvals: list[tuple[Place, str]] = []
        for project in projects:
            self._begin(project)

    # Tokens

    def login(self, client_id: str, client_secret: str) -> Grant:
        """Return a fresh token for the right secret; three wrong ones lock the door."""
        client = self._clients.get(client_id)
        if client is None:
            raise _invalid_credentials()
        failures = self._failures[client_id]
        self._refuse_locked(failures)
        if not hmac.compare_digest(client.client_secret, client_secret):
            self._count_failure(client, failures)
            raise _invalid_credentials()
        failures.at.clear()
        now = self._now()
        session_id = self._fresh_id()
        self._sessions[session_id] = _Session(
            client=client,
            ends_at=now + client.token_max_ttl,
            expires_at=now + min(client.token_ttl, client.token_max_ttl),
        )
        return self._grant(session_id)

    def renew(self, access_token: str) -> Grant:
        """Return a token that lives on, within what the login allowed at most."""
        session_id, _ = self._known(access_token)
        session = self._session(session_id)
        now = self._now()
        if now >= session.expires_at:
            del self._sessions[session_id]
            raise _unauthorized(
                message="Failed to renew MI access token due to TTL expiration"
            )
        expires_at = min(now + session.client.token_ttl, session.ends_at)
        self._sessions[session_id] = replace(session, expires_at=expires_at)
        return self._grant(session_id)

    def revoke(self, access_token: str) -> None:
        """End the session of `access_token`, and with it all tokens of that session."""
        session_id, _ = self._known(access_token)
        self._session(session_id)
        del self._sessions[session_id]

    def authenticate(self, access_token: str) -> str:
        """Return whose `access_token` is."""
        session_id, expires_at = self._known(access_token)
        if self._now() >= expires_at:
            raise _token_error(
                message="Your token has expired. Please re-authenticate."
            )
        return self._session(session_id).client.client_id

    def end_sessions(self) -> None:
        """End every session: no token that there is will be taken again."""
        self._sessions.clear()

    @property
    def tokens(self) -> tuple[str, ...]:
        """Every token that was handed out."""
        return tuple(self._tokens)

    # Rights

    def permit(self, client_id: str, place: Place, action: Action) -> None:
        """Refuse the action in this folder if the client has no right to it."""
        rights = self._clients[client_id].rights
        folders: tuple[str, ...] = getattr(rights, action)
        if not any(_is_in(place.path, each) for each in folders):
            raise Refused(
                status=HTTPStatus.FORBIDDEN,
                error="PermissionDenied",
                message=f"You are not allowed to {action} on secrets",
            )

    def sees_values(self, client_id: str) -> bool:
        """Tell whether the client is shown more than names."""
        return self._clients[client_id].rights.sees_values

    def is_approved(self, place: Place, name: str) -> bool:
        """Tell whether a change may be made at once; keep the request for it if not."""
        project = self._projects.get(place.project_id)
        if project is None or place.path not in project.approved:
            return True
        self.approvals.append((place, name))
        return False

    # Folders

    def create_folder(self, parent: Place, name: str) -> Folder:
        """Make the folder `name` in `parent`, and the parents that are missing."""
        self._folder(replace(parent, path=ROOT), operation="CreateFolder")
        place = parent.child(name)
        if place in self._folders:
            raise _bad_request(message=f"Folder with name '{name}' already exists")
        return self._make_folder(place)

    def folders(self, parent: Place, *, recursive: bool = False) -> list[Folder]:
        """Return the folders in `parent`, by name; all below it if `recursive`."""
        self._folder(parent, operation="GetFolders")
        prefix = f"{parent.path.rstrip('/')}/"
        return sorted(
            (
                each
                for each in self._folders.values()
                if _same_environment(each.place, parent)
                and each.place.path.startswith(prefix)
                and (rest := each.place.path.removeprefix(prefix))
                and (recursive or "/" not in rest)
            ),
            key=lambda each: each.place.path,
        )

    # Secrets

    def secret(self, place: Place, name: str) -> Secret:
        """Return the secret `name` in `place`."""
        self._folder(place, operation="GetSecretByName")
        return self._secret(place, name, operation="GetSecretByName")

    def secrets(self, place: Place, *, recursive: bool = False) -> list[Secret]:
        """Return the secrets in `place`, by name; all below it too if `recursive`."""
        self._folder(place, operation="GetSecrets")
        below = self.folders(place, recursive=True) if recursive else []
        places = {place, *(each.place for each in below)}
        found = (each for each in self._secrets.values() if each.place in places)
        return sorted(found, key=lambda each: (each.place.path, each.latest.name))

    def create(
        self, place: Place, name: str, value: str, *, comment: str = ""
    ) -> Secret:
        """Store a new secret; its first version is 1."""
        self._folder(place, operation="CreateSecret")
        if (place, name) in self._secrets:
            raise _bad_request(message="Secret already exist")
        now = self._now()
        first = Version(
            number=1, name=name, value=trimmed(value), comment=comment, written_at=now
        )
        secret = Secret(
            secret_id=self._fresh_id(), place=place, created_at=now, versions=(first,)
        )
        self._secrets[place, name] = secret
        return secret

    def update(
        self,
        place: Place,
        name: str,
        *,
        value: str | None = None,
        comment: str | None = None,
        new_name: str | None = None,
    ) -> Secret:
        """Add a version with what is given; the rest stays as it was."""
        self._folder(place, operation="UpdateSecret")
        secret = self._secret(place, name, operation="UpdateSecret")
        named = new_name or name
        if named != name and (place, named) in self._secrets:
            raise _bad_request(message="Secret with the new name already exist")
        before = secret.latest
        after = Version(
            number=before.number + 1,
            name=named,
            value=before.value if value is None else trimmed(value),
            comment=before.comment if comment is None else comment,
            written_at=self._now(),
        )
        kept = self._projects[place.project_id].versions_kept
        updated = replace(secret, versions=(*secret.versions, after)[-kept:])
        del self._secrets[place, name]
        self._secrets[place, named] = updated
        return updated

    def delete(self, place: Place, name: str) -> Secret:
        """Remove the secret with all its versions, and return what it was."""
        self._folder(place, operation="DeleteSecret")
        secret = self._secret(place, name, operation="DeleteSecret")
        del self._secrets[place, name]
        return secret

    def secret_of(self, secret_id: str) -> Secret:
        """Return the secret that has this identifier."""
        for secret in self._secrets.values():
            if secret.secret_id == secret_id:
                return secret
        raise _not_found(
            operation="GetSecretVersions",
            message=f"Secret with ID '{secret_id}' not found",
        )

    # What the above is made of

    def _begin(self, project: ProjectSeed) -> None:
        self._projects[project.project_id] = project
        for environment in project.environments:
            root = Place(
                project_id=project.project_id, environment=environment, path=ROOT
            )
            self._make_folder(root)
            for path in project.folders:
                self._make_folder(replace(root, path=path))

    def _make_folder(self, place: Place) -> Folder:
        """Make `place` and every folder above it that is missing; return `place`."""
        at = replace(place, path=ROOT)
        folder = self._ensured(at)
        for part in place.parts():
            at = at.child(part)
            folder = self._ensured(at)
        return folder

    def _ensured(self, place: Place) -> Folder:
        if place not in self._folders:
            self._folders[place] = Folder(
                folder_id=self._fresh_id(), place=place, created_at=self._now()
            )
        return self._folders[place]

    def _folder(self, place: Place, *, operation: str) -> Folder:
        if not any(each.project_id == place.project_id for each in self._folders):
            raise _not_found(
                operation="NotFound",
                message=f"Project with ID '{place.project_id}' not found",
            )
        folder = self._folders.get(place)
        if folder is None:
            raise _not_found(
                operation=operation,
                message=f"Folder with path '{place.path}' in environment with slug "
                f"'{place.environment}' not found",
            )
        return folder

    def _secret(self, place: Place, name: str, *, operation: str) -> Secret:
        secret = self._secrets.get((place, name))
        if secret is None:
            raise _not_found(
                operation=operation, message=f"Secret with name '{name}' not found"
            )
        return secret

    def _grant(self, session_id: str) -> Grant:
        session = self._sessions[session_id]
        access_token = self._fresh_id()
        self._tokens[access_token] = (session_id, session.expires_at)
        return Grant(
            access_token=access_token,
            ttl=session.expires_at - self._now(),
            max_ttl=session.client.token_max_ttl,
        )

    def _known(self, access_token: str) -> tuple[str, datetime]:
        known = self._tokens.get(access_token)
        if known is None:
            raise _token_error(
                message="The provided access token is malformed. Please use a valid token "
                "or generate a new one and try again."
            )
        return known

    def _session(self, session_id: str) -> _Session:
        session = self._sessions.get(session_id)
        if session is None:
            raise _unauthorized(message="No identity access token found")
        return session

    def _refuse_locked(self, failures: _Failures) -> None:
        if failures.locked_until is not None and self._now() < failures.locked_until:
            raise _unauthorized(
                message="This identity auth method is temporarily locked, "
                "please try again later"
            )

    def _count_failure(self, client: ClientSeed, failures: _Failures) -> None:
        now = self._now()
        recent = [at for at in failures.at if now - at < client.lockout_window]
        failures.at = [*recent, now]
        if len(failures.at) >= client.lockout_failures:
            failures.locked_until = now + client.lockout_duration
            failures.at.clear()


def trimmed(value: str) -> str:
    """Return `value` without blanks around it; one newline at its end survives."""
    return value.strip() + ("\n" if value.endswith("\n") else "")


def _is_in(path: str, folder: str) -> bool:
    return folder in (ROOT, path) or path.startswith(f"{folder}/")


def _same_environment(one: Place, other: Place) -> bool:
    return replace(one, path=ROOT) == replace(other, path=ROOT)


def _not_found(*, operation: str, message: str) -> Refused:
    return Refused(status=HTTPStatus.NOT_FOUND, error=operation, message=message)


def _bad_request(*, message: str) -> Refused:
    return Refused(status=HTTPStatus.BAD_REQUEST, error="BadRequest", message=message)


def _unauthorized(*, message: str) -> Refused:
    return Refused(
        status=HTTPStatus.UNAUTHORIZED, error="UnauthorizedError", message=message
    )


def _token_error(*, message: str) -> Refused:
    return Refused(status=HTTPStatus.FORBIDDEN, error="TokenError", message=message)


def _invalid_credentials() -> Refused:
    return _unauthorized(message="Invalid credentials")
