"""Lines of evidence: each is one independent way to detect a changed face, in one file.

They are registered in `LINES`. The registry asks every line about every track. A crash costs one
line on one track.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from unmask import classifiers
from unmask.errors import ModelError, UsageError
from unmask.evidence.added import Added
from unmask.evidence.credentials import Credentials
from unmask.evidence.learned import Learned
from unmask.evidence.motion import Motion
from unmask.evidence.originals import Originals
from unmask.evidence.reflection import Reflection
from unmask.evidence.skin import Skin
from unmask.evidence.strong import Strong
from unmask.evidence.take import Take
from unmask.evidence.texture import Texture
from unmask.messages import Message
from unmask.types import Case, Evidence, Status, Track, TrackEvidence


class LineOfEvidence(Protocol):
    """Examines one person's track and reports measurements, and their meaning as a message.

    It reads nothing but the track, the case and its own weights, imports heavy modules inside
    `examine`, and reports `not_applicable` with the reason where it cannot measure. It never turns
    a failure into a middling score. It lives for one check and may be asked twice about a person,
    the second time with more sightings; it remembers what it has measured, see `unmask.measuring`.
    """

    name: str

    @abstractmethod
    def examine(self, track: Track, case: Case) -> TrackEvidence:
        """Returns the evidence of this line on one track of the case, of one sighting or more."""
        ...


Lines = Mapping[str, LineOfEvidence]
"""The lines of one check, by name, in the order in which they are asked."""

LINES: dict[str, Callable[[], LineOfEvidence]] = {
    "learned": Learned,
    "strong": Strong,
    "texture": Texture,
    "skin": Skin,
    "reflection": Reflection,
    "motion": Motion,
    "originals": Originals,
    "credentials": Credentials,
    "take": Take,
}
"""Constructor of each line of this package, by its name.

A new line is one file and one entry here.
"""


def available(folder: Path | None = None) -> Lines:
    """Makes the lines for one check.

    They are those of this package, and one for each model in a folder of the user's.

    Raises:
        ModelError: a model cannot be used.
    """
    added = {model.name: Added(model) for model in classifiers.in_folder(folder)}
    if folder and (taken := sorted(added.keys() & LINES)):
        raise ModelError(
            folder / f"{taken[0]}.onnx",
            "a line of evidence has this name already",
            "rename the model",
        )
    return {**{name: make() for name, make in LINES.items()}, **added}


def chosen(names: Sequence[str], folder: Path | None = None) -> Lines:
    """Makes the named lines for one check, or all that are `available` if none is named.

    Raises:
        UsageError: no line has that name, or a model cannot be used.
    """
    lines = available(folder)
    if unknown := [name for name in names if name not in lines]:
        raise UsageError(
            f"no line of evidence is called {unknown[0]!r}; there are {', '.join(lines)}"
        )
    return {name: lines[name] for name in names or lines}


def guiding(lines: Lines) -> Lines:
    """Selects the lines that examine every sighting, and so tell where to look more closely.

    The expensive ones, which sample a track, are left out.
    """
    return {name: line for name, line in lines.items() if name != Strong.name}


def examine(case: Case, lines: Lines, debug: bool = False) -> dict[int, Evidence]:
    """Asks each line about each track.

    Returns the evidence by the track's id, and by the line's name in the order of the lines.

    Args:
        case: what to examine.
        lines: as `chosen` makes them; asked again about the same sightings, they remember what they
            measured.
        debug: whether a crash raises.

    Raises:
        Exception: whatever a line raised, if ``debug``.
    """
    return {track.id: _evidence(track, case, lines, debug) for track in case.tracks}


def _evidence(track: Track, case: Case, lines: Lines, debug: bool) -> Evidence:
    said: dict[str, TrackEvidence] = {}
    for name, line in lines.items():
        said[name] = _ask(line, track, replace(case, earlier=dict(said)), debug)
    return said


def _ask(line: LineOfEvidence, track: Track, case: Case, debug: bool) -> TrackEvidence:
    try:
        return line.examine(track, case)
    except Exception as error:
        if debug:
            raise
        reason = Message("evidence.failed", {"error": f"{type(error).__name__}: {error}"})
        return TrackEvidence(Status.FAILED, reason)
