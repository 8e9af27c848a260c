"""Builds one data set from photos, videos and folders of them; resumes where it stopped."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unmask.errors import MediaError, printable
from unmask.inputs import SUFFIXES
from unmask.media import open_media
from unmask.terminal import progress
from unmask_lab.collect import parts
from unmask_lab.collect.look import LookSettings, look
from unmask_lab.collect.parts import MediaPart
from unmask_lab.data import BONA_FIDE, CHANGED, DataError


@dataclass(frozen=True, slots=True)
class MediaDeclaration:
    """Facts that cannot be measured and so must be declared.

    Attributes:
        licence: licence under which photos and videos may be used; required for them.
        label: 0 bona fide, 1 changed.
        source: where they come from; None for the name of each file's folder.

    Raises:
        DataError: the label is another number.
    """

    licence: str = ""
    label: int = BONA_FIDE
    source: str | None = None

    def __post_init__(self) -> None:
        if self.label not in {BONA_FIDE, CHANGED}:
            raise DataError(f"label must be 0, bona fide, or 1, changed, not {self.label}")


@dataclass(frozen=True, slots=True)
class Collected:
    """Result of a run.

    Attributes:
        faces, people, files: kept, told apart, and read.
        left_out: number of faces by reason.
        unreadable: a line for each file that could not be read, or was a copy of another.
    """

    faces: int
    people: int
    files: int
    left_out: Counter[str]
    unreadable: tuple[str, ...]


def collect_media(
    sources: Sequence[Path],
    target: Path,
    declared: MediaDeclaration,
    settings: LookSettings = LookSettings(),
) -> Collected:
    """Writes the faces of photos and videos into one Parquet file; its columns are `parts.DATA`.

    The faces of each file are kept beside ``target`` in a folder ``*.parts``. So no file is
    processed twice with the same settings, even if a run was stopped.

    Args:
        sources: photos, videos, and folders, which are searched with all their subfolders; hidden
            files are left out.
        target: holds the faces of ``sources``, and nothing of an earlier run with others.

    Raises:
        DataError: no face was kept.
    """
    begun = time.monotonic()
    files = [(file, declared.source or name) for source in sources for file, name in _files(source)]
    done: dict[str, MediaPart] = {}
    unreadable: list[str] = []
    for number, (file, source) in enumerate(files, start=1):
        of_all = f"{number} of {len(files)}"
        try:
            part = _part(file, source, target.with_suffix(".parts"), settings, of_all, begun)
            if same := done.get(part.sha256):
                raise DataError(
                    f"{printable(str(file))}: the same file as {printable(same.file)}; counted once"
                )
        except (MediaError, DataError) as error:
            unreadable.append(outcome := str(error))
        else:
            done[part.sha256] = part
            kept, reasons = parts.counted(part.path)
            outcome = f"{printable(part.file)}: {kept} kept, {reasons.total()} left out"
        print(f"{of_all}  {outcome}", file=sys.stderr, flush=True)
    counts = [parts.counted(part.path) for part in done.values()]
    faces, left_out = (
        sum(kept for kept, _ in counts),
        sum((reasons for _, reasons in counts), Counter[str]()),
    )
    if not faces:
        raise DataError(
            f"{target}: not written, no face was kept of {len(files)} files: "
            f"{said(left_out, unreadable)}"
        )
    people = parts.merge(list(done.values()), target, declared.label, declared.licence)
    return Collected(faces, people, len(done), left_out, tuple(unreadable))


def said(left_out: Counter[str], unreadable: Sequence[str]) -> str:
    """Describes in words what was left out."""
    reasons = [f"{count} {reason}" for reason, count in left_out.most_common()]
    return ", ".join([*reasons, f"{len(unreadable)} files unreadable or twice"])


def _files(source: Path) -> list[tuple[Path, str]]:
    """Lists every file of a source, with the name of that source."""
    if not source.is_dir():
        return [(source, source.absolute().parent.name)]
    found = sorted(
        file for file in source.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file()
    )
    return [
        (f, source.absolute().name)
        for f in found
        if not any(p[0] == "." for p in f.relative_to(source).parts)
    ]


def _part(
    file: Path, source: str, folder: Path, settings: LookSettings, number: str, begun: float
) -> MediaPart:
    """Returns the part of one file, made now or taken from an earlier run."""
    clip = open_media(file)
    path = parts.place(folder, clip.facts.sha256, settings)
    if not path.exists():
        with progress(str(file), number, begun) as bar:
            parts.write(path, *look(clip, settings, lambda done: bar("looking", done)))
    return MediaPart(path, file.name, clip.facts.sha256, source)
