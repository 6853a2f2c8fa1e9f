"""The gate registry (SPEC 7.2): what stops the line where, and who answers."""

import pytest

from sr_core.domain.actors import ActorKind
from sr_core.domain.errors import MalformedInput, NonWaivable
from sr_core.domain.gate import GateKind
from sr_core.domain.gates import (
    CONTENT_ADDRESSED,
    FREEZE_READY,
    GATES,
    VERIFIED_STRICT,
    gate_of,
    require_waivable,
)
from sr_core.domain.ids import GateId
from sr_core.domain.integrity import TRIGGER_OF, Portal, StopTrigger
from sr_core.domain.portal import PORTAL_OF, RequestType

ORACLE_INTEGRITY = GATES[GateId("G-ORACLE-INTEGRITY")]
ORACLE = {
    StopTrigger.ORACLE_TAMPER,
    StopTrigger.ORACLE_GAP,
    StopTrigger.ORACLE_FLAKE,
    StopTrigger.ORACLE_ENV_MISMATCH,
}


class TestRows:
    """Each row is whole; the ones that rules ask are as the specification has them."""

    @pytest.mark.parametrize("name", GATES)
    def test_each_row_is_whole(self, name):
        gate = GATES[name]

        assert gate.gate_id == name
        assert gate.stop_triggers
        assert gate.portals
        assert gate.purpose
        assert gate.allowed_actor_kinds

    @pytest.mark.parametrize("kind", GateKind)
    def test_every_kind_has_a_gate(self, kind):
        assert any(each.gate_kind is kind for each in GATES.values())

    def test_a_verdict_is_what_the_core_profile_says(self):
        assert set(VERIFIED_STRICT.stop_triggers) == {
            *ORACLE,
            StopTrigger.REPEATED_FAILURE,
            StopTrigger.EVIDENCE_MISSING,
        }
        assert VERIFIED_STRICT.profiles == (
            "profile:STRICT-CORE",
            "profile:STRICT-FULL",
        )

    def test_a_freeze_is_a_humans_and_fails_on_staleness(self):
        assert FREEZE_READY.allowed_actor_kinds == {ActorKind.HUMAN}
        assert FREEZE_READY.failure_conditions == ("UNRESOLVED_STALENESS",)
        assert FREEZE_READY.portals[0] is Portal.RELEASE


class TestPortals:
    """A failing gate says where it is answered."""

    @pytest.mark.parametrize("trigger", sorted(set(TRIGGER_OF.values())))
    def test_what_has_to_be_cured_goes_to_governance(self, trigger):
        assert VERIFIED_STRICT.portal_for(trigger) is Portal.GOVERNANCE
        assert CONTENT_ADDRESSED.portal_for(trigger) is Portal.GOVERNANCE

    def test_the_rest_goes_to_the_exception_process_where_that_is_one(self):
        failures = StopTrigger.REPEATED_FAILURE

        assert VERIFIED_STRICT.portal_for(failures) is Portal.EXCEPTION
        assert CONTENT_ADDRESSED.portal_for(failures) is Portal.GOVERNANCE

    @pytest.mark.parametrize("request_type", RequestType)
    def test_an_approval_passes_a_gate_of_humans(self, request_type):
        assert gate_of(request_type).allowed_actor_kinds == {ActorKind.HUMAN}

    def test_a_release_passes_its_own_gate_at_its_own_portal(self):
        gate = gate_of(RequestType.RELEASE_APPROVAL)

        assert gate.gate_id == "G-RELEASE-APPROVED"
        assert PORTAL_OF[RequestType.RELEASE_APPROVAL] is gate.portals[0]


class TestWaivable:
    """C-EXC-4, C-OR-7: an oracle's verdict can be set aside, integrity never."""

    def test_only_verdicts_that_the_exception_process_answers_are(self):
        waivable = {name for name, each in GATES.items() if each.is_waivable}

        assert waivable == {"G-VERIFIED-STRICT", "G-CI-GREEN"}

    def test_such_a_gate_is_returned(self):
        assert require_waivable("G-VERIFIED-STRICT") is VERIFIED_STRICT

    def test_integrity_has_no_way_round(self):
        with pytest.raises(NonWaivable, match="a gate of kind oracle_integrity"):
            require_waivable(ORACLE_INTEGRITY.gate_id)

    def test_a_gate_that_is_none_is_none(self):
        with pytest.raises(MalformedInput, match="a gate that GET /gates lists"):
            require_waivable("G-OF-GOOD-HOPE")
