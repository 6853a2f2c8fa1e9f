"""Make the page of what can be observed, from the metrics themselves.

python docs/observability.py              print it
python docs/observability.py --write      write docs/reference/observability.md
"""  # noqa: INP001 - a program of its own, run by path

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from sr_core.ports.metrics import COUNTERS, HISTOGRAMS, Definition

WRITTEN: Final = Path(__file__).parent / "reference" / "observability.md"

_HEAD: Final = """\
<!-- Made by `python docs/observability.py --write`; do not edit. -->

# What can be observed

## Health and readiness

`GET /health` says that the process lives, and asks nothing of anyone else. `GET /ready`
tries every dependency, all at once, for at most 5 s each, and answers 200 or 503:

| check | what is done | what is found out |
| --- | --- | --- |
| `postgresql` | a new connection; schema and server are asked | server, user, schema |
| `minio` | `probe/ready` is written once to each bucket and read | store, key, buckets |
| `infisical` | the current KEK is read; only if one is set | server, login, rights, key |
| `nats` | the stream of events is compared with what it should be | server, user, stream |

`error` says why a check is unhealthy, without a secret; `notes` say what works and is not
as it should be, such as a bus or a database that may lose what it acknowledged (see
[the users of the database](../explanation/database-users.md)). What is only missing,
`sr init` makes.

## Metrics

`GET /api/v1/metrics` has them as JSON, `GET /metrics/prometheus` as text; both read the
same registry, which belongs to the process. Metrics of the domain move when events are
recorded, by what those say; no request can set them.

"""
_REST: Final = """
The means of the JSON view (`avg_latency_ms`, `oracle_avg_latency_ms`,
`event_append_avg_latency_ms`) are milliseconds with a fraction.

## Headers

| header | |
| --- | --- |
| `X-Request-Id` | names one request; taken from it, or made (`req_…`), and given back |
| `X-Correlation-Id` | names what the request is part of; taken, or the request's name |

The second is written to every event that the request records. A refusal holds both. One
that has other characters than letters, digits and `._:-`, or more than 128, is replaced.

## Log

`SR_LOG_FORMAT` is `pretty` or `json`, one object a line. Every line has `timestamp`,
`level`, `target`, `message`; one that was written for a request also `request_id`,
`correlation_id`, and as far as they are known `loop_id`, `iteration_id`, `candidate_id`,
`run_id`. A request that was answered leaves a line with `method`, `uri`, `status`,
`latency_ms`; its query and its token are in no line. The settings' secrets are taken out
of all of them, also where they are quoted, hex or base64.

## Alerts

| alert | when | |
| --- | --- | --- |
| server errors | `http.requests_server_error / http.requests_total > 0.05` | critical |
| latency | `http.avg_latency_ms > 1000` | warning |
| oracle runs | `domain.oracle_runs_failed / domain.oracle_runs_total > 0.20` | warning |
| readiness | `/ready` answers 503 | critical |
| outbox | `/health` of `sr worker outbox` answers 503 | warning |
"""


def page() -> str:
    """Return the page."""
    return _HEAD + "\n".join(_rows()) + "\n" + _REST


def _rows() -> Iterator[str]:
    yield "| metric | kind | moves at | buckets, in seconds |"
    yield "| --- | --- | --- | --- |"
    for counter, of in COUNTERS.items():
        yield f"| `{_name(f'{counter}_total', of)}` | counter | {of.meaning} |  |"
    for histogram, of in HISTOGRAMS.items():
        buckets = " ".join(f"{each:g}" for each in of.buckets_s)
        yield f"| `{_name(histogram, of)}` | histogram | {of.meaning} | {buckets} |"


def _name(name: str, of: Definition) -> str:
    return f"{name}{{{of.label}}}" if of.label else name


def main(arguments: Sequence[str]) -> int:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description="The page of what can be observed.")
    parser.add_argument("--write", action="store_true", help=f"write {WRITTEN.name}")
    if parser.parse_args(arguments).write:
        WRITTEN.write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
