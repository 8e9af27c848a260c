"""The whole way, by keyboard alone, on a real service.

Make an account, drop a clip, read the verdict, decide the case, appeal, decide the appeal, and see
it all in a verified audit log.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests import clips
from tests.service.conftest import CHROMIUM
from tests.service.desk import PASSWORD
from tests.service.tree import PATIENCE, Tree, face, tree
from unmask import faces
from unmask.service.people import accounts
from unmask.service.people.actor import Role, system
from unmask.service.settings import ServiceSettings
from unmask.service.store.database import Database

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs Chromium; on Debian: apt-get install chromium"
    ),
    pytest.mark.slow,
    pytest.mark.xdist_group("real time"),
]


MANY = 120
"""Largest number of presses of a key to find something."""


def swapped_clip(path: Path) -> Path:
    """Writes two seconds of a portrait whose face was regenerated from its mirror image.

    It is regenerated at 96 px, as in `examples/demo.py`.
    """
    portrait = face()
    matrix = faces.similarity(faces.find(portrait)[0].points, faces.TEMPLATE * np.float32(0.5))
    small = cv2.warpAffine(portrait, matrix, (96, 96), flags=cv2.INTER_AREA)[:, ::-1].astype(
        np.float32
    )
    small = np.clip(cv2.bilateralFilter(small, 5, 20, 2) * [1.04, 0.99, 0.94] + 3, 0, 255).astype(
        np.uint8
    )
    mask = cv2.ellipse(np.zeros((96, 96), np.float32), (48, 54), (24, 32), 0, 0, 360, 1.0, -1)
    back, size = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR, portrait.shape[1::-1]
    layer = cv2.warpAffine(small, matrix, size, flags=back, borderMode=cv2.BORDER_REFLECT)
    alpha = cv2.warpAffine(cv2.GaussianBlur(mask, (0, 0), 2), matrix, size, flags=back)[..., None]
    changed = (portrait * (1 - alpha) + layer * alpha + 0.5).astype(np.uint8)
    shifts = (np.float32([[1, 0, 4 * np.sin(i / 7)], [0, 1, 3 * np.cos(i / 9)]]) for i in range(50))
    moved = (
        cv2.warpAffine(changed, shift, size, borderMode=cv2.BORDER_REFLECT) for shift in shifts
    )
    return clips.write_video(path, moved, options={"crf": "18"})


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tree]:
    """Yields a new service with one admin, as `unmask accounts add` makes one."""
    with tree(tmp_path_factory.mktemp("walk") / "service", workers="1") as made:
        database = Database(ServiceSettings(data=made.data))
        with database.transaction() as session:
            actor = system(accounts.organisation(session, "desk").id)
            accounts.add(session, actor, "ada@example.org", "Ada", Role.ADMIN, PASSWORD)
        database.close()
        yield made


@pytest.fixture
def page(service: Tree) -> Iterator[Page]:
    """Yields a browser page; fails at the end if the browser complained of anything."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(
            base_url=service.url, locale="en", viewport={"width": 1200, "height": 900}
        )
        page.set_default_timeout(1000 * PATIENCE)
        page.on(
            "console", lambda told: complaints.append(told.text) if told.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        yield page
        browser.close()
    assert complaints == []


def tab_to(page: Page, role: str, name: str) -> None:
    """Presses Tab until the focus is where it should be."""
    wanted = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]
    expect(wanted.first).to_be_attached()
    for _ in range(MANY):
        if wanted.first.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the keyboard does not lead to the {role} {name!r}")


def type_into(page: Page, name: str, text: str) -> None:
    tab_to(page, "textbox", name)
    page.keyboard.type(text)


def press(page: Page, role: str, name: str) -> None:
    tab_to(page, role, name)
    page.keyboard.press("Enter")


def sign_in(page: Page, email: str) -> None:
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    type_into(page, "E-mail address", email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Check", exact=True)).to_have_attribute(
        "aria-current", "page"
    )


def add_account(page: Page, name: str, email: str) -> str:
    """Adds an account; returns the link with which the person chooses a password."""
    press(page, "link", "People")
    type_into(page, "Name", name)
    page.keyboard.press("Tab")
    page.keyboard.type(email)
    page.keyboard.press("Enter")  # the role stays: reviewer
    expect(page.get_by_role("row", name=re.compile(email))).to_be_visible()
    return page.locator(".secret").inner_text()


def choose_password(page: Page, link: str) -> None:
    page.goto(link)
    type_into(page, "New password", PASSWORD)
    page.keyboard.press("Enter")


def drop(page: Page, path: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator(
            "#file"
        ).focus()  # a round trip: else a key overtakes the order to intercept the dialog
        page.keyboard.press("Enter")
    chooser.value.set_files(path)


def decide(page: Page, digit: str, grounds: str, rule: str = "") -> None:
    expect(page.get_by_role("heading", name=re.compile("^Decide"))).to_be_visible()
    page.wait_for_load_state()
    page.keyboard.press(digit)
    page.keyboard.type(grounds)
    if rule:
        type_into(page, "Rule that it breaks", rule)
    press(page, "button", "Decide")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator(".events")).to_contain_text(grounds)


def test_the_whole_way_by_keyboard(page: Page, tmp_path: Path) -> None:
    page.goto("/")
    sign_in(page, "ada@example.org")
    link = add_account(page, "Rob", "rob@example.org")
    press(page, "button", "Sign out")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    choose_password(page, link)
    sign_in(page, "rob@example.org")

    drop(page, swapped_clip(tmp_path / "drama.mp4"))
    expect(page.locator(".word")).to_have_text("changed")
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        "The face of person 1 shows signs of a change"
    )
    press(page, "link", "Case: open")

    decide(
        page,
        "3",
        "Her face was put on another woman, who never agreed.",
        "4.2 Other people's faces",
    )
    expect(page.locator("#notice-en")).to_have_value(re.compile("We have taken the file down"))
    type_into(page, "What the uploader says against it", "It is satire, and labelled so.")
    press(page, "button", "Record the appeal")
    expect(page.get_by_role("heading", name="Decide the appeal")).to_be_visible()
    press(page, "button", "Sign out")

    sign_in(page, "ada@example.org")
    press(page, "link", "Cases 1 wait for a decision")
    expect(page.locator(".queue")).to_contain_text("appealed")
    page.wait_for_load_state()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Decide the appeal")).to_be_visible()
    decide(page, "1", "The label is there; the clip may stay.")
    expect(page.locator("#notice-en")).to_have_value(
        re.compile("We have taken back the restriction")
    )

    press(page, "link", "Audit log")
    expect(page.locator(".verified")).to_contain_text("Verified")
    for step in (
        "Account added",
        "Signed in",
        "Check begun",
        "Verdict given",
        "Case opened",
        "Case decided",
        "Appeal recorded",
    ):
        expect(page.get_by_role("rowheader", name=step).first).to_be_visible()

    press(page, "link", "All checks")
    press(page, "link", "中文")
    press(page, "link", "drama.mp4")
    expect(page.locator(".word")).to_have_text("已被改动")
    assert page.locator("main [lang=en]").all_inner_texts() == [], (
        "sentences that nobody has translated"
    )
