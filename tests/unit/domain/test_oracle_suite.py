"""Oracle suites (SPEC 7.4, C-OR-6, C-TB-1): who registers what, once."""

from dataclasses import replace

import pytest

from sr_core.domain.actors import Actor
from sr_core.domain.errors import AuthorityRequired, MalformedInput, SuiteTaken
from sr_core.domain.oracle_suite import (
    Classification,
    Oracle,
    OracleSuiteRegistered,
    RegisterSuite,
    SuiteDefinition,
    decide,
)
from sr_core.testing import (
    AGENT,
    BUILD,
    BYSTANDER,
    CORE,
    HUMAN,
    INTEGRITY_SMOKE,
    SBOM,
    SOME_HASH,
    SYSTEM,
    UNIT_TESTS,
    build_suite,
)

ORACLE = Oracle(oracle_id=BUILD, argv=("make",), report="reports/build.json")
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
            ({"network": "host"}, "network"),
            ({"oracles": ()}, "oracles"),
            (
                {"oracles": (replace(ORACLE, classification=Classification.ADVISORY),)},
                "oracles",
            ),
        ],
        ids=["name", "doubled oracle", "network", "no oracle", "nobody decides"],
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
        (known,) = decide(None, REGISTER)

        with pytest.raises(SuiteTaken) as taken:
            decide(known, REGISTER)

        assert str(taken.value) == (
            f"{CORE} is registered already. "
            "Register the new definition under a new identifier."
        )
