"""The hooks and fixtures, and nothing else: each hands over to the module that knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_sr import options, session
from pytest_sr.session import SESSION, SUFFIX


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer the options, each as an ini value and an environment variable too."""
    options.add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Say what the markers mean, and get ready to own the session's stack."""
    session.configure(config)


def pytest_report_header(config: pytest.Config) -> str:
    """Say how scenarios will be run."""
    return config.stash[SESSION].header()


def pytest_collect_file(
    file_path: Path, parent: pytest.Collector
) -> pytest.Collector | None:
    """Take the files that are ours."""
    if not file_path.name.endswith(SUFFIX):
        return None
    from pytest_sr.collect import ScenarioFile  # noqa: PLC0415 - sessions without scenarios load none of it

    return ScenarioFile.from_parent(parent, path=file_path)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401 - xdist may be absent
    """Tell a worker where to ask for the stack."""
    node.workerinput.update(node.config.stash[SESSION].for_worker())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the verdict table, and write the report if one is wanted."""
    terminalreporter.config.stash[SESSION].summarise(terminalreporter)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the stack, if it was started."""
    if SESSION in config.stash:
        config.stash[SESSION].close()


@pytest.fixture(scope="session")
def sr_stack(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - loaded when it is asked for
    """Give the addresses of the session's services, started when first asked for."""
    return request.config.stash[SESSION].stack.addresses


@pytest.fixture(scope="session")
def sr_bench(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - loaded when it is asked for
    """Give what scenarios are run with: the stack, a template database, accounts."""
    return request.config.stash[SESSION].bench
