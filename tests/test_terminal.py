"""Terminal output: blocks with icons and colours, and the progress bar."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import pytest

from tests import results
from unmask import terminal
from unmask.cli.check import _print
from unmask.words import english


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@contextmanager
def on_terminal(**environment: str) -> Iterator[Terminal]:
    """Makes both stdout and stderr this terminal, 60 columns wide."""
    screen = Terminal()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(screen), redirect_stderr(screen):
        for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"):
            patch.delenv(name, raising=False)
        for name, value in {"TERM": "xterm", "COLUMNS": "60", **environment}.items():
            patch.setenv(name, value)
        yield screen


def test_every_kind_of_result_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    every = [result for result in results.every_kind() if result.error is None]
    terminal.show(every)
    shown = capsys.readouterr().out
    assert all(f"{result.outcome}  {result.path}\n" in shown for result in every)


def test_a_terminal_gets_icons_and_colours() -> None:
    with on_terminal() as screen:
        terminal.show([results.changed_video()])
    assert "\x1b[1;31m◆ changed\x1b[0m" in screen.getvalue()
    assert max(map(len, screen.getvalue().splitlines()[1:])) < 70


def test_no_color_is_respected() -> None:
    with on_terminal(NO_COLOR="1") as screen:
        terminal.show([results.changed_video()])
    assert "◆ changed" in screen.getvalue()
    assert "31m" not in screen.getvalue()


def test_progress_shows_the_file_and_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "PATIENCE", -1e9)
    with (
        on_terminal(COLUMNS="120") as screen,
        terminal.progress("in/{clip}[red].mp4", "2 of 7", 0.0) as tell,
    ):
        tell("looking closer", 0.5)
    assert all(
        part in screen.getvalue() for part in ("2 of 7", "{clip}[red].mp4", "looking closer", "50%")
    )
    assert screen.getvalue().endswith("\x1b[2K")


def test_progress_waits_for_two_seconds() -> None:
    with on_terminal() as screen, terminal.progress("clip.mp4", "1 of 1", time.monotonic()) as tell:
        tell("looking", 0.5)
    assert screen.getvalue() == ""


def test_csv_spells_out_control_characters_on_a_terminal_only() -> None:
    with on_terminal() as screen:
        _print([results.nobody("\x1b[31m.jpg")], as_json=False, as_csv=True, language=english())
    assert "\\x1b[31m.jpg" in screen.getvalue()
    assert "\x1b" not in screen.getvalue()
