"""The page of a live check in a real browser: accessible to everybody.

A face that the screen lights passes, a prepared video does not.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, WebSocketRoute, expect

from tests.service.conftest import CHROMIUM
from tests.service.desk import PASSWORD
from tests.service.page.test_page import BLOCKED, LOOKS
from tests.service.site import Site
from tests.service.tree import until
from tests.support import live_face
from tests.support.live_face import Scene
from unmask.live.protocol import FRAME_BYTES, HEAD
from unmask.service.confined.live_reader import decoded
from unmask.service.domain import live
from unmask.service.people.actor import Scope

pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs Chromium; on Debian: apt-get install chromium"
    ),
    pytest.mark.xdist_group("real time"),
]

PATIENCE = 90_000
"""ms that a step of the page may take on a busy machine."""

TRIES = live.PER_SUBJECT.quota
"""Number of tries per person, as many as an account may make.

A busy machine shows colours too late in every second try.
"""

CALM = Scene(fps=10)
"""A camera that leaves a busy machine time for the rest."""

LOGIN = Path(__file__).parents[3] / "examples" / "login.py"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = Site(tmp_path_factory.mktemp("live") / "service")
    yield made
    made.close()


def asked(site: Site, subject: str, **more: Any) -> str:
    """Asks for a new live check and returns the address of its page."""
    headers = {"Authorization": f"Bearer {site.desk.key(Scope.LIVE)[1]}"}
    answer = httpx.post(
        f"{site.url}/api/v1/live", json={"subject": subject, **more}, headers=headers, timeout=60
    )
    return str(answer.json()["url"])


def opened(browser: Browser, camera: str = "", **look: Any) -> tuple[Page, list[str]]:
    """Opens a page in its own browser context; returns it and the browser's complaints."""
    page, complaints = browser.new_context(**look).new_page(), list[str]()
    page.set_default_timeout(PATIENCE)
    page.add_init_script(BLOCKED)
    if camera:
        page.add_init_script(camera)
    page.on("console", lambda told: complaints.append(told.text) if told.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    return page, complaints


def looked_at(page: Page) -> None:
    """Checks that the page fits the window, and that axe reports nothing."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page)
    assert not found.response["violations"], found.generate_report()


def checked(page: Page) -> None:
    """Does the check by light that the page offers."""
    page.locator("[data-way=light] button:enabled").click()
    page.locator("#start").click()
    page.locator("#end").wait_for()


@pytest.mark.parametrize(("size", "scheme", "language"), LOOKS, ids=str)
def test_every_part_can_be_used_by_everybody(
    chromium: Browser, site: Site, size: tuple[int, int], scheme: Any, language: str
) -> None:
    view = {"width": size[0], "height": size[1]}
    camera = live_face.script(Scene())
    page, complaints = opened(chromium, camera, viewport=view, color_scheme=scheme, locale=language)
    page.goto(asked(site, f"{size} {language}", back="https://shop.example/"))
    page.locator("[data-way=movement] button:enabled").wait_for()
    looked_at(page)
    page.locator("[data-way=movement] button").click()
    page.locator("#start").wait_for()
    looked_at(page)
    page.locator("#start").click()
    expect(page.locator(".say")).to_have_text(re.compile("head|eyes|closer|头|眼|靠近"))
    looked_at(page)
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    page.locator("#end").wait_for()
    looked_at(page)
    expect(page.get_by_role("link", name="shop.example")).to_have_attribute(
        "href", "https://shop.example/"
    )
    assert complaints == []
    page.context.close()


def test_the_camera_is_for_this_page_alone(site: Site) -> None:
    headers = {
        path: httpx.get(site.url + path).headers
        for path in ("/live", "/sign-in", "/static/live.js")
    }
    assert "camera=(self)" in headers["/live"]["permissions-policy"]
    assert "camera=()" in headers["/sign-in"]["permissions-policy"]
    assert "camera=()" in headers["/static/live.js"]["permissions-policy"]
    assert "script-src 'self';" in headers["/live"]["content-security-policy"]


@pytest.mark.parametrize(("change", "says"), [
    ("", "The link is not complete"), ("#x", "The link is not complete"),
    ("#00-00.AAAA", "The link is not complete"),
])  # fmt: skip
def test_a_link_that_leads_nowhere_says_so(
    chromium: Browser, site: Site, change: str, says: str
) -> None:
    page, _ = opened(chromium)
    page.goto(f"{site.url}/live{change}")
    expect(page.locator("#end .todo")).to_contain_text(says)
    page.context.close()


@pytest.mark.parametrize(("error", "says"), [
    ("NotFoundError", "No camera was found"), ("NotAllowedError", "The camera was not allowed"),
    ("NotReadableError", "The camera could not be opened"),
])  # fmt: skip
def test_without_a_camera_it_says_what_to_do_and_uses_nothing_up(
    chromium: Browser, site: Site, error: str, says: str
) -> None:
    page, _ = opened(
        chromium,
        "navigator.mediaDevices.getUserMedia = async () => "
        f"{{ throw new DOMException('', '{error}') }}",
    )
    page.goto(asked(site, error, ways=["light"], back="https://shop.example/"))
    expect(page.locator("[data-way=movement]")).to_be_hidden()
    page.locator("[data-way=light] button:enabled").click()
    expect(page.locator("#end h1")).to_have_text("The check has not begun")
    expect(page.locator("#end .todo")).to_contain_text(says)
    page.get_by_role("button", name="Load the page again").click()
    page.locator("[data-way=light] button:enabled").wait_for()
    page.context.close()


@pytest.mark.parametrize(("lost", "says"), [
    ("stream.getTracks()[0].dispatchEvent(new Event('ended'))", "The camera stopped"),
    ("", "The connection broke"),
])  # fmt: skip
def test_what_is_lost_in_the_middle_ends_the_check(
    chromium: Browser, site: Site, lost: str, says: str
) -> None:
    page, _ = opened(chromium, live_face.script(Scene()))
    served = _served(page, {"ticket": {"ready": ["light"], "back": None}, "begin": {"go": 15}})
    page.goto(f"{site.url}/live#00.A")
    page.locator("[data-way=light] button:enabled").click()
    page.locator("#start").click()
    expect(page.locator(".say")).to_contain_text("Hold still")
    page.evaluate(
        f"const stream = document.querySelector('video').srcObject; {lost}"
    ) if lost else served[0].close()
    expect(page.locator("#end h1")).to_have_text("That could not be decided")
    expect(page.locator("#end .todo")).to_contain_text(says)
    expect(page.get_by_text("For another try, go back to where you came from.")).to_be_visible()
    expect(page.get_by_role("button", name="Load the page again")).to_be_hidden()
    page.context.close()


@pytest.mark.parametrize("noise", [1.5, 80])
def test_frames_stay_small_however_noisy_the_camera_is(
    chromium: Browser, site: Site, noise: float
) -> None:
    page, _ = opened(
        chromium, live_face.script(Scene(noise=noise)), viewport={"width": 640, "height": 480}
    )
    frames = list[bytes]()
    _served(page, {"ticket": {"ready": ["light"], "back": None}, "begin": {"go": 15}}, frames)
    page.goto(f"{site.url}/live#00.A")
    page.locator("[data-way=light] button:enabled").click()
    page.locator("#start").click()
    while len(frames) < 5:
        page.wait_for_timeout(100)
    assert max(map(len, frames)) < HEAD.size + FRAME_BYTES
    assert all(
        decoded(frame[HEAD.size :]).shape == (live_face.HEIGHT, live_face.WIDTH, 3)
        for frame in frames
    )
    page.context.close()


def test_a_picture_that_the_camera_gives_twice_is_sent_once(chromium: Browser, site: Site) -> None:
    page, _ = opened(
        chromium, live_face.script(Scene(noise=0)), viewport={"width": 640, "height": 480}
    )
    frames = list[bytes]()
    _served(page, {"ticket": {"ready": ["light"], "back": None}, "begin": {"go": 15}}, frames)
    page.goto(f"{site.url}/live#00.A")
    page.locator("[data-way=light] button:enabled").click()
    page.locator("#start").click()
    while not frames:
        page.wait_for_timeout(100)
    page.wait_for_timeout(1500)
    assert len({frame[HEAD.size :] for frame in frames}) == len(frames) < 5
    page.context.close()


def test_the_language_can_be_changed_without_losing_the_check(
    chromium: Browser, site: Site
) -> None:
    page, complaints = opened(chromium, live_face.script(Scene()), locale="en")
    page.goto(asked(site, "languages"))
    page.locator("[data-way=light] button:enabled").wait_for()
    page.get_by_role("link", name="中文").click()
    expect(page.locator("h1").first).to_have_text("请证明您本人在场")
    page.locator("[data-way=light] button:enabled").wait_for()
    assert complaints == []
    page.context.close()


def test_a_person_signs_in_with_the_example(chromium: Browser, site: Site) -> None:
    own, process = _login(site)
    try:
        page, complaints = opened(
            chromium, live_face.script(CALM), viewport={"width": 640, "height": 480}
        )
        page.goto(f"{own}/account")
        expect(page.get_by_role("heading")).to_have_text("Sign in")
        page.get_by_label("Name").fill("ann")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button").click()
        for _ in range(TRIES):
            checked(page)
            page.get_by_role("link", name=own.removeprefix("http://")).click()
            if page.get_by_role("heading").inner_text() == "Your account":
                break
            expect(page.get_by_role("heading")).to_have_text("Not signed in")
            page.get_by_role("link", name="Try again").click()
        expect(page.locator("p")).to_have_text("Signed in as ann.")
        assert complaints == []
        page.context.close()
    finally:
        process.terminate()
        process.wait()


def test_who_comes_back_without_the_check_is_not_signed_in(site: Site) -> None:
    own, process = _login(site)
    try:
        with httpx.Client(base_url=own, timeout=60) as browser:
            assert browser.post("/", data={"name": "ann", "password": "wrong"}).status_code == 200
            sent = browser.post("/", data={"name": "ann", "password": PASSWORD})
            assert sent.headers["location"].startswith(f"{site.url}/live#")
            assert "Not signed in" in browser.get("/back").text
            assert browser.get("/account").headers["location"] == "/"
    finally:
        process.terminate()
        process.wait()


def test_a_prepared_video_does_not_pass(playwright: Playwright, site: Site, tmp_path: Path) -> None:
    file = live_face.recorded(tmp_path / "camera.mjpeg", 1, Scene(), seconds=15)
    camera = ["--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={file}"]
    args = ["--no-sandbox", "--use-fake-ui-for-media-stream", *camera]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=args)
    page, complaints = opened(browser, permissions=["camera"])
    page.goto(asked(site, "a video"))
    checked(page)
    assert page.locator("#end.live").count() == 0
    assert complaints == []
    browser.close()


def _served(
    page: Page, answers: dict[str, dict[str, Any]], frames: list[bytes] | None = None
) -> list[WebSocketRoute]:
    """Stands in for the service's end of the WebSocket.

    It answers a message by its first name, and keeps the frames.
    """
    found = list[WebSocketRoute]()

    def hear(message: str | bytes) -> None:
        if isinstance(message, bytes):
            frames.append(message) if frames is not None else None
        elif answer := answers.get(next(iter(json.loads(message)))):
            found[0].send(json.dumps(answer))

    def serve(route: WebSocketRoute) -> None:
        found.append(route)
        route.on_message(hear)

    page.route_web_socket(re.compile("/session$"), serve)
    return found


def _login(site: Site) -> tuple[str, subprocess.Popen[bytes]]:
    """Starts the example on a free port; returns its address and its process."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        own = f"http://127.0.0.1:{one.getsockname()[1]}"
    given = {"UNMASK_URL": site.url, "UNMASK_KEY": site.desk.key(Scope.LIVE)[1], "LOGIN_URL": own}
    process = subprocess.Popen([sys.executable, str(LOGIN)], env={**os.environ, **given})

    def answers() -> bool:
        try:
            return httpx.get(own, timeout=5).is_success
        except httpx.TransportError:
            return False

    until(answers)
    return own, process
