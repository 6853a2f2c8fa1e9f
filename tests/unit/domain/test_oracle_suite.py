"""Oracle suites (SPEC 7.4, C-OR-6, C-TB-1): who registers what, once."""

from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.evidence import hash_suite
from sr_core.domain.actors import Actor
from sr_core.domain.environment import EnvironmentConstraints, NetworkMode
from sr_core.domain.errors import (
    ApprovalUnfit,
    AuthorityRequired,
    MalformedInput,
    NotFound,
    TransitionRefused,
)
from sr_core.domain.ids import ApprovalId, OracleId
from sr_core.domain.integrity import Portal
from sr_core.domain.judging_errors import (
    SuiteApprovalRequired,
    SuiteTaken,
    SuiteUnchanged,
)
from sr_core.domain.oracle_suite import (
    Classification,
    ExpectedOutput,
    Oracle,
    OracleSuite,
    OracleSuitePinned,
    OracleSuiteRebased,
    OracleSuiteRegistered,
    OracleSuiteUpdated,
    OutputRole,
    PinSuite,
    RebaseSuite,
    RegisterSuite,
    SemanticTarget,
    SuiteApproval,
    SuiteCommand,
    SuiteDefinition,
    SuitePhase,
    UpdateSuite,
    decide,
    evolve,
    weakenings,
)
from sr_core.domain.refs import hash_bytes
from sr_core.domain.suite_definition import (
    RESERVED_ENV,
    EvidenceCapturePolicy,
    FlakePolicy,
    OnFlake,
)
from sr_core.ports.sandbox import BASE_ENVIRONMENT
from sr_core.testing import (
    AGENT,
    BUILD,
    BYSTANDER,
    CORE,
    HUMAN,
    INTEGRITY_SMOKE,
    PLATFORM,
    SBOM,
    SOME_HASH,
    SYSTEM,
    UNIT_TESTS,
    build_suite,
    ulid,
    with_longer_timeouts,
)

LINT = OracleId("oracle:lint")
OTHER_HASH = hash_bytes(b"other")
TARGET = SemanticTarget(
    semantic_set_id="semantic_set:SOME",
    semantic_set_hash=SOME_HASH,
    target_axis="coverage",
)
ORACLE = Oracle(oracle_id=BUILD, argv=("make",), report="reports/build.json")
OUTPUT = ExpectedOutput(path="artifacts/a")
REGISTER = RegisterSuite(by=HUMAN, definition=build_suite(), suite_hash=SOME_HASH)


class TestAnOracle:
    """SPEC 7.4: a program, its bounds, and where it leaves its word."""

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"oracle_id": "build"}, "oracle id"),
            ({"argv": ()}, "argv"),
            ({"timeout_s": 0}, "timeout_s"),
            ({"timeout_s": -1}, "timeout_s"),
            ({"timeout_s": 3600.5}, "timeout_s"),
            ({"timeout_s": float("nan")}, "timeout_s"),
            ({"report": "build.json"}, "report"),
            ({"report": "/reports/build.json"}, "report"),
            ({"report": "reports/../build.json"}, "report"),
            ({"retries": 1}, "retries"),
            ({"working_dir": "../elsewhere"}, "working_dir"),
            ({"working_dir": "/src"}, "working_dir"),
            ({"env": {"PATH": "/opt"}}, "env"),
            ({"env": {"A B": "c"}}, "env"),
            ({"env": {"A": "b\0c"}}, "env.A"),
            ({"env": {f"A{n}": "" for n in range(65)}}, "env"),
            ({"expected_outputs": (OUTPUT, OUTPUT)}, "expected_outputs"),
            (
                {"expected_outputs": (ExpectedOutput(path="reports/build.json"),)},
                "expected_outputs",
            ),
            (
                {"expected_outputs": (replace(OUTPUT, role=OutputRole.REPORT),)},
                "expected_outputs.role",
            ),
            (
                {
                    "expected_outputs": tuple(
                        ExpectedOutput(path=f"a/{n}") for n in range(65)
                    )
                },
                "expected_outputs",
            ),
        ],
        ids=str,
    )
    def test_one_that_is_out_of_bounds_is_refused(self, change, complaint):
        with pytest.raises(MalformedInput, match=f"^{complaint}: found"):
            replace(ORACLE, **change)

    def test_it_decides_unless_it_says_otherwise(self):
        assert ORACLE.classification is Classification.REQUIRED

    def test_an_hour_is_the_longest(self):
        assert replace(ORACLE, timeout_s=3600).timeout_s == 3600


class TestASuite:
    """SPEC 7.4: each oracle once, no network, and somebody decides."""

    def test_those_that_decide_are_known(self):
        suite = build_suite()

        assert suite.required == {BUILD, UNIT_TESTS, INTEGRITY_SMOKE}
        assert SBOM in {each.oracle_id for each in suite.oracles}

    @pytest.mark.parametrize(
        ("change", "complaint"),
        [
            ({"suite_id": "CORE"}, "suite id"),
            ({"oracles": (ORACLE, ORACLE)}, "oracles"),
            ({"suite_version": "one"}, "suite_version"),
            (
                {
                    "oracles": tuple(
                        replace(ORACLE, oracle_id=OracleId(f"oracle:o{n}"))
                        for n in range(65)
                    )
                },
                "oracles",
            ),
            ({"oracles": ()}, "oracles"),
            (
                {"oracles": (replace(ORACLE, classification=Classification.ADVISORY),)},
                "oracles",
            ),
        ],
        ids=[
            "name",
            "doubled oracle",
            "version",
            "too many",
            "no oracle",
            "nobody decides",
        ],
    )
    def test_one_that_proves_nothing_is_refused(self, change, complaint):
        with pytest.raises(MalformedInput, match=f"^{complaint}: found"):
            replace(SuiteDefinition(suite_id=CORE, oracles=(ORACLE,)), **change)


class TestRegistration:
    """C-TB-1, C-OR-6: a human with the role, once for each name."""

    def test_it_is_registered_under_its_hash(self):
        assert decide(None, REGISTER) == (
            OracleSuiteRegistered(
                suite_id=CORE, suite_hash=SOME_HASH, definition=REGISTER.definition
            ),
        )

    @pytest.mark.parametrize("by", [AGENT, SYSTEM, BYSTANDER], ids=str)
    def test_nobody_else_registers(self, by):
        with pytest.raises(
            AuthorityRequired, match="registering an oracle suite needs"
        ):
            decide(None, replace(REGISTER, by=by))

    def test_the_role_alone_makes_no_human(self):
        impostor = Actor(AGENT.kind, AGENT.actor_id, HUMAN.roles)

        with pytest.raises(AuthorityRequired, match="kind HUMAN"):
            decide(None, replace(REGISTER, by=impostor))

    def test_a_name_is_taken_for_good(self):
        known = registered()

        with pytest.raises(SuiteTaken) as taken:
            decide(known, REGISTER)

        assert str(taken.value) == (
            f"{CORE} is registered already. "
            "Register the new definition under a new identifier."
        )


class TestItsParts:
    """SPEC 7.4: what is written down is kept, or is refused."""

    @pytest.mark.parametrize("path", ["", "/a", "a//b", "a/../b", "./a", "a\0b"])
    def test_an_output_lies_in_the_scratch_folder(self, path):
        with pytest.raises(MalformedInput, match=r"^expected_outputs\.path"):
            ExpectedOutput(path=path)

    @pytest.mark.parametrize("media_type", ["", "text", "text/", "a b/c"])
    def test_an_output_has_a_media_type(self, media_type):
        with pytest.raises(MalformedInput, match="media_type"):
            ExpectedOutput(path="a", media_type=media_type)

    @pytest.mark.parametrize("name", ["semantic_set_id", "target_axis"])
    def test_a_semantic_target_is_named(self, name):
        nothing: dict[str, Any] = {name: ""}
        with pytest.raises(MalformedInput, match=name):
            replace(TARGET, **nothing)

    def test_a_required_oracle_that_flakes_always_stops_the_line(self):
        with pytest.raises(MalformedInput, match=r"^flake_policy\.required"):
            FlakePolicy(required=OnFlake.WARN_ONLY)

    @pytest.mark.parametrize("name", ["fingerprint", "artifact_hashes"])
    def test_without_these_nothing_is_evidence(self, name):
        with pytest.raises(MalformedInput, match=rf"^evidence_capture_policy\.{name}"):
            EvidenceCapturePolicy(**{name: False})

    def test_the_names_that_the_sandbox_sets_are_the_sandboxes(self):
        assert RESERVED_ENV == BASE_ENVIRONMENT

    @pytest.mark.parametrize(
        ("policy", "stopping"),
        [(OnFlake.WARN_ONLY, False), (OnFlake.STOP_THE_LINE, True)],
    )
    def test_an_advisory_oracle_stops_it_if_the_suite_says_so(self, policy, stopping):
        suite = replace(build_suite(), flake_policy=FlakePolicy(advisory=policy))

        assert suite.required <= suite.stopped_by_flakes_of
        assert (SBOM in suite.stopped_by_flakes_of) is stopping


def registered() -> OracleSuite:
    (event,) = decide(None, REGISTER)
    return evolve(None, event)


def pinned() -> OracleSuite:
    suite = registered()
    (event,) = decide(suite, pinning(suite))
    return evolve(suite, event)


def pinning(suite: OracleSuite) -> PinSuite:
    return PinSuite(by=PLATFORM, suite_id=CORE, suite_hash=suite.suite_hash)


def updating(definition: SuiteDefinition, **changes: Any) -> UpdateSuite:
    command = UpdateSuite(by=HUMAN, definition=definition, suite_hash=OTHER_HASH)
    return replace(command, **changes)


def rebasing(definition: SuiteDefinition, **changes: Any) -> RebaseSuite:
    command = RebaseSuite(
        by=HUMAN, definition=definition, suite_hash=OTHER_HASH, rationale="as decided"
    )
    return replace(command, **changes)


BETTER = with_longer_timeouts(build_suite())
WORSE = replace(build_suite(), determinism_required=False)
APPROVED = SuiteApproval(
    approval_id=ApprovalId(f"appr_{ulid(1)}"),
    portal_id=Portal.GOVERNANCE,
    decision="APPROVED",
    subjects=frozenset({(CORE, SOME_HASH)}),
)


class TestPinning:
    """C-OR-2: a run pins what it judges by, the first time that it is judged by."""

    def test_the_first_run_pins(self):
        suite = registered()

        assert decide(suite, pinning(suite)) == (
            OracleSuitePinned(suite_id=CORE, suite_hash=SOME_HASH),
        )

    def test_the_second_finds_it_pinned(self):
        suite = pinned()

        assert decide(suite, pinning(suite)) == ()

    def test_one_defined_anew_meanwhile_is_not_pinned_by_the_old_hash(self):
        suite = registered()
        stale = replace(pinning(suite), suite_hash=OTHER_HASH)

        assert decide(suite, stale) == ()

    @pytest.mark.parametrize("by", [HUMAN, AGENT], ids=str)
    def test_only_the_system_pins(self, by):
        suite = registered()

        with pytest.raises(AuthorityRequired, match="pinning an oracle suite needs"):
            decide(suite, replace(pinning(suite), by=by))


class TestUpdating:
    """C-OR-6: before anything was judged by it, and never to ask less."""

    def test_it_is_defined_anew(self):
        (event,) = decide(registered(), updating(BETTER))

        assert event == OracleSuiteUpdated(
            suite_id=CORE,
            suite_hash=OTHER_HASH,
            previous_hash=SOME_HASH,
            definition=BETTER,
        )
        assert evolve(registered(), event).hashes == (SOME_HASH, OTHER_HASH)

    def test_once_it_has_judged_only_a_rebase_changes_it(self):
        with pytest.raises(TransitionRefused) as refused:
            decide(pinned(), updating(BETTER))

        assert str(refused.value) == (
            f"{CORE} is PINNED, which refuses UpdateSuite. "
            "From PINNED it allows PinSuite, RebaseSuite."
        )

    def test_one_defined_anew_has_judged_nothing(self):
        suite = pinned()
        (event,) = decide(suite, rebasing(BETTER))

        assert evolve(suite, event).phase is SuitePhase.REGISTERED

    def test_asking_less_needs_a_rebase(self):
        with pytest.raises(
            SuiteApprovalRequired, match="determinism is no longer required"
        ):
            decide(registered(), updating(WORSE))

    def test_the_same_again_is_no_change(self):
        command = updating(build_suite(), suite_hash=SOME_HASH)

        with pytest.raises(SuiteUnchanged):
            decide(registered(), command)

    def test_what_is_not_registered_is_not_found(self):
        for command in (updating(BETTER), rebasing(BETTER), pinning(registered())):
            with pytest.raises(NotFound, match=f"No oracle suite {CORE}"):
                decide(None, command)


class TestRebasing:
    """C-OR-6: a human decision; to ask less it needs an approval of the portal."""

    def test_it_is_defined_anew_whatever_it_has_judged(self):
        (event,) = decide(pinned(), rebasing(BETTER))

        assert event == OracleSuiteRebased(
            suite_id=CORE,
            suite_hash=OTHER_HASH,
            previous_hash=SOME_HASH,
            definition=BETTER,
            rationale="as decided",
            weakenings=(),
            approval_id=None,
        )
        assert [each.rel for each in event.refs] == ["about", "supersedes"]

    def test_asking_less_needs_an_approval(self):
        with pytest.raises(SuiteApprovalRequired, match="GovernanceChangePortal"):
            decide(pinned(), rebasing(WORSE))

    def test_it_may_be_about_what_the_suite_is_to_be(self):
        to_be = replace(APPROVED, subjects=frozenset({(CORE, OTHER_HASH)}))

        (event,) = decide(pinned(), rebasing(WORSE, approval=to_be))

        assert event.suite_hash == OTHER_HASH

    def test_with_one_it_may_and_says_where(self):
        (event,) = decide(pinned(), rebasing(WORSE, approval=APPROVED))

        assert isinstance(event, OracleSuiteRebased)
        assert event.weakenings == ("determinism is no longer required",)
        assert event.approval_id == APPROVED.approval_id

    @pytest.mark.parametrize(
        ("change", "why"),
        [
            ({"portal_id": Portal.RELEASE}, "was given at ReleaseApprovalPortal"),
            ({"decision": "REJECTED"}, "says REJECTED"),
            (
                {"subjects": frozenset({("suite:OTHER", SOME_HASH)})},
                f"is not about {CORE}",
            ),
            (
                {"subjects": frozenset({(CORE, hash_suite(BETTER))})},
                f"is not about {CORE} as it is, {SOME_HASH}",
            ),
        ],
        ids=["portal", "decision", "subject", "definition"],
    )
    @pytest.mark.parametrize("definition", [WORSE, BETTER], ids=["weaker", "not"])
    def test_an_approval_of_something_else_is_none(self, change, why, definition):
        command = rebasing(definition, approval=replace(APPROVED, **change))

        with pytest.raises(ApprovalUnfit, match=why):
            decide(pinned(), command)

    @pytest.mark.parametrize("by", [AGENT, SYSTEM, BYSTANDER], ids=str)
    @pytest.mark.parametrize("command", [updating(BETTER), rebasing(BETTER)])
    def test_nobody_else_changes_it(self, by, command):
        with pytest.raises(AuthorityRequired, match="an oracle suite needs"):
            decide(registered(), replace(command, by=by))


def with_first(**changes: Any) -> SuiteDefinition:
    suite = build_suite()
    first, *others = suite.oracles
    return replace(suite, oracles=(replace(first, **changes), *others))


def placed(**constraints: Any) -> SuiteDefinition:
    made = EnvironmentConstraints(**constraints)
    return replace(build_suite(), environment_constraints=made)


LESS = {
    "determinism": (build_suite(), WORSE),
    "an oracle left out": (build_suite(), build_suite([BUILD, UNIT_TESTS])),
    "an advisory one left out": (build_suite(), build_suite(advisory=[])),
    "required made advisory": (
        build_suite(),
        with_first(classification=Classification.ADVISORY),
    ),
    "another program": (build_suite(), with_first(argv=("true",))),
    "another report": (build_suite(), with_first(report="reports/x.json")),
    "another environment": (build_suite(), with_first(env={"A": "b"})),
    "another folder": (build_suite(), with_first(working_dir="src")),
    "another target": (build_suite(), with_first(semantic=TARGET)),
    "fewer outputs": (with_first(expected_outputs=(OUTPUT,)), build_suite()),
    "an optional output": (
        with_first(expected_outputs=(OUTPUT,)),
        with_first(expected_outputs=(replace(OUTPUT, required=False),)),
    ),
    "the network": (build_suite(), placed(network=NetworkMode.RESTRICTED)),
    "the workspace": (build_suite(), placed(workspace_readonly=False)),
    "any digest": (placed(oci_image_digest=SOME_HASH), build_suite()),
    "another digest": (
        placed(oci_image_digest=SOME_HASH),
        placed(oci_image_digest=OTHER_HASH),
    ),
    "any system": (placed(os="linux"), build_suite()),
    "a constraint": (placed(additional_constraints={"a": "b"}), build_suite()),
}
MORE = {
    "time": BETTER,
    "an oracle": build_suite([BUILD, UNIT_TESTS, INTEGRITY_SMOKE, LINT]),
    "a required one": build_suite(
        [BUILD, UNIT_TESTS, INTEGRITY_SMOKE, SBOM], advisory=[]
    ),
    "an output": with_first(expected_outputs=(OUTPUT,)),
    "a constraint": placed(os="linux", additional_constraints={"a": "b"}),
    "a description": replace(build_suite(), description="another"),
    "a name": with_first(oracle_name="another", purpose="another"),
}


class TestWeakening:
    """C-OR-6: each way to ask less is seen, and nothing else is."""

    @pytest.mark.parametrize("how", LESS)
    def test_less_is_less(self, how):
        old, new = LESS[how]

        assert len(weakenings(old, new)) == 1

    @pytest.mark.parametrize("how", MORE)
    def test_more_is_not(self, how):
        assert weakenings(build_suite(), MORE[how]) == ()

    def test_a_constraint_that_is_kept_is_not_less(self):
        kept = {"additional_constraints": {"a": "b"}}

        assert weakenings(placed(**kept), placed(os="linux", **kept)) == ()


class TestSuiteState:
    """C-EVT-7: the state is what the events make it."""

    def test_a_suite_is_opened_once(self):
        (event,) = decide(None, REGISTER)

        with pytest.raises(AssertionError, match="OracleSuiteRegistered opens"):
            evolve(registered(), event)

    def test_nothing_comes_before_its_registration(self):
        (event,) = decide(registered(), updating(BETTER))

        with pytest.raises(AssertionError, match="follows OracleSuiteRegistered"):
            evolve(None, event)

    @given(st.lists(st.sampled_from(["register", "update", "rebase", "pin"])))
    def test_whatever_is_asked_only_what_the_rules_allow_comes_of_it(self, acts):
        """C-EVT-7: what is decided folds; a refusal says what it found."""
        suite: OracleSuite | None = None
        hashes = (hash_bytes(str(n).encode()) for n in count())
        for act in acts:
            commands: dict[str, SuiteCommand] = {
                "register": REGISTER,
                "update": updating(BETTER, suite_hash=next(hashes)),
                "rebase": rebasing(BETTER, suite_hash=next(hashes)),
                "pin": PinSuite(
                    by=PLATFORM,
                    suite_id=CORE,
                    suite_hash=suite.suite_hash if suite else SOME_HASH,
                ),
            }
            refused = (SuiteTaken,) if act == "register" else NOT_NOW
            with suppress(*refused):  # anything else that is refused is a surprise
                for event in decide(suite, commands[act]):
                    suite = evolve(suite, event)
        assert suite is None or suite.hashes[-1] == suite.suite_hash


NOT_NOW: tuple[type[Exception], ...] = (NotFound, TransitionRefused)
