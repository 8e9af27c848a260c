"""One call of `unmask check`: file by file, a result, a page if asked for, and in the end the exit code."""

from __future__ import annotations

import itertools
import time
import traceback
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from unmask import inputs
from unmask.errors import LicenceError, MediaError, OriginalsError, UsageError, WeightsError, printable
from unmask.messages import Message

if TYPE_CHECKING:
    from unmask.pipeline import Progress, Settings
    from unmask.types import CheckResult, Outcome, Scene
    from unmask.words import Language


class Run:
    """One call of `unmask check`: judges file by file, writes the pages, and keeps the exit code.

    Args:
        settings: of each check.
        fail_on: outcomes of a file that make the exit code 3.
        reports: folder for HTML pages, None for none.
        language: of the pages.
        machine: whether stdout is for a program, so that where a page was written goes to stderr.
    """

    def __init__(
        self, settings: Settings, fail_on: frozenset[Outcome], reports: Path | None, language: Language, machine: bool
    ) -> None:
        self._settings, self._fail_on, self._reports, self._language = settings, fail_on, reports, language
        self._machine = machine
        self._taken: set[str] = set()
        self._failed = self._matched = False

    @property
    def code(self) -> int:
        """The exit code, once all results were taken."""
        return 3 if self._matched else int(self._failed)

    def over(self, files: Sequence[str | MediaError]) -> Iterator[CheckResult]:
        """The result for each input, in their order, as soon as it is there.

        Raises:
            UsageError, LicenceError, OriginalsError, WeightsError, ImportError: none of the inputs can be judged in this way.
        """
        from unmask.terminal import progress

        begun, t = time.monotonic(), self._language
        for number, given in enumerate(files, start=1):
            if isinstance(given, MediaError):
                result = inputs.failed(given.path, given)
            else:
                with progress(given, t("progress.number", number=number, count=len(files)), begun, t) as tell:
                    result = self._judge(given, tell)
            self._matched |= result.outcome in self._fail_on
            if result.error is not None:
                self._fail(t.say(result.error))
            yield result
            if self._reports:
                self._write(self._reports, result)

    def _judge(self, path: str, progress: Progress) -> CheckResult:
        from unmask import pipeline

        try:
            return pipeline.check(path, self._settings, progress)
        except (UsageError, LicenceError, OriginalsError, WeightsError, ImportError):
            raise
        except Exception as error:
            if self._settings.debug:
                traceback.print_exception(error)
            way_out = Message("way.traceback") if self._settings.debug else Message("way.debug")
            return inputs.failed(path, error, way_out)

    def _write(self, folder: Path, result: CheckResult) -> None:
        from unmask.report import html

        path, t = _page_for(result.path, folder, self._taken), self._language
        try:
            path.write_text(html.page(result, t, self._scenes(result)), encoding="utf-8")
        except Exception as error:
            if self._settings.debug:
                traceback.print_exception(error)
            self._fail(f"{printable(str(path))}: the report cannot be written: {inputs.words(error)}")
        else:
            said = t("terminal.report", path=printable(str(path)))
            typer.echo(f"  {said}", err=self._machine or result.error is not None)

    def _scenes(self, result: CheckResult) -> tuple[Scene, ...]:
        """Whole frames for the report; none of a file that has gone or changed meanwhile."""
        from unmask.media import open_media
        from unmask.scenes import scenes

        try:
            return scenes(open_media(result.path), result.people) if result.people else ()
        except MediaError:
            return ()

    def _fail(self, text: str) -> None:
        self._failed = True
        complain(text)


def _page_for(path: str, folder: Path, taken: set[str]) -> Path:
    """Where the page on a file goes: under a name that is safe in every file system and never hidden.

    It is not ``taken`` in any spelling, and what is there already is replaced only if it is an older page on the same file.
    """
    name = unicodedata.normalize("NFC", path.replace("\\", "/").rstrip("/").rpartition("/")[2])
    safe = "".join(c if c.isalnum() or c in "-_.,+=@()[] " else "_" for c in name).strip(". ") or "file"
    safe = safe.encode()[:200].decode(errors="ignore")
    names = (f"{safe}{f'-{number}' if number > 1 else ''}.html" for number in itertools.count(1))
    page = next(name for name in names if name.casefold() not in taken and _is_free(folder / name, path))
    taken.add(page.casefold())
    return folder / page


def _is_free(page: Path, path: str) -> bool:
    from unmask.report import html

    try:
        return html.marked(page) == html.mark(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def complain(text: str) -> None:
    """Prints what went wrong, a line on stderr."""
    typer.echo(f"unmask: {text}", err=True)
