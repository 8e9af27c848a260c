"""Addresses named by strangers: only the public internet, unless the operator allows more."""

from __future__ import annotations

import asyncio
import gzip
import ipaddress
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service.api.test_checks import program
from tests.service.desk import Desk
from tests.service.listener import Listener, listener
from unmask.service.domain import network
from unmask.service.domain.network import Forbidden, public


@pytest.fixture
def web() -> Iterator[Listener]:
    with listener() as made:
        yield made


def read(
    url: str, hosts: tuple[str, ...] | None = None, private: bool = True, hops: int = 5
) -> tuple[int, bytes]:
    async def ask() -> tuple[int, bytes]:
        async with network.open_response("GET", url, hosts, private, hops) as answer:
            return answer.status_code, await answer.aread()

    return asyncio.run(ask())


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0",  # noqa: S104
        "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "192.0.2.1",
        "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "fe80::1",
        "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2001:0:7f00:1::",
    ],
)  # fmt: skip
def test_no_private_address_is_public(address: str) -> None:
    assert not public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::808:808"]
)
def test_public_addresses_are(address: str) -> None:
    assert public(address)


@given(st.ip_addresses(v=4))
def test_an_address_is_no_more_public_for_being_wrapped(address: ipaddress.IPv4Address) -> None:
    assert public(f"::ffff:{address}") <= public(str(address))
    assert public(str(ipaddress.IPv6Address((0x64FF9B << 96) | int(address)))) == public(
        str(address)
    )


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1"]
)
def test_no_spelling_of_this_machine_is_asked(web: Listener, host: str) -> None:
    port = web.url.rpartition(":")[2]
    with pytest.raises(Forbidden):
        read(f"http://{host}:{port}/", private=False)
    assert web.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "gopher://host/",
        "ftp://host/",
        "//host",
        "",
        "http://",
        "http://[",
        "x",
    ],
)
def test_only_the_web_is_asked(url: str) -> None:
    with pytest.raises(Forbidden):
        read(url)


def test_an_address_with_a_password_is_refused(web: Listener) -> None:
    with pytest.raises(Forbidden, match="password"):
        read(web.url.replace("//", "//user:secret@"))


def test_only_allowed_hosts_are_asked(web: Listener) -> None:
    web.answers["/"] = (200, {}, b"here")
    assert read(f"{web.url}/", ("127.0.0.1",)) == (200, b"here")
    for others in (("example.org",), (), ("27.0.0.1",), (".example.org",)):
        with pytest.raises(Forbidden, match="not among the hosts"):
            read(f"{web.url}/", others)


def test_a_dot_stands_for_all_names_below(web: Listener) -> None:
    web.answers["/"] = (200, {}, b"here")
    assert read(f"{web.url}/", (".0.0.1",)) == (200, b"here")
    with pytest.raises(Forbidden, match="not among the hosts"):
        read(f"{web.url}/", (".0.0.2",))


def test_a_redirect_is_looked_at_anew(web: Listener) -> None:
    port = web.url.rpartition(":")[2]
    web.answers["/"] = (302, {"Location": "/there"}, b"")
    web.answers["/there"] = (200, {}, b"here")
    web.answers["/away"] = (302, {"Location": f"http://localhost:{port}/there"}, b"")
    web.answers["/file"] = (302, {"Location": "file:///etc/passwd"}, b"")
    web.answers["/round"] = (302, {"Location": "/round"}, b"")
    assert read(f"{web.url}/", ("127.0.0.1",)) == (200, b"here")
    for path in ("/away", "/file", "/round"):
        with pytest.raises(Forbidden):
            read(f"{web.url}{path}", ("127.0.0.1",))


def test_the_name_stays_in_the_request(web: Listener) -> None:
    port = web.url.rpartition(":")[2]
    read(f"http://localhost:{port}/")
    assert web.requests[0][2]["host"] == f"localhost:{port}"


def test_fetching_is_off_and_then_bound_to_public_addresses(tmp_path: Path, web: Listener) -> None:
    web.answers["/clip.mp4"] = (200, {}, b"a clip")
    for hosts, title in (((), "Fetching is off"), (("127.0.0.1",), "Address not allowed")):
        desk = Desk(tmp_path / title, {"fetch_hosts": hosts})
        answer = program(desk).post("/api/v1/checks", json={"url": f"{web.url}/clip.mp4"})
        assert (answer.status_code, answer.json()["title"]) == (403, title)
        desk.close()
    assert web.requests == []


def test_what_is_fetched_becomes_a_check_and_is_not_unpacked(
    desk: Desk, web: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        network, "public", lambda _address: True
    )  # as if this machine stood in the internet
    fetching = Desk(
        desk.data / "fetching", {"fetch_hosts": ("127.0.0.1",), "upload_bytes": 1 << 20}
    )
    web.answers["/a%20clip.mp4"] = (200, {}, b"a clip")
    web.answers["/bomb.mp4"] = (200, {"Content-Encoding": "gzip"}, gzip.compress(bytes(100 << 20)))
    web.answers["/large.mp4"] = (200, {}, bytes(2 << 20))
    client = program(fetching)

    def fetch(path: str) -> httpx.Response:
        return client.post("/api/v1/checks", json={"url": f"{web.url}{path}"})

    made = fetch("/a%20clip.mp4")
    assert (made.status_code, made.json()["name"]) == (201, "a clip.mp4")
    assert client.get(f"/api/v1/checks/{made.json()['id']}/media").content == b"a clip"
    assert web.requests[0][2]["accept-encoding"] == "identity"
    assert [
        (one.status_code, one.json()["title"])
        for one in map(fetch, ("/bomb.mp4", "/large.mp4", "/none.mp4"))
    ] == [
        (422, "Cannot be fetched"),
        (413, "Too large"),
        (422, "Cannot be fetched"),
    ]
    fetching.close()
