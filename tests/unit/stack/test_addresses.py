"""The addresses of a stack travel as JSON, and nothing is guessed on the way."""

import json
from dataclasses import replace

import pytest

from pytest_sr.stack.addresses import (
    Client,
    InfisicalAddress,
    IssuerAddress,
    NatsAddress,
    Person,
    PostgresAddress,
    PostgresLogin,
    S3Address,
    S3Keys,
    StackAddresses,
)
from pytest_sr.stack.errors import AddressesError

WORD = "word"
HARD_WORD = "p@ss/w:rd"
ADDRESSES = StackAddresses(
    directory="/somewhere/sr-stack-1000-1-00",
    backend="embedded",
    postgres=PostgresAddress(
        host="127.0.0.1",
        port=1,
        user="p",
        password=WORD,
        app=PostgresLogin(user="app", password=WORD),
        publisher=PostgresLogin(user="bus", password=WORD),
    ),
    s3=S3Address(
        endpoint="127.0.0.1:2",
        region="r",
        admin=S3Keys(access_key="A", secret_key=WORD),
        app=S3Keys(access_key="B", secret_key=WORD),
    ),
    nats=NatsAddress(
        url="nats://127.0.0.1:3", user="n", password=WORD, monitor_url="m"
    ),
    infisical=InfisicalAddress(
        url="http://127.0.0.1:4",
        client_id="c",
        client_secret=WORD,
        project_id="e",
        environment="dev",
    ),
    issuer=IssuerAddress(
        issuer_url="http://127.0.0.1:5",
        audience="aud",
        clients=(
            Client(client_id="m", client_secret=WORD, subject="machine-m", roles=()),
        ),
        people=(
            Person(
                name="alice", password=WORD, subject="person-alice", roles=("human",)
            ),
        ),
    ),
    versions={"postgres": "17.10"},
    binaries={"postgres": "/bin/postgres"},
)


@pytest.fixture
def document():
    return json.loads(ADDRESSES.to_json())


def read(document):
    return StackAddresses.from_json(json.dumps(document))


def test_what_is_read_is_what_was_written():
    assert StackAddresses.from_json(ADDRESSES.to_json()) == ADDRESSES


def test_they_are_one_line():
    assert "\n" not in ADDRESSES.to_json()


def test_an_unknown_key_is_refused_by_its_name(document):
    document["postgress"] = document["postgres"]

    with pytest.raises(AddressesError, match="unknown keys postgress"):
        read(document)


def test_so_is_one_deep_inside(document):
    document["issuer"]["people"][0]["nickname"] = "al"

    with pytest.raises(AddressesError, match=r"people\[0\] has unknown keys nickname"):
        read(document)


def test_a_missing_key_is_refused_by_its_name(document):
    del document["s3"]["admin"]["secret_key"]

    with pytest.raises(AddressesError, match=r"s3\.admin lacks secret_key"):
        read(document)


@pytest.mark.parametrize("port", ["5432", 5432.0, True, None])
def test_a_value_of_another_type_is_refused(document, port):
    document["postgres"]["port"] = port

    with pytest.raises(AddressesError, match=r"postgres\.port is a"):
        read(document)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"text"'])
def test_text_that_is_no_addresses_is_refused(text):
    with pytest.raises(AddressesError):
        StackAddresses.from_json(text)


def test_a_dsn_keeps_what_a_url_would_read_otherwise():
    postgres = replace(ADDRESSES.postgres, password=HARD_WORD)

    assert postgres.dsn("a b") == "postgresql://p:p%40ss%2Fw%3Ard@127.0.0.1:1/a%20b"


def test_a_platform_has_logins_of_its_own():
    app = replace(ADDRESSES.postgres.app, password=HARD_WORD)
    postgres = replace(ADDRESSES.postgres, app=app)

    assert postgres.app_dsn("a") == "postgresql://app:p%40ss%2Fw%3Ard@127.0.0.1:1/a"
    assert postgres.publisher_dsn("a") == "postgresql://bus:word@127.0.0.1:1/a"


def test_people_and_clients_are_found_by_name():
    assert ADDRESSES.issuer.person("alice").roles == ("human",)
    assert ADDRESSES.issuer.client("m").subject == "machine-m"
