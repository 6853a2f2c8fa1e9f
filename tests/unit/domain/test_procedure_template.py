"""Procedure templates: their structure, their hash, the starters (SPEC 7.10)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.codec.definitions import document, hash_definition, typed
from sr_core.domain.errors import MalformedInput, NotFound
from sr_core.domain.ids import StageId, SuiteId, TemplateId
from sr_core.domain.intake import WorkKind
from sr_core.domain.integrity import Portal
from sr_core.domain.procedure_template import (
    REQUEST_AT,
    TERMINAL,
    OutputRole,
    ProcedureTemplate,
    RequiredOutput,
    StageRequest,
)
from sr_core.domain.starter_templates import STARTERS
from sr_core.testing.work import (
    FINAL,
    FRAME,
    REFS,
    STRUCTURE,
    build_stage,
    build_template,
)

TEMPLATE = build_template()
MIDDLE = StageId("stage:MIDDLE")


def three(first: str, second: str, third: str) -> ProcedureTemplate:
    return build_template(
        [
            build_stage(FRAME, then=first),
            build_stage(MIDDLE, then=second),
            build_stage(FINAL, then=third),
        ]
    )


class TestWay:
    """SPEC 7.10: one way leads through all stages to the terminal one."""

    def test_it_is_followed_stage_by_stage(self):
        template = three(MIDDLE, FINAL, TERMINAL)

        assert [template.after(each) for each in (FRAME, MIDDLE, FINAL)] == [
            MIDDLE,
            FINAL,
            None,
        ]
        assert template.is_terminal(FINAL)
        assert not template.is_terminal(FRAME)

    @pytest.mark.parametrize(
        "way",
        [
            ("stage:NOWHERE", FINAL, TERMINAL),
            (TERMINAL, FINAL, TERMINAL),
            (FINAL, FINAL, TERMINAL),
            (MIDDLE, FRAME, TERMINAL),
            (MIDDLE, FINAL, FRAME),
            (MIDDLE, MIDDLE, TERMINAL),
            (MIDDLE, TERMINAL, MIDDLE),
            (FINAL, TERMINAL, FRAME),
        ],
        ids=" ".join,
    )
    def test_any_other_way_is_refused(self, way):
        with pytest.raises(MalformedInput, match=r"transition|terminal"):
            three(*way)

    @pytest.mark.parametrize(
        "changes",
        [
            {"initial_stage_id": StageId("stage:NOWHERE")},
            {"initial_stage_id": FINAL},
            {"terminal_stage_id": FRAME},
            {"stages": ()},
            {"stages": (build_stage(FINAL, then=TERMINAL),) * 2},
            {"kind": ()},
            {"kind": (WorkKind.CUSTOM,) * 2},
            {"version": "1"},
            {"template_id": TemplateId("two stages")},
            {"name": ""},
            {"description": " "},
        ],
        ids=str,
    )
    def test_every_field_has_its_form(self, changes):
        with pytest.raises(MalformedInput):
            replace(TEMPLATE, **changes)

    def test_an_unknown_stage_is_not_found(self):
        with pytest.raises(NotFound, match="stage of proc:TWO-STAGES stage:NOWHERE"):
            TEMPLATE.stage("stage:NOWHERE")


class TestStage:
    """SPEC 7.10: what one stage may hold."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"stage_name": ""},
            {"purpose": ""},
            {"required_oracle_suites": ()},
            {"required_oracle_suites": (STRUCTURE, STRUCTURE)},
            {"required_oracle_suites": (SuiteId("STRUCTURE"),)},
            {"guideposts": ("",)},
            {"guideposts": ("x",) * 65},
            {
                "required_outputs": (
                    RequiredOutput(
                        path="a.md",
                        role=OutputRole.ARTIFACT,
                        media_type="text/markdown",
                    ),
                )
                * 2
            },
        ],
        ids=lambda each: str(each)[:50],
    )
    def test_every_field_has_its_form(self, changes):
        with pytest.raises(MalformedInput):
            build_stage(FRAME, then=FINAL, **changes)

    def test_its_name_is_one(self):
        with pytest.raises(MalformedInput, match="stage id"):
            build_stage(StageId("FRAME"), then=FINAL)

    @pytest.mark.parametrize("path", ["/a", "../a", "", "a//b"])
    def test_an_output_lies_below_the_work(self, path):
        with pytest.raises(MalformedInput, match="path"):
            RequiredOutput(path=path, role=OutputRole.REPORT, media_type="text/plain")


class TestApproval:
    """SPEC 7.1, appendix A 17 and 24: a stage is approved at one of three portals."""

    @pytest.mark.parametrize("portal", Portal)
    def test_each_portal_approves_by_a_request_of_its_own(self, portal):
        stage = build_stage(
            FINAL,
            then=TERMINAL,
            requires_approval=True,
            requires_portal=True,
            portal_id=portal,
        )

        assert stage.request_type is REQUEST_AT[portal]

    def test_what_needs_no_approval_asks_for_none(self):
        assert build_stage(FRAME, then=FINAL).request_type is None

    @pytest.mark.parametrize(
        "changes",
        [
            {"requires_approval": True},
            {"requires_portal": True},
            {"portal_id": Portal.EXCEPTION},
            {"requires_approval": True, "requires_portal": True},
            {"requires_approval": True, "portal_id": Portal.EXCEPTION},
        ],
        ids=str,
    )
    def test_a_portal_is_named_exactly_where_one_is_needed(self, changes):
        with pytest.raises(MalformedInput, match="HumanAuthorityExceptionProcess"):
            build_stage(FRAME, then=FINAL, **changes)

    @pytest.mark.parametrize(
        "portal", ["IntakeAcceptancePortal", "portal:STAGE_COMPLETION:stage:FINAL"]
    )
    def test_portals_that_do_not_exist_cannot_be_named(self, portal):
        content = dict(document(TEMPLATE))
        stages = [dict(document(each)) for each in TEMPLATE.stages]
        stages[1]["portal_id"] = portal

        with pytest.raises(MalformedInput, match="portal_id"):
            typed(ProcedureTemplate, {**content, "stages": stages}, what="template")


def variants() -> dict[str, ProcedureTemplate]:
    """The template with one thing changed, thing by thing."""
    frame, final = TEMPLATE.stages
    output = RequiredOutput(path="a", role=OutputRole.LOG, media_type="text/plain")
    third = build_stage(MIDDLE, then=FINAL)
    stages = {
        "stage_name": replace(frame, stage_name="x"),
        "purpose": replace(frame, purpose="x"),
        "suites": replace(frame, required_oracle_suites=(REFS,)),
        "outputs": replace(frame, required_outputs=(output,)),
        "guideposts": replace(frame, guideposts=("x",)),
        "approval": replace(
            frame,
            requires_approval=True,
            requires_portal=True,
            portal_id=Portal.RELEASE,
        ),
    }
    made = {
        name: replace(TEMPLATE, stages=(each, final)) for name, each in stages.items()
    }
    made["portal"] = replace(
        TEMPLATE, stages=(frame, replace(final, portal_id=Portal.GOVERNANCE))
    )
    made["transition"] = replace(
        TEMPLATE, stages=(replace(frame, transition_on_pass=MIDDLE), third, final)
    )
    made["order"] = replace(TEMPLATE, stages=(final, frame))
    changes: dict[str, Any] = {
        "template_id": TemplateId("proc:OTHER"),
        "name": "x",
        "description": "x",
        "kind": (WorkKind.CUSTOM,),
        "version": "1.0.1",
    }
    for name, value in changes.items():
        made[name] = replace(TEMPLATE, **{name: value})
    return made


class TestHash:
    """SPEC 1.2: the hash covers the complete definition, purpose and outputs too."""

    @pytest.mark.parametrize("name", variants())
    def test_each_part_counts(self, name):
        assert hash_definition(variants()[name]) != hash_definition(TEMPLATE)

    def test_what_is_recorded_reads_back_the_same(self):
        assert typed(ProcedureTemplate, document(TEMPLATE), what="it") == TEMPLATE


class TestStarters:
    """SPEC 7.10: the three procedures that are shipped."""

    @pytest.mark.parametrize(
        ("name", "stages"),
        [
            (
                "proc:GENERIC-KNOWLEDGE-WORK",
                [
                    ("stage:FRAME", ["STRUCTURE"], False),
                    ("stage:OPTIONS", ["NONTRIVIALITY"], False),
                    ("stage:DRAFT", ["STRUCTURE", "TRACEABILITY"], False),
                    ("stage:SEMANTIC_EVAL", ["SEMANTIC"], True),
                    ("stage:FINAL", ["REFS", "SEMANTIC"], True),
                ],
            ),
            (
                "proc:PROBLEM-STATEMENT-INGESTION",
                [
                    ("stage:INGEST", ["GOV"], False),
                    ("stage:VALIDATE", ["GOV", "INTAKE-ADMISSIBILITY"], False),
                    ("stage:ACCEPT", ["REFS"], True),
                ],
            ),
            (
                "proc:RESEARCH-MEMO",
                [
                    ("stage:FRAME", ["STRUCTURE"], False),
                    ("stage:OPTIONS", ["NONTRIVIALITY"], False),
                    ("stage:DRAFT", ["STRUCTURE", "TRACEABILITY"], False),
                    ("stage:FINAL", ["REFS"], True),
                ],
            ),
        ],
    )
    def test_their_stages_suites_and_approvals(self, name, stages):
        template = STARTERS[TemplateId(name)]

        assert [
            (
                each.stage_id,
                [
                    suite.removeprefix("suite:SR-SUITE-")
                    for suite in each.required_oracle_suites
                ],
                each.requires_approval,
            )
            for each in template.stages
        ] == stages

    def test_every_approval_of_theirs_is_an_acceptance_at_a_seeded_portal(self):
        asked = {
            (stage.portal_id, stage.request_type)
            for each in STARTERS.values()
            for stage in each.stages
            if stage.requires_approval
        }

        assert asked == {(Portal.EXCEPTION, StageRequest.ENG_ACCEPT)}

    def test_their_hashes_are_those_that_surfaces_were_bound_to(self):
        """A surface keeps to its procedure's hash: a changed one needs a new name."""
        hashes = {
            name: hash_definition(each).removeprefix("sha256:")
            for name, each in STARTERS.items()
        }

        assert hashes == {
            "proc:GENERIC-KNOWLEDGE-WORK": (
                "ddfd1647f0882dda323ba1e791af9520f5b564c0dd6a3bf0af82d77adef6438a"
            ),
            "proc:PROBLEM-STATEMENT-INGESTION": (
                "9cf24f3b4f69912234a06639c0fc6ba45b51bc279ad42b777713ddb5b7243b2f"
            ),
            "proc:RESEARCH-MEMO": (
                "d77c483444e279ae0418bf1b26e717197b69a977b8c8c88695dbc395cd51a5cd"
            ),
        }


stage_names = st.sampled_from([FRAME, MIDDLE, FINAL])


@given(
    st.lists(
        st.tuples(stage_names, st.sampled_from([FRAME, MIDDLE, FINAL, TERMINAL])),
        min_size=1,
        max_size=4,
    ),
    stage_names,
    stage_names,
)
def test_whatever_template_there_is_work_can_go_through_it(stages, first, last):
    """What is accepted leads through all stages to the end; the rest is refused."""
    made = [build_stage(name, then=to) for name, to in stages]
    try:
        template = build_template(made, initial_stage_id=first, terminal_stage_id=last)
    except MalformedInput:
        return

    passed = [first]
    while (following := template.after(passed[-1])) is not None:
        passed.append(following)
    assert passed[-1] == last
    assert sorted(passed) == sorted(each.stage_id for each in template.stages)
