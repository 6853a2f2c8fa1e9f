"""Small histories that read like the story they tell, and the claims over them.

    tale(
        landed("gone"),
        did("verify", status=412),
        logged("StopTriggered", trigger="ORACLE_GAP"),
        read(loops={"loop_1": {"state": "PAUSED"}}),
        healed("gone"),
    )

Each part takes the next tick, and a second; each event takes the next position.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from pytest_sr.catalogue import CATALOGUE
from pytest_sr.history import (
    Answered,
    FaultMoment,
    History,
    Logged,
    ObjectSeen,
    Row,
    Sample,
    Stop,
)
from pytest_sr.judge import Judged, Judgement, judge
from pytest_sr.scenario import (
    Action,
    Case,
    Claim,
    FaultPlan,
    Lookup,
    Place,
    Scenario,
)

BEGAN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
KNOWN = ("CandidateMaterialized", "LoopPaused", "RunCompleted", "StopTriggered")
HERE = Place(file="a.scenario.yaml", line=1, column=1)
BLOB = b"all is well"
BLOB_HASH = f"sha256:{hashlib.sha256(BLOB).hexdigest()}"

Tables = Mapping[str, Mapping[str, Row]]
What = Literal["asked", "landed", "not landed", "healed", "not healed"]


@dataclass
class Telling:
    """What has been told so far."""

    answers: list[Answered] = field(default_factory=list)
    moments: list[FaultMoment] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    events: list[Logged] = field(default_factory=list)
    tick: int = 0
    seconds: float = 0

    def next_tick(self) -> int:
        self.tick += 1
        self.seconds += 1
        return self.tick

    @property
    def now(self) -> str:
        return (BEGAN + timedelta(seconds=self.seconds)).isoformat()

    @property
    def position(self) -> int:
        return self.events[-1].position if self.events else 0


Part = Callable[[Telling], None]


def did(name: str, *, status: int = 200, code: str = "", **result: Any) -> Part:
    """A step that the system answered; more fields of its result may be named."""

    def tell(telling: Telling) -> None:
        body = result.pop("body", {})
        told = {"answer": {"status": status, "code": code, "body": body}, **result}
        _answered(telling, name, told)

    return tell


def tried(name: str, **statuses: int) -> Part:
    """A step of several attempts, each with the status that it met."""
    made = {each: {"status": said, "code": ""} for each, said in statuses.items()}
    return lambda telling: _answered(telling, name, {"attempts": made})


def _answered(telling: Telling, name: str, result: Row) -> None:
    telling.answers.append(
        Answered(
            tick=telling.next_tick(),
            part="when",
            step=f"{name}.step",
            name=name,
            place=str(HERE),
            arguments={},
            result=result,
            position=telling.position,
            at=telling.now,
        )
    )


def logged(
    event_type: str,
    *,
    by: str = "SYSTEM",
    refs: tuple[Row, ...] = (),
    sound: bool = True,
    skips: int = 0,
    seq: int | None = None,
    **payload: object,
) -> Part:
    """An event; `skips` leaves out so many positions before it."""

    def tell(telling: Telling) -> None:
        telling.seconds += 1
        position = telling.position + 1 + skips
        telling.events.append(
            Logged(
                position=position,
                event_id=f"evt_{position}",
                event_type=event_type,
                stream_id="loop:loop_1",
                stream_seq=seq or len(telling.events) + 1,
                actor_kind=by,
                actor_id="somebody",
                occurred_at=telling.now,
                payload=payload,
                refs=refs,
                is_sound=sound,
            )
        )

    return tell


def read(objects: Mapping[str, ObjectSeen] | None = None, **tables: Any) -> Part:
    """A look at the rows and the objects."""

    def tell(telling: Telling) -> None:
        telling.samples.append(
            Sample(
                tick=telling.next_tick(),
                label=f"look {len(telling.samples) + 1}",
                position=telling.position,
                rows=tables,
                objects=objects or {},
            )
        )

    return tell


def moment(fault: str, what: What) -> Part:
    def tell(telling: Telling) -> None:
        telling.moments.append(
            FaultMoment(
                tick=telling.next_tick(),
                fault=fault,
                what=what,
                detail="as it was seen",
                position=telling.position,
                at=telling.now,
            )
        )

    return tell


def landed(fault: str) -> Part:
    return moment(fault, "landed")


def healed(fault: str) -> Part:
    return moment(fault, "healed")


def waited(seconds: float) -> Part:
    def tell(telling: Telling) -> None:
        telling.seconds += seconds

    return tell


def tale(
    *parts: Part,
    faultless: bool = False,
    replayed: Tables | None = None,
    stop: Stop | None = None,
) -> History:
    """A history of these parts, in order."""
    telling = Telling()
    for part in parts:
        part(telling)
    return History(
        scenario="a",
        case=None,
        system="in-process",
        mutant=None,
        faultless=faultless,
        answers=tuple(telling.answers),
        moments=tuple(telling.moments),
        samples=tuple(telling.samples),
        events=tuple(telling.events),
        replayed=replayed,
        stop=stop,
        versions={},
        event_types=KNOWN,
    )


def claim(
    check: str,
    *,
    name: str = "claimed",
    during: str | None = None,
    after: str | None = None,
    within_s: float | None = None,
    section: Literal["then", "always"] = "then",
    **arguments: Any,
) -> Claim:
    return Claim(
        name=name,
        check=check,
        arguments=arguments,
        within_s=within_s,
        after=after,
        during=during,
        section=section,
        place=HERE,
    )


def always(check: str, *, during: str | None = None, **arguments: Any) -> Claim:
    return claim(check, name="ever", section="always", during=during, **arguments)


def lookup(path: str) -> Lookup:
    return Lookup(path=tuple(path.split(".")), place=HERE)


def scenario(*claims: Claim, faults: tuple[str, ...] = ()) -> Scenario:
    """A scenario with these claims and faults; its steps do not matter to a judge."""
    return Scenario(
        name="a",
        title="A story",
        proves=("C-1",),
        tags=(),
        timeout_s=1,
        axis=None,
        cases=(Case(name=None, values={}),),
        given=(),
        faults=tuple(
            FaultPlan(name=each, kind="any", arguments={}, at=None, place=HERE)
            for each in faults
        ),
        when=(Action(step="any", arguments={}, name=None, place=HERE),),
        then=tuple(each for each in claims if each.section == "then"),
        always=tuple(each for each in claims if each.section == "always"),
        controls=(),
        place=HERE,
        source="",
    )


def judgement(
    history: History, *claims: Claim, faults: tuple[str, ...] = ()
) -> Judgement:
    return judge(scenario(*claims, faults=faults), history, CATALOGUE.checks)


def last_judged(history: History, *claims: Claim) -> Judged:
    """What is found of the last claim."""
    return judgement(history, *claims).claims[-1]


def bundle_of(**differing: Any) -> tuple[str, dict[str, ObjectSeen]]:
    """A bundle's hash and its objects: a manifest, and one blob that it names."""
    manifest = {
        "verdict": "PASS",
        "results": [{"oracle_id": "oracle:build", "status": "PASS"}],
        "artifacts": [{"name": "log", "content_hash": BLOB_HASH, "size": len(BLOB)}],
        "context": {
            "environment_fingerprint": {"sandbox": "bubblewrap", "network": ""}
        },
        **differing,
    }
    data = json.dumps(manifest).encode()
    digest = hashlib.sha256(data).hexdigest()
    folder = f"case-evidence/sha256/{digest}"
    return f"sha256:{digest}", {
        f"{folder}/manifest.json": ObjectSeen(
            sha256=f"sha256:{digest}", size=len(data), document=manifest
        ),
        f"{folder}/blobs/{BLOB_HASH.removeprefix('sha256:')}": ObjectSeen(
            sha256=BLOB_HASH, size=len(BLOB)
        ),
    }
