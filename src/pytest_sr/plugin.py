"""The hooks and fixtures, and nothing else: each hands over to the module that knows."""

from __future__ import annotations

from dataclasses import replace
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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give a test that asks for `sr_loop_test` each of the nineteen in turn."""
    if "sr_loop_test" in metafunc.fixturenames:
        from pytest_sr.loop_tests import find  # noqa: PLC0415 - sessions without scenarios load none of it

        tests = find(metafunc.config.rootpath)
        ids = [each.name for each in tests]
        metafunc.parametrize("sr_loop_test", tests, ids=ids, indirect=True)


@pytest.fixture
def sr_loop_test(request: pytest.FixtureRequest, sr_bench: Any) -> Any:  # noqa: ANN401 - loaded when it is asked for
    """Give one of tests 1 to 19; its `run()` tells what came of it, case by case."""
    return replace(request.param, bench=sr_bench)


@pytest.fixture(scope="session")
def sr_stack(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - loaded when it is asked for
    """Give the addresses of the session's services, started when first asked for."""
    return request.config.stash[SESSION].stack.addresses


@pytest.fixture(scope="session")
def sr_bench(request: pytest.FixtureRequest) -> Any:  # noqa: ANN401 - loaded when it is asked for
    """Give what scenarios are run with: the stack, a template database, accounts."""
    return request.config.stash[SESSION].bench
