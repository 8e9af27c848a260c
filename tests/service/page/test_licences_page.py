"""The register of licences on the page, for admins: filled, refused, emptied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.service.desk import Desk
from tests.support.owner import Owner


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_admin_takes_documents_into_the_register_and_out_of_it(
    desk: Desk, tmp_path: Path, language: str
) -> None:
    zoe = Owner.in_folder(tmp_path / "zoe", "<b>Zoe</b>")
    zoe.grants("licence.json")
    admin = desk.browser(person="ada")
    admin.cookies.set("unmask_language", language)
    csrf = {"csrf": admin.headers.pop("X-CSRF-Token")}
    for name in ("key.pub", "licence.json", "list.json"):
        text = (zoe.folder / name).read_text().replace("\n", "\r\n")
        assert (
            admin.post("/licences", data=csrf | {"text": text}, follow_redirects=False).status_code
            == 303
        )
    refused = admin.post("/licences", data=csrf | {"text": "a <letter>"})
    assert refused.status_code == 422
    assert "a &lt;letter&gt;" in refused.text
    listed = admin.get("/licences").text
    assert "&lt;b&gt;Zoe&lt;/b&gt; / The studio" in listed
    removals = re.findall(r'action="(/licences/[^"]*/remove)"', listed)
    assert len(removals) == 3
    for one in removals:
        assert admin.post(one, data=csrf, follow_redirects=False).status_code == 303
    assert "/remove" not in admin.get("/licences").text


def test_a_reviewer_does_not_see_the_register(desk: Desk) -> None:
    assert desk.browser(person="rob").get("/licences").status_code == 403
