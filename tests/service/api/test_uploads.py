"""Uploads in one piece or in many, complete or not at all."""

from __future__ import annotations

import base64
import hashlib
import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from starlette.testclient import TestClient

from tests.s3 import bucket, s3_server  # noqa: F401 - fixtures
from tests.service.desk import Desk
from unmask.service.app import create_app
from unmask.service.domain import uploads
from unmask.service.people.actor import Scope
from unmask.service.store import storage
from unmask.service.store.tables import Upload

CONTENT = bytes(range(256)) * 40
PIECE = {"Content-Type": "application/offset+octet-stream", "Tus-Resumable": "1.0.0"}


def program(desk: Desk, *scopes: Scope, tenant: str = "ours") -> TestClient:
    _, secret = desk.key(*(scopes or (Scope.READ, Scope.UPLOAD)), tenant=tenant, per_minute=100_000)
    return desk.program(secret, create_app(desk.service))


@pytest.fixture
def client(desk: Desk) -> TestClient:
    return program(desk)


def announce(client: TestClient, length: int = len(CONTENT), **told: str) -> str:
    metadata = ",".join(
        f"{name} {base64.b64encode(text.encode()).decode()}" for name, text in told.items()
    )
    answer = client.post(
        "/api/v1/uploads", headers={"Upload-Length": str(length), "Upload-Metadata": metadata}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.headers["Location"])


def send(client: TestClient, address: str, offset: int, piece: bytes) -> object:
    return client.patch(address, headers={**PIECE, "Upload-Offset": str(offset)}, content=piece)


def lying(desk: Desk) -> list[str]:
    return [one.name for one in desk.service.storage.listed("incoming")]


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(1, len(CONTENT) - 1), max_size=6, unique=True))
def test_a_file_cut_anywhere_arrives_whole(desk: Desk, client: TestClient, cuts: list[int]) -> None:
    address, check = announce(client, filename="clip.mp4"), None
    edges = [0, *sorted(cuts), len(CONTENT)]
    for start, end in pairwise(edges):
        answer = send(client, address, start, CONTENT[start:end])
        assert answer.headers["Upload-Offset"] == str(end)
        check = answer.headers.get("Unmask-Check")
    found = client.get(f"/api/v1/checks/{check}").json()
    assert (found["sha256"], found["name"]) == (hashlib.sha256(CONTENT).hexdigest(), "clip.mp4")
    assert client.get(f"/api/v1/checks/{check}/media").content == CONTENT
    assert lying(desk) == []


def test_an_upload_goes_on_where_it_stopped(client: TestClient) -> None:
    address = announce(client)
    send(client, address, 0, CONTENT[:100])
    where = client.head(address)
    assert (where.headers["Upload-Offset"], where.headers["Upload-Length"]) == (
        "100",
        str(len(CONTENT)),
    )
    assert where.headers["Tus-Resumable"] == "1.0.0"
    assert send(client, address, 0, CONTENT[:100]).status_code == 409
    assert send(client, address, 200, CONTENT[200:]).status_code == 409
    assert send(client, address, 100, CONTENT[100:]).status_code == 204


def test_more_than_was_announced_is_refused(desk: Desk, client: TestClient) -> None:
    address = announce(client, length=10)
    assert send(client, address, 0, CONTENT).status_code == 413
    assert client.head(address).headers["Upload-Offset"] == "0"
    assert lying(desk) == []


def test_a_file_that_arrives_changed_is_refused(desk: Desk, client: TestClient) -> None:
    address = announce(client, sha256="0" * 64)
    answer = send(client, address, 0, CONTENT)
    assert (answer.status_code, answer.json()["title"]) == (422, "Refused")
    assert "was announced" in client.get(address).json()["refused"]
    assert client.get("/api/v1/checks").json()["items"] == []
    assert lying(desk) == []


def test_what_came_whole_while_its_process_was_killed_is_finished(
    desk: Desk, client: TestClient
) -> None:
    address = announce(client)
    piece = desk.service.storage
    piece.put("incoming/whole", CONTENT)
    received = uploads.Received("incoming/whole", hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
    uploads.append(desk.service, desk.actor("ada"), address.rpartition("/")[2], 0, received)
    assert client.get(address).json()["check"] is None
    uploads.tidy(desk.service)
    assert client.get(address).json()["check"] is not None


def test_a_cancelled_upload_leaves_nothing(desk: Desk, client: TestClient) -> None:
    address = announce(client)
    send(client, address, 0, CONTENT[:100])
    assert client.delete(address).status_code == 204
    assert client.head(address).status_code == 404
    assert lying(desk) == []


def test_an_upload_that_nobody_goes_on_with_is_forgotten(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    client = program(desk)
    address = announce(client)
    send(client, address, 0, CONTENT[:100])
    with desk.service.database.transaction() as session:
        session.execute(update(Upload).values(expires=1.0))
    uploads.tidy(desk.service)
    assert client.head(address).status_code == 404
    assert lying(desk) == []
    desk.close()


def test_announcing_twice_with_one_key_announces_once(client: TestClient) -> None:
    headers = {"Upload-Length": "10", "Idempotency-Key": "one"}
    first, second = (client.post("/api/v1/uploads", headers=headers) for _ in range(2))
    assert first.json() == second.json()
    other = client.post("/api/v1/uploads", headers={**headers, "Upload-Length": "11"})
    assert (other.status_code, other.json()["title"]) == (422, "Key used before")


def test_another_organisations_upload_is_not_there(desk: Desk, client: TestClient) -> None:
    address, stranger = announce(client), program(desk, tenant="theirs")
    for answer in (
        stranger.head(address),
        stranger.get(address),
        stranger.delete(address),
        send(stranger, address, 0, b"x"),
    ):
        assert answer.status_code == 404
    assert client.head(address).status_code == 200


def test_what_is_too_large_is_refused_beforehand(tmp_path: Path) -> None:
    desk = Desk(tmp_path, {"upload_bytes": 1000})
    client = program(desk)
    assert client.post("/api/v1/uploads", headers={"Upload-Length": "1001"}).status_code == 413
    assert client.post("/api/v1/checks", content=b"x" * 1001).status_code == 413
    longer = client.post("/api/v1/checks", content=b"x" * 3_000_000)
    assert (longer.status_code, longer.headers["Content-Type"]) == (413, "application/problem+json")
    assert lying(desk) == []
    desk.close()


@pytest.mark.parametrize(
    "metadata",
    ["filename !!!", "filename //8=", "options e30=,sha256 eA==", "options eyJhIjoxfQ=="],
)
def test_what_makes_no_sense_is_said(client: TestClient, metadata: str) -> None:
    answer = client.post(
        "/api/v1/uploads", headers={"Upload-Length": "10", "Upload-Metadata": metadata}
    )
    assert answer.status_code in (400, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_pieces_are_joined_in_a_bucket(tmp_path: Path, bucket: str) -> None:  # noqa: F811 - the fixture
    desk = Desk(tmp_path, {"storage": bucket})
    client = program(desk)
    address = announce(client)
    send(client, address, 0, CONTENT[:5000])
    check = send(client, address, 5000, CONTENT[5000:]).headers["Unmask-Check"]
    part = client.get(f"/api/v1/checks/{check}/media", headers={"Range": "bytes=256-511"})
    assert (part.status_code, part.content) == (206, bytes(range(256)))
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert desk.service.storage.read(storage.media(desk.tenants["ours"], sha256)) == CONTENT
    desk.close()


def test_options_travel_with_the_upload(client: TestClient) -> None:
    plain = send(client, announce(client), 0, CONTENT).headers["Unmask-Check"]
    fine = send(client, announce(client, options=json.dumps({"every": 0.1})), 0, CONTENT).headers[
        "Unmask-Check"
    ]
    assert fine != plain
