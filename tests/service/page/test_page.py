"""The page in a real browser: what people see and may do.

Also what the browser must never be made to do.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import text

from tests import results
from tests.service.conftest import CHROMIUM
from tests.service.desk import PASSWORD
from tests.service.site import Oracle, Site, accept, clip, photo
from unmask.service.domain import cases
from unmask.service.domain.cases import Decision
from unmask.service.store import jobs
from unmask.service.store.tables import Check
from unmask.types import Kind

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs Chromium; on Debian: apt-get install chromium"
    ),
]

WIDE, PHONE = (1200, 900), (390, 844)
HOSTILE = (
    '"><img src=x onerror="document.title=\'owned\'">'
    "<script>document.title='owned'</script>\u202egpj.mp4"
)

BLOCKED = (
    "document.addEventListener('securitypolicyviolation', e => "
    "console.error('blocked by policy: ' + e.blockedURI))"
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yields a service with every kind of check, a case in every state, and a deleted file."""
    made = Site(tmp_path_factory.mktemp("page") / "service")
    yield made
    made.close()


@pytest.fixture(scope="module")
def shown(site: Site) -> dict[str, str]:
    """Returns addresses by what they show."""
    found = {}
    for result in results.every_kind():
        media = (
            b"no media"
            if not result.media
            else clip()
            if result.media.kind is Kind.VIDEO
            else photo(result)
        )
        found[result.path] = f"/checks/{site.judged(result, result.path, media)}"
    site.judged(results.changed_video(), "theirs.mp4", clip(), tenant="theirs")
    found["waiting"] = (
        f"/checks/{accept(site.desk, site.desk.actor('rob'), 'waiting.mp4', b'waiting')}"
    )
    jobs.claim(site.desk.database, Check, 3600)
    with site.desk.database.transaction() as session:
        rob = site.desk.actor("rob")
        opened, decided, appealed = (one.id for one, _ in cases.queue(session, rob).cases[:3])
        for case in (decided, appealed):
            cases.note(session, rob, case, "The uploader has written to us.\nTwice.")
            cases.decide(
                session,
                rob,
                case,
                Decision.TAKE_DOWN,
                "Her face, without her consent.",
                "4.2 Other people's faces",
            )
        cases.appeal(session, rob, appealed, "It is satire.")
    return found | {
        name: f"/cases/{case}"
        for name, case in {"open": opened, "decided": decided, "appealed": appealed}.items()
    }


Open = Callable[..., Page]


@pytest.fixture
def visit(chromium: Browser, site: Site) -> Iterator[Open]:
    """Opens a browser as somebody; fails at the end if the browser complained of anything."""
    complaints: list[str] = []
    contexts: list[BrowserContext] = []

    def enter(
        person: str | None = "ada", size: tuple[int, int] = WIDE, language: str = "en", **more: Any
    ) -> Page:
        view = {"width": size[0], "height": size[1]}
        context = chromium.new_context(base_url=site.url, viewport=view, locale=language, **more)
        contexts.append(context)
        page = context.new_page()
        page.add_init_script(BLOCKED)
        page.on(
            "console", lambda told: complaints.append(told.text) if told.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if person:
            page.goto("/sign-in")
            page.fill("#email", f"{person}@ours.example")
            page.fill("#password", PASSWORD)
            page.keyboard.press("Enter")
            page.wait_for_url(re.compile(r"/(checks)?$"))
        return page

    enter.complaints = complaints  # type: ignore[attr-defined]
    yield enter
    for context in contexts:
        context.close()
    assert complaints == []


def check_screen(page: Page, address: str) -> None:
    """Checks that the page fits the window, and that axe reports nothing."""
    from axe_playwright_python.sync_playwright import Axe

    page.goto(address)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        f"{address} is wider than the window"
    )
    found = Axe().run(page)
    assert not found.response["violations"], f"{address}: {found.generate_report()}"


FIXED = (
    "/", "/checks", "/checks?words=no+such+file", "/cases", "/cases?state=decided",
    "/cases?assigned=me", "/cases?words=no+such+file", "/audit", "/people", "/keys", "/webhooks",
    "/account", "/account/second-factor", "/organisation", "/nothing-here",
)  # fmt: skip
LOOKS = [(WIDE, "light", "en"), (PHONE, "dark", "en"), (WIDE, "dark", "zh"), (PHONE, "light", "zh")]


@pytest.mark.parametrize(("size", "scheme", "language"), LOOKS, ids=str)
def test_every_screen_can_be_used_by_everybody(
    visit: Open, shown: dict[str, str], size: tuple[int, int], scheme: str, language: str
) -> None:
    page = visit("ada", size, language, color_scheme=scheme)
    for address in (*FIXED[:-1], *shown.values()):
        check_screen(page, address)
    page.context.clear_cookies()
    check_screen(page, "/sign-in")


def test_what_is_not_there_is_said_on_a_page(visit: Open, site: Site) -> None:
    page = visit()
    other = site.judged(results.changed_video(), "not ours.mp4", clip(), tenant="theirs")
    for address in (
        "/checks/no-such-check",
        "/cases/no-such-case",
        f"/checks/{other}",
        "/no-such-page",
    ):
        answer = page.goto(address)
        assert answer
        assert answer.status == 404
        expect(page.get_by_role("heading", level=1)).to_have_text("There is nothing here")
    program = site.desk.browser().get("/api/v1/no-such-thing", headers={"Accept": "text/html"})
    assert program.headers["content-type"] == "application/problem+json"
    visit.complaints.clear()  # type: ignore[attr-defined] - the browser notes the 404 itself


def test_dropped_files_are_judged_one_after_the_other(visit: Open, site: Site) -> None:
    page = visit("rob")
    files = [
        {"name": f"{i}.mp4", "mimeType": "video/mp4", "buffer": clip() + bytes([i])} for i in (1, 2)
    ]
    files.append({"name": "empty.mp4", "mimeType": "video/mp4", "buffer": b""})
    with Oracle(site.desk, lambda job: results.changed_video(job.name)).at_work():
        page.set_input_files("#file", files)
        rows = page.locator(".files li")
        expect(rows.nth(0).locator(".how")).to_have_text("changed")
        expect(rows.nth(1).locator(".how")).to_have_text("changed")
    expect(rows.nth(2).locator(".how")).to_have_text("This file is empty.")
    rows.nth(0).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        "The face of person 1 shows signs of a change"
    )


def test_an_upload_goes_on_where_the_connection_broke(visit: Open, site: Site) -> None:
    page, offsets = visit("rob"), []

    def break_off(route: Any) -> None:
        offsets.append(int(route.request.headers["upload-offset"]))
        if len(offsets) == 2:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route(
        "**/api/v1/uploads/*",
        lambda route: break_off(route) if route.request.method == "PATCH" else route.continue_(),
    )
    content = clip() + bytes(9 << 20)
    with Oracle(site.desk, lambda job: results.cannot_tell(job.name)).at_work():
        page.set_input_files(
            "#file", {"name": "large.mp4", "mimeType": "video/mp4", "buffer": content}
        )
        expect(page.locator("#finding")).to_be_visible(timeout=30_000)
    assert offsets == [0, 8 << 20, 8 << 20], "the first piece came once, the broken one again"
    expect(page.locator(".advice li").first).to_contain_text("at least 64 px wide")
    visit.complaints.clear()  # type: ignore[attr-defined] - the browser notes the broken connection itself


def test_the_name_of_a_file_is_only_ever_text(visit: Open, site: Site) -> None:
    check = site.judged(results.changed_video(HOSTILE), HOSTILE, clip())
    page = visit()
    for address in ("/", "/checks", f"/checks/{check}", "/cases", "/audit"):
        page.goto(address)
        assert "owned" not in page.title() or "<script>" in page.title()
        assert page.evaluate("document.querySelectorAll('img[src=x], main script').length") == 0
    page.goto(f"/checks/{check}")
    assert "\u202e" not in page.content(), "marks that reverse the reading direction are spelt out"


def test_the_timeline_leads_the_player(visit: Open, shown: dict[str, str]) -> None:
    page = visit()
    page.goto(shown["clips/minister-interview.mp4"])
    time = "document.querySelector('video').currentTime"
    page.wait_for_function("document.querySelector('video').readyState >= 1")
    page.get_by_role("button", name="Changed 0:03.2–0:09.1").click()
    page.wait_for_function(f"Math.abs({time} - 3.2) < 0.05")
    page.locator(".bars").first.click(position={"x": 1, "y": 5})
    page.wait_for_function(f"{time} < 0.3")
    page.get_by_label("Position in the video").focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    page.wait_for_function(f"{time} > 0.1")


def test_what_was_seen_is_drawn_over_the_player(visit: Open, site: Site) -> None:
    page = visit()
    check = site.judged(results.followed_video(), "followed.mp4", clip())
    page.goto(f"/checks/{check}")
    page.wait_for_function("document.querySelector('video').readyState >= 1")
    box, heat = page.locator(".overlay .box"), page.locator(".overlay .heat")
    page.locator(".moment").first.click()
    expect(box).to_have_attribute("visibility", "visible")
    expect(heat.first).to_have_attribute("visibility", "visible")
    expect(page.locator(".overlay g")).to_have_class(re.compile("now"))
    page.get_by_label("Where the evidence reacts").uncheck()
    expect(heat.first).to_have_attribute("visibility", "hidden")
    page.get_by_label("Faces").uncheck()
    expect(box).to_have_attribute("visibility", "hidden")


def test_the_original_can_be_uncovered(visit: Open, site: Site) -> None:
    page = visit()
    page.goto(f"/checks/{site.judged(results.compared_video(), 'compared.mp4', clip())}")
    after = page.locator(".compare .after")
    page.get_by_label("Uncover the original").focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert after.evaluate("e => getComputedStyle(e).clipPath") == "inset(0px 53% 0px 0px)"


def test_a_viewer_sees_only_what_a_viewer_may_do(visit: Open, shown: dict[str, str]) -> None:
    page = visit("vera")
    expect(page.get_by_role("navigation", name="Main").get_by_role("link")).to_have_text(
        ["All checks"]
    )
    page.goto(shown["photos/portrait.jpg"])
    expect(page.get_by_role("button", name="Open a case")).to_have_count(0)
    expect(page.get_by_role("link", name=re.compile("Case:"))).to_have_count(0)
    for address in (shown["open"], "/cases", "/audit", "/people", "/keys", "/webhooks"):
        answer = page.goto(address)
        assert answer
        assert answer.status == 403, address
    visit.complaints.clear()  # type: ignore[attr-defined] - the browser notes the 403 itself


def test_the_queue_by_keyboard(visit: Open, shown: dict[str, str]) -> None:
    page = visit("rob")
    page.goto("/cases")
    focused = "document.activeElement.textContent"
    names = page.locator(".queue tbody a").all_inner_texts()
    page.keyboard.press("j")
    assert page.evaluate(focused) == names[0]
    page.keyboard.press("j")
    assert page.evaluate(focused) == names[1]
    page.keyboard.press("k")
    assert page.evaluate(focused) == names[0]
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Use single keys").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_without_scripts_everything_still_works(
    visit: Open, site: Site, shown: dict[str, str]
) -> None:
    page = visit("rob", java_script_enabled=False)
    page.set_input_files(
        "#file", {"name": "plain.mp4", "mimeType": "video/mp4", "buffer": clip() + b"plain"}
    )
    page.get_by_role("button", name="Check this file").click()
    page.wait_for_url(re.compile("/checks/.+"))
    Oracle(site.desk, lambda job: results.changed_video(job.name)).once()
    page.reload()
    expect(page.get_by_role("heading", level=1)).to_contain_text("of a change")
    page.get_by_role("link", name="Case: open").click()
    page.get_by_label("Take down").check()
    page.get_by_label("Grounds").fill("Her face, without her consent.")
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("alert")).to_contain_text("names the law or the clause")
    assert page.get_by_label("Grounds").input_value() == "Her face, without her consent."
    page.get_by_label("Rule that it breaks").fill("4.2")
    page.get_by_role("button", name="Decide").click()
    expect(page.locator(".events")).to_contain_text("Rob decided: Take down")
    visit.complaints.clear()  # type: ignore[attr-defined] - the browser notes the 422 itself


def test_a_broken_chain_is_shown(chromium: Browser, tmp_path: Path) -> None:
    site = Site(tmp_path / "forged")
    page = chromium.new_page(base_url=site.url)
    page.goto("/sign-in?next=/audit")
    page.fill("#email", "ada@ours.example")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator(".verified")).to_contain_text("Verified")
    with site.desk.database.transaction() as session:
        session.execute(text("DROP TRIGGER audit_refuses_update"))
        session.execute(text("UPDATE audit SET actor_name = 'Nobody' WHERE number = 1"))
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text("broken at entry 1")
    page.close()
    site.close()


def test_a_deleted_file_leaves_its_verdict(visit: Open, site: Site) -> None:
    check = site.judged(results.changed_video(), "deleted.mp4", clip())
    with site.desk.database.transaction() as session:
        session.execute(
            text(
                "UPDATE media SET deleted = 1 WHERE sha256 = "
                "(SELECT sha256 FROM checks WHERE id = :id)"
            ),
            {"id": check},
        )
    page = visit()
    page.goto(f"/checks/{check}")
    expect(page.locator(".word")).to_have_text("changed")
    expect(page.locator(".gone")).to_contain_text("The verdict stays.")
    assert page.locator("main img, main video").count() == 0


@pytest.mark.parametrize(
    "next_", ["//example.org", "https://example.org", "/\\example.org", "javascript:alert(1)"]
)
def test_signing_in_leads_nowhere_else(visit: Open, next_: str) -> None:
    page = visit(None)
    page.goto(f"/sign-in?next={next_}")
    page.fill("#email", "ada@ours.example")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/$"))


def test_the_language_can_be_switched(visit: Open) -> None:
    page = visit(None, language="zh-CN")
    page.goto("/sign-in")
    expect(page.get_by_role("heading", level=1)).to_have_text("登录")
    page.get_by_role("link", name="English").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    assert page.evaluate("document.documentElement.lang") == "en"


def test_a_new_key_is_shown_once(visit: Open) -> None:
    page = visit()
    page.goto("/keys")
    page.get_by_label("What it is for").fill("the newsroom's bot")
    page.get_by_label("read verdicts").check()
    page.get_by_role("button", name="Make a key").click()
    secret = page.locator(".secret").inner_text()
    assert secret.startswith("um_")
    page.goto("/keys")
    assert secret not in page.content()
    page.get_by_role("button", name="End it the newsroom's bot").click()
    expect(page.get_by_role("row", name="the newsroom's bot")).to_contain_text("ended")


def test_on_a_phone_the_decision_is_one_tap_away(visit: Open, shown: dict[str, str]) -> None:
    page = visit("ada", PHONE)
    page.goto(shown["open"])
    decide, form = page.get_by_role("link", name="Decide", exact=True), page.locator("#decision")
    expect(form).not_to_be_in_viewport()
    expect(decide).to_be_in_viewport()
    decide.click()
    expect(form).to_be_in_viewport()
    page.get_by_label("Grounds").focus()
    expect(decide).to_be_hidden()
    page.goto(shown["decided"])
    expect(decide).to_be_hidden()
    wide = visit("ada")
    wide.goto(shown["open"])
    expect(wide.locator(".to-decide")).to_be_hidden()


def test_a_case_is_printed_dark_on_white_without_what_is_to_be_pressed(
    visit: Open, shown: dict[str, str]
) -> None:
    page = visit("ada", color_scheme="dark")
    for address in (shown["open"], shown["decided"]):
        page.goto(address)
        page.emulate_media(media="print")
        assert (
            page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        )
        for seen in (".word", "#custody", ".events"):
            expect(page.locator(seen)).to_be_visible()
        assert page.locator("button:visible, input:visible, .button:visible").count() == 0
        page.emulate_media(media="screen")
