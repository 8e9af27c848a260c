"""Facts of a file beside its verdict on the page, and what admins do with the file there."""

from __future__ import annotations

from tests.service.desk import Desk


def test_a_case_names_the_uploader_the_file_and_its_other_checks(desk: Desk) -> None:
    first = desk.check(b"a clip", uploader=desk.account("rob").id)
    other = desk.check(b"a clip", configuration="another", verdict="cannot tell")
    desk.check(b"a clip", tenant="theirs", configuration="theirs")
    rob = desk.browser(person="rob")
    cases = [rob.post("/api/v1/cases", json={"check": check}).json() for check in (first, other)]
    page = rob.get(f"/cases/{cases[0]['id']}").text
    assert cases[0]["sha256"] in page
    assert "Rob" in page
    assert f'href="/cases/{cases[1]["id"]}"' in page
    assert page.count("/checks/") == 1, "nobody else's check of the same file"
    assert '<span class="count">2<' in page
    assert 'class="count"' not in desk.browser(person="vera").get("/checks").text


def test_an_admin_holds_releases_and_deletes_a_file(desk: Desk) -> None:
    check = desk.check()
    address = f"/checks/{check}/media"
    admin, rob = desk.browser(person="ada"), desk.browser(person="rob")
    assert address not in rob.get(f"/checks/{check}").text
    csrf = {"csrf": admin.headers.pop("X-CSRF-Token")}

    def do(what: str, **more: str) -> int:
        return admin.post(f"{address}/{what}", data=csrf | more, follow_redirects=False).status_code

    assert do("hold") == 422
    assert do("hold", reason="court order 12/34") == 303
    assert "court order 12/34" in admin.get(f"/checks/{check}").text
    assert do("deletion", sure="yes") == 409
    assert do("release") == 303
    assert do("deletion") == 303
    assert admin.get(f"/api/v1/checks/{check}/media").status_code == 200, "the box was not ticked"
    assert do("deletion", sure="yes") == 303
    assert admin.get(f"/api/v1/checks/{check}/media").status_code == 410
    assert address not in admin.get(f"/checks/{check}").text
    csrf = {"csrf": rob.headers.pop("X-CSRF-Token")}
    assert rob.post(f"{address}/deletion", data=csrf | {"sure": "yes"}).status_code == 403
