"""The question whether a video is one unbroken take, on the page of its check, in a browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from tests import results
from tests.service.conftest import CHROMIUM
from tests.service.domain.test_takes import answered, film
from tests.service.page.test_page import LOOKS, Open, check_screen, visit  # noqa: F401 - a fixture
from tests.service.site import Oracle, Site, accept, clip
from unmask.service.processes.worker import Worker
from unmask.service.store.tables import Take

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs Chromium; on Debian: apt-get install chromium"
    ),
    pytest.mark.slow,
]

ASK = "One unbroken take?"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("takes") / "service")
    yield made
    made.close()


def checked(site: Site, name: str, content: bytes) -> str:
    """Makes a check of a video that is done, with an invented result; returns its id."""
    check = accept(site.desk, site.desk.actor("rob"), name, content)
    Oracle(site.desk, lambda job: results.changed_video(job.name)).once()
    return check


def judge_all(site: Site) -> None:
    """Judges all that waits, also what another test has left."""

    def done() -> bool:
        with site.desk.database.transaction() as session:
            return session.scalar(select(Take).where(Take.finished.is_(None))) is None

    Worker(site.desk.service, done).run()


def test_it_is_asked_waited_for_and_answered_where_the_verdict_is(
    visit: Open,  # noqa: F811 - the fixture
    site: Site,
    tmp_path: Path,
) -> None:
    address = f"/checks/{checked(site, 'interview.mp4', film(tmp_path, (0, 4), (5, 9)))}"
    looks = [
        (visit("ada", size, language, color_scheme=scheme), f"{size[0]} {scheme} {language}")
        for size, scheme, language in LOOKS
    ]
    page = visit("rob")
    page.goto(address)
    page.get_by_role("button", name=ASK).click()
    page.wait_for_url(re.compile("#take$"))
    state = page.locator("#take-answer")
    expect(state).to_contain_text("waits for its turn")
    expect(page.get_by_role("button", name=ASK)).to_have_count(0)
    for other, _ in looks:
        check_screen(other, address)
    page.evaluate("window.same = true")
    judge_all(site)
    expect(state.locator(".word")).to_have_text("broken")
    expect(state).to_contain_text("Broken at 0:04.0 (jump cut)")
    assert page.evaluate("window.same"), "only the answer was made anew: a video may be playing"
    for other, _ in looks:
        check_screen(other, address)
    for other, look in ((page, "en"), (looks[-1][0], "zh")):
        other.locator("#take-answer a").first.click()
        expect(other.locator("h1")).to_contain_text("0:04.0")
        assert other.locator("html").get_attribute("lang") == look
        assert other.locator(".moment img").count() >= 2
        assert other.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_without_scripts_it_is_asked_and_looked_for_again(
    visit: Open,  # noqa: F811 - the fixture
    site: Site,
) -> None:
    check = checked(site, "plain.mp4", clip())
    page = visit("rob", java_script_enabled=False)
    page.goto(f"/checks/{check}")
    page.get_by_role("button", name=ASK).click()
    answered(site.desk, check, "plain.mp4: it cannot be read; send it again")
    page.get_by_role("link", name="Look again").click()
    state = page.locator("#take-answer")
    expect(state).to_contain_text("not judged")
    expect(state).to_contain_text("cannot be read")
    expect(state.get_by_role("link")).to_have_count(0)
    state.get_by_role("button", name="Judge again").click()
    expect(state).to_contain_text("waits for its turn")


def test_a_viewer_reads_the_answer_and_asks_nothing(
    visit: Open,  # noqa: F811 - the fixture
    site: Site,
) -> None:
    check = checked(site, "viewed.mp4", clip() + b"viewed")
    page = visit("vera")
    page.goto(f"/checks/{check}")
    expect(page.get_by_role("button", name=ASK)).to_have_count(0)
    answered(site.desk, check)
    page.reload()
    expect(page.locator("#take-answer")).to_contain_text("no break found")
    expect(page.get_by_role("link", name="Timeline and findings")).to_be_visible()
    expect(page.locator("main").get_by_role("button", name="Judge again")).to_have_count(0)
