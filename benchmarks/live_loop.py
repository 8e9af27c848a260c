"""Live checks in a real browser, on the real page: an honest face, and prepared videos.

    python -m benchmarks.live_loop honest --sessions 100
    python -m benchmarks.live_loop video --sessions 100

`honest` replaces the page's camera with a canvas on which a face is drawn in the light of the
page's own colours. So the loop is closed: the face reflects what the screen really shows at that
moment. `video` gives Chromium a prepared file for a camera (``--use-file-for-fake-video-capture``),
recorded from the same face while it answered other challenges. Both cameras are simulated: they
tell nothing about real people, but the whole path through page, network (a real WebSocket) and
service is real.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
from playwright.async_api import Browser, Page, Playwright, async_playwright

from tests.service.tree import Tree, tree
from tests.support import live_face
from tests.support.live_face import Scene

PATIENCE = 120_000
"""ms that a step of the page may take on a busy machine."""

PER_VIDEO = 10
"""Sessions that use the same prepared video."""

Attempt = Callable[[int], Awaitable[str]]


async def done(page: Page, url: str) -> str:
    """Does one check by light, as a person would; returns the outcome and any advice."""
    await page.goto(url)
    await page.locator("[data-way=light] button:enabled").click(timeout=PATIENCE)
    await page.locator("#start").click(timeout=PATIENCE)
    end = page.locator("#end")
    await end.wait_for(timeout=PATIENCE)
    outcome = (await end.get_attribute("class") or "").split()[-1]
    advice = await end.get_attribute("data-advice")
    return f"{outcome} ({advice})" if advice else outcome


def asked(service: Tree, subject: str) -> str:
    """Asks for a new live check and returns its address."""
    answer = httpx.post(
        f"{service.url}/api/v1/live",
        json={"subject": subject},
        headers={"Authorization": f"Bearer {service.key}"},
        timeout=60,
    )
    answer.raise_for_status()
    return str(answer.json()["url"])


async def launched(playwright: Playwright, *more: str) -> Browser:
    """Starts a headless Chromium that is installed on the system."""
    path = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    return await playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *more])


async def honest(
    playwright: Playwright, service: Tree, stack: AsyncExitStack, scene: Scene
) -> Attempt:
    browser = await launched(playwright)
    stack.push_async_callback(browser.close)

    async def attempt(i: int) -> str:
        context = await browser.new_context(viewport={"width": 800, "height": 600})
        try:
            page = await context.new_page()
            await page.add_init_script(live_face.script(scene))
            return await done(page, asked(service, f"honest {i}"))
        finally:
            await context.close()

    return attempt


async def video(
    playwright: Playwright, service: Tree, stack: AsyncExitStack, scene: Scene
) -> Attempt:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    files: dict[int, asyncio.Task[Path]] = {}

    async def attempt(i: int) -> str:
        number = i // PER_VIDEO
        if number not in files:
            made = asyncio.to_thread(live_face.recorded, folder / f"{number}.mjpeg", number, scene)
            files[number] = asyncio.create_task(made)
        file = await files[number]
        camera = ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={file}")
        browser = await launched(
            playwright, "--use-fake-ui-for-media-stream", *camera
        )  # so that the file starts from its beginning
        try:
            context = await browser.new_context(
                viewport={"width": 800, "height": 600}, permissions=["camera"]
            )
            return await done(await context.new_page(), asked(service, f"video {i}"))
        finally:
            await browser.close()

    return attempt


async def run(
    kind: str, sessions: int, parallel: int, service: Tree, scene: Scene
) -> collections.Counter[str]:
    """Runs the sessions and counts them by outcome."""
    free, found = asyncio.Semaphore(parallel), collections.Counter[str]()
    async with async_playwright() as playwright, AsyncExitStack() as stack:
        attempt = await {"honest": honest, "video": video}[kind](playwright, service, stack, scene)

        async def one(i: int) -> None:
            async with free:
                found[await attempt(i)] += 1
                print(
                    f"\r{sum(found.values())} of {sessions}: {dict(found)}", end="", file=sys.stderr
                )

        await asyncio.gather(*(one(i) for i in range(sessions)))
    print(file=sys.stderr)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kind", choices=("honest", "video"))
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--parallel", type=int, default=1, help="at the same time")
    parser.add_argument("--room", type=float, default=Scene().room)
    parser.add_argument("--screen", type=float, default=Scene().screen)
    parser.add_argument(
        "--details", action="store_true", help="what was measured, from the service's log"
    )
    given = parser.parse_args()
    scene = Scene(given.room, given.screen)
    with (
        tempfile.TemporaryDirectory() as folder,
        tree(Path(folder) / "data", workers="0") as service,
    ):
        found = asyncio.run(run(given.kind, given.sessions, given.parallel, service, scene))
        if given.details:
            log = (Path(folder) / "data.log").read_text(encoding="utf-8").splitlines()
            print(*(line for line in log if "live check" in line), sep="\n", file=sys.stderr)
    for outcome, count in found.most_common():
        print(f"{given.kind}: {count} of {given.sessions} {outcome}")


if __name__ == "__main__":
    main()
