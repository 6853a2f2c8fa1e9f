"""The exit code of `sr verify`: 2 where nothing failed and something could not be judged.

Loaded by `sr verify` alone; pytest's own exit codes stay what people know.
"""

from __future__ import annotations

import pytest

from pytest_sr.options import ROW

UNJUDGED = 2


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Tell what failed from what could not be judged."""
    reporter = session.config.pluginmanager.getplugin("terminalreporter")
    if reporter is None or exitstatus != pytest.ExitCode.TESTS_FAILED:
        return
    verdicts = {
        row["verdict"]
        for reports in reporter.stats.values()
        for report in reports
        for name, row in getattr(report, "user_properties", ())
        if name == ROW
    }
    if "FAIL" not in verdicts:
        session.exitstatus = UNJUDGED
