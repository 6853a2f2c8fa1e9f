import pytest

from sr_core.domain.actors import ACTOR_ID_CHARS_MAX, Actor, ActorKind, parse_actor
from sr_core.domain.errors import AuthorityRequired, MalformedInput

HUMAN = Actor(ActorKind.HUMAN, "oidc_sub:ab:1", frozenset({"human", "release"}))
AGENT = Actor(ActorKind.AGENT, "agent:coder:1", frozenset({"agent"}))
SYSTEM = Actor(ActorKind.SYSTEM, "svc:governor:1", frozenset({"system"}))


class TestIdentity:
    """C-TB-5: an actor is its kind and its identifier."""

    def test_roles_make_no_difference_to_who_it_is(self):
        unprivileged = Actor(HUMAN.kind, HUMAN.actor_id)

        assert unprivileged == HUMAN
        assert hash(unprivileged) == hash(HUMAN)

    def test_kind_makes_a_difference(self):
        assert Actor(ActorKind.AGENT, HUMAN.actor_id) != HUMAN

    def test_identifier_makes_a_difference(self):
        assert Actor(HUMAN.kind, "oidc_sub:ab:2") != HUMAN

    def test_nobody_changes_kind(self):
        with pytest.raises(AttributeError):
            AGENT.kind = ActorKind.HUMAN  # type: ignore[misc] # what must not work

    def test_roles_are_none_unless_given(self):
        assert Actor(ActorKind.SYSTEM, "svc:governor:1").roles == frozenset()


class TestRequireKind:
    """C-TB-1: some commands are for one kind of actor."""

    def test_the_kind_asked_for_may_go_on(self):
        HUMAN.require(ActorKind.HUMAN, action="approving a release")

    @pytest.mark.parametrize("actor", [AGENT, SYSTEM], ids=["agent", "system"])
    def test_another_kind_is_refused(self, actor):
        with pytest.raises(AuthorityRequired, match="an actor of kind HUMAN") as caught:
            actor.require(ActorKind.HUMAN, action="approving a release")

        assert str(actor) in str(caught.value)
        assert "approving a release" in str(caught.value)
        assert caught.value.code == "AUTHORITY_REQUIRED"

    def test_a_role_named_human_makes_no_human(self):
        impostor = Actor(ActorKind.AGENT, "agent:coder:1", frozenset({"human"}))

        with pytest.raises(AuthorityRequired):
            impostor.require(ActorKind.HUMAN, action="approving a release")


class TestRequireRole:
    """C-TB-1: some commands are for holders of one role."""

    def test_a_holder_may_go_on(self):
        HUMAN.require_role("release", action="approving a release")

    def test_another_role_is_refused(self):
        with pytest.raises(AuthorityRequired, match="with role 'freeze'"):
            HUMAN.require_role("freeze", action="freezing a baseline")


class TestRequireOneOf:
    """SPEC 7.1: some commands are for holders of any of several roles."""

    def test_a_holder_of_one_may_go_on(self):
        HUMAN.require_one_of({"release", "freeze"}, action="approving a release")

    def test_a_holder_of_none_is_refused_and_told_all_of_them(self):
        with pytest.raises(AuthorityRequired, match="with role 'a' or 'b'"):
            HUMAN.require_one_of({"b", "a"}, action="freezing a baseline")


class TestParseActor:
    @pytest.mark.parametrize("kind", list(ActorKind))
    def test_what_was_written_is_read(self, kind):
        actor = parse_actor(kind.value, "svc:governor:1")

        assert actor == Actor(kind, "svc:governor:1")
        assert actor.roles == frozenset()

    @pytest.mark.parametrize("kind", ["", "human", "ADMIN", " HUMAN"])
    def test_no_other_kind_exists(self, kind):
        with pytest.raises(MalformedInput, match="HUMAN, AGENT, SYSTEM"):
            parse_actor(kind, "svc:governor:1")

    @pytest.mark.parametrize(
        "actor_id",
        ["", "a" * (ACTOR_ID_CHARS_MAX + 1), "a\nb", "a\x00b", "a\u202eb"],
        ids=["empty", "too long", "line break", "NUL", "direction override"],
    )
    def test_a_name_is_bounded_and_printable(self, actor_id):
        with pytest.raises(MalformedInput, match="printable characters"):
            parse_actor("HUMAN", actor_id)

    def test_the_longest_name_is_taken(self):
        longest = "a" * ACTOR_ID_CHARS_MAX

        assert parse_actor("HUMAN", longest).actor_id == longest
