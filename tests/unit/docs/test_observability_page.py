"""The page of what can be observed names what is there, and nothing else."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

from sr_core.adapters.prometheus.metrics import PrometheusMetrics
from sr_core.application.log_context import SUBJECTS

DOCS = Path(__file__).parents[3] / "docs"
PAGE = DOCS / "reference" / "observability.md"
PROGRAM = runpy.run_path(str(DOCS / "observability.py"))


def test_it_is_what_the_generator_makes():
    again = "run `python docs/observability.py --write`"
    assert PAGE.read_text(encoding="utf-8") == PROGRAM["page"](), again


def test_each_metric_is_exposed_under_its_name():
    exposed = PrometheusMetrics().prometheus()
    row = re.compile(r"^\| `([a-z_]+)(?:\{\w+\})?` \| (\w+)", re.MULTILINE)
    named = row.findall(PROGRAM["page"]())

    kinds = {name: kind for name, kind in named if kind in {"counter", "histogram"}}
    assert len(kinds) == 19
    for name, kind in kinds.items():
        assert f"# TYPE {name} {kind}\n" in exposed


def test_each_subject_of_a_line_is_named():
    for each in SUBJECTS:
        assert f"`{each}`" in PAGE.read_text(encoding="utf-8")
