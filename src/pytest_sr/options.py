"""The options: each a flag, an ini value and an environment variable of one meaning."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Final

import pytest

ROW: Final = "sr"
"""The user property under which an item's row of the verdict table travels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One option: a flag, an ini value and an environment variable of one meaning."""

    name: str
    default: str
    choices: tuple[str, ...]
    """Empty where any text will do."""
    meaning: str

    @property
    def flag(self) -> str:
        """As it is written on the command line."""
        return f"--{self.name.replace('_', '-')}"


OPTIONS: Final = (
    Option(
        name="sr_backend",
        default="auto",
        choices=("auto", "embedded"),
        meaning="where the services come from: wheels on this machine",
    ),
    Option(
        name="sr_system",
        default="in-process",
        choices=("in-process", "server"),
        meaning="how the system under test runs: in this process, or as `sr serve`",
    ),
    Option(
        name="sr_report",
        default="",
        choices=(),
        meaning="the folder to write the report to; none by default",
    ),
    Option(
        name="sr_prove",
        default="off",
        choices=("off", "controls"),
        meaning="whether to run each scenario's controls, which must turn claims red",
    ),
)


def add_options(parser: pytest.Parser) -> None:
    """Offer each option in its three forms."""
    group = parser.getgroup("sr", "scenarios of governed work")
    for each in OPTIONS:
        meaning = f"{each.meaning} [{each.default or 'none'}]"
        choices: dict[str, Any] = {"choices": each.choices} if each.choices else {}
        group.addoption(
            each.flag, dest=each.name, default=None, help=meaning, **choices
        )
        parser.addini(each.name, meaning, default="")


def value_of(config: pytest.Config, option: Option) -> str:
    """Return the option's value: as given, from the environment, the ini, the default."""
    value = (
        config.getoption(option.name)
        or os.environ.get(option.name.upper())
        or config.getini(option.name)
        or option.default
    )
    if option.choices and value not in option.choices:
        choices = ", ".join(option.choices)
        message = f"{option.name}: found {value!r}; give one of {choices}"
        raise pytest.UsageError(message)
    return str(value)


def is_proving(config: pytest.Config) -> bool:
    """Whether controls are to be run."""
    (prove,) = (each for each in OPTIONS if each.name == "sr_prove")
    return value_of(config, prove) == "controls"
