"""The register of licences on the running service, up to a case that reopens; and permissions."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from PIL import Image, PngImagePlugin
from skimage.data import astronaut
from sqlalchemy import select

from tests.licences.test_check import XMP
from tests.service.api.test_checks import program
from tests.service.desk import Desk
from tests.service.tree import tree, until
from tests.support.authority import Authority
from tests.support.owner import Owner
from unmask.licences import files, licence
from unmask.licences.licence import Licence
from unmask.service.domain import cases
from unmask.service.domain.cases import Decision
from unmask.service.people.actor import Scope
from unmask.service.store.tables import AuditEntry, CaseFile, Check, Media, Reliance

pytestmark = pytest.mark.slow


@pytest.fixture
def zoe(tmp_path: Path) -> Owner:
    return Owner.in_folder(tmp_path / "zoe")


def labelled() -> bytes:
    """Makes a photo of a face whose label says that the studio made it with AI."""
    out, info = io.BytesIO(), PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", XMP)
    Image.fromarray(astronaut()[:256, 96:352]).save(out, "PNG", pnginfo=info)
    return out.getvalue()


def taken_back(zoe: Owner, path: Path, seconds: float = 2) -> str:
    """Returns the text of a newer list, in which a licence is revoked."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return licence.revoke((Licence.of(path),), zoe.folder / "list.json", zoe.key, at).text()


def test_a_case_that_rests_on_a_licence_reopens_when_it_is_taken_back(
    zoe: Owner, tmp_path: Path
) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(labelled())
    path = zoe.grants("licence.json", files=[files.sha256(photo)])
    with tree(tmp_path / "data", workers="1") as running, running.client() as client:
        key = {"Authorization": f"Bearer {running.key}"}
        with httpx.Client(base_url=f"{running.url}/api/v1", headers=key, timeout=60) as http:
            for name in ("key.pub", "licence.json", "list.json"):
                made = http.post("/licences", json={"text": (zoe.folder / name).read_text()})
                assert made.status_code == 201, made.text
            check = client.wait(client.upload(photo), timeout=120)
            assert (check.verdict, client.result(check.id).basis) == ("licensed change", "declared")
            case = http.post("/cases", json={"check": check.id}).json()["id"]
            decided = http.post(
                f"/cases/{case}/decisions", json={"decision": "keep", "grounds": "It is licensed."}
            )
            assert decided.status_code < 300, decided.text
            renewed = http.post("/licences", json={"text": taken_back(zoe, path)})
            assert (renewed.status_code, renewed.json()["kind"]) == (200, "list")
            until(lambda: http.get(f"/cases/{case}").json()["state"] == "reopened")
            found = client.result(check.id)
            assert found.verdict != "licensed change"
            assert any("the licence was taken back" in limit for limit in found.limits)


def registered(desk: Desk, zoe: Owner, *names: str) -> None:
    keeper = program(desk, Scope.LICENCES)
    for name in names:
        answer = keeper.post("/api/v1/licences", json={"text": (zoe.folder / name).read_text()})
        assert answer.status_code == 201, answer.text


def test_where_the_file_is_gone_the_case_reopens_at_once(desk: Desk, zoe: Owner) -> None:
    path = zoe.grants("licence.json")
    registered(desk, zoe, "key.pub", "licence.json", "list.json")
    check = desk.check(verdict="licensed change")
    with desk.database.transaction() as session:
        session.add(Reliance(check=check, licence=Licence.of(path).sha256))
        row = session.get_one(Check, check)
        session.get_one(Media, (row.tenant, row.sha256)).deleted = 3.0
        case = cases.open_for(session, desk.actor("rob"), row).id
        cases.decide(session, desk.actor("rob"), case, Decision.KEEP, "It is licensed.")
    answer = program(desk, Scope.LICENCES).post(
        "/api/v1/licences", json={"text": taken_back(zoe, path)}
    )
    assert answer.status_code == 200
    with desk.database.reading() as session:
        assert session.get_one(CaseFile, case).state == "reopened"
        told = session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.startswith("licence."))
        )
        assert list(told) == ["licence.added"] * 3 + ["licence.renewed", "licence.taken_back"]


def test_an_older_list_and_a_stranger_s_by_the_same_name_take_no_place(
    desk: Desk, zoe: Owner, tmp_path: Path
) -> None:
    path = zoe.grants("licence.json")
    old = (zoe.folder / "list.json").read_text()
    keeper = program(desk, Scope.LICENCES, Scope.READ)
    newer = keeper.post("/api/v1/licences", json={"text": taken_back(zoe, path)}).json()
    again = keeper.post("/api/v1/licences", json={"text": old})
    assert (again.status_code, again.json()["begins"]) == (200, newer["begins"])
    mallory = Owner.in_folder(tmp_path / "mallory", "Mallory")
    mallory.grants("any.json")
    theirs = mallory.lists[0].model_copy(update={"id": newer["title"], "proof": None})
    forged = theirs.signed_by(mallory.key, datetime.now(UTC)).text()
    assert keeper.post("/api/v1/licences", json={"text": forged}).status_code == 201
    assert len(keeper.get("/api/v1/licences").json()["items"]) == 2


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "{}",
        '{"type": ["PortraitLicence"]}',
        "-----BEGIN CERTIFICATE-----\nAAAA",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_what_is_none_of_these_is_refused(desk: Desk, text: str) -> None:
    answer = program(desk, Scope.LICENCES).post("/api/v1/licences", json={"text": text})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("this cannot be taken into the register: ")


def test_authorities_are_named_and_private_keys_refused(desk: Desk) -> None:
    ours = Authority.called("Our authority")
    keeper = program(desk, Scope.LICENCES, Scope.READ)
    made = keeper.post("/api/v1/licences", json={"text": ours.pem}).json()
    assert (made["kind"], "Our authority" in made["title"]) == ("authority", True)
    both = ours.pem + ours.vouches("A studio").key.decode()
    assert keeper.post("/api/v1/licences", json={"text": both}).status_code == 422
    assert keeper.delete(f"/api/v1/licences/{made['id']}").status_code == 204
    assert keeper.get("/api/v1/licences").json()["items"] == []


def test_another_organisation_s_register_is_not_there_and_uploading_is_not_enough(
    desk: Desk, zoe: Owner
) -> None:
    registered(desk, zoe, "key.pub")
    (made,) = program(desk, Scope.READ).get("/api/v1/licences").json()["items"]
    stranger = program(desk, Scope.LICENCES, Scope.READ, tenant="theirs")
    assert stranger.get(f"/api/v1/licences/{made['id']}").status_code == 404
    assert stranger.delete(f"/api/v1/licences/{made['id']}").status_code == 404
    assert stranger.get("/api/v1/licences").json()["items"] == []
    uploader = program(desk, Scope.READ, Scope.UPLOAD)
    assert uploader.post("/api/v1/licences", json={"text": "x"}).status_code == 403
