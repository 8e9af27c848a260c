"""One call of `unmask check`: a result per file, a page if asked for, and the exit code."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from unmask import inputs
from unmask.errors import (
    LicenceError,
    MediaError,
    OriginalsError,
    UsageError,
    WeightsError,
    printable,
)
from unmask.messages import Message

if TYPE_CHECKING:
    from unmask.cli.pages import Pages
    from unmask.pipeline import Progress, Settings
    from unmask.types import CheckResult, Outcome
    from unmask.words import Language


class Run:
    """One call of `unmask check`: judges file by file, writes the pages, and keeps the exit code.

    Args:
        settings: settings of each check.
        fail_on: outcomes of a file that make the exit code 3.
        pages: writes the wanted files beside the answers.
        language: language of the output for people.
        machine: whether stdout is for a program, so that paths of pages go to stderr.
    """

    def __init__(
        self,
        settings: Settings,
        fail_on: frozenset[Outcome],
        pages: Pages,
        language: Language,
        machine: bool,
    ) -> None:
        self._settings, self._fail_on, self._pages, self._language = (
            settings,
            fail_on,
            pages,
            language,
        )
        self._machine = machine
        self._failed = self._matched = False

    @property
    def code(self) -> int:
        """The exit code, once all results were taken."""
        return 3 if self._matched else int(self._failed)

    def over(self, files: Sequence[str | MediaError]) -> Iterator[CheckResult]:
        """Yields the result for each input, in their order, as soon as it is there.

        Raises:
            UsageError, LicenceError, OriginalsError, WeightsError, ImportError: none of the inputs
                can be judged in this way.
        """
        from unmask.terminal import progress

        begun, t = time.monotonic(), self._language
        for number, given in enumerate(files, start=1):
            if isinstance(given, MediaError):
                result = inputs.failed(given.path, given)
            else:
                with progress(
                    given, t("progress.number", number=number, count=len(files)), begun, t
                ) as tell:
                    result = self._judge(given, tell)
            self._matched |= result.outcome in self._fail_on
            if result.error is not None:
                self._fail(t.say(result.error))
            result = self._written(result)
            yield result
            self._tell(result)

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

    def _written(self, result: CheckResult) -> CheckResult:
        try:
            return self._pages.written(result)
        except Exception as error:
            if self._settings.debug:
                traceback.print_exception(error)
            where = getattr(error, "filename", None) or result.path
            self._fail(
                f"{printable(str(where))}: the report cannot be written: {inputs.words(error)}"
            )
            return result

    def _tell(self, result: CheckResult) -> None:
        """Prints the paths of the page and the frames."""
        t = self._language
        told = [t("terminal.report", path=printable(result.report))] if result.report else []
        told += [t("terminal.key_frame", path=printable(path)) for path in result.key_frames]
        for line in told:
            typer.echo(f"  {line}", err=self._machine or result.error is not None)

    def _fail(self, text: str) -> None:
        self._failed = True
        complain(text)


def complain(text: str) -> None:
    """Prints what went wrong, a line on stderr."""
    typer.echo(f"unmask: {text}", err=True)
