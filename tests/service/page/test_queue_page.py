"""The queue of cases on the page: shown, searched and filtered by plain addresses."""

from __future__ import annotations

import re
from typing import Any

import pytest
from sqlalchemy import update

from tests import results
from tests.service.desk import Desk
from tests.service.site import Oracle, accept
from unmask.messages import verbatim
from unmask.report.document import document
from unmask.service.page.rendering import age
from unmask.service.store import jobs
from unmask.service.store.tables import CaseFile, Check, Media
from unmask.types import CheckResult, Verdict

pytestmark = pytest.mark.slow


def opened(desk: Desk, content: bytes, verdict: Verdict | None, **more: Any) -> str:
    """Opens a case for a new check; returns its id."""
    found = CheckResult("x", "0" * 64, verdict, verbatim("So it is."), None, ())
    check = desk.check(content, verdict=verdict, log10_lr=None, result=document(found), **more)
    case: str = desk.browser(person="rob").post("/api/v1/cases", json={"check": check}).json()["id"]
    return case


def listed(browser: Any, address: str) -> set[str]:
    answer = browser.get(address)
    assert answer.status_code == 200
    return set(re.findall(r'href="/cases/([\w-]{36})"', answer.text))


def test_the_queue_is_searched_and_filtered(either_desk: Desk) -> None:
    desk = either_desk
    drama = opened(desk, b"one", Verdict.CHANGED, name="Drama 100%.mp4")
    nobody = opened(desk, b"two", Verdict.CANNOT_TELL, name="landscape.mp4")
    opened(desk, b"three", Verdict.CHANGED, name="drama.mp4", tenant="ours", configuration="more")
    broken = opened(desk, b"four", None, name="broken.mp4")
    rob = desk.browser(person="rob")
    assert len(listed(rob, "/cases")) == 4
    assert listed(rob, "/cases?words=100%25+DRAMA") == {drama}
    sha256 = rob.get(f"/api/v1/cases/{nobody}").json()["sha256"]
    assert listed(rob, f"/cases?words={sha256[:12].upper()}") == {nobody}
    assert listed(rob, "/cases?outcome=no+face") == {nobody}
    assert listed(rob, "/cases?outcome=not+judged") == {broken}
    assert listed(rob, "/cases?outcome=cannot+tell") == set()
    rob.put(f"/api/v1/cases/{drama}/assignment", json={"account": desk.account("rita").id})
    assert listed(rob, "/cases?assigned=me") == set()
    assert listed(rob, f"/cases?assigned={desk.account('rita').id}") == {drama}
    assert len(listed(rob, "/cases?assigned=nobody")) == 3
    assert '<td class="soft">Rita</td>' in rob.get("/cases").text
    rob.post(
        f"/api/v1/cases/{nobody}/decisions",
        json={"decision": "keep", "grounds": "Nobody is in it."},
    )
    assert listed(rob, "/cases?state=decided") == {nobody}
    assert listed(rob, "/cases?state=open&outcome=not+judged&assigned=nobody&words=broken") == {
        broken
    }
    assert rob.get("/cases?state=lost").status_code == 422


def test_what_was_searched_for_is_kept_from_one_screen_to_the_next(desk: Desk) -> None:
    for i in range(51):
        opened(desk, b"%d" % i, Verdict.CHANGED, name=f"clip {i}.mp4")
    opened(desk, b"other", Verdict.CHANGED, name="other.mp4")
    rob = desk.browser(person="rob")
    first = rob.get("/cases?words=clip")
    (following,) = re.findall(r'href="(\?[^"]*cursor[^"]*)"', first.text)
    second = listed(rob, "/cases" + following.replace("&amp;", "&"))
    assert len(second) == 1
    assert not second & listed(rob, "/cases?words=clip")


def test_a_case_is_shown_by_its_face_as_long_as_the_media_is_there(desk: Desk) -> None:
    check = accept(desk, desk.actor("rob"), "crowd.mp4", b"crowd")
    Oracle(desk, lambda job: results.changed_video(job.name)).once()
    rob = desk.browser(person="rob")
    (face,) = re.findall(rf'src="(/api/v1/checks/{check}/pictures/[^"]+)"', rob.get("/cases").text)
    assert rob.get(face).headers["content-type"] == "image/jpeg"
    with desk.database.transaction() as session:
        session.execute(update(Media).values(deleted=1.0))
        session.execute(update(CaseFile).values(created=desk.database.now() - 3 * 3600 - 60))
    page = rob.get("/cases").text
    assert "/pictures/" not in page
    assert ">3 h</time>" in page


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, ("age.minutes", 0)),
        (3599, ("age.minutes", 59)),
        (86400, ("age.hours", 24)),
        (10 * 86400, ("age.days", 10)),
    ],
)
def test_how_long_a_case_waits(seconds: float, said: tuple[str, int]) -> None:
    message = age(seconds)
    assert (message.code, message.values["count"]) == said


def test_a_check_that_waits_says_its_place_and_then_how_far_it_is(either_desk: Desk) -> None:
    desk = either_desk
    first, second = (accept(desk, desk.actor("rob"), f"{i}.mp4", b"clip %d" % i) for i in (1, 2))
    accept(desk, desk.actor("rob", "theirs"), "theirs.mp4", b"another's")
    rob = desk.browser(person="rob")
    assert "Place 2 in the queue." in rob.get(f"/checks/{second}").text
    job = jobs.claim(desk.database, Check, 60)
    assert job is not None
    assert job.id == first
    assert jobs.renew(desk.database, job, 60, 0.426)
    assert "42 %" in rob.get(f"/checks/{first}").text
    assert "Place 1 in the queue." in rob.get(f"/checks/{second}").text
    assert [rob.get(f"/api/v1/checks/{one}").json()["place"] for one in (first, second)] == [
        None,
        1,
    ]
