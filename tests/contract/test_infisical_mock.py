"""Our secrets' keeper speaks Infisical's HTTP: paths, shapes and refusals.

The shapes are those of the real server's secrets v4, folders v2 and auth v1.
"""

import http.client
import threading
from datetime import UTC, datetime, timedelta
from itertools import count

import httpx
import pytest

from pytest_sr.stack.infisical import build_application
from pytest_sr.stack.vault import Vault
from pytest_sr.stack.vault_seeds import ClientSeed, ProjectSeed
from pytest_sr.stack.web import BODY_BYTES_MAX, build_server

WORD = "the right one"
KEK = "/solver-ralph/kek"
LOGIN = "/api/v1/auth/universal-auth/login"
SECRET_KEYS = {
    "id",
    "_id",
    "workspace",
    "environment",
    "version",
    "type",
    "secretKey",
    "secretValue",
    "secretComment",
    "createdAt",
    "updatedAt",
    "secretPath",
    "secretValueHidden",
}


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
def url(clock):
    ids = count(1)
    vault = Vault(
        clients=[ClientSeed(client_id="client", client_secret=WORD)],
        projects=[ProjectSeed(project_id="p", environments=("dev",), folders=(KEK,))],
        now=clock,
        fresh_id=lambda: f"id-{next(ids)}",
    )
    server = build_server(build_application(vault), host="127.0.0.1", port=0)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def anybody(url):
    with httpx.Client(base_url=url, trust_env=False) as client:
        yield client


@pytest.fixture
def machine(url, anybody):
    """A client that is logged in."""
    token = login(anybody).json()["accessToken"]
    headers = {"Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        yield client


def login(client, *, word=WORD, client_id="client"):
    return client.post(LOGIN, json={"clientId": client_id, "clientSecret": word})


def place(path=KEK, **more):
    return {"projectId": "p", "environment": "dev", "secretPath": path, **more}


def create(client, name="KEK_1", value="value", **more):
    return client.post(f"/api/v4/secrets/{name}", json=place(secretValue=value, **more))


def read(client, name="KEK_1", **more):
    return client.get(f"/api/v4/secrets/{name}", params=place(**more))


def is_error(answer, status, error=None):
    body = answer.json()
    return (
        answer.status_code == status
        and body.keys() == {"reqId", "statusCode", "message", "error"}
        and body["statusCode"] == status
        and error in (None, body["error"])
    )


class TestLogin:
    def test_the_right_secret_gets_a_bearer_token_with_its_lifetimes(self, anybody):
        answer = login(anybody)

        assert answer.status_code == 200
        token = answer.json().pop("accessToken")
        assert token
        assert answer.json() == {
            "accessToken": token,
            "expiresIn": 2_592_000,
            "accessTokenMaxTTL": 2_592_000,
            "tokenType": "Bearer",
        }

    def test_blanks_around_the_credentials_are_nothing(self, anybody):
        assert login(anybody, word=f" {WORD}\n").status_code == 200

    @pytest.mark.parametrize("wrong", [{"word": "x"}, {"client_id": "x"}])
    def test_a_wrong_secret_and_an_unknown_client_look_alike(self, anybody, wrong):
        answer = login(anybody, **wrong)

        assert is_error(answer, 401, "UnauthorizedError")
        assert answer.json()["message"] == "Invalid credentials"

    def test_three_failures_lock_for_five_minutes(self, anybody, clock):
        for _ in range(3):
            login(anybody, word="x")

        locked = login(anybody)
        clock.passes(seconds=300)

        assert is_error(locked, 401, "UnauthorizedError")
        assert "temporarily locked" in locked.json()["message"]
        assert login(anybody).status_code == 200

    def test_a_missing_field_is_an_issue_in_a_list(self, anybody):
        answer = anybody.post(LOGIN, json={"clientId": "client"})

        assert is_error(answer, 422, "ValidationFailure")
        (issue,) = answer.json()["message"]
        assert issue["path"] == ["clientSecret"]

    @pytest.mark.parametrize("body", [b"", b"{", b"[]"])
    def test_what_is_no_json_object_is_a_bad_request(self, anybody, body):
        assert is_error(anybody.post(LOGIN, content=body), 400, "BadRequest")


class TestTokens:
    def test_renewal_has_the_shape_of_a_login(self, anybody):
        granted = login(anybody).json()
        token = {"accessToken": granted["accessToken"]}

        renewed = anybody.post("/api/v1/auth/token/renew", json=token)

        assert renewed.json().keys() == granted.keys()

    def test_a_revoked_one_is_unauthorized(self, anybody, machine):
        token = machine.headers["Authorization"].removeprefix("Bearer ")

        revoked = anybody.post("/api/v1/auth/token/revoke", json={"accessToken": token})

        assert revoked.json().keys() == {"message"}
        assert is_error(read(machine), 401, "UnauthorizedError")

    def test_an_expired_one_is_forbidden_as_a_token_error(self, machine, clock):
        clock.passes(days=30)

        answer = read(machine)

        assert is_error(answer, 403, "TokenError")
        message = "Your token has expired. Please re-authenticate."
        assert answer.json()["message"] == message

    def test_an_expired_one_is_not_renewed(self, anybody, clock):
        token = login(anybody).json()["accessToken"]
        clock.passes(days=30)

        answer = anybody.post("/api/v1/auth/token/renew", json={"accessToken": token})

        assert is_error(answer, 401, "UnauthorizedError")

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic x"}])
    def test_none_at_all_is_unauthorized(self, anybody, headers):
        answer = anybody.get("/api/v4/secrets", params=place(), headers=headers)

        assert is_error(answer, 401, "UnauthorizedError")
        assert answer.json()["message"] == "Token missing"

    def test_an_invented_one_is_a_token_error(self, anybody):
        headers = {"Authorization": "Bearer invented"}

        answer = anybody.get("/api/v4/secrets", params=place(), headers=headers)

        assert is_error(answer, 403, "TokenError")


class TestSecrets:
    def test_an_answer_says_which_secret_it_is(self, machine):
        stored = create(machine, secretComment="why").json()["secret"]

        secret = read(machine).json()["secret"]

        assert secret == stored
        assert secret.keys() >= SECRET_KEYS
        assert secret["id"] == secret["_id"]
        assert (secret["workspace"], secret["environment"]) == ("p", "dev")
        assert (secret["secretPath"], secret["secretKey"]) == (KEK, "KEK_1")
        assert (secret["version"], secret["type"]) == (1, "shared")
        assert (secret["secretValue"], secret["secretComment"]) == ("value", "why")
        assert secret["secretValueHidden"] is False

    def test_a_value_is_trimmed_but_for_one_newline(self, machine):
        create(machine, value="  two words \n\n")

        assert read(machine).json()["secret"]["secretValue"] == "two words\n"

    def test_a_name_is_taken_once(self, machine):
        create(machine)

        answer = create(machine)

        assert is_error(answer, 400, "BadRequest")
        assert answer.json()["message"] == "Secret already exist"

    def test_a_trailing_slash_is_the_same_folder(self, machine):
        create(machine)

        assert read(machine, path=f"{KEK}/").status_code == 200

    def test_the_folder_is_the_root_by_default(self, machine):
        create(machine, path="/")
        default = {"projectId": "p", "environment": "dev"}

        answer = machine.get("/api/v4/secrets/KEK_1", params=default)

        assert answer.json()["secret"]["secretPath"] == "/"

    def test_an_update_is_a_new_version_and_the_old_one_stays(self, machine):
        create(machine, value="one")
        updated = machine.patch(
            "/api/v4/secrets/KEK_1", json=place(secretValue="two")
        ).json()["secret"]

        first = read(machine, version="1").json()["secret"]

        assert (updated["version"], updated["secretValue"]) == (2, "two")
        assert (first["version"], first["secretValue"]) == (1, "one")
        assert first["id"] == updated["id"]

    def test_all_versions_are_listed_newest_first(self, machine):
        secret = create(machine).json()["secret"]
        for value in ("two", "three"):
            machine.patch("/api/v4/secrets/KEK_1", json=place(secretValue=value))

        answer = machine.get(
            f"/api/v1/secret/{secret['id']}/secret-versions",
            params={"offset": "1", "limit": "2"},
        )

        assert [each["version"] for each in answer.json()["secretVersions"]] == [2, 1]

    def test_an_update_can_rename(self, machine):
        create(machine)

        machine.patch("/api/v4/secrets/KEK_1", json=place(newSecretName="KEK_2"))

        assert read(machine, "KEK_2").json()["secret"]["secretValue"] == "value"
        assert is_error(read(machine), 404)

    def test_a_deleted_one_is_answered_with_and_gone(self, machine):
        create(machine)

        gone = machine.request("DELETE", "/api/v4/secrets/KEK_1", json=place())

        assert gone.json()["secret"]["secretKey"] == "KEK_1"
        assert is_error(read(machine), 404)

    def test_a_deletion_without_a_body_is_refused(self, machine):
        create(machine)

        answer = machine.delete("/api/v4/secrets/KEK_1", params=place())

        assert is_error(answer, 400)
        assert read(machine).status_code == 200

    def test_a_list_is_of_one_folder_by_name(self, machine):
        for name in ("KEK_2", "KEK_1"):
            create(machine, name)
        create(machine, "TOP", secretPath="/")

        body = machine.get("/api/v4/secrets", params=place()).json()

        assert [each["secretKey"] for each in body["secrets"]] == ["KEK_1", "KEK_2"]
        assert body["imports"] == []

    def test_a_list_can_reach_below(self, machine):
        create(machine)

        answer = machine.get("/api/v4/secrets", params=place("/", recursive="true"))

        assert [each["secretPath"] for each in answer.json()["secrets"]] == [KEK]

    def test_a_value_can_be_left_out(self, machine):
        create(machine)

        secret = read(machine, viewSecretValue="false").json()["secret"]

        assert secret["secretValue"] == "<hidden-by-infisical>"
        assert secret["secretValueHidden"] is True


class TestRefusals:
    @pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
    def test_a_missing_folder_is_not_found(self, machine, method):
        fields = place("/nowhere", secretValue="value")
        where = {"params": fields} if method == "GET" else {"json": fields}

        answer = machine.request(method, "/api/v4/secrets/KEK_1", **where)

        assert is_error(answer, 404)
        assert "Folder with path '/nowhere'" in answer.json()["message"]

    def test_the_error_of_a_write_may_be_its_operation(self, machine):
        assert is_error(create(machine, secretPath="/nowhere"), 404, "CreateSecret")

    def test_a_missing_secret_is_not_found(self, machine):
        assert is_error(read(machine), 404)

    def test_a_version_that_never_was_is_not_found(self, machine):
        create(machine)

        assert is_error(read(machine, version="7"), 404)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"projectId": None}, "projectId"),
            ({"environment": None}, "environment"),
            ({"secretValue": None}, "secretValue"),
            ({"secretValue": 1}, "secretValue"),
            ({"type": "other"}, "type"),
        ],
    )
    def test_a_faulty_field_is_named_and_its_value_is_not(self, machine, change, field):
        body = {**place(secretValue="value"), **change}

        answer = machine.post("/api/v4/secrets/KEK_1", json=body)

        assert is_error(answer, 422, "ValidationFailure")
        assert [each["path"] for each in answer.json()["message"]] == [[field]]

    @pytest.mark.parametrize(
        "asked", [{"version": "one"}, {"version": "-1"}, {"viewSecretValue": "yes"}]
    )
    def test_so_is_a_faulty_parameter(self, machine, asked):
        assert is_error(read(machine, **asked), 422, "ValidationFailure")

    @pytest.mark.parametrize("name", ["TWO%20WORDS", "A%2FB", "A%3AB"])
    def test_not_every_name_is_one(self, machine, name):
        assert is_error(create(machine, name), 422, "ValidationFailure")

    def test_a_machine_has_no_personal_secrets(self, machine):
        assert is_error(create(machine, type="personal"), 400, "BadRequest")

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("PUT", "/api/v4/secrets/KEK_1"),
            ("POST", "/api/v4/secrets"),
            ("POST", "/api/v4/secrets/"),
            ("GET", "/api/v5/secrets"),
            ("GET", "/"),
        ],
    )
    def test_there_is_no_other_route(self, machine, method, path):
        assert is_error(machine.request(method, path), 404, "Not Found")


class TestFolders:
    def test_a_new_one_is_answered_with_its_path(self, machine):
        body = {"projectId": "p", "environment": "dev", "name": "old", "path": KEK}

        folder = machine.post("/api/v2/folders", json=body).json()["folder"]

        assert (folder["name"], folder["path"]) == ("old", f"{KEK}/old")
        assert create(machine, secretPath=folder["path"]).status_code == 200

    def test_they_are_listed_by_the_folder_above(self, machine):
        asked = {"projectId": "p", "environment": "dev", "path": "/solver-ralph"}

        answer = machine.get("/api/v2/folders", params=asked)

        assert [each["name"] for each in answer.json()["folders"]] == ["kek"]

    @pytest.mark.parametrize("name", ["", "a/b", "a b", "ä", None])
    def test_a_name_has_letters_digits_and_dashes_only(self, machine, name):
        body = {"projectId": "p", "environment": "dev", "name": name}

        answer = machine.post("/api/v2/folders", json=body)

        assert is_error(answer, 422, "ValidationFailure")


class TestWire:
    def test_two_requests_share_a_connection(self, machine):
        with machine.stream("GET", "/api/status") as first:
            port = local_port(first)
            first.read()
        with machine.stream("GET", "/api/status") as second:
            assert local_port(second) == port

    def test_every_request_has_an_identifier_of_its_own_in_its_error(self, machine):
        assert read(machine).json()["reqId"] != read(machine).json()["reqId"]

    def test_a_body_without_bound_is_refused(self, url):
        connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        connection.putrequest("POST", LOGIN)
        connection.putheader("Content-Length", str(BODY_BYTES_MAX + 1))
        connection.endheaders()

        assert connection.getresponse().status == 413
        connection.close()


def local_port(response):
    return response.extensions["network_stream"].get_extra_info("client_addr")[1]
