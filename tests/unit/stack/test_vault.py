"""What the secrets' keeper remembers and refuses, in a time of our own."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from pytest_sr.stack.vault import Place, Refused, Vault, trimmed
from pytest_sr.stack.vault_seeds import ClientSeed, ProjectSeed

SECRET = "right"  # noqa: S105 - stands for one
KEK = Place(project_id="p", environment="dev", path="/solver-ralph/kek")
ROOT = Place(project_id="p", environment="dev", path="/")


class Clock:
    """Time that passes when told to."""

    def __init__(self):
        self.now = datetime(2024, 1, 1, tzinfo=UTC)

    def __call__(self):
        return self.now

    def passes(self, **length):
        self.now += timedelta(**length)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def vault(clock):
    ids = count(1)
    client = ClientSeed(
        client_id="client",
        client_secret=SECRET,
        token_ttl=timedelta(hours=1),
        token_max_ttl=timedelta(hours=3),
    )
    project = ProjectSeed(
        project_id="p", environments=("dev", "prod"), folders=("/solver-ralph/kek",)
    )
    return Vault(
        clients=[client],
        projects=[project],
        now=clock,
        fresh_id=lambda: f"id-{next(ids)}",
    )


def refused(status, *, error=None, match=None):
    return pytest.raises(
        Refused,
        match=match,
        check=lambda refusal: (
            refusal.status == status and error in (None, refusal.error)
        ),
    )


class TestLogin:
    def test_the_right_secret_gets_a_token(self, vault):
        grant = vault.login("client", SECRET)

        assert vault.authenticate(grant.access_token) == "client"
        assert grant.ttl == timedelta(hours=1)
        assert grant.max_ttl == timedelta(hours=3)

    @pytest.mark.parametrize("client", ["client", "nobody"])
    def test_a_wrong_secret_and_an_unknown_client_look_alike(self, vault, client):
        with refused(401, error="UnauthorizedError", match="Invalid credentials"):
            vault.login(client, "wrong")

    def test_three_failures_lock_even_the_right_secret_out(self, vault):
        fail(vault, times=3)

        with refused(401, match="temporarily locked"):
            vault.login("client", SECRET)

    def test_the_lock_opens_after_its_time(self, vault, clock):
        fail(vault, times=3)

        clock.passes(seconds=300)

        assert vault.login("client", SECRET)

    def test_failures_far_apart_do_not_lock(self, vault, clock):
        for _ in range(5):
            fail(vault, times=1)
            clock.passes(seconds=16)

        assert vault.login("client", SECRET)

    def test_a_success_forgets_the_failures_before(self, vault):
        fail(vault, times=2)
        vault.login("client", SECRET)
        fail(vault, times=2)

        assert vault.login("client", SECRET)


class TestTokens:
    @pytest.fixture
    def token(self, vault):
        return vault.login("client", SECRET).access_token

    def test_an_expired_one_is_told_apart(self, vault, clock, token):
        clock.passes(hours=1)

        with refused(403, error="TokenError", match="Your token has expired"):
            vault.authenticate(token)

    def test_a_renewed_one_lives_on(self, vault, clock, token):
        clock.passes(minutes=59)
        renewed = vault.renew(token).access_token

        clock.passes(minutes=59)

        assert vault.authenticate(renewed) == "client"

    def test_renewal_ends_where_the_login_said(self, vault, clock, token):
        for _ in range(3):
            clock.passes(minutes=55)
            token = vault.renew(token).access_token

        clock.passes(minutes=15)

        with refused(401, match="TTL"):
            vault.renew(token)

    def test_the_last_renewal_is_shorter(self, vault, clock, token):
        grants = []
        for _ in range(3):
            clock.passes(minutes=55)
            grants.append(vault.renew(token))

        assert grants[-1].ttl == timedelta(minutes=15)

    def test_an_expired_one_is_not_renewed(self, vault, clock, token):
        clock.passes(hours=1)

        with refused(401, error="UnauthorizedError"):
            vault.renew(token)

    def test_a_revoked_one_is_unauthorized(self, vault, token):
        vault.revoke(token)

        with refused(401, error="UnauthorizedError"):
            vault.authenticate(token)

    def test_revoking_ends_all_of_its_session(self, vault, token):
        renewed = vault.renew(token).access_token

        vault.revoke(token)

        with refused(401):
            vault.authenticate(renewed)

    def test_and_nobody_elses(self, vault, token):
        other = vault.login("client", SECRET).access_token

        vault.revoke(token)

        assert vault.authenticate(other) == "client"

    def test_an_invented_one_is_refused(self, vault):
        with refused(403, error="TokenError", match="malformed"):
            vault.authenticate("invented")


class TestSecrets:
    def test_what_is_stored_is_read(self, vault):
        vault.create(KEK, "KEK_1", "value", comment="why")

        latest = vault.secret(KEK, "KEK_1").latest

        assert (latest.number, latest.value, latest.comment) == (1, "value", "why")

    def test_a_name_is_taken_once_in_a_folder(self, vault):
        vault.create(KEK, "KEK_1", "one")

        with refused(400, error="BadRequest", match="Secret already exist"):
            vault.create(KEK, "KEK_1", "two")

    def test_but_again_in_another(self, vault):
        vault.create(KEK, "KEK_1", "one")
        vault.create(ROOT, "KEK_1", "two")

        assert vault.secret(KEK, "KEK_1").latest.value == "one"

    def test_each_write_is_a_version_and_none_is_lost(self, vault):
        vault.create(KEK, "KEK_1", "one")
        vault.update(KEK, "KEK_1", value="two")

        secret = vault.secret(KEK, "KEK_1")

        assert secret.latest.value == "two"
        assert secret.at(1).value == "one"

    def test_a_version_that_never_was_is_not_found(self, vault):
        vault.create(KEK, "KEK_1", "one")

        with refused(404):
            vault.secret(KEK, "KEK_1").at(2)

    def test_an_update_keeps_what_it_does_not_name(self, vault):
        vault.create(KEK, "KEK_1", "one", comment="why")

        updated = vault.update(KEK, "KEK_1", comment="because")

        assert updated.latest.value == "one"
        assert updated.latest.comment == "because"

    def test_a_renamed_one_is_found_by_its_new_name_only(self, vault):
        before = vault.create(KEK, "KEK_1", "one")
        vault.update(KEK, "KEK_1", new_name="KEK_2")

        assert vault.secret(KEK, "KEK_2").secret_id == before.secret_id
        with refused(404):
            vault.secret(KEK, "KEK_1")

    def test_a_name_in_use_is_not_given_away(self, vault):
        vault.create(KEK, "KEK_1", "one")
        vault.create(KEK, "KEK_2", "two")

        with refused(400):
            vault.update(KEK, "KEK_1", new_name="KEK_2")

    def test_a_deleted_one_is_gone_with_its_versions(self, vault):
        secret = vault.create(KEK, "KEK_1", "one")
        vault.delete(KEK, "KEK_1")

        with refused(404):
            vault.secret(KEK, "KEK_1")
        with refused(404):
            vault.secret_of(secret.secret_id)

    @pytest.mark.parametrize("act", ["secret", "create", "update", "delete"])
    def test_a_missing_folder_is_not_found(self, vault, act):
        nowhere = Place(project_id="p", environment="dev", path="/nowhere")
        more = ["value"] if act == "create" else []

        with refused(404, match="Folder with path '/nowhere'"):
            getattr(vault, act)(nowhere, "KEK_1", *more)

    def test_nor_is_another_environment_the_same(self, vault):
        vault.create(KEK, "KEK_1", "one")
        elsewhere = Place(project_id="p", environment="prod", path=KEK.path)

        with refused(404):
            vault.secret(elsewhere, "KEK_1")

    def test_an_unknown_project_is_named(self, vault):
        with refused(404, match="Project with ID 'q'"):
            vault.secret(Place(project_id="q", environment="dev", path="/"), "KEK_1")

    def test_a_list_is_of_one_folder_unless_asked_for_all(self, vault):
        vault.create(ROOT, "TOP", "one")
        vault.create(KEK, "KEK_1", "two")

        assert [each.latest.name for each in vault.secrets(ROOT)] == ["TOP"]
        assert len(vault.secrets(ROOT, recursive=True)) == 2


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("value", "value"),
        ("  value \t", "value"),
        ("value\n", "value\n"),
        ("value\n\n", "value\n"),
        ("\n value", "value"),
        ("", ""),
    ],
)
def test_values_are_trimmed_and_one_newline_survives(given, kept):
    assert trimmed(given) == kept


class TestFolders:
    def test_the_seed_has_its_folders(self, vault):
        assert [each.name for each in vault.folders(ROOT)] == ["solver-ralph"]

    def test_a_new_one_takes_secrets(self, vault):
        folder = vault.create_folder(KEK, "old")

        vault.create(folder.place, "KEK_1", "one")

        assert folder.place.path == "/solver-ralph/kek/old"

    def test_missing_parents_are_made(self, vault):
        parent = Place(project_id="p", environment="dev", path="/a/b")

        vault.create_folder(parent, "c")

        names = [each.place.path for each in vault.folders(ROOT, recursive=True)]
        assert names == ["/a", "/a/b", "/a/b/c", "/solver-ralph", "/solver-ralph/kek"]

    def test_one_is_made_once(self, vault):
        with refused(400, match="already exists"):
            vault.create_folder(ROOT, "solver-ralph")

    def test_one_with_a_longer_name_is_not_below(self, vault):
        vault.create_folder(ROOT, "solver-ralph-2")
        parent = Place(project_id="p", environment="dev", path="/solver-ralph")

        assert [each.name for each in vault.folders(parent)] == ["kek"]


def fail(vault, *, times):
    for _ in range(times):
        with refused(401):
            vault.login("client", "wrong")
