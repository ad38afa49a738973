from typing import Any

import pytest
from django.test import Client

from tests.veza.kit.conftest import assert_problem
from veza.kit.api.etags import etag_of

URL = "/api/v1/document"


class TestEtagOf:
    def test_tells_versions_apart_and_is_the_same_for_the_same(self) -> None:
        assert etag_of("a", 1) == etag_of("a", 1)
        assert len({etag_of("a", 1), etag_of("a", "1"), etag_of("a1"), etag_of("a", 1, None)}) == 4


class TestReading:
    def test_says_304_when_the_client_has_it(self, client: Client) -> None:
        etag = client.get(URL)["ETag"]
        for header in (etag, f"W/{etag}", f'"x", {etag}', "*"):
            response = client.get(URL, headers={"if-none-match": header})
            assert response.status_code == 304
            assert response["ETag"] == etag
            assert not response.content

    @pytest.mark.parametrize("header", ['"x"', "x", "", ",,,", '"', "W/"])
    def test_answers_in_full_otherwise(self, client: Client, header: str) -> None:
        assert client.get(URL, headers={"if-none-match": header}).status_code == 200


class TestWriting:
    def patch(self, client: Client, **headers: str) -> Any:
        return client.patch(URL, {}, content_type="application/json", headers=headers)

    def test_goes_through_with_the_present_version_or_none_named(self, client: Client) -> None:
        etag = client.get(URL)["ETag"]
        for headers in ({}, {"if-match": etag}, {"if-match": "*"}, {"if-match": f'"x",{etag}'}):
            assert self.patch(client, **headers).status_code == 200

    def test_is_refused_with_another_version(self, client: Client) -> None:
        etag = client.get(URL)["ETag"]
        for header in ('"x"', f"W/{etag}", "", "x", etag.strip('"')):
            response = self.patch(client, **{"if-match": header})
            assert_problem(response, 412, "precondition_failed")

    def test_is_refused_where_nothing_was_to_be_there(self, client: Client) -> None:
        assert_problem(self.patch(client, **{"if-none-match": "*"}), 412, "precondition_failed")
