"""Limits of a check: what was not seen, or not measured, and so may have been missed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from unmask import classifiers, models
from unmask.faces import SeenFrame
from unmask.licences import telling
from unmask.messages import Message, read
from unmask.types import Damage, Declared, MediaFacts, Original, Person, Recorded, Verdict

NETWORKS = ("strong", "learned")
"""Lines whose model cards state the verdict's error rates, the strongest one first."""

SAVED_LATER = 60.0
"""Seconds between recording and saving from which a file counts as saved again.

A camera needs some seconds to write a file.
"""

MANY_PEOPLE = 5
"""Number of people above which the report says that one of them may reach an LR of 10 by chance."""


def of_models(lines: Collection[str], folder: Path | None) -> list[Message]:
    """Returns the limits on the strongest network's card, and one for each user model.

    Only networks and models that were asked count.

    Args:
        lines: names of the lines that were asked.
        folder: folder of the user's models.

    Raises:
        WeightsError: a network's card is missing.
    """
    added = [
        Message("limit.added_model", {"name": model.name, "origin": model.card["origin"]})
        for model in classifiers.in_folder(folder)
        if model.name in lines
    ]
    network = next((name for name in NETWORKS if name in lines), NETWORKS[-1])
    return [*map(read, models.card(network)["limits"]), *added]


def of_recording(recorded: Recorded) -> list[Message]:
    """Says that a file was written again after it was recorded, if its own metadata say so."""
    if not (recorded.taken and recorded.saved):
        return []
    taken, saved = map(datetime.fromisoformat, (recorded.taken, recorded.saved))
    if (taken.tzinfo is None) is not (saved.tzinfo is None) or (
        saved - taken
    ).total_seconds() <= SAVED_LATER:
        return []
    when = {"taken": recorded.taken.replace("T", " "), "saved": recorded.saved.replace("T", " ")}
    if not recorded.software:
        return [Message("limit.saved", when)]
    return [Message("limit.saved_with", {**when, "software": recorded.software})]


def of_stretch(media: MediaFacts, start: float, end: float) -> list[Message]:
    """Says that only a stretch of a video, seconds, was looked at; empty if it was all of it."""
    if start <= 0 and end >= media.duration:
        return []
    return [Message("limit.stretch", {"start": start, "end": end})]


def of_licences(people: Sequence[Person], declared: Declared | None) -> list[Message]:
    """States the limits of the licences that were relied on, and why others were refused.

    A licence that marks a place was relied on for any face that was put there. Also says that
    nobody licensed what the file declares.
    """
    unlicensed = (
        declared is not None
        and declared.ai
        and bool(people)
        and not any(person.licences for person in people)
    )
    by_mark = any(
        p.verdict is Verdict.LICENSED_CHANGE
        and not any(one.names_file and not one.refused for one in p.licences)
        for p in people
    )
    why = {
        held.refused: None
        for p in people
        if p.verdict is not Verdict.LICENSED_CHANGE and p.reason.code != "face.unlicensed"
        for held in p.licences
        if held.refused is not None
    }
    return [
        *([Message("limit.marked")] if by_mark else []),
        *([Message("limit.declared")] if unlicensed else []),
        *(Message("limit.no_licence", {"why": one}) for one in why),
    ]


def of_stripped(originals: Sequence[Original]) -> list[Message]:
    """States which originals of the file carried content credentials that the file lacks."""
    return [telling.stripped(original) for original in originals]


def of_check(
    media: MediaFacts,
    times: Sequence[float],
    every: float,
    seen: Sequence[SeenFrame],
    people: Sequence[Person],
    dropped: int,
    damage: Sequence[Damage] = (),
    interlaced: int = 0,
) -> list[Message]:
    """Limits of the looking: frames and faces that were left out, and the meaning of many faces.

    Args:
        media: the file; what its frames do not show comes first.
        times: planned frames, s, without those of the closer look.
        every: spacing that was asked for, s.
        seen: frames that were looked at.
        people: those who were judged.
        dropped: faces that showed too briefly to be judged.
        damage: stretches that were passed over.
        interlaced: pictures of which one half-picture was looked at.
    """
    limits = list(media.limits)
    spacing = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
    if len(times) > 1 and spacing > 1.2 * every and len(times) < media.frames:
        limits.append(Message("limit.spacing", {"spacing": spacing}))
    if damage:
        spans = tuple(Message("span", {"start": d.start, "end": d.end}) for d in damage)
        limits.append(
            Message("limit.damaged", {"count": sum(d.pictures for d in damage), "spans": spans})
        )
    if interlaced:
        limits.append(Message("limit.interlaced", {"count": interlaced}))
    planned = {round(t, 6) for t in times if not any(d.start <= t < d.end for d in damage)}
    if len(lost := planned - {round(frame.time, 6) for frame in seen}) > 1:
        limits.append(Message("limit.not_decoded", {"lost": len(lost), "planned": len(times)}))
    if dropped:
        limits.append(Message("limit.brief", {"count": dropped}))
    if most := max((frame.left_out for frame in seen), default=0):
        limits.append(Message("limit.small", {"most": most}))
    if len(people) > MANY_PEOPLE:
        limits.append(Message("limit.many", {"people": len(people)}))
    return limits
