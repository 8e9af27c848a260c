"""Files that `unmask check` and `unmask take` write: a page per input, and whole frames of it."""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from unmask import inputs
from unmask.errors import MediaError, UsageError, printable

if TYPE_CHECKING:
    from unmask.types import CheckResult, Scene
    from unmask.words import Language


@dataclass(frozen=True, slots=True)
class Outputs:
    """Outputs that are wanted; None for those that are not.

    Attributes:
        reports: folder for a page per file.
        page: path of the page on the only file.
        key_frames: folder for whole frames.
    """

    reports: Path | None = None
    page: Path | None = None
    key_frames: Path | None = None

    def prepare(self, files: int) -> None:
        """Makes the folders.

        Raises:
            UsageError: one cannot be made; or the one page is for several files, or would replace a
                file that is no such page.
        """
        if self.page and self.reports:
            raise UsageError("--out and --report exclude each other")
        if self.page and files != 1:
            raise UsageError(
                f"--out names the page on one file, and these are {files}; use --report DIR"
            )
        for folder in (self.reports, self.page and self.page.parent, self.key_frames):
            make_folder(folder)
        if self.page and self.page.exists() and not _is_page(self.page):
            raise UsageError(
                f"{printable(str(self.page))} is there already and is no report; choose "
                f"another name for --out"
            )


def make_folder(folder: Path | None) -> None:
    """Makes a folder if one is wanted and it is missing.

    Raises:
        UsageError: it cannot be made.
    """
    try:
        if folder:
            folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"the folder {printable(str(folder))} cannot be made: {inputs.words(error)}"
        ) from error


class Pages:
    """Writes the wanted files of one call, and never the page on one file over that on another.

    Args:
        wanted: the wanted outputs.
        language: language of the pages.
        about: subject of the pages besides the file, and the end of their names; it keeps pages on
            the same file apart.
    """

    def __init__(self, wanted: Outputs, language: Language, about: str = "") -> None:
        self._wanted, self._language, self._about = wanted, language, about
        self._taken: set[str] = set()

    def place(self, path: str) -> Path | None:
        """Returns the path of the page on a file, None if none is wanted."""
        wanted = self._wanted
        return wanted.page or (
            _page_for(path, wanted.reports, self._taken, self._about) if wanted.reports else None
        )

    def written(self, result: CheckResult) -> CheckResult:
        """Writes the page and the frames; returns the result with their paths.

        Raises:
            OSError: they cannot be written.
        """
        from unmask.report import html

        wanted = self._wanted
        page = self.place(result.path)
        scenes = _scenes(result) if page or wanted.key_frames else ()
        if wanted.key_frames:
            result = replace(result, key_frames=_exported(result.path, scenes, wanted.key_frames))
        if page:
            page.write_text(html.page(result, self._language, scenes), encoding="utf-8")
            result = replace(result, report=str(page))
        return result


def _scenes(result: CheckResult) -> tuple[Scene, ...]:
    """Returns whole frames with faces; none of a file that has gone or changed meanwhile."""
    from unmask.media import open_media
    from unmask.scenes import scenes

    try:
        return scenes(open_media(result.path), result.people) if result.people else ()
    except MediaError:
        return ()


def _exported(path: str, scenes: tuple[Scene, ...], folder: Path) -> tuple[str, ...]:
    """Writes scenes as JPEGs without metadata.

    Two files of one name do not collide, and the same file gets the same names again.
    """
    from unmask.report import html, images
    from unmask.types import clock

    made = []
    for scene in scenes:
        name = f"{_safe(path)}-{html.mark(path)[:8]}-{clock(scene.time).replace(':', '.')}.jpg"
        (folder / name).write_bytes(images.jpeg(scene.rgb))
        made.append(str(folder / name))
    return tuple(made)


def _page_for(path: str, folder: Path, taken: set[str], about: str) -> Path:
    """Chooses the path of the page on a file.

    The name is not ``taken`` in any spelling. An existing file is replaced only if it is an older
    page on the same file.
    """
    safe = _safe(path) + about
    names = (f"{safe}{f'-{number}' if number > 1 else ''}.html" for number in itertools.count(1))
    page = next(
        name
        for name in names
        if name.casefold() not in taken and _is_free(folder / name, path, about)
    )
    taken.add(page.casefold())
    return folder / page


def _safe(path: str) -> str:
    """Turns a file's name into one that is safe in every file system and never hidden."""
    name = unicodedata.normalize("NFC", path.replace("\\", "/").rstrip("/").rpartition("/")[2])
    safe = (
        "".join(c if c.isalnum() or c in "-_.,+=@()[] " else "_" for c in name).strip(". ")
        or "file"
    )
    return safe.encode()[:200].decode(errors="ignore")


def _is_free(page: Path, path: str, about: str) -> bool:
    from unmask.report import html

    try:
        return html.marked(page) == html.mark(path, about)
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _is_page(path: Path) -> bool:
    from unmask.report import html

    try:
        return html.marked(path) is not None
    except OSError:
        return False
