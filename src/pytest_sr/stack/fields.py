"""The values of a request to our secrets' keeper, each read as what it has to be."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TypeAlias

from pytest_sr.stack.vault import Place, Refused
from pytest_sr.stack.vault_seeds import ROOT

Answer: TypeAlias = dict[str, object]


@dataclass(slots=True)
class Fields:
    """The named values of a query or a body; every fault is kept until `check`."""

    given: Mapping[str, object]
    project: str = "projectId"
    """What the field is called that names the project; v3 calls it otherwise."""
    issues: list[Answer] = field(default_factory=list)

    def text(self, name: str, default: str | None = None) -> str:
        """Return a text; without `default` it must be given."""
        value = self.given.get(name, default)
        if isinstance(value, str):
            return value
        self._miss(name, "string", value)
        return ""

    def maybe_text(self, name: str) -> str | None:
        """Return a text, or None where there is none."""
        return self.text(name) if self.given.get(name) is not None else None

    def name(self, name: str, wanted: re.Pattern[str]) -> str:
        """Return a text, without blanks around it, that `wanted` matches as a whole."""
        value = self.text(name).strip()
        if name in self.given and not wanted.fullmatch(value):
            self.issue(name, "invalid_string", "Invalid")
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Return a truth value; a query spells it `true` or `false`."""
        value = self.given.get(name, default)
        if value in (True, "true"):
            return True
        if value not in (False, "false"):
            self.issue(name, "invalid_enum_value", "Expected 'true' | 'false'")
        return False

    def number(self, name: str, default: int | None = None) -> int | None:
        """Return a number that is not negative; a query spells it in digits."""
        value = self.given.get(name, default)
        if value is None or (isinstance(value, int) and value >= 0):
            return value
        if isinstance(value, str) and value.isascii() and value.isdigit():
            return int(value)
        self._miss(name, "number", value)
        return default

    def shared(self) -> None:
        """Refuse any `type` but shared: a machine has no personal secrets."""
        match self.given.get("type", "shared"):
            case "shared":
                return
            case "personal":
                raise Refused(
                    status=HTTPStatus.BAD_REQUEST,
                    error="BadRequest",
                    message="Must be user to use personal secrets",
                )
            case _:
                self.issue("type", "invalid_enum_value", "Expected shared | personal")

    def place(self, path: str) -> Place:
        """Return the folder that is named; `path` is what its field is called."""
        parts = self.text(path, ROOT).split("/")
        return Place(
            project_id=self.text(self.project),
            environment=self.text("environment"),
            path=ROOT + "/".join(each for each in parts if each),
        )

    def issue(self, name: str, code: str, message: str) -> None:
        """Keep a fault of the value called `name`."""
        self.issues.append({"code": code, "path": [name], "message": message})

    def check(self) -> None:
        """Refuse the request if there was any fault."""
        if self.issues:
            status = HTTPStatus.UNPROCESSABLE_ENTITY
            raise Refused(status=status, error="ValidationFailure", message=self.issues)

    def _miss(self, name: str, expected: str, value: object) -> None:
        message = "Required" if value is None else f"Expected {expected}"
        self.issue(name, "invalid_type", message)
