"""The gate registry: each gate as a row of data (SPEC 7.2).

A gate says what has to hold before something goes on, what stops the line if it does
not, at which portals that is answered, and whether a failure there can be waived at all.
Rules ask this table; none of them keeps a list of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from sr_core.domain.actors import ActorKind
from sr_core.domain.errors import MalformedInput, NonWaivable
from sr_core.domain.gate import Gate, GateKind
from sr_core.domain.ids import GateId, parse_gate_id
from sr_core.domain.integrity import Portal, StopTrigger
from sr_core.domain.portal import PORTAL_OF, RequestType

_S: Final = StopTrigger
_GCP: Final = Portal.GOVERNANCE
_HAEP: Final = Portal.EXCEPTION
_RAP: Final = Portal.RELEASE
_HUMAN: Final = frozenset({ActorKind.HUMAN})
_STRICT_CORE: Final = ("profile:STRICT-CORE",)
_STRICT_FULL: Final = ("profile:STRICT-FULL",)
_ORACLE: Final = (
    _S.ORACLE_TAMPER,
    _S.ORACLE_GAP,
    _S.ORACLE_FLAKE,
    _S.ORACLE_ENV_MISMATCH,
)


def _gate(
    gate_id: str,
    kind: GateKind,
    applies_to: str,
    purpose: str,
    stops: tuple[StopTrigger, ...],
    *portals: Portal,
    **more: object,
) -> Gate:
    name = gate_id.removeprefix("G-").replace("-", " ").capitalize()
    return Gate(
        gate_id=parse_gate_id(gate_id),
        gate_name=name,
        gate_kind=kind,
        applies_to=applies_to,
        purpose=purpose,
        stop_triggers=stops,
        portals=portals,
        **more,  # type: ignore[arg-type]  # the fields of Gate that have defaults
    )


_ROWS: Final = (
    _gate(
        "G-00",
        GateKind.WORK_START,
        "all",
        "an iteration starts from refs that are complete, pinned and can be fetched",
        (
            _S.EVIDENCE_MISSING,
            _S.ORACLE_TAMPER,
            _S.ORACLE_GAP,
            _S.WORK_SURFACE_MISSING,
            _S.STAGE_UNKNOWN,
            _S.SEMANTIC_PROFILE_MISSING,
            _S.REPEATED_FAILURE,
        ),
        _GCP,
        _HAEP,
        contract_refs=(
            "C-CTX-1",
            "C-CTX-2",
        ),
    ),
    _gate(
        "G-CTX-ADMISSIBLE",
        GateKind.WORK_START,
        "all",
        "an iteration's context holds every category it owes, each with its pin",
        (
            _S.EVIDENCE_MISSING,
            _S.ORACLE_TAMPER,
            _S.ORACLE_GAP,
            _S.WORK_SURFACE_MISSING,
            _S.STAGE_UNKNOWN,
            _S.SEMANTIC_PROFILE_MISSING,
            _S.REPEATED_FAILURE,
        ),
        _GCP,
        _HAEP,
        contract_refs=(
            "C-CTX-1",
            "C-CTX-2",
        ),
    ),
    _gate(
        "G-CONTENT-HASHES-RECORDED",
        GateKind.INTEGRITY,
        "all",
        "every governed document and suite is pinned by version and hash",
        (
            _S.EVIDENCE_MISSING,
            _S.REPEATED_FAILURE,
        ),
        _GCP,
        contract_refs=("C-META-1",),
    ),
    _gate(
        "G-VERIFIED-STRICT",
        GateKind.VERIFICATION,
        "candidate",
        "every required oracle of the profile passed",
        (
            _S.REPEATED_FAILURE,
            *_ORACLE,
            _S.EVIDENCE_MISSING,
        ),
        _GCP,
        _HAEP,
        profiles=(*_STRICT_CORE, *_STRICT_FULL),
        contract_refs=(
            "C-VER-1",
            "C-VER-2",
        ),
    ),
    _gate(
        "G-API-CONTRACTS",
        GateKind.VERIFICATION,
        "api",
        "the API answers as its description says",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        profiles=_STRICT_CORE,
    ),
    _gate(
        "G-ASYNC-RELIABILITY",
        GateKind.VERIFICATION,
        "runtime",
        "messages arrive at least once, in order, and twice does no harm",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        profiles=_STRICT_FULL,
    ),
    _gate(
        "G-BUILD-REPRO",
        GateKind.VERIFICATION,
        "build",
        "the same sources give the same build",
        (_S.REPEATED_FAILURE,),
        _GCP,
        profiles=_STRICT_CORE,
        contract_refs=("C-OR-1",),
    ),
    _gate(
        "G-CI-GREEN",
        GateKind.VERIFICATION,
        "ci",
        "everything that CI checks passes",
        (_S.REPEATED_FAILURE,),
        _GCP,
        _HAEP,
        profiles=_STRICT_CORE,
    ),
    _gate(
        "G-CTX-COMPILE-DETERMINISTIC",
        GateKind.VERIFICATION,
        "build",
        "the same inputs compile to the same context",
        (_S.REPEATED_FAILURE,),
        _GCP,
        profiles=_STRICT_CORE,
        contract_refs=("C-CTX-1",),
    ),
    _gate(
        "G-DETERMINISM",
        GateKind.VERIFICATION,
        "runtime",
        "identical inputs give identical results",
        (
            _S.INTEGRITY_VIOLATION,
            _S.REPEATED_FAILURE,
        ),
        _GCP,
        profiles=_STRICT_FULL,
        contract_refs=(
            "C-OR-1",
            "C-OR-5",
        ),
    ),
    _gate(
        "G-REPLAYABILITY-PROOF",
        GateKind.VERIFICATION,
        "log",
        "the read model follows from the log alone",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        profiles=_STRICT_FULL,
        contract_refs=("C-EVT-7",),
    ),
    _gate(
        "G-HARNESS-HAPPY",
        GateKind.VERIFICATION,
        "harness",
        "the whole way from loop to freeze works",
        (_S.REPEATED_FAILURE,),
        _GCP,
        profiles=_STRICT_FULL,
        contract_refs=("C-SHIP-1",),
    ),
    _gate(
        "G-HARNESS-FAILURE-MODES",
        GateKind.VERIFICATION,
        "harness",
        "missing evidence, broken integrity, spent budgets and staleness are noticed",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        profiles=_STRICT_FULL,
        contract_refs=("C-LOOP-3",),
    ),
    _gate(
        "G-DOMAIN-PURITY",
        GateKind.ARCHITECTURE,
        "core",
        "the rules know nothing of the world",
        (_S.REPEATED_FAILURE,),
        _GCP,
        profiles=_STRICT_CORE,
        contract_refs=("C-ARCH-1",),
    ),
    _gate(
        "G-EVT-APPENDONLY",
        GateKind.ARCHITECTURE,
        "store",
        "no event is ever changed or taken away",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        profiles=_STRICT_CORE,
        contract_refs=("C-EVT-2",),
    ),
    _gate(
        "G-PROJECTIONS-REBUILDABLE",
        GateKind.ARCHITECTURE,
        "store",
        "every row can be made anew from the log",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        profiles=_STRICT_CORE,
        contract_refs=("C-EVT-7",),
    ),
    _gate(
        "G-REBUILD-FROM-EVENTS-ONLY",
        GateKind.ARCHITECTURE,
        "store",
        "a rebuild reads nothing but events",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        profiles=_STRICT_CORE,
        contract_refs=("C-EVT-7",),
    ),
    _gate(
        "G-GRAPH-SEMANTICS",
        GateKind.ARCHITECTURE,
        "graph",
        "a dependency is no provenance, no ref is an orphan, no cycle is unexplained",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        contract_refs=(
            "C-EVT-5",
            "C-EVT-6",
        ),
    ),
    _gate(
        "G-EVIDENCE-SCHEMA-VALIDATOR",
        GateKind.ARCHITECTURE,
        "all",
        "manifests are validated wherever they are taken in",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        contract_refs=("C-EVID-1",),
    ),
    _gate(
        "G-EVID-CONTENT-ADDRESSED",
        GateKind.EVIDENCE,
        "all",
        "no required result is missing, and suite and environment are recorded",
        (
            _S.ORACLE_GAP,
            _S.EVIDENCE_MISSING,
            _S.REPEATED_FAILURE,
        ),
        _GCP,
        contract_refs=(
            "C-EVID-2",
            "C-EVID-6",
        ),
    ),
    _gate(
        "G-EVID-MANIFEST-V1",
        GateKind.EVIDENCE,
        "all",
        "every manifest is a valid one of version 1",
        (
            _S.ORACLE_GAP,
            _S.EVIDENCE_MISSING,
        ),
        _GCP,
        contract_refs=("C-EVID-1",),
    ),
    _gate(
        "G-EVID-SECRET-HANDLING",
        GateKind.INTEGRITY,
        "all",
        "no secret leaks, and each redaction is reported",
        (
            _S.INTEGRITY_VIOLATION,
            _S.REPEATED_FAILURE,
        ),
        _GCP,
        contract_refs=("C-EVID-5",),
    ),
    _gate(
        "G-ORACLE-ENV-PINNED",
        GateKind.ORACLE_INTEGRITY,
        "run",
        "the environment is the one that the suite declares",
        (_S.ORACLE_ENV_MISMATCH,),
        _GCP,
        contract_refs=("C-OR-3",),
    ),
    _gate(
        "G-ORACLE-INTEGRITY",
        GateKind.ORACLE_INTEGRITY,
        "run",
        "no oracle is tampered with, silent, flaky or elsewhere",
        _ORACLE,
        _GCP,
        contract_refs=("C-OR-7",),
    ),
    _gate(
        "G-ORACLE-SANDBOXED",
        GateKind.ORACLE_INTEGRITY,
        "run",
        "oracles run without network and see their own files alone",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        contract_refs=("C-OR-3",),
    ),
    _gate(
        "G-AUTHZ-HUMAN-BINDING",
        GateKind.TRUST_BOUNDARY,
        "portal",
        "only humans bind",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        allowed_actor_kinds=_HUMAN,
        contract_refs=(
            "C-TB-1",
            "C-TB-5",
        ),
    ),
    _gate(
        "G-UI-NONBINDING",
        GateKind.TRUST_BOUNDARY,
        "ui",
        "nothing that a face shows binds by itself",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        allowed_actor_kinds=_HUMAN,
        contract_refs=("C-TB-2",),
    ),
    _gate(
        "G-BUDGETS-STOPTRIGGERS",
        GateKind.OPERATIONAL,
        "loop",
        "bounds and stop triggers are set and enforced",
        (
            _S.BUDGET_EXHAUSTED,
            _S.NO_ELIGIBLE_WORK,
            _S.REPEATED_FAILURE,
        ),
        _HAEP,
        _GCP,
        contract_refs=(
            "C-LOOP-1",
            "C-LOOP-3",
        ),
    ),
    _gate(
        "G-STOPTRIGGER-N-DEFINED",
        GateKind.OPERATIONAL,
        "loop",
        "the number of failures that stops a loop is three or more",
        (
            _S.BUDGET_EXHAUSTED,
            _S.NO_ELIGIBLE_WORK,
            _S.REPEATED_FAILURE,
        ),
        _HAEP,
        _GCP,
        contract_refs=("C-LOOP-3",),
    ),
    _gate(
        "G-STACK-HEALTH",
        GateKind.OPERATIONAL,
        "runtime",
        "every component answers",
        (
            _S.BUDGET_EXHAUSTED,
            _S.REPEATED_FAILURE,
        ),
        _HAEP,
    ),
    _gate(
        "G-OBSERVABILITY-MIN",
        GateKind.OPERATIONAL,
        "runtime",
        "runs, portals and freezes can be followed by their identifiers",
        (_S.REPEATED_FAILURE,),
        _GCP,
    ),
    _gate(
        "G-PORTAL-SUBMISSIONS-RECORDED",
        GateKind.OPERATIONAL,
        "portal",
        "what was asked at a portal, and who answered, is kept",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        allowed_actor_kinds=_HUMAN,
        contract_refs=(
            "C-TB-3",
            "C-TB-6",
        ),
    ),
    _gate(
        "G-GOV-COHERENCE",
        GateKind.GOVERNANCE,
        "docs",
        "a human has judged that the documents agree",
        (_S.INTEGRITY_VIOLATION,),
        _GCP,
        allowed_actor_kinds=_HUMAN,
        contract_refs=("C-META-1",),
    ),
    _gate(
        "G-ENG-APPROVED",
        GateKind.PORTAL,
        "work unit",
        "an engineer accepted the work, its evidence reviewed",
        (_S.EVIDENCE_MISSING,),
        _HAEP,
        allowed_actor_kinds=_HUMAN,
        contract_refs=("C-TB-3",),
        required_evidence=("EvidenceBundle",),
    ),
    _gate(
        "G-RELEASE-APPROVED",
        GateKind.PORTAL,
        "candidate",
        "a human approved the release, with evidence and every exception acknowledged",
        (_S.EVIDENCE_MISSING,),
        _RAP,
        _HAEP,
        allowed_actor_kinds=_HUMAN,
        contract_refs=(
            "C-TB-1",
            "C-EXC-2",
        ),
        required_evidence=("EvidenceBundle",),
    ),
    _gate(
        "G-FREEZE-READY",
        GateKind.RELEASE,
        "candidate",
        "the candidate is verified, approved and not stale, its exceptions acknowledged",
        (
            *_ORACLE,
            _S.EVIDENCE_MISSING,
        ),
        _RAP,
        _HAEP,
        _GCP,
        allowed_actor_kinds=_HUMAN,
        contract_refs=("C-SHIP-1",),
        failure_conditions=("UNRESOLVED_STALENESS",),
        required_evidence=("EvidenceBundle", "Approval"),
    ),
)

GATES: Final[Mapping[GateId, Gate]] = MappingProxyType(
    {each.gate_id: each for each in _ROWS}
)
"""Every gate by its identifier."""
assert len(GATES) == len(_ROWS), "no two gates share an identifier"
assert {each for gate in _ROWS for each in gate.stop_triggers} == set(StopTrigger), (
    "every stop trigger is some gate's"
)

VERIFIED_STRICT: Final = GATES[GateId("G-VERIFIED-STRICT")]
CONTENT_ADDRESSED: Final = GATES[GateId("G-EVID-CONTENT-ADDRESSED")]
FREEZE_READY: Final = GATES[GateId("G-FREEZE-READY")]
_GATE_OF_REQUEST: Final[Mapping[RequestType, Gate]] = MappingProxyType(
    {
        RequestType.ENG_ACCEPT: GATES[GateId("G-ENG-APPROVED")],
        RequestType.RELEASE_APPROVAL: GATES[GateId("G-RELEASE-APPROVED")],
        RequestType.RELEASE_HOLD: GATES[GateId("G-RELEASE-APPROVED")],
    }
)
assert all(
    PORTAL_OF[request] in gate.portals for request, gate in _GATE_OF_REQUEST.items()
), "a gate's approval is given at one of its portals"


def gate_of(request: RequestType) -> Gate:
    """Return the gate that an approval of this request passes."""
    return _GATE_OF_REQUEST.get(request, GATES[GateId("G-AUTHZ-HUMAN-BINDING")])


def require_waivable(text: str) -> Gate:
    """Return the gate of that name, at which a waiver can hold.

    Raises:
        MalformedInput: there is no such gate.
        NonWaivable: a failure there cannot be waived.

    """
    gate_id = parse_gate_id(text)
    if gate_id not in GATES:
        raise MalformedInput(
            field="gate_id", found=text, expected="a gate that GET /gates lists"
        )
    gate = GATES[gate_id]
    if not gate.is_waivable:
        waivable = ", ".join(each.gate_id for each in _ROWS if each.is_waivable)
        raise NonWaivable(
            target=gate_id,
            why=f"it is a gate of kind {gate.gate_kind}; waivable are {waivable}",
        )
    return gate
