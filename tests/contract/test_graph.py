"""What every graph does (SPEC 12.4, G-GRAPH-SEMANTICS): walks, markers, neighbours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.contract.conftest import Events

from sr_core.adapters.memory.event_store import MemoryEventStore
from sr_core.adapters.memory.followers import MemoryFollowers
from sr_core.adapters.memory.graph import MemoryGraph
from sr_core.adapters.memory.read_model import MemoryReadModel
from sr_core.adapters.postgres.connections import connection_pool
from sr_core.adapters.postgres.event_store import PostgresEventStore
from sr_core.adapters.postgres.followers import PostgresFollowers
from sr_core.adapters.postgres.graph import PostgresGraph
from sr_core.adapters.postgres.read_model import PostgresReadModel
from sr_core.application.projections import Occasion, changes_of
from sr_core.application.projections.graph import linked
from sr_core.domain import staleness
from sr_core.domain.events import DomainEvent
from sr_core.domain.graph import Node, Reached
from sr_core.domain.refs import ContentHash, Ref, RefKind, RefRelation, hash_bytes
from sr_core.domain.staleness import NodeMarkedStale
from sr_core.ports.event_store import BEGINNING, EventStore, Position
from sr_core.ports.followers import Followers
from sr_core.ports.graph import Graph
from sr_core.ports.read_model import ReadModel, RowChange
from sr_core.testing import HUMAN, NOON, build_mark, build_staleness

pytestmark = pytest.mark.anyio

OLD = hash_bytes(b"old")
NEW = hash_bytes(b"new")
DEPENDS, SUPPORTED = RefRelation.DEPENDS_ON, RefRelation.SUPPORTED_BY


def node(name: str) -> Node:
    return Node(kind=RefKind.EVIDENCE_BUNDLE, id=name)


def keys(reached: Iterable[Reached]) -> dict[str, int]:
    return {each.node.id: each.depth for each in reached}


@dataclass
class Drawn:
    """A graph, and a hand to draw edges with: an event each."""

    graph: Graph
    store: EventStore
    followers: Followers
    rows: ReadModel
    events: Events = field(default_factory=Events)
    drawn: int = 0

    async def draw(
        self,
        *edges: tuple[str, str],
        relation: RefRelation = DEPENDS,
        pinned: ContentHash = OLD,
    ) -> Position:
        """Draw edges from dependent to dependency, and return the last one's position."""
        position = BEGINNING
        for source, target in edges:
            ref = Ref(
                kind=RefKind.EVIDENCE_BUNDLE,
                id=target,
                rel=relation,
                meta={"content_hash": pinned},
            )
            position = await self.append(*linked(node(source), [ref], self.occasion()))
        return position

    async def tell(self, event: DomainEvent) -> Position:
        return await self.append(*changes_of(event, self.occasion()))

    async def append(self, *changes: RowChange) -> Position:
        self.drawn += 1
        batch = self.events.one(f"loop:{self.drawn}", 1, *changes)
        (position,) = await self.store.append(batch)
        return position

    def occasion(self) -> Occasion:
        return Occasion(event_id=f"evt_{self.drawn + 1}", by=HUMAN, at=NOON)


@asynccontextmanager
async def drawing(dsn: str | None) -> AsyncIterator[Drawn]:
    if dsn is None:
        rows = MemoryReadModel()
        yield Drawn(MemoryGraph(rows), MemoryEventStore(rows), MemoryFollowers(), rows)
        return
    async with connection_pool(dsn) as pool:
        yield Drawn(
            PostgresGraph(pool),
            PostgresEventStore(pool),
            PostgresFollowers(pool),
            PostgresReadModel(pool),
        )


@pytest.fixture(params=["memory", "postgres"])
def migrated(request: pytest.FixtureRequest) -> str | None:
    """The database to use; None is for the adapters in memory."""
    return (
        None if request.param == "memory" else request.getfixturevalue("app_database")
    )


@pytest.fixture
async def drawn(migrated: str | None) -> AsyncIterator[Drawn]:
    async with drawing(migrated) as made:
        yield made


class TestDependents:
    """SPEC 12.4: depends_on is walked backwards for impact."""

    async def test_direct_and_transitive(self, drawn):
        await drawn.draw(("b", "a"), ("c", "b"), ("x", "y"))

        found = await drawn.graph.dependents(node("a"), depth_max=10)

        assert keys(found) == {"b": 1, "c": 2}

    async def test_only_as_deep_as_asked(self, drawn):
        await drawn.draw(("b", "a"), ("c", "b"), ("d", "c"))

        assert keys(await drawn.graph.dependents(node("a"), depth_max=2)) == {
            "b": 1,
            "c": 2,
        }
        assert await drawn.graph.dependents(node("a"), depth_max=0) == ()

    @pytest.mark.parametrize(
        "relation", [each for each in RefRelation if each is not DEPENDS]
    )
    async def test_no_other_relation_is_walked(self, drawn, relation):
        await drawn.draw(("b", "a"), relation=relation)
        await drawn.draw(("c", "b"))

        assert await drawn.graph.dependents(node("a"), depth_max=10) == ()

    async def test_provenance_in_the_middle_ends_the_walk(self, drawn):
        await drawn.draw(("b", "a"))
        await drawn.draw(("c", "b"), relation=SUPPORTED)

        assert keys(await drawn.graph.dependents(node("a"), depth_max=10)) == {"b": 1}

    async def test_a_cycle_ends(self, drawn):
        await drawn.draw(("b", "a"), ("c", "b"), ("a", "c"), ("b", "c"))

        found = await drawn.graph.dependents(node("a"), depth_max=10)

        assert keys(found) == {"b": 1, "c": 2}

    async def test_a_diamond_is_reached_once_by_the_shortest_way(self, drawn):
        await drawn.draw(("b", "a"), ("c", "a"), ("d", "b"), ("d", "c"), ("e", "d"))
        await drawn.draw(("e", "a"))

        found = await drawn.graph.dependents(node("a"), depth_max=10)

        assert keys(found) == {"b": 1, "c": 1, "d": 2, "e": 1}

    async def test_many_diamonds_in_a_row_do_not_multiply(self, drawn):
        """2^20 ways lead from end to end; each node is met once a depth."""
        for n in range(20):
            await drawn.draw((f"l{n}", f"m{n}"), (f"r{n}", f"m{n}"))
            await drawn.draw((f"m{n + 1}", f"l{n}"), (f"m{n + 1}", f"r{n}"))

        found = await drawn.graph.dependents(node("m0"), depth_max=40)

        assert keys(found)["m20"] == 40

    async def test_they_come_in_the_order_of_depth(self, drawn):
        await drawn.draw(("b", "a"), ("z", "a"), ("c", "z"))

        found = await drawn.graph.dependents(node("a"), depth_max=10)

        assert [each.node.id for each in found] == ["b", "z", "c"]

    async def test_what_nothing_names_has_none(self, drawn):
        assert await drawn.graph.dependents(node("a"), depth_max=10) == ()

    async def test_the_kind_is_part_of_the_name(self, drawn):
        await drawn.draw(("b", "a"))

        other = Node(kind=RefKind.LOOP, id="a")

        assert await drawn.graph.dependents(other, depth_max=10) == ()


class TestPins:
    """SPEC 3: an edge pins what it depends on by its hash."""

    async def test_who_pinned_the_new_hash_is_left_out(self, drawn):
        await drawn.draw(("b", "a"), pinned=OLD)
        await drawn.draw(("c", "a"), pinned=NEW)
        await drawn.draw(("d", "c"))

        found = await drawn.graph.dependents(node("a"), depth_max=10, not_pinning=NEW)

        assert keys(found) == {"b": 1}

    async def test_the_pin_that_was_said_last_counts(self, drawn):
        await drawn.draw(("b", "a"), pinned=OLD)
        await drawn.draw(("b", "a"), pinned=NEW)

        reached = await drawn.graph.dependents(node("a"), depth_max=10, not_pinning=NEW)

        assert reached == ()

    async def test_a_cycle_does_not_lead_back_to_who_pinned_the_new(self, drawn):
        await drawn.draw(("b", "a"), ("a", "b"), pinned=OLD)
        await drawn.draw(("c", "a"), pinned=NEW)

        found = await drawn.graph.dependents(node("a"), depth_max=10, not_pinning=NEW)

        assert keys(found) == {"b": 1}

    async def test_what_came_later_is_left_out(self, drawn):
        await drawn.draw(("b", "a"))
        before = await drawn.draw(("x", "y"))
        await drawn.draw(("c", "a"), ("d", "b"))

        found = await drawn.graph.dependents(node("a"), depth_max=10, before=before)

        assert keys(found) == {"b": 1}

    async def test_what_was_pinned_anew_later_is_left_out(self, drawn):
        await drawn.draw(("b", "a"), pinned=OLD)
        before = await drawn.draw(("x", "y"))
        await drawn.draw(("b", "a"), pinned=NEW)

        found = await drawn.graph.dependents(node("a"), depth_max=10, before=before)

        assert found == ()

    async def test_what_was_only_said_again_later_is_still_there(self, drawn):
        await drawn.draw(("b", "a"), pinned=OLD)
        before = await drawn.draw(("x", "y"))
        await drawn.draw(("b", "a"), pinned=OLD)

        found = await drawn.graph.dependents(
            node("a"), depth_max=10, not_pinning=NEW, before=before
        )

        assert keys(found) == {"b": 1}


class TestDependencies:
    """SPEC 12.4: the same edges, walked forwards."""

    async def test_direct_and_transitive(self, drawn):
        await drawn.draw(("b", "a"), ("c", "b"), ("a", "c"), ("x", "c"))

        assert keys(await drawn.graph.dependencies(node("c"), depth_max=10)) == {
            "b": 1,
            "a": 2,
        }
        assert keys(await drawn.graph.dependencies(node("c"), depth_max=1)) == {"b": 1}

    async def test_no_other_relation_is_walked(self, drawn):
        await drawn.draw(("c", "b"), relation=SUPPORTED)

        assert await drawn.graph.dependencies(node("c"), depth_max=10) == ()


class TestNeighbours:
    """Nodes one edge away, by the edge's relation."""

    async def test_forwards_and_backwards(self, drawn):
        await drawn.draw(("b", "a"), ("b", "c"), relation=SUPPORTED)
        await drawn.draw(("b", "d"))

        targets = await drawn.graph.targets(node("b"), SUPPORTED)
        sources = await drawn.graph.sources(node("a"), SUPPORTED)

        assert targets == (node("a"), node("c"))
        assert sources == (node("b"),)

    async def test_a_node_holds_what_was_said_of_it_last(self, drawn):
        await drawn.draw(("b", "a"), pinned=OLD)
        await drawn.draw(("c", "a"), pinned=NEW)

        found = await drawn.graph.node(node("a"))

        assert found is not None
        assert found.meta == {"content_hash": NEW}
        assert await drawn.graph.node(node("nobody")) is None


class TestRows:
    """One row a node and one an edge, however often they are said (SPEC 12.4)."""

    async def test_an_edge_said_twice_is_one(self, drawn):
        await drawn.draw(("b", "a"), ("b", "a"))
        await drawn.draw(("b", "a"), relation=SUPPORTED)

        edges = await drawn.rows.rows("graph.edges", {})
        nodes = await drawn.rows.rows("graph.nodes", {})

        assert sorted(str(each["edge_type"]) for each in edges.rows) == [
            DEPENDS,
            SUPPORTED,
        ]
        assert sorted(str(each["label"]) for each in nodes.rows) == ["a", "b"]

    async def test_a_node_keeps_its_type_and_its_first_moment(self, drawn):
        first = await drawn.draw(("b", "a"))
        await drawn.draw(("c", "a"), pinned=NEW)

        row = await drawn.rows.row("graph.nodes", {"node_id": node("a").key})

        assert row is not None
        assert row["node_type"] == RefKind.EVIDENCE_BUNDLE
        assert row["position"] == first
        assert row["created_at"] == NOON


class TestMarkers:
    """SPEC 12.4: markers are rows that follow from events."""

    async def test_an_open_marker_is_found_by_its_dependent(self, drawn):
        marked, routed, resolved = build_staleness()
        assert isinstance(marked, NodeMarkedStale)
        (dependent,) = marked.dependents
        position = await drawn.tell(marked)
        await drawn.tell(routed)

        (found,) = await drawn.graph.markers([dependent, node("other")])

        assert (found.stale_id, found.root) == (marked.stale_id, marked.root)
        assert (found.dependent, found.reason) == (dependent, marked.reason_code)
        assert found.position == found.since == position
        await drawn.tell(resolved)
        assert await drawn.graph.markers([dependent]) == ()

    async def test_a_marker_holds_from_its_cause_on(self, drawn):
        pinned = Node(kind=RefKind.EVIDENCE_BUNDLE, id="b", meta={"content_hash": OLD})
        command = build_mark(pinned, caused_by="evt_0")
        marked, *_ = staleness.mark(staleness.Staleness(), command)
        position = await drawn.tell(marked)

        (found,) = await drawn.graph.markers([pinned])

        assert (found.since, found.position) == (command.caused_at, position)

    async def test_of_nothing_there_are_none(self, drawn):
        assert await drawn.graph.markers([]) == ()


class TestFollowers:
    """A follower's position only grows."""

    async def test_it_begins_at_the_beginning(self, drawn):
        assert await drawn.followers.position("reactions") == 0

    async def test_it_never_goes_back(self, drawn):
        await drawn.followers.advance("reactions", Position(7))
        await drawn.followers.advance("reactions", Position(3))

        assert await drawn.followers.position("reactions") == 7
        assert await drawn.followers.position("another") == 0


def walked(edges: set[tuple[str, str]], start: str, depth_max: int) -> dict[str, int]:
    """Who depends on `start`, found by the plainest walk there is, to compare with."""
    found: dict[str, int] = {}
    reached = {start}
    for depth in range(1, depth_max + 1):
        reached = {source for source, target in edges if target in reached}
        reached -= {start, *found}
        found |= dict.fromkeys(reached, depth)
    return found


names = st.sampled_from("abcdefg")
edge_sets = st.sets(
    st.tuples(names, names).filter(lambda edge: edge[0] != edge[1]), max_size=18
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(edges=edge_sets, noise=edge_sets, depth_max=st.integers(0, 8))
async def test_it_walks_as_the_plainest_walk_does(drawn, edges, noise, depth_max):
    """Random graphs, cycles and all; each example has nodes of its own."""
    here = f"{drawn.drawn}."
    start = f"{here}a"
    edges = {(here + source, here + target) for source, target in edges}
    for edge in sorted(edges):
        await drawn.draw(edge)
    for source, target in sorted(noise):
        await drawn.draw((here + source, here + target), relation=SUPPORTED)

    found = await drawn.graph.dependents(node(start), depth_max=depth_max)
    back = await drawn.graph.dependencies(node(start), depth_max=depth_max)

    assert keys(found) == walked(edges, start, depth_max)
    turned = {(target, source) for source, target in edges}
    assert keys(back) == walked(turned, start, depth_max)
