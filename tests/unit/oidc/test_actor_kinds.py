import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sr_core.adapters.oidc.actor_kinds import KindRules, actor_from_claims
from sr_core.domain.actors import ActorKind, parse_actor
from sr_core.domain.errors import MalformedInput
from sr_core.ports.identity import NotIdentified

ZITADEL = "urn:zitadel:iam:org:project:roles"
GRANTED = {"org-1": "org.example"}
RULES = KindRules(
    human_clients=frozenset({"web", "cli"}),
    agent_clients=frozenset({"coder"}),
    system_clients=frozenset({"governor"}),
)
ISSUER_HASH = hashlib.sha256(b"https://id.example").hexdigest()


class TestProved:
    """R-API-1: every proof is there."""

    def test_a_human(self, claims):
        actor = actor_from_claims(claims(), RULES)

        assert actor.kind is ActorKind.HUMAN
        assert actor.actor_id == f"oidc_sub:{ISSUER_HASH}:alice"
        assert actor.roles == {"human", "release"}

    def test_an_agent(self, claims):
        actor = actor_from_claims(
            claims(azp="coder", roles=["agent"], amr=None, auth_time=None), RULES
        )

        assert (actor.kind, actor.actor_id) == (ActorKind.AGENT, "agent:coder:alice")

    def test_a_system(self, claims):
        actor = actor_from_claims(
            claims(azp="governor", roles=["system"], amr=None, auth_time=None), RULES
        )

        assert (actor.kind, actor.actor_id) == (ActorKind.SYSTEM, "svc:governor:alice")

    @pytest.mark.parametrize("by", [GRANTED, {}], ids=["organisation", "nobody named"])
    def test_roles_in_zitadels_form(self, claims, by):
        granted = {"human": by, "release": by}

        actor = actor_from_claims(claims(roles=None, **{ZITADEL: granted}), RULES)

        assert actor.kind is ActorKind.HUMAN
        assert actor.roles == {"human", "release"}

    def test_roles_in_both_forms_that_agree(self, claims):
        granted = {"release": GRANTED, "human": GRANTED}

        actor = actor_from_claims(claims(**{ZITADEL: granted}), RULES)

        assert actor.kind is ActorKind.HUMAN

    def test_the_log_can_read_back_the_longest_name(self, claims):
        rules = KindRules(frozenset(), frozenset({"c" * 200}), frozenset())
        longest = claims(azp="c" * 200, sub="s" * 255, roles=["agent"])

        actor = actor_from_claims(longest, rules)

        assert parse_actor(actor.kind, actor.actor_id) == actor


LOGGED_OUT = {"amr": None, "auth_time": None}


class TestNotProved:
    """R-API-1: anything unclear is no kind, and above all no human."""

    @pytest.mark.parametrize(
        "changes",
        [
            {"azp": None},
            {"azp": "unknown"},
            {"azp": "WEB"},
            {"azp": ""},
            {"azp": ["web"]},
            {"azp": {"web": 1}},
            {"azp": None, "client_id": "web"},
            {"roles": None},
            {"roles": []},
            {"roles": ["release"]},
            {"roles": ["Human"]},
            {"roles": ["human "]},
            {"roles": ["human", "agent"]},
            {"roles": ["human", "system"]},
            {"roles": ["agent"]},
            {"roles": ["human", 7]},
            {"roles": ["human", ["agent"]]},
            {"roles": ["human", ""]},
            {"roles": ["human", "human"]},
            {"roles": ""},
            {"roles": "human"},
            {"roles": {"human": GRANTED}},
            {"roles": 7},
            {"roles": True},
            {"roles": None, ZITADEL: {}},
            {"roles": None, ZITADEL: ["human"]},
            {"roles": None, ZITADEL: "human"},
            {"roles": None, ZITADEL: {"human": True}},
            {"roles": None, ZITADEL: {"human": None}},
            {"roles": None, ZITADEL: {"human": GRANTED, "release": "org-1"}},
            {"roles": None, ZITADEL: {"human": GRANTED, "agent": GRANTED}},
            {ZITADEL: {"human": GRANTED}},
            {ZITADEL: {"agent": GRANTED}},
            {ZITADEL: {}},
            {ZITADEL: ["human", "release"]},
            {"roles": [], ZITADEL: {"human": GRANTED}},
            {"roles": None, "urn:zitadel:iam:user:metadata": {"roles": "human"}},
            {"roles": None, "metadata": {"roles": ["human"]}},
            {"roles": None, "role": "human"},
            {"roles": None, "scope": "human"},
            {"amr": None},
            {"amr": []},
            {"amr": "pwd"},
            {"amr": [""]},
            {"amr": [7]},
            {"amr": {"pwd": 1}},
            {"auth_time": None},
            {"auth_time": "890"},
            {"auth_time": True},
            {"auth_time": 890.5},
            LOGGED_OUT,
        ],
        ids=repr,
    )
    def test_no_human_from_a_client_for_humans(self, claims, changes):
        with pytest.raises(NotIdentified):
            actor_from_claims(claims(**changes), RULES)

    @pytest.mark.parametrize("azp", ["coder", "governor"])
    @pytest.mark.parametrize(
        "roles",
        [["human"], ["human", "agent"], ["human", "system"], ["release"], [], None],
    )
    @pytest.mark.parametrize("login", [{}, LOGGED_OUT], ids=["login", "no login"])
    def test_no_human_from_a_machines_client(self, claims, azp, roles, login):
        with pytest.raises(NotIdentified):
            actor_from_claims(claims(azp=azp, roles=roles, **login), RULES)

    @pytest.mark.parametrize(
        ("azp", "role"), [("coder", "system"), ("governor", "agent")]
    )
    def test_machines_are_not_mistaken_for_each_other(self, claims, azp, role):
        with pytest.raises(NotIdentified):
            actor_from_claims(claims(azp=azp, roles=[role], **LOGGED_OUT), RULES)

    def test_a_machine_user_in_a_client_for_humans(self, claims):
        with pytest.raises(
            NotIdentified, match="human, an agent or a system"
        ) as caught:
            actor_from_claims(claims(sub="robot", **LOGGED_OUT), RULES)

        assert caught.value.code == "ACTOR_KIND_UNPROVEN"
        assert caught.value.reason == "nothing shows that a human logged in"


ROLE = st.sampled_from(["human", "agent", "system", "release", "Human", ""])
VALUE = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
ROLES = (
    st.lists(ROLE, max_size=3)
    | st.dictionaries(ROLE, st.sampled_from([GRANTED, {}, None]), max_size=3)
    | ROLE
    | VALUE
)
CLAIMS = st.fixed_dictionaries(
    {"iss": st.just("https://id.example"), "sub": st.text(min_size=1, max_size=5)},
    optional={
        "azp": st.sampled_from(["web", "cli", "coder", "governor", "x"]) | VALUE,
        "roles": ROLES,
        ZITADEL: ROLES,
        "amr": st.lists(st.sampled_from(["pwd", "otp", ""]), max_size=2) | VALUE,
        "auth_time": st.integers(0, 9) | VALUE,
        "client_id": st.just("web"),
        "acr": st.just("human"),
    },
)


def says_human(value: object) -> bool:
    if isinstance(value, dict):
        return "human" in value
    return isinstance(value, list) and "human" in value


class TestProperty:
    """R-API-1, whatever the token says: tried / mis-kinded 0."""

    @given(CLAIMS)
    @example({"iss": "i", "sub": "s", "azp": "web"})
    @example({"iss": "i", "sub": "s", "azp": "coder", "roles": ["human"]})
    def test_no_human_without_all_three_proofs(self, found):
        try:
            actor = actor_from_claims(found, RULES)
        except NotIdentified:
            return

        if actor.kind is ActorKind.HUMAN:
            assert found["azp"] in {"web", "cli"}
            assert says_human(found.get("roles")) or says_human(found.get(ZITADEL))
            assert found["amr"]
            assert type(found["auth_time"]) is int
            assert not actor.roles & {"agent", "system"}
        else:
            assert found["azp"] in {"coder", "governor"}
            assert "human" not in actor.roles


class TestRules:
    """A client speaks for one kind of actor."""

    @pytest.mark.parametrize(
        "rules",
        [
            (["a"], ["a"], []),
            (["a"], [], ["a"]),
            ([], ["a"], ["a"]),
            ([""], [], []),
            (["a:b"], [], []),
            ([], ["a\n"], []),
            ([], [], ["a" * 201]),
        ],
    )
    def test_anything_else_is_refused(self, rules):
        with pytest.raises(MalformedInput):
            KindRules(*map(frozenset, rules))
