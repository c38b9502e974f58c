"""Who may send requests."""

import pytest
from starlette.datastructures import Headers

from framework.inference.serving.access import AccessPolicy, is_loopback

LOCAL = AccessPolicy(host="127.0.0.1")
OPEN = AccessPolicy()
FRIENDLY = AccessPolicy(("https://example.org",), "127.0.0.1")


def code(policy, **headers):
    """The code of the error, if any."""
    error = policy.error(Headers({name.replace("_", "-"): value for name, value in headers.items()}))
    return error and error.code


@pytest.mark.parametrize("origin", ["https://a.b", "http://127.0.0.1:3000", "null", "http://["])
def test_a_page_of_another_site_is_rejected(server, faces, origin):
    response = server.post(content=faces["sad"], headers={"Origin": origin})
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "foreign_origin"
    assert server.get("/health").json()["queue"] == 0


def test_an_allowed_site_is_accepted(strict, faces):
    response = strict.post(content=faces["sad"], headers={"Origin": "https://example.org"})
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == "https://example.org"
    assert strict.post(content=faces["sad"], headers={"Origin": "https://a.b"}).status_code == 403


def test_a_foreign_host_name_is_rejected(server, faces):
    page = f"evil.example:{server.port}"
    response = server.post(content=faces["sad"], headers={"Host": page, "Origin": f"http://{page}"})
    assert response.status_code == 403
    assert response.json()["error"]["code"] == "foreign_host"


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost:9000", "LOCALHOST", "a.localhost", "[::1]:8000", "127.0.1.1"]
)
def test_names_of_this_machine_are_accepted(host):
    assert code(LOCAL, host=host) is None
    assert code(LOCAL, host=host, origin=f"http://{host}") is None


def test_the_name_given_by_the_user_is_accepted():
    assert code(AccessPolicy(host="My-Laptop"), host="my-laptop:8000") is None
    assert code(LOCAL, host="my-laptop:8000") == "foreign_host"


@pytest.mark.parametrize("host", ["[", "127.0.0.1.evil.example", "localhost.evil.example", "0.0.0.0:8000"])
def test_a_name_that_resembles_this_machine_s_is_rejected(host):
    assert code(LOCAL, host=host) == "foreign_host"


def test_a_program_without_a_host_header_is_accepted():
    assert code(LOCAL) is None


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "example.org", "origin": "https://example.org"},  # passed on
        {"host": "example.org", "origin": "http://example.org:8443"},  # without the port
        {"host": "10.0.0.7:8000", "origin": "https://example.org", "sec_fetch_site": "same-origin"},  # changed
    ],
)
def test_a_proxy_of_a_public_server_needs_no_option(headers):
    assert code(OPEN, **headers) is None


def test_a_proxy_on_this_machine_needs_allow_origin():
    headers = {"host": "example.org", "origin": "https://example.org"}
    assert code(LOCAL, **headers) == "foreign_host"
    assert code(FRIENDLY, **headers) is None
    assert code(FRIENDLY, host="127.0.0.1:8000", origin="https://example.org") is None


def test_any_site_can_be_accepted():
    assert code(AccessPolicy(("*",), "127.0.0.1"), host="a.b", origin="https://c.d") is None


@pytest.mark.parametrize(
    ("address", "loopback"), [("127.0.0.1", True), ("::1%lo", True), ("0.0.0.0", False), ("localhost", False)]
)
def test_loopback_addresses(address, loopback):
    assert is_loopback(address) == loopback
