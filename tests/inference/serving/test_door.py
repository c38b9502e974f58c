"""Whose pages may ask."""

import pytest
from starlette.datastructures import Headers

from framework.inference.serving.door import Door, is_loopback

LOCAL = Door(host="127.0.0.1")
OPEN = Door()
FRIENDLY = Door(("https://example.org",), "127.0.0.1")


def code(door, **headers):
    """Of the refusal."""
    refused = door.refusal(Headers({name.replace("_", "-"): value for name, value in headers.items()}))
    return refused and refused.code


@pytest.mark.parametrize("origin", ["https://a.b", "http://127.0.0.1:3000", "null", "http://["])
def test_a_page_of_another_site_may_not_ask(server, faces, origin):
    refused = server.post(content=faces["sad"], headers={"Origin": origin})
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "foreign_origin"
    assert server.get("/health").json()["queue"] == 0


def test_another_site_may_ask_where_it_is_allowed_to(strict, faces):
    response = strict.post(content=faces["sad"], headers={"Origin": "https://example.org"})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://example.org"
    assert strict.post(content=faces["sad"], headers={"Origin": "https://a.b"}).status_code == 403


def test_a_name_that_was_made_to_lead_to_this_machine_is_refused(server, faces):
    page = f"evil.example:{server.port}"
    refused = server.post(content=faces["sad"], headers={"Host": page, "Origin": f"http://{page}"})
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "foreign_host"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost:9000", "LOCALHOST", "a.localhost", "[::1]:8000", "127.0.1.1"]
)
def test_this_machine_s_own_names_are_known(host):
    assert code(LOCAL, host=host) is None
    assert code(LOCAL, host=host, origin=f"http://{host}") is None


def test_the_name_that_the_user_listens_on_is_known():
    assert code(Door(host="My-Laptop"), host="my-laptop:8000") is None
    assert code(LOCAL, host="my-laptop:8000") == "foreign_host"


@pytest.mark.parametrize("host", ["[", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0:8000"])
def test_what_only_looks_like_this_machine_is_not(host):
    assert code(LOCAL, host=host) == "foreign_host"


def test_a_program_that_names_no_host_may_ask():
    assert code(LOCAL) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "example.org", "origin": "https://example.org"},  # passed on
        {"host": "example.org", "origin": "http://example.org:8443"},  # without the port
        {"host": "10.0.0.7:8000", "origin": "https://example.org", "sec_fetch_site": "same-origin"},  # changed
    ],
)
def test_a_proxy_before_a_server_that_others_can_reach_needs_nothing(headers):
    assert code(OPEN, **headers) is None


def test_a_proxy_on_this_machine_is_named():
    asked = {"host": "example.org", "origin": "https://example.org"}
    assert code(LOCAL, **asked) == "foreign_host"
    assert code(FRIENDLY, **asked) is None
    assert code(FRIENDLY, host="127.0.0.1:8000", origin="https://example.org") is None


def test_where_all_sites_may_ask_nobody_is_refused():
    assert code(Door(("*",), "127.0.0.1"), host="a.b", origin="https://c.d") is None


@pytest.mark.parametrize(
    ("address", "loopback"), [("127.0.0.1", True), ("::1%lo", True), ("0.0.0.0", False), ("localhost", False)]
)
def test_only_addresses_are_loopback(address, loopback):
    assert is_loopback(address) == loopback
