"""What a pytest session knows of scenarios: its options, its stack, its verdict table.

Light to import: whoever has no scenarios pays for none of what they need.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

from pytest_sr.options import OPTIONS, ROW, value_of

if TYPE_CHECKING:
    from pytest_sr.broker import Broker, RemoteStack
    from pytest_sr.collect import Bench
    from pytest_sr.world.world import SystemKind

SUFFIX: Final = ".scenario.yaml"
_MARKERS: Final = (
    "sr_proves(id): the requirement that a scenario proves",
    "sr_tag(name): a scenario's tag",
)


class Session:
    """One session's side of things; on a worker, the stack is somebody else's."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._owned: Broker | None = None
        self.started_at = datetime.now(UTC)  # noqa: TID251 - when people started it
        self.values = {each.name: value_of(config, each) for each in OPTIONS}

    @property
    def report(self) -> Path | None:
        """The folder that the report goes to, if one is wanted."""
        folder = self.values["sr_report"]
        return self._config.invocation_params.dir / folder if folder else None

    @cached_property
    def stack(self) -> Broker | RemoteStack:
        """Whoever knows the stack; nothing is started by asking this."""
        from pytest_sr.broker import Broker, Desk, RemoteStack  # noqa: PLC0415 - see above

        given: Mapping[str, Any] | None = getattr(self._config, "workerinput", None)
        if given is not None and "sr_desk_port" in given:
            desk = Desk(port=given["sr_desk_port"], secret=given["sr_desk_secret"])
            return RemoteStack(desk)
        self._owned = Broker(self._progress)
        return self._owned

    @cached_property
    def bench(self) -> Bench:
        """What scenarios are run with; the stack is started by asking for it."""
        from pytest_sr.collect import Bench  # noqa: PLC0415 - see above

        system = cast("SystemKind", self.values["sr_system"])  # one of the choices
        return Bench(self.stack, system, self.report, self._progress)

    def header(self) -> str:
        """Return how scenarios will be run."""
        told = ", ".join(
            f"{name.removeprefix('sr_')} {value}"
            for name, value in self.values.items()
            if value
        )
        return f"sr: {told}"

    def for_worker(self) -> Mapping[str, object]:
        """Return what a worker has to know to ask for the stack."""
        from pytest_sr.broker import Broker  # noqa: PLC0415 - see above

        assert isinstance(self.stack, Broker), "only the session's first process asks"
        desk = self.stack.open_desk()
        return {"sr_desk_port": desk.port, "sr_desk_secret": desk.secret}

    def summarise(self, reporter: pytest.TerminalReporter) -> None:
        """Print the verdict table, and write the report if one is wanted."""
        rows = _rows(reporter)
        if not rows:
            return
        from pytest_sr.report.terminal import summarise  # noqa: PLC0415 - see above

        reporter.section("scenarios", sep="-")
        for line in summarise(rows):
            reporter.write_line(line)
        if self.report is not None:
            from pytest_sr.catalogue import CATALOGUE  # noqa: PLC0415 - see above
            from pytest_sr.report.write import write_report  # noqa: PLC0415 - see above

            index = write_report(
                self.report,
                CATALOGUE,
                started_at=self.started_at.isoformat(timespec="seconds"),
                command=shlex.join(["pytest", *sys.argv[1:]]),
                values=self.values,
            )
            reporter.write_line(f"report: {os.path.relpath(index)}")

    def close(self) -> None:
        """Stop the stack, if this session started it."""
        if self._owned is not None:
            self._owned.close()

    def _progress(self, line: str) -> None:
        """Show what the stack does while it starts, past pytest's capture."""
        capture = self._config.pluginmanager.getplugin("capturemanager")
        if capture is None:
            sys.stderr.write(f"sr: {line}\n")
            return
        with capture.global_and_fixture_disabled():
            sys.stderr.write(f"sr: {line}\n")


SESSION: Final = pytest.StashKey[Session]()


def configure(config: pytest.Config) -> None:
    """Register the markers, and keep the session's side of things."""
    for each in _MARKERS:
        config.addinivalue_line("markers", each)
    session = Session(config)
    config.stash[SESSION] = session
    if session.report is not None and not hasattr(config, "workerinput"):
        from pytest_sr.report.folder import ReportError, prepare  # noqa: PLC0415 - see above

        try:
            prepare(session.report)
        except ReportError as error:
            raise pytest.UsageError(str(error)) from None


def _rows(reporter: pytest.TerminalReporter) -> Sequence[tuple[str, str, str, str]]:
    """Return the verdict table's rows, sorted by case."""
    rows = {}
    for reports in reporter.stats.values():
        for report in reports:
            for name, row in getattr(report, "user_properties", ()):
                if name == ROW:
                    short = row["node_id"].rpartition("::")[2]
                    rows[row["node_id"]] = (
                        short,
                        row["verdict"],
                        row["claims"],
                        row["seconds"],
                    )
    return [rows[each] for each in sorted(rows)]
