"""Lines of evidence: one independent way to tell a changed face each, in one file each, registered in `LINES`."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Protocol

from unmask.errors import UsageError
from unmask.evidence.learned import Learned
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


LINES: dict[str, type[LineOfEvidence]] = {"learned": Learned}
"""Every line by its name. A new line is one file and one entry here."""


def chosen(names: Sequence[str]) -> tuple[str, ...]:
    """The named lines, or all of them if none is named.

    Raises:
        UsageError: no line has that name.
    """
    if unknown := [name for name in names if name not in LINES]:
        raise UsageError(f"no line of evidence is called {unknown[0]!r}; there are {', '.join(LINES)}")
    return tuple(names) or tuple(LINES)


def examine(case: Case, names: Sequence[str], debug: bool = False) -> tuple[Evidence, ...]:
    """What each of the named lines says of a case. A line that crashes becomes `failed`, and the others go on.

    Args:
        case: what to look at.
        names: as `chosen` gives them.
        debug: whether a crash raises.

    Raises:
        Exception: whatever a line raised, if ``debug``.
    """
    return tuple(_one(name, case, debug) for name in names)


def _one(name: str, case: Case, debug: bool) -> Evidence:
    try:
        return LINES[name]().examine(case)
    except Exception as error:
        if debug:
            raise
        reason = f"This line of evidence failed ({type(error).__name__}: {error}) and weighs nothing."
        return Evidence(name, tuple(TrackEvidence(t.id, Status.FAILED, reason) for t in case.tracks))
