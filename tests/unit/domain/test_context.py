"""The context of an iteration (SPEC 8.1, C-CTX-1, C-CTX-2; gate G-CTX-ADMISSIBLE)."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sr_core.domain.context import Category, ContextFacts, Input, build_context
from sr_core.domain.errors import ContextInadmissible
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.testing import LOOP_1, SOME_HASH

PINNED = {"content_hash": SOME_HASH}
ARTIFACT = {**PINNED, "version": "1.0.0"}

META: Mapping[Category, Mapping[str, str]] = {
    Category.LOOP: {},
    Category.GOVERNED_DOCUMENT: {**ARTIFACT, "type_key": "governance.types"},
    Category.PRIOR_ITERATION: PINNED,
    Category.BASE_CANDIDATE: PINNED,
    Category.ORACLE_SUITE: {**PINNED, "suite_hash": SOME_HASH},
    Category.EXCEPTION: {
        "scope": "per-loop",
        "expires_at": "2026-02-01T00:00:00.000000Z",
        "applies_to": "ORACLE_FAIL:lint",
    },
    Category.RECORD: {**PINNED, "type_key": "record.intervention_note"},
    Category.AGENT_DEFINITION: {**ARTIFACT, "type_key": "config.agent_definition"},
    Category.GATING_POLICY: {**ARTIFACT, "type_key": "config.gating_policy"},
    Category.INTAKE: PINNED,
    Category.PROCEDURE_TEMPLATE: {**PINNED, "current_stage_id": "stage:FRAME"},
    Category.PLAN: {**PINNED, "type_key": "record.plan_instance"},
    Category.ELIGIBILITY: {**PINNED, "type_key": "record.eligibility_snapshot"},
}
KIND: Mapping[Category, RefKind] = {
    Category.LOOP: RefKind.LOOP,
    Category.GOVERNED_DOCUMENT: RefKind.GOVERNED_ARTIFACT,
    Category.PRIOR_ITERATION: RefKind.ITERATION,
    Category.BASE_CANDIDATE: RefKind.CANDIDATE,
    Category.ORACLE_SUITE: RefKind.ORACLE_SUITE,
    Category.EXCEPTION: RefKind.DEVIATION,
    Category.RECORD: RefKind.RECORD,
    Category.AGENT_DEFINITION: RefKind.GOVERNED_ARTIFACT,
    Category.GATING_POLICY: RefKind.GOVERNED_ARTIFACT,
    Category.INTAKE: RefKind.INTAKE,
    Category.PROCEDURE_TEMPLATE: RefKind.PROCEDURE_TEMPLATE,
    Category.PLAN: RefKind.RECORD,
    Category.ELIGIBILITY: RefKind.RECORD,
}
SUPPORTING = {
    Category.AGENT_DEFINITION,
    Category.GATING_POLICY,
    Category.ELIGIBILITY,
}
ALWAYS = {
    Category.LOOP,
    Category.GOVERNED_DOCUMENT,
    Category.ORACLE_SUITE,
    Category.AGENT_DEFINITION,
    Category.GATING_POLICY,
}
"""The tables of SPEC 8.1 and SPEC 3, written out once more."""

PINS = [
    (category, name)
    for category, meta in META.items()
    for name in meta
    if name != "applies_to"
]


def relation(category: Category) -> RefRelation:
    if category is Category.LOOP:
        return RefRelation.IN_SCOPE_OF
    return (
        RefRelation.SUPPORTED_BY if category in SUPPORTING else RefRelation.DEPENDS_ON
    )


def an_input(category: Category, number: int = 1) -> Input:
    ref = Ref(
        kind=KIND[category],
        id=f"{category.name.lower()}-{number}",
        rel=relation(category),
        meta=META[category],
    )
    return Input(ref=ref, found=ref.meta)


def whole(*numbers: int) -> ContextFacts:
    """All categories, each with inputs of these numbers, all of them due."""
    inputs = {
        category: tuple(an_input(category, each) for each in numbers or (1,))
        for category in Category
    }
    due = {
        category: frozenset(each.ref.id for each in given)
        for category, given in inputs.items()
    }
    return ContextFacts(loop_id=LOOP_1, inputs=inputs, due=due)


def with_input(category: Category, changed: Input) -> ContextFacts:
    facts = whole()
    return replace(facts, inputs={**facts.inputs, category: (changed,)})


def forged(ref: Ref, **fields: object) -> Ref:
    """A ref as no builder makes it: past the check that every ref goes through."""
    made = object.__new__(Ref)
    for name in ("kind", "id", "rel", "meta"):
        object.__setattr__(made, name, fields.get(name, getattr(ref, name)))
    return made


class TestBuilding:
    """SPEC 8.1: all inputs, in one order."""

    def test_all_of_it_is_there(self):
        refs = build_context(whole())

        assert [each.id for each in refs] == [
            f"{each.name.lower()}-1" for each in Category
        ]
        assert [each.rel for each in refs] == [relation(each) for each in Category]
        assert [dict(each.meta) for each in refs] == [
            dict(META[each]) for each in Category
        ]

    def test_what_is_not_always_due_may_be_absent(self):
        facts = whole()
        inputs = {each: facts.inputs[each] for each in ALWAYS}

        refs = build_context(ContextFacts(loop_id=LOOP_1, inputs=inputs))

        assert len(refs) == len(ALWAYS)

    @pytest.mark.parametrize(
        "kind", [RefKind.DEFERRAL, RefKind.DEVIATION, RefKind.WAIVER]
    )
    def test_each_kind_of_exception_is_one(self, kind):
        given = an_input(Category.EXCEPTION)
        changed = replace(given, ref=replace(given.ref, kind=kind))

        refs = build_context(with_input(Category.EXCEPTION, changed))

        assert [each.kind for each in refs if each.id == given.ref.id] == [kind]

    @given(st.permutations(range(1, 5)), st.permutations([*Category]))
    def test_the_same_facts_give_the_same_refs_in_the_same_order(self, numbers, order):
        """C-CTX-2: in whatever order they were gathered."""
        facts = whole(*numbers)
        shuffled = replace(facts, inputs={each: facts.inputs[each] for each in order})

        assert build_context(shuffled) == build_context(whole(1, 2, 3, 4))


class TestMissing:
    """G-CTX-ADMISSIBLE: drop each category in turn, and nothing starts."""

    @pytest.mark.parametrize("category", Category)
    def test_without_one_category_it_is_refused(self, category):
        facts = whole()
        inputs = {
            each: given for each, given in facts.inputs.items() if each != category
        }

        with pytest.raises(
            ContextInadmissible,
            match=f"{category} {category.name.lower()}-1 is missing",
        ):
            build_context(replace(facts, inputs=inputs))

    @pytest.mark.parametrize("category", sorted(ALWAYS))
    def test_some_are_due_even_if_nobody_says_so(self, category):
        facts = whole()
        inputs = {
            each: given for each, given in facts.inputs.items() if each != category
        }

        with pytest.raises(ContextInadmissible, match=f"{category} is missing"):
            build_context(ContextFacts(loop_id=LOOP_1, inputs=inputs))

    def test_one_of_several_is_missed_too(self):
        facts = whole(1, 2)
        inputs = {
            **facts.inputs,
            Category.ORACLE_SUITE: (an_input(Category.ORACLE_SUITE),),
        }

        with pytest.raises(ContextInadmissible, match="oracle_suite-2 is missing"):
            build_context(replace(facts, inputs=inputs))

    @given(st.sets(st.sampled_from([*Category]), min_size=1))
    def test_everything_that_is_missing_is_named(self, dropped):
        facts = whole()
        inputs = {
            each: given for each, given in facts.inputs.items() if each not in dropped
        }

        with pytest.raises(ContextInadmissible) as refused:
            build_context(replace(facts, inputs=inputs))

        assert len(refused.value.problems) == len(dropped)
        assert all(
            any(problem.startswith(each) for problem in refused.value.problems)
            for each in dropped
        )

    @pytest.mark.parametrize("category", Category)
    def test_nothing_is_there_twice(self, category):
        facts = whole()
        twice = facts.inputs[category] * 2

        with pytest.raises(ContextInadmissible, match="is there twice"):
            build_context(replace(facts, inputs={**facts.inputs, category: twice}))


class TestPinned:
    """C-CTX-1: every input is pinned, and is what it is pinned to."""

    @pytest.mark.parametrize(("category", "name"), PINS)
    def test_without_a_pin_it_is_refused(self, category, name):
        given = an_input(category)
        meta = {each: said for each, said in given.ref.meta.items() if each != name}
        changed = replace(given, ref=forged(given.ref, meta=meta))

        with pytest.raises(ContextInadmissible, match=f"not pinned: it has no {name}"):
            build_context(with_input(category, changed))

    @pytest.mark.parametrize(("category", "name"), PINS)
    def test_with_another_value_found_it_is_refused(self, category, name):
        given = an_input(category)
        changed = replace(given, found={**given.ref.meta, name: "something else"})

        with pytest.raises(
            ContextInadmissible, match=f"is pinned to {name} .*, and has something else"
        ):
            build_context(with_input(category, changed))

    @pytest.mark.parametrize(("category", "name"), PINS)
    def test_with_a_pin_that_nobody_answers_for_it_is_refused(self, category, name):
        given = an_input(category)
        found = {each: said for each, said in given.ref.meta.items() if each != name}

        with pytest.raises(ContextInadmissible, match=f"{name} .*, and has none"):
            build_context(with_input(category, replace(given, found=found)))

    def test_what_else_a_ref_says_has_to_be_so_too(self):
        given = an_input(Category.EXCEPTION)
        found = {**given.ref.meta, "applies_to": "ORACLE_FAIL:build"}

        with pytest.raises(ContextInadmissible, match="applies_to ORACLE_FAIL:lint"):
            build_context(with_input(Category.EXCEPTION, replace(given, found=found)))

    @pytest.mark.parametrize("category", Category)
    def test_what_cannot_be_found_is_refused(self, category):
        changed = replace(an_input(category), found=None)

        with pytest.raises(ContextInadmissible, match="cannot be found"):
            build_context(with_input(category, changed))


class TestForm:
    """SPEC 8.1: the kind, the relation and the type are those of the category."""

    @pytest.mark.parametrize(
        ("category", "rel"),
        [
            (category, rel)
            for category in Category
            for rel in RefRelation
            if rel is not relation(category)
        ],
    )
    def test_a_wrong_relation_is_refused(self, category, rel):
        given = an_input(category)
        changed = replace(given, ref=replace(given.ref, rel=rel))

        with pytest.raises(
            ContextInadmissible, match=f"by {rel}, not by {relation(category)}"
        ):
            build_context(with_input(category, changed))

    @pytest.mark.parametrize("category", Category)
    def test_a_wrong_kind_is_refused(self, category):
        given = an_input(category)
        changed = replace(given, ref=forged(given.ref, kind=RefKind.FREEZE))

        with pytest.raises(ContextInadmissible, match="is a Freeze, not a"):
            build_context(with_input(category, changed))

    @pytest.mark.parametrize(
        ("category", "type_key"),
        [
            (Category.AGENT_DEFINITION, "config.gating_policy"),
            (Category.GATING_POLICY, "config.agent_definition"),
            (Category.PLAN, "record.eligibility_snapshot"),
            (Category.ELIGIBILITY, "record.plan_instance"),
        ],
    )
    def test_a_wrong_type_is_refused(self, category, type_key):
        given = an_input(category)
        meta = {**given.ref.meta, "type_key": type_key}
        changed = Input(ref=replace(given.ref, meta=meta), found=meta)

        with pytest.raises(ContextInadmissible, match=f"is of type {type_key}, not"):
            build_context(with_input(category, changed))


def test_a_refusal_names_the_loop_and_the_way_out():
    empty = ContextFacts(loop_id=LOOP_1, inputs={})

    with pytest.raises(ContextInadmissible) as refused:
        build_context(empty)

    assert f"context of {LOOP_1}'s next iteration" in str(refused.value)
    assert str(refused.value).endswith(
        "Record or mend what is named, then start again."
    )
    assert len(refused.value.problems) == len(ALWAYS)


class TestAskedFor:
    """C-CTX-2: what a caller names adds nothing; it has to be an input already."""

    @pytest.mark.parametrize("category", Category)
    def test_an_input_may_be_named(self, category):
        facts = whole()
        named = (an_input(category).ref,)

        assert build_context(replace(facts, asked_for=named)) == build_context(facts)

    def test_it_need_not_say_all_of_its_meta(self):
        ref = an_input(Category.EXCEPTION).ref
        named = (replace(ref, meta={"scope": "per-loop"}),)

        assert build_context(replace(whole(), asked_for=named)) == build_context(
            whole()
        )

    def test_a_ghost_is_refused(self):
        ghost = Ref(kind=RefKind.RUN, id="run_1", rel=RefRelation.DEPENDS_ON)

        with pytest.raises(
            ContextInadmissible, match="Run run_1, asked for as depends_on, is no input"
        ):
            build_context(replace(whole(), asked_for=(ghost,)))

    def test_an_input_in_another_relation_is_refused(self):
        ref = replace(an_input(Category.LOOP).ref, rel=RefRelation.ABOUT)

        with pytest.raises(
            ContextInadmissible, match="asked for as about, is no input"
        ):
            build_context(replace(whole(), asked_for=(ref,)))

    @pytest.mark.parametrize(("category", "name"), PINS)
    def test_an_input_that_is_pinned_otherwise_is_refused(self, category, name):
        ref = an_input(category).ref
        other = forged(ref, meta={**ref.meta, name: "something else"})

        with pytest.raises(ContextInadmissible, match=f"has {name} .*, not something"):
            build_context(replace(whole(), asked_for=(other,)))

    def test_an_input_of_which_more_is_said_is_refused(self):
        ref = an_input(Category.LOOP).ref
        other = replace(ref, meta={"selector": "#goal"})

        with pytest.raises(ContextInadmissible, match="has selector none, not #goal"):
            build_context(replace(whole(), asked_for=(other,)))
