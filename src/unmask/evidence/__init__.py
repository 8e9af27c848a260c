"""Lines of evidence: one independent way to tell a changed face each, in one file each, registered in `LINES`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Protocol

from unmask import classifiers
from unmask.errors import ModelError, UsageError
from unmask.evidence.added import Added
from unmask.evidence.learned import Learned
from unmask.evidence.motion import Motion
from unmask.evidence.originals import Originals
from unmask.evidence.reflection import Reflection
from unmask.evidence.skin import Skin
from unmask.evidence.texture import Texture
from unmask.types import Case, Evidence, Status, TrackEvidence


class LineOfEvidence(Protocol):
    """Looks at a case and says, per track, what it measured and what that means in one sentence.

    It reads nothing but the case and its own weights, imports what is heavy inside `examine`, and says `not_applicable`
    with the reason where it has nothing to go by. It never turns a failure into a middling score.
    """

    name: str

    @abstractmethod
    def examine(self, case: Case) -> Evidence:
        """What the line says of every track, in the order of the tracks."""
        ...


Lines = Mapping[str, Callable[[], LineOfEvidence]]
"""What makes each line, by its name."""

LINES: dict[str, Callable[[], LineOfEvidence]] = {
    "learned": Learned,
    "texture": Texture,
    "skin": Skin,
    "reflection": Reflection,
    "motion": Motion,
    "originals": Originals,
}
"""Every line of this package by its name. A new line is one file and one entry here."""


def available(folder: Path | None = None) -> Lines:
    """Every line by its name: those of this package, and one for each model in a folder of the user's.

    Raises:
        ModelError: a model cannot be used.
    """
    added = {model.name: partial(Added, model) for model in classifiers.in_folder(folder)}
    if folder and (taken := sorted(added.keys() & LINES)):
        raise ModelError(folder / f"{taken[0]}.onnx", "a line of evidence has this name already", "rename the model")
    return {**LINES, **added}


def chosen(names: Sequence[str], folder: Path | None = None) -> Lines:
    """The named lines, or all that are `available` if none is named.

    Raises:
        UsageError: no line has that name, or a model cannot be used.
    """
    lines = available(folder)
    if unknown := [name for name in names if name not in lines]:
        raise UsageError(f"no line of evidence is called {unknown[0]!r}; there are {', '.join(lines)}")
    return {name: lines[name] for name in names or lines}


def examine(case: Case, lines: Lines, debug: bool = False) -> tuple[Evidence, ...]:
    """What each line says of a case. A line that crashes becomes `failed`, and the others go on.

    Args:
        case: what to look at.
        lines: as `chosen` gives them.
        debug: whether a crash raises.

    Raises:
        Exception: whatever a line raised, if ``debug``.
    """
    return tuple(_one(name, line, case, debug) for name, line in lines.items())


def _one(name: str, line: Callable[[], LineOfEvidence], case: Case, debug: bool) -> Evidence:
    try:
        return line().examine(case)
    except Exception as error:
        if debug:
            raise
        reason = f"This line of evidence failed ({type(error).__name__}: {error}) and weighs nothing."
        return Evidence(name, tuple(TrackEvidence(t.id, Status.FAILED, reason) for t in case.tracks))
