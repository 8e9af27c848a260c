"""Known originals over HTTP, on the running service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import clips
from tests.service.api.test_checks import program
from tests.service.desk import Desk
from tests.service.tree import Tree, tree, until
from tests.support import films
from unmask.service.people.actor import Scope

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    with tree(tmp_path_factory.mktemp("service") / "data", workers="1") as made:
        yield made


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> films.Film:
    return films.film(3, films.portraits(), 4.0, area=0.12)


def test_a_clip_is_found_in_what_was_registered_until_that_is_taken_back(
    running: Tree, film: films.Film, tmp_path: Path
) -> None:
    whole = clips.write_video(
        tmp_path / "film.mp4", (film.frame(i / 25) for i in range(100)), gop=25
    )
    part = clips.write_video(
        tmp_path / "part.mp4", (film.frame(1.5 + i / 25) for i in range(40)), gop=25
    )
    http = httpx.Client(
        base_url=f"{running.url}/api/v1",
        headers={"Authorization": f"Bearer {running.key}"},
        timeout=60,
    )
    with http, running.client() as client:
        told = {"owner": "The broadcaster", "title": "The drama", "name": "film.mp4"}
        made = http.post("/originals", params=told, content=whole.read_bytes())
        assert made.status_code == 201
        address = f"/originals/{made.json()['id']}"
        until(lambda: http.get(address).json()["state"] == "done")
        before = client.result(client.wait(client.upload(part), timeout=60).id).originals
        (match,) = before
        (registration,) = match.registrations
        assert (registration.title, registration.owner) == ("The drama", "The broadcaster")
        assert registration.name == "film.mp4"
        assert match.original_start == pytest.approx(1.5, abs=0.5)
        assert http.delete(address).status_code == 204
        assert http.get(address).status_code == 404
        again = client.result(client.wait(client.upload(part), timeout=60).id)
        assert again.originals == ()


def test_what_is_no_footage_ends_with_a_reason(running: Tree) -> None:
    headers = {"Authorization": f"Bearer {running.key}"}
    with httpx.Client(base_url=f"{running.url}/api/v1", headers=headers, timeout=60) as http:
        made = http.post(
            "/originals", params={"owner": "Us", "name": "letter.mp4"}, content=b"Dear editor"
        )
        address = f"/originals/{made.json()['id']}"
        until(lambda: http.get(address).json()["state"] == "failed")
        assert http.get(address).json()["error"].startswith("letter.mp4: ")


def test_registering_again_changes_nothing(desk: Desk) -> None:
    owner = program(desk, Scope.ORIGINALS, Scope.READ)
    first, second = (
        owner.post("/api/v1/originals?owner=Us&title=A", content=b"film") for _ in range(2)
    )
    other = owner.post("/api/v1/originals?owner=Them", content=b"film")
    assert (first.status_code, second.status_code, other.status_code) == (201, 200, 201)
    assert first.json()["id"] == second.json()["id"] != other.json()["id"]
    assert [one["owner"] for one in owner.get("/api/v1/originals").json()["items"]] == [
        "Them",
        "Us",
    ]


def test_another_organisations_originals_are_not_there(desk: Desk) -> None:
    made = (
        program(desk, Scope.ORIGINALS)
        .post("/api/v1/originals?owner=Us", content=b"film")
        .json()["id"]
    )
    stranger = program(desk, Scope.ORIGINALS, Scope.READ, tenant="theirs")
    assert stranger.get(f"/api/v1/originals/{made}").status_code == 404
    assert stranger.delete(f"/api/v1/originals/{made}").status_code == 404
    assert stranger.get("/api/v1/originals").json()["items"] == []


def test_uploading_is_not_enough_to_register(desk: Desk) -> None:
    answer = program(desk, Scope.READ, Scope.UPLOAD).post(
        "/api/v1/originals?owner=Us", content=b"film"
    )
    assert answer.status_code == 403
