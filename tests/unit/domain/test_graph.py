"""Nodes and edges as refs make them (C-EVT-5, G-GRAPH-SEMANTICS)."""

import pytest

from sr_core.domain.errors import MalformedInput
from sr_core.domain.graph import Node, edges_of, node_of, pinned_by
from sr_core.domain.refs import Ref, RefKind, RefRelation
from sr_core.testing import DIRECTIVE, LOOP_1, SOME_HASH

LOOP = Node(kind=RefKind.LOOP, id=LOOP_1)
SUITE = Ref(
    kind=RefKind.ORACLE_SUITE,
    id="suite:A",
    rel=RefRelation.DEPENDS_ON,
    meta={"content_hash": DIRECTIVE.meta["content_hash"], "suite_hash": SOME_HASH},
)


class TestNodes:
    """A node is its kind and its identifier together."""

    def test_kind_and_identifier_name_it(self):
        assert LOOP.key == f"Loop/{LOOP_1}"
        assert str(LOOP) == f"Loop {LOOP_1}"

    def test_what_is_said_of_it_does_not_make_it_another(self):
        assert node_of(DIRECTIVE) == Node(kind=DIRECTIVE.kind, id=DIRECTIVE.id)

    def test_another_kind_makes_it_another(self):
        assert Node(kind=RefKind.RECORD, id=LOOP_1) != LOOP

    def test_a_ref_to_it_holds_what_it_has_to(self):
        ref = node_of(DIRECTIVE).ref(RefRelation.ROOT_CAUSE)

        assert (ref.id, ref.meta) == (DIRECTIVE.id, DIRECTIVE.meta)
        assert ref.rel is RefRelation.ROOT_CAUSE

    def test_there_is_no_ref_to_what_lacks_its_hash(self):
        with pytest.raises(MalformedInput, match="content_hash"):
            Node(kind=RefKind.INTAKE, id="intake:1").ref(RefRelation.STALE)


class TestEdges:
    """An edge leads from what an event is about to what its ref points at."""

    def test_from_dependent_to_dependency(self):
        (edge,) = edges_of(LOOP, [DIRECTIVE])

        assert edge.source == LOOP
        assert edge.target == node_of(DIRECTIVE)
        assert edge.relation is RefRelation.DEPENDS_ON
        assert edge.meta == DIRECTIVE.meta

    def test_a_ref_to_itself_makes_none(self):
        assert edges_of(node_of(DIRECTIVE), [DIRECTIVE]) == ()

    def test_the_target_is_pinned_by_its_hash(self):
        (edge,) = edges_of(LOOP, [DIRECTIVE])

        assert edge.pinned == DIRECTIVE.meta["content_hash"]

    def test_a_suite_is_pinned_by_that_of_its_definition(self):
        (edge,) = edges_of(LOOP, [SUITE])

        assert edge.pinned == SOME_HASH

    def test_what_has_no_bytes_is_not_pinned(self):
        assert pinned_by({}) is None
