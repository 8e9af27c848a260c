"""The report in a real browser: what people see, and what the page may not do."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests import results
from unmask import drawing
from unmask.messages import Message
from unmask.report import html
from unmask.types import CheckResult, Picture

CHROMIUM = (
    shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
)
pytestmark = [
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs Chromium; on Debian: apt-get install chromium"
    ),
    pytest.mark.slow,
]

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--hide-scrollbars",
)
OFFLINE = ("--disable-background-networking", "--disable-component-update", "--disable-sync")


def browse(tmp_path: Path, result: CheckResult, *arguments: str) -> str:
    page = tmp_path / "report.html"
    page.write_text(html.page(result), encoding="utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"
    command = [str(CHROMIUM), *QUIET, *OFFLINE, profile, *arguments, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.fixture
def trap() -> Iterator[tuple[int, list[object]]]:
    """Yields the port of a server that must not be called, and the list of its calls."""
    callers: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def listen() -> None:
            while True:
                try:
                    callers.append(server.accept()[1])
                except OSError:
                    return

        threading.Thread(target=listen, daemon=True).start()
        yield server.getsockname()[1], callers
        server.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("width", [1100, 390])
def test_the_page_fits_and_is_not_blank(tmp_path: Path, width: int) -> None:
    shot = tmp_path / "shot.png"
    browse(tmp_path, results.changed_video(), f"--window-size={width},1400", f"--screenshot={shot}")
    pixels = np.asarray(Image.open(shot).convert("RGB"))
    assert pixels.shape[1] == width
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 200
    assert (pixels[:, -4:] == pixels[0, -1]).all(), "something sticks out to the right"


def test_on_a_dark_page_no_chart_shines(tmp_path: Path) -> None:
    times = [i / 5 for i in range(40)]
    light, dark = (
        drawing.curve(times, [1.0] * 40, ("0:00.0", "0:08.0"), 3.0, paper=paper)
        for paper in (drawing.LIGHT, drawing.DARK)
    )
    chart = results.line(pictures=(Picture(Message("motion.picture"), light, dark=dark),))
    person = replace(results.person(), frames=(), lines={"motion": chart})
    result = replace(results.changed_video(), people=(person,))
    shining = []
    for scheme in (0, 1):
        shot = tmp_path / f"{scheme}.png"
        settings = ("--window-size=1100,4200", f"--blink-settings=preferredColorScheme={scheme}")
        browse(tmp_path, result, *settings, f"--screenshot={shot}")
        shining.append(
            float((np.asarray(Image.open(shot).convert("RGB")).min(axis=2) > 225).mean())
        )
    assert shining[0] < 0.02, "letters alone"
    assert shining[1] > 0.8, "the same page on a light desk"


def test_it_prints(tmp_path: Path) -> None:
    pdf = tmp_path / "report.pdf"
    browse(tmp_path, results.crowd(4), f"--print-to-pdf={pdf}")
    assert pdf.read_bytes().startswith(b"%PDF")
    assert pdf.stat().st_size > 20_000


def test_a_hostile_file_name_runs_nothing_and_calls_nobody(
    tmp_path: Path, trap: tuple[int, list[object]]
) -> None:
    port, callers = trap
    name = (
        f'"><img src=http://127.0.0.1:{port}/x onerror="document.title=\'owned\'">'
        "<script>document.title='owned'</script>.mp4"
    )
    dom = browse(tmp_path, replace(results.changed_video(), path=name), "--dump-dom")
    assert "<title>owned" not in dom
    assert callers == []
