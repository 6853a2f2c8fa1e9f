"""R-API-12: the description is whole, and it is what is served."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from sr_core.api import description
from sr_core.api.app import build_app, build_description
from sr_core.api.idempotency import SAFE_METHODS
from sr_core.testing import Stage, TokenTable

DOCUMENT = build_description().document
TOLD = {
    f"{method.upper()} {path}": told
    for path, methods in DOCUMENT["paths"].items()
    for method, told in methods.items()
}


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part]
    return found


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for each in value.values():
            yield from references(each)
    elif isinstance(value, list):
        for each in value:
            yield from references(each)


class TestWhole:
    def test_every_route_of_the_application_is_in_it(self):
        app = build_app(Stage().platform, TokenTable({}), [])
        served = {
            f"{method} {route.path_format}"
            for route in app.routes
            for method in getattr(route, "methods", ())
            if method != "OPTIONS"
        }

        assert served == TOLD.keys()

    def test_it_is_of_the_version_it_says(self):
        assert DOCUMENT["openapi"].startswith("3.1.")

    def test_every_reference_leads_somewhere(self):
        found = set(references(DOCUMENT))

        assert found
        assert all(resolved(each) for each in found)

    def test_operations_have_names_of_their_own(self):
        names = [told["operationId"] for told in TOLD.values()]

        assert len(names) == len(set(names))

    def test_every_tag_is_told(self):
        used = {tag for told in TOLD.values() for tag in told["tags"]}

        assert used == {each["name"] for each in DOCUMENT["tags"]}

    @pytest.mark.parametrize("name", TOLD)
    def test_an_operation_says_what_it_is(self, name):
        assert TOLD[name]["summary"]
        assert TOLD[name]["description"].startswith(TOLD[name]["summary"])

    @pytest.mark.parametrize("name", TOLD)
    def test_its_refusals_are_problems(self, name):
        told = TOLD[name]
        for status in ("400", "413", "414", "415", "431", "500"):
            answer = resolved(told["responses"][status]["$ref"])
            assert answer["content"].keys() == {"application/problem+json"}
        is_open = told["security"] == []
        assert (
            ("401" in told["responses"]) is ("403" in told["responses"]) is not is_open
        )

    @pytest.mark.parametrize("name", TOLD)
    def test_what_may_be_named_takes_a_name(self, name):
        told = str(TOLD[name]["parameters"])

        is_unsafe = name.split()[0] not in SAFE_METHODS
        assert ("Idempotency-Key" in told) is is_unsafe
        assert ("409" in TOLD[name]["responses"]) is is_unsafe

    def test_every_link_leads_to_an_operation_and_a_field(self):
        targets = {told["operationId"]: told for told in TOLD.values()}
        links = [
            link
            for told in TOLD.values()
            for answer in told["responses"].values()
            for link in answer.get("links", {}).values()
        ]

        for link in links:
            ((parameter, expression),) = link["parameters"].items()
            assert re.fullmatch(r"\$response\.body#/\w+", expression)
            known = {
                each.get("name") for each in targets[link["operationId"]]["parameters"]
            }
            assert parameter in known

    def test_an_answer_that_names_a_thing_links_to_its_routes(self):
        form = {"$ref": "#/components/schemas/Made"}
        make: dict[str, Any] = {
            "operationId": "make",
            "responses": {"201": {"content": {"application/json": {"schema": form}}}},
        }
        read: dict[str, Any] = {"operationId": "read", "responses": {"200": {}}}
        document = {
            "paths": {"/things": {"post": make}, "/things/{thing_id}": {"get": read}},
            "components": {"schemas": {"Made": {"properties": {"thing_id": {}}}}},
        }

        description._link(document)  # noqa: SLF001 - on a document of its own

        assert make["responses"]["201"]["links"] == {
            "read": {
                "operationId": "read",
                "parameters": {"thing_id": "$response.body#/thing_id"},
            }
        }
        assert "links" not in read["responses"]["200"]

    def test_the_scheme_is_a_bearer_token(self):
        assert DOCUMENT["components"]["securitySchemes"]["accessToken"]["scheme"] == (
            "bearer"
        )

    def test_problems_have_the_codes_that_are_documented(self):
        codes = DOCUMENT["components"]["schemas"]["Problem"]["properties"]["code"][
            "enum"
        ]

        assert {"NO_SUCH_ROUTE", "NOT_AUTHENTICATED", "INTERNAL_ERROR"} <= set(codes)
        assert "MALFORMED_INPUT" in codes


@pytest.mark.anyio
class TestServed:
    async def test_it_is_what_is_served_to_whoever_asks(self, api):
        answer = await api.get("/openapi.json", by=None)

        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json() == DOCUMENT

    @pytest.mark.parametrize("path", ["/schema", "/schema/openapi.json", "/docs", "/"])
    async def test_nothing_is_served_beside_it(self, api, path):
        answer = await api.get(path)

        assert answer.status_code == 404
        assert answer.json()["code"] == "NO_SUCH_ROUTE"
