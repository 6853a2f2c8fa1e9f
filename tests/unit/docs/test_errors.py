"""`docs/errors.md` has every code, its status, and a message that is really given.

A section is a heading with the code (or the class, where there is no code), a line with
the class and the HTTP status where there is one, and an example in a block of text.
"""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from importlib import import_module
from pathlib import Path
from typing import Any, Final, cast

import pytest
from litestar import Request
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

import pytest_sr
import sr_core
from pytest_sr.catalogue import CATALOGUE
from pytest_sr.parse import Code, ScenarioRefused, parse_file, parse_text
from pytest_sr.registry import RegistrationError, Registries, Registry
from pytest_sr.report.folder import ReportError, prepare
from pytest_sr.stack.addresses import StackAddresses
from pytest_sr.stack.binaries import NATS, resolve
from pytest_sr.stack.errors import (
    AddressesError,
    BinaryError,
    PlaceError,
    ProbeError,
    ServiceError,
    StackError,
    SupervisorError,
)
from pytest_sr.stack.plan import expect
from pytest_sr.trace import TraceError, trace
from pytest_sr.world.world import WorldError
from sr_core.adapters.postgres.migrate import (
    MigrationChanged,
    MigrationFailed,
    MigrationForbidden,
    MigrationMisnamed,
    MigrationMissing,
    MigrationOutOfOrder,
)
from sr_core.adapters.postgres.server import DatabaseReadOnly, DatabaseUnsafe
from sr_core.api.bounds import (
    BodyIncomplete,
    BodyTooSlow,
    HeadersTooLarge,
    QueryTooLong,
    UnsupportedEncoding,
    UnsupportedMediaType,
)
from sr_core.api.problems import on_bug, on_http_error, status_of
from sr_core.application.replay import EventPoisoned, LogDisordered, LogEmpty
from sr_core.bootstrap.read_copies import ReplayFailed
from sr_core.bootstrap.settings import parse_settings
from sr_core.codec.message import MessageVersionUnsupported, parse_message
from sr_core.domain.actors import Actor, ActorKind
from sr_core.domain.attachment import AttachmentTooLarge
from sr_core.domain.errors import (
    ApprovalUnfit,
    AuthorityRequired,
    BudgetDecreased,
    BudgetExhausted,
    ContextInadmissible,
    DecisionRequired,
    DecisionScopeMismatch,
    DocumentInvalid,
    DocumentMissing,
    EventNotUnderstood,
    GovernanceApprovalRequired,
    HookPending,
    IntegrityUnresolved,
    IterationInProgress,
    MalformedInput,
    NonWaivable,
    NotFound,
    PlanTaken,
    ResolutionUnfit,
    SelfApproval,
    SemanticProfileMissing,
    SrError,
    StageUnknown,
    StopUncured,
    TransitionRefused,
    UnresolvedStaleness,
    VersionTaken,
    WorkSurfaceMissing,
)
from sr_core.domain.judging_errors import (
    AssociationTaken,
    AttestationInvalid,
    CandidateMismatch,
    EvidenceMissing,
    EvidenceRestricted,
    EvidenceTaken,
    ManifestInvalid,
    NotExternal,
    NotVerified,
    OutcomeMismatch,
    ProfileTooWeak,
    SignerNotTrusted,
    SplitView,
    SuiteApprovalRequired,
    SuiteHashMismatch,
    SuiteTaken,
    SuiteUnchanged,
)
from sr_core.domain.kek import KekRef, parse_kek, parse_kek_id
from sr_core.domain.sealing_errors import (
    BadKeyMaterial,
    EvidenceErased,
    EvidenceUnreadable,
    KeyNotCommitted,
    KeyRecordMissing,
    RedactionUnfinished,
    SealContextMismatch,
    SealMalformed,
    SealTampered,
    SealTruncated,
    WrapLimitReached,
    WrongKek,
)
from sr_core.domain.work_errors import (
    ApprovalRequired,
    DefinitionTaken,
    EvidenceUnfit,
    GateFailed,
    GateMismatch,
    GateUnanswered,
    IntakeTaken,
    IntakeUnfit,
    LoopNotActive,
    NoLoop,
    StarterFixed,
    WorkSurfaceNotActive,
    WorkSurfaceTaken,
)
from sr_core.ports.checkpoints import LogRegressed, LogUnsound
from sr_core.ports.content_store import (
    ContentConflict,
    ObjectKey,
    PartState,
    Unretrievable,
)
from sr_core.ports.errors import Overtaken, Unavailable, Unfit, VersionConflict
from sr_core.ports.event_store import IdempotencyMismatch
from sr_core.ports.identity import KindChanged, NotAuthenticated, NotIdentified
from sr_core.ports.kek_source import (
    KekDenied,
    KekInconsistent,
    KekMissing,
    KekNotStored,
    KekRetired,
    KekTaken,
    KekUnavailable,
)
from sr_core.ports.key_records import Unremovable
from sr_core.ports.message_bus import Fenced
from sr_core.ports.outbox import BusAhead
from sr_core.ports.read_copy import ReadModelUnfit, RebuildUnderWay
from sr_core.ports.read_model import ProjectionBroken, UpdateRows
from sr_core.ports.receipts import KeyReused, RequestRepeated
from sr_core.ports.sandbox import SandboxUnavailable

DOCS: Final = Path(__file__).parents[3] / "docs"
TEXT: Final = (DOCS / "errors.md").read_text(encoding="utf-8")
FORMAT: Final = (DOCS / "reference" / "scenario-format.md").read_text(encoding="utf-8")

ULID: Final = "01KEGTXJ4B8N2QW5RZ7YM3CDVF"
LOOP: Final = f"loop_{ULID}"
RUN: Final = f"run_{ULID}"
BYTES: Final = f"sha256:{'9f86d081884c7d65' * 4}"
OTHER: Final = f"sha256:{'60303ae22b998861' * 4}"
CANDIDATE: Final = f"{BYTES}|cand_{ULID}"
KEK: Final = KekRef(id=parse_kek_id("solver-ralph-kek"), version=2)
KEY: Final = ObjectKey(f"sha256/{BYTES.removeprefix('sha256:')}/manifest.json")


def caught(kind: type[Exception], act: Callable[[], object]) -> Exception:
    """Return the error that `act` really raises."""
    with pytest.raises(kind) as found:
        act()
    return found.value


def a_bystander_approves() -> None:
    bob = Actor(ActorKind.HUMAN, "oidc_sub:default:bob")
    bob.require_role("ReleaseApprover", action="approving at ReleaseApprovalPortal")


PLATFORM: Final[tuple[Exception, ...]] = (
    BodyIncomplete(received=17),
    BodyTooSlow(received=17, seconds=30),
    HeadersTooLarge(found=16399, limit=16384),
    QueryTooLong(found=8193, limit=8192),
    UnsupportedEncoding(found="gzip"),
    UnsupportedMediaType(found="text/plain"),
    RequestRepeated(key="order-7", event_ids=(f"evt_{ULID}",)),
    IdempotencyMismatch(event_id=f"evt_{ULID}"),
    EventPoisoned(
        position=31,
        event_type="StopTriggered",
        projection="loops",
        reason="KeyError('trigger')",
    ),
    LogDisordered(found="The log has no event at position 300"),
    LogEmpty(),
    ReadModelUnfit(found="view v rests on one of its tables"),
    RebuildUnderWay(),
    ReplayFailed(status=2, said="the log gave no answer"),
    KeyReused(key="order-7"),
    KindChanged(bound=ActorKind.AGENT, proved=ActorKind.HUMAN),
    Unfit(system="JetStream", cause="it has no stream sr-events"),
    Fenced(expected=41, why="the server says that it does not"),
    BusAhead(position=42, event_id=f"evt_{ULID}", head=17),
    caught(MessageVersionUnsupported, lambda: parse_message(b'{"schema_version":"2"}')),
    caught(MalformedInput, lambda: parse_settings({"SR_DATABASE_ULR": "…"})),
    TransitionRefused(
        subject=LOOP,
        phase="CREATED",
        attempted="StartIteration",
        allowed={"ActivateLoop", "CloseLoop"},
    ),
    caught(AuthorityRequired, a_bystander_approves),
    SelfApproval(candidate_id=CANDIDATE, actor="HUMAN oidc_sub:default:alice"),
    NotFound(kind="loop", identifier=LOOP),
    SuiteTaken(suite_id="suite:SR-SUITE-CORE"),
    PlanTaken(subject="WU-memo", plan_id=f"plan_{ULID}"),
    EventNotUnderstood(event_type="LoopSplit", position=7),
    CandidateMismatch(declared=OTHER, computed=BYTES),
    NonWaivable(target="ORACLE_GAP", why="it is an integrity condition"),
    BudgetExhausted(bound="max_iterations", used=5, limit=5),
    AttachmentTooLarge(),
    BudgetDecreased(bound="max_iterations", limit=5, wanted=3),
    WorkSurfaceMissing(work_unit="WU-7"),
    IntakeTaken(intake_id=f"intake:{ULID}", content_hash=BYTES),
    IntakeUnfit(
        intake_id=f"intake:{ULID}",
        why="is draft, and work is bound to active ones",
        remedy="Activate it, or fork it and activate the fork",
    ),
    DefinitionTaken(
        type_key="verification_profile",
        name="profile:MINE",
        why="is recorded already",
    ),
    StarterFixed(name="proc:RESEARCH-MEMO"),
    WorkSurfaceTaken(work_unit_id="WU-7", work_surface_id=f"ws:{ULID}"),
    WorkSurfaceNotActive(
        work_surface_id=f"ws:{ULID}", phase="completed", allowed="ArchiveWorkSurface"
    ),
    NoLoop(work_surface_id=f"ws:{ULID}"),
    LoopNotActive(loop_id=LOOP, phase="PAUSED"),
    GateFailed(stage_id="stage:DRAFT", failed=["oracle:structure"]),
    GateUnanswered(
        stage_id="stage:DRAFT",
        conditions={"ORACLE_GAP": "no completed run by suite:SR-SUITE-TRACEABILITY"},
    ),
    GateMismatch(claimed="PASS", computed="FAIL"),
    EvidenceUnfit(evidence=BYTES, why="is not the latest of any suite of stage:DRAFT"),
    ApprovalRequired(
        work_surface_id=f"ws:{ULID}",
        stage_id="stage:FINAL",
        portal_id="HumanAuthorityExceptionProcess",
        why="none is recorded since the stage was entered",
    ),
    StageUnknown(work_surface_id=f"ws:{ULID}", stage_id="stage:DRAFT"),
    SemanticProfileMissing(work_surface_id=f"ws:{ULID}", stage_id="stage:DRAFT"),
    HookPending(
        loop_id=LOOP, hooks=["evaluation_on_verification (record.evaluation_note)"]
    ),
    StopUncured(loop_id=LOOP, triggers=["WORK_SURFACE_MISSING"]),
    IterationInProgress(iteration_id=f"iter_{ULID}"),
    DecisionRequired(loop_id=LOOP, trigger="BUDGET_EXHAUSTED"),
    DecisionScopeMismatch(
        decision_id=f"dec_{ULID}",
        why=f"is REJECTED, which does not let {LOOP} go on",
    ),
    IntegrityUnresolved(subject=LOOP, conditions={"ORACLE_GAP"}),
    EvidenceMissing(subject=CANDIDATE, evidence=[OTHER]),
    EvidenceRestricted(bundle=OTHER, why="it is classified RESTRICTED"),
    AttestationInvalid(
        field="line 2: signature",
        found="one that is not over this payload and its type",
        expected="what solver-ralph/evidence+3f0c9a1b has signed",
    ),
    SplitView(
        field="a.intoto.jsonl and b.intoto.jsonl: the root of solver-ralph/log at 200"
        " events",
        found="4im7 in the first and 90d5 in the second",
        expected="both to those who keep the log, and have them explain",
    ),
    SignerNotTrusted(
        field="line 1: signature",
        found="solver-ralph/evidence+3f0c9a1b at 2026-03-01T00:00:00.000000Z",
        expected="a key that is believed at that time: it is revoked from"
        " 2026-02-01T00:00:00Z on",
    ),
    NotVerified(candidate_id=CANDIDATE),
    ApprovalUnfit(
        approval_id=f"appr_{ULID}", why="was given at GovernanceChangePortal"
    ),
    SuiteApprovalRequired(
        action="weakening suite:SR-SUITE-CORE (oracle:lint is left out)",
        portal="GovernanceChangePortal",
    ),
    AssociationTaken(evidence=OTHER, entity=RUN),
    EvidenceTaken(run_id=RUN, evidence=OTHER),
    ManifestInvalid(
        defect="VERDICT_MISMATCH", why="it says PASS, and its results give FAIL"
    ),
    NotExternal(run_id=RUN, attempted="evidence from elsewhere"),
    OutcomeMismatch(run_id=RUN, declared="SUCCESS", computed="FAILURE"),
    ProfileTooWeak(requested="profile:GOV-CORE", assigned="profile:STRICT-CORE"),
    SuiteHashMismatch(suite_id="suite:SR-SUITE-CORE", declared=OTHER, registered=BYTES),
    SuiteUnchanged(suite_id="suite:SR-SUITE-CORE", suite_hash=BYTES),
    ResolutionUnfit(
        stale_id=f"stale_{ULID}",
        why=f"is not answered by run_{ULID}, which is older than the marker",
    ),
    UnresolvedStaleness(subject=CANDIDATE, stale=["OracleSuite suite:SR-SUITE-CORE"]),
    VersionConflict(boundary=f"loop:{LOOP}", expected=7, actual=8),
    Overtaken(index="one_active_surface"),
    DocumentInvalid(
        file="docs/platform/SR-SPEC.md",
        line=5,
        found="version: found '1.0'",
        remedy="Give a semantic version such as 1.0.0",
    ),
    DocumentMissing(file="docs/program/SR-DIRECTIVE.md", why="is not there"),
    VersionTaken(
        artifact_id="SR-SPEC",
        version="1.1.0",
        why=f"is recorded already, with the bytes {OTHER}",
    ),
    GovernanceApprovalRequired(artifact_id="SR-SPEC", why="none is named"),
    ContextInadmissible(
        loop_id=LOOP,
        problems=[
            "oracle suite suite:SR-SUITE-CORE is missing",
            f"intake intake:{ULID} cannot be found where it is said to be",
        ],
    ),
    Unavailable(system="PostgreSQL", deadline_s=3),
    SealMalformed(
        part="segment 3",
        why="is marked as the last one, and bytes follow it",
    ),
    SealTruncated(
        part="segment 3",
        why="ends after 4102 bytes, and no last segment has come",
    ),
    SealTampered(part="segment 3", why="is not what was sealed in its place"),
    KeyNotCommitted(),
    KeyRecordMissing(blob_name="captured/stderr.log"),
    EvidenceUnreadable(blob_name="captured/stderr.log"),
    EvidenceErased(content_hash=OTHER),
    RedactionUnfinished(why="a rule still matches after 16 rounds"),
    Unremovable(key=KEY),
    SealContextMismatch(fields=["blob_name", "evidence_id"]),
    WrongKek(named=str(KEK), why="version 3 of solver-ralph-kek was given"),
    caught(BadKeyMaterial, lambda: parse_kek("<hidden-by-infisical>", ref=KEK)),
    WrapLimitReached(kek=str(KEK), limit=16_777_216),
    KekDenied(kek=str(KEK), why="its value is hidden"),
    KekInconsistent(kek=str(KEK), why="its version is 3, not 1"),
    KekMissing(kek=str(KEK)),
    KekNotStored(kek=str(KEK), why="it waits for an approval in Infisical"),
    KekRetired(kek=str(KEK), oldest=3),
    KekTaken(kek=str(KEK)),
    KekUnavailable(cause="timeout", deadline_s=30),
    Unretrievable(key=KEY, state=PartState.MISSING),
    ContentConflict(key=KEY),
    LogRegressed(why="it ends before 30, up to where it was signed"),
    LogUnsound(
        why="checkpoint/00000000000000000030 has a mark that it is removed over what"
        " was put first"
    ),
    NotAuthenticated(reason="no bearer token"),
    NotIdentified(reason="no roles"),
    ProjectionBroken.no_row(
        "LoopActivated",
        UpdateRows(table="loops", where={"loop_id": LOOP}, values={"state": "ACTIVE"}),
    ),
    SandboxUnavailable(
        sandbox="bubblewrap 0.11.0", why=["it reached a listener outside"]
    ),
    DatabaseReadOnly(cause="it is a replica"),
    DatabaseUnsafe(facts=["fsync is off, so a crash may take away what was confirmed"]),
    MigrationForbidden(
        file="0012_roles.sql", reason="permission denied to create role"
    ),
    MigrationMisnamed(file="0007-add-index.sql", version=7),
    MigrationChanged(file="0001_event_log.sql", recorded=BYTES, found=OTHER),
    MigrationMissing(file="0009_later.sql"),
    MigrationOutOfOrder(file="0003_portals.sql", latest=4),
    MigrationFailed(file="0003_portals.sql", reason='relation "loops" does not exist'),
)

FACE: Final[dict[str, HTTPException | ValueError]] = {
    "NO_SUCH_ROUTE": NotFoundException(),
    "METHOD_NOT_ALLOWED": MethodNotAllowedException(),
    "BODY_TOO_LARGE": RequestEntityTooLarge(),
    "INTERNAL_ERROR": ValueError("a bug"),
}

FULL: Final = "reports"
SESSION: Final[tuple[Exception, ...]] = (
    StackError(
        found="the session gave no stack",
        remedy="See what the session's first process said of it",
    ),
    caught(BinaryError, lambda: resolve(NATS, {"SR_NATS_SERVER": "bin/nats"})),
    caught(AddressesError, lambda: StackAddresses.from_json("{}")),
    PlaceError(
        found="postgres does not run as root, and there is no user postgres or nobody",
        remedy="Run as an ordinary user, or add one of the two",
    ),
    caught(
        ProbeError,
        lambda: expect(False, that="the object reads back"),  # noqa: FBT003 - it is what does not hold
    ),
    ServiceError(
        service="nats",
        found="was not ready after 30 s",
        log="[FTL] Error listening on port: 4222",
    ),
    SupervisorError(
        found="the stack did not start: its supervisor ended with status 1 and said:\n"
        "s3 ended with status 2",
        remedy="See its last line for what to do",
    ),
    WorldError("`sr serve` ended with status 2"),
)


def put(old: str, new: str) -> Callable[[str], str]:
    def edit(text: str) -> str:
        assert old in text, f"the example of the format has {old!r}"
        return text.replace(old, new, 1)

    return edit


BREAKS: Final[dict[Code, Callable[[str], str | bytes]]] = {
    Code.TOO_LARGE: lambda text: text + "#" * 300_000,
    Code.NOT_UTF8: lambda text: text.replace("A c", "Ä c").encode("latin-1"),
    Code.BAD_CHARACTER: put("whose", "\u202ewhose"),
    Code.DIRECTIVE: lambda text: f"%YAML 1.2\n---\n{text}",
    Code.NOT_YAML: put("title: A candidate", "title: A candidate: one"),
    Code.TAB: put("    as: made", "\tas: made"),
    Code.TOO_DEEP: put("[integrity]", f"{'[' * 80}{']' * 80}"),
    Code.TOO_MANY: put("[integrity]", f"[{'a, ' * 20_000}]"),
    Code.ANCHOR: put("as: made", "as: &first made"),
    Code.ALIAS: put("as: made", "as: *first"),
    Code.TAG: put("as: made", "as: !name made"),
    Code.MERGE_KEY: put("as: made", "<<: {as: made}"),
    Code.MANY_DOCUMENTS: lambda text: f"{text}---\n{text}",
    Code.DOUBLED_KEY: put("timeout: 90s", "timeout: 90s\ntags: [release]"),
    Code.KEY_NOT_TEXT: put("tags:", "1:"),
    Code.BAD_NUMBER: put("status: 412", "status: 99999999999999999999"),
    Code.EMPTY: put("[integrity]", "[]"),
    Code.UNKNOWN_KEY: put("tags:", "tag:"),
    Code.MISSING_KEY: put("proves: [C-EVID-6]\n", ""),
    Code.WRONG_TYPE: put("status: 412", 'status: "412"'),
    Code.BAD_ID: put("[integrity]", "[Integrity]"),
    Code.BAD_DURATION: put("90s", "90"),
    Code.BAD_EVENT: put("{before: approval.record}", "{before: approval}"),
    Code.BAD_LOOKUP: put("${run.evidence}", "${run.evidence"),
    Code.WRONG_NAME: put("scenario: evidence-lost", "scenario: evidence-gone"),
    Code.DOUBLED_NAME: put("as: approve", "as: run"),
    Code.UNKNOWN_NAME: put("${approve}", "${aprove}"),
    Code.UNKNOWN_FIELD: put("${run.evidence}", "${run.evidense}"),
    Code.UNKNOWN_STEP: put("- candidate.verify", "- candidate.verfy"),
    Code.UNKNOWN_FAULT: put("s3.object:", "s3.objekt:"),
    Code.UNKNOWN_CHECK: put("{event:", "{evnt:"),
    Code.UNKNOWN_CLAIM: put("[refused,", "[refusd,"),
    Code.UNKNOWN_MUTANT: put("without: fault", "mutant: evidence.never-red"),
    Code.UNKNOWN_ARGUMENT: put("code: EVID", "cod: EVID"),
    Code.MISSING_ARGUMENT: put("status: 412, ", ""),
    Code.NOTHING_TO_NAME: put("candidate.prepare: {}", "stack.ready: {}"),
    Code.CONFLICT: put(
        "{without: fault,", "{without: fault, mutant: loop.never-stops,"
    ),
    Code.UNPROVEN_CLAIM: put(", unapproved]", "]"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What the document says of one code."""

    told: str
    example: str | None

    @property
    def status(self) -> str | None:
        found = re.search(r"HTTP (\d{3})", self.told.partition("\n")[0])
        return found[1] if found else None


def sections(part: str) -> dict[str, Section]:
    """Return the sections of one part of the document, by their heading."""
    text = TEXT.partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    found = {}
    for each in text.split("\n### ")[1:]:
        head, _, told = each.partition("\n")
        block = re.search(r"```text\n(.*?)\n```", told, re.DOTALL)
        name = head.strip("`")
        assert name not in found, f"{name} has two sections"
        found[name] = Section(told=told.strip(), example=block[1] if block else None)
    return found


def walked(package: str, path: list[str]) -> None:
    for each in pkgutil.walk_packages(path, f"{package}."):
        if not each.name.startswith("sr_core.oracles") and "__main__" not in each.name:
            import_module(each.name)


def below(root: type[Exception], package: str) -> Iterator[type[Exception]]:
    for each in root.__subclasses__():
        if each.__module__.startswith(package):
            yield each
        yield from below(each, package)


def raised_in(path: list[str]) -> set[str]:
    """Return the names that are called anywhere in the package."""
    return {
        each.func.id
        for file in Path(path[0]).rglob("*.py")
        for each in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
    }


@pytest.fixture(scope="module")
def errors() -> dict[str, type[SrError]]:
    """Every error of the platform, by its code."""
    walked("sr_core", [*sr_core.__path__])
    found = {each for each in below(SrError, "sr_core") if issubclass(each, SrError)}
    return {each.code: each for each in found}


class TestThePlatform:
    """Every `SrError`, and every code that only the HTTP face gives."""

    def test_each_code_has_its_section_and_each_section_its_code(self, errors):
        documented = sections("The platform").keys() | sections("Families").keys()

        assert documented == errors.keys()

    def test_each_example_is_what_the_class_gives(self):
        given = {each.code: str(each) for each in PLATFORM if isinstance(each, SrError)}
        shown = {code: each.example for code, each in sections("The platform").items()}

        assert shown == given

    def test_each_class_and_status_is_right(self, errors):
        for code, section in sections("The platform").items():
            kind = errors[code]
            (example,) = (each for each in PLATFORM if type(each) is kind)
            assert isinstance(example, SrError)

            assert f"`{kind.__module__}.{kind.__name__}`" in section.told
            assert section.status == str(status_of(example).value)

    def test_a_family_is_never_raised_itself(self, errors):
        called = raised_in([*sr_core.__path__])

        for code in sections("Families"):
            assert errors[code].__name__ not in called
            assert errors[code].__subclasses__() != []

    @pytest.mark.parametrize("code", FACE)
    def test_each_code_of_the_face_is_given_as_shown(self, code):
        error = FACE[code]
        request = Request[Any, Any, Any](cast("Any", {"type": "http", "state": {}}))

        if isinstance(error, HTTPException):
            answer = on_http_error(request, error)
        else:
            answer = on_bug(request, error)

        section = sections("Codes of the HTTP face")[code]
        assert answer.content.code == code
        assert section.example == answer.content.detail
        assert section.status == str(answer.status_code)

    def test_there_are_no_other_codes_of_the_face(self):
        from sr_core.api.problems import _HTTP_CODES  # noqa: PLC0415 - it has all but one

        assert sections("Codes of the HTTP face").keys() == {
            *_HTTP_CODES.values(),
            "INTERNAL_ERROR",
        }
        assert HTTPStatus.NOT_FOUND in _HTTP_CODES


class TestScenarioFiles:
    """Every code with which a scenario file is refused."""

    def test_each_code_has_its_section_and_each_section_its_code(self):
        assert sections("Scenario files").keys() == set(Code)

    @pytest.mark.parametrize("code", Code)
    def test_each_example_is_what_the_parser_says(self, code):
        assert sections("Scenario files")[code].example == self.said(code)

    def said(self, code: Code) -> str:
        """Return the first problem of that code, in a broken copy of the example."""
        shown_as = "evidence-lost.scenario.yaml"
        found = re.search(r"```yaml\n(scenario: .*?)```", FORMAT, re.DOTALL)
        assert found is not None, "the format has an example"
        broken = BREAKS.get(code, str)(found[1])
        act = (
            (lambda: parse_file(Path("nowhere"), CATALOGUE, shown_as=shown_as))
            if code is Code.UNREADABLE
            else (lambda: parse_text(broken, self.registries(), shown_as=shown_as))
        )
        refused = caught(ScenarioRefused, act)
        assert isinstance(refused, ScenarioRefused)
        return next(str(each) for each in refused.errors if each.code is code)

    def registries(self) -> Registries:
        """Return the catalogue, and a step that gives nothing."""
        steps = Registry("step", gives_results=True)

        def ready(world: object) -> None:
            """Wait."""

        steps.register("stack.ready")(ready)
        for name, spec in CATALOGUE.steps.items():
            steps.register(name)(spec.function)
        return Registries(
            steps=steps,
            faults=CATALOGUE.faults,
            checks=CATALOGUE.checks,
            mutants=CATALOGUE.mutants,
        )


class TestSessions:
    """Every other error of the plugin, by its class."""

    def test_each_example_is_what_the_class_gives(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        Path(FULL).mkdir()
        Path(FULL, "thesis.txt").touch()
        given = {
            **{type(each).__name__: str(each) for each in SESSION},
            "ReportError": str(caught(ReportError, lambda: prepare(Path(FULL)))),
            "RegistrationError": self.unregistered(),
            "TraceError": str(
                caught(TraceError, lambda: trace(Path("CONTRACT.md"), [], []))
            ),
        }

        shown = {name: each.example for name, each in sections("Sessions").items()}

        assert shown == given

    def unregistered(self) -> str:
        def wait(world: object, *, until: bytes) -> None:
            """Wait."""

        wait.__module__, wait.__qualname__ = "steps", "wait"
        steps = Registry("step")
        return str(caught(RegistrationError, lambda: steps.register("bus.wait")(wait)))

    def test_each_class_has_its_section(self):
        walked("pytest_sr", [*pytest_sr.__path__])
        named = {
            each.__name__
            for each in below(Exception, "pytest_sr")
            if each.__name__.endswith("Error") and not each.__name__.startswith("_")
        }

        assert sections("Sessions").keys() == named
