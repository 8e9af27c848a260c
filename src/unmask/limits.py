"""The limits of a check: sentences on what was not seen, or not measured, and so may have been missed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from unmask import classifiers, models
from unmask.faces import SeenFrame
from unmask.types import Damage, MediaFacts, Person, clock

MANY_PEOPLE = 5
"""People beyond which the report says that one of so many may reach an LR of 10 by chance."""

MOST_STRETCHES = 5
"""Damaged stretches whose times are named; the rest are counted."""


def of_models(lines: Collection[str], folder: Path | None) -> list[str]:
    """Limits of the models: those on the learned network's card, and one sentence on each model of the user's that was asked.

    Args:
        lines: names of the lines that were asked.
        folder: of the user's models.

    Raises:
        WeightsError: the network's card is missing.
    """
    added = [
        f"The line {model.name!r} is a model that whoever made this check has added (origin: {model.card['origin']}). "
        "The accuracy figures above are not its own."
        for model in classifiers.in_folder(folder)
        if model.name in lines
    ]
    return [*models.card("learned")["limits"], *added]


def of_check(
    media: MediaFacts,
    times: Sequence[float],
    every: float,
    seen: Sequence[SeenFrame],
    people: Sequence[Person],
    dropped: int,
    damage: Sequence[Damage] = (),
) -> list[str]:
    """Limits of the looking: frames and faces that were left out, and the meaning of many faces; one sentence each.

    Args:
        media: the file.
        times: planned frames, s, without those of the closer look.
        every: spacing that was asked for, s.
        seen: frames that were looked at.
        people: those who were judged.
        dropped: faces that showed too briefly to be judged.
        damage: stretches that were passed over.
    """
    limits = []
    spacing = media.duration / max(1, len(times))
    if len(times) > 1 and spacing > 1.2 * every and len(times) < media.frames:
        limits.append(
            f"The frames looked at are about {spacing:.1f} s apart. A change that lasts less than that may have been missed; "
            "check the part that matters on its own."
        )
    if damage:
        limits.append(_passed_over(damage))
    planned = {round(t, 6) for t in times if not any(d.start <= t < d.end for d in damage)}
    if len(lost := planned - {round(frame.time, 6) for frame in seen}) > 1:
        limits.append(
            f"{len(lost)} of the {len(times)} frames to look at could not be decoded; a later one was taken instead."
        )
    if dropped:
        faces = "1 face" if dropped == 1 else f"{dropped} faces"
        limits.append(f"{faces} that showed too briefly to be followed {'was' if dropped == 1 else 'were'} not judged.")
    if most := max((frame.left_out for frame in seen), default=0):
        limits.append(f"In some frames only the largest faces were judged; up to {most} smaller ones were left out.")
    if len(people) > MANY_PEOPLE:
        limits.append(
            f"{len(people)} faces were judged each on its own. The more faces, the likelier it is that one of them "
            "reaches an LR of 10 by chance."
        )
    return limits


def _passed_over(damage: Sequence[Damage]) -> str:
    count = sum(d.pictures for d in damage)
    when = [f"from {clock(d.start)} to {clock(d.end)}" for d in damage[:MOST_STRETCHES]]
    more = f" and {len(damage) - MOST_STRETCHES} more times" if len(damage) > MOST_STRETCHES else ""
    pictures = "1 damaged picture was" if count == 1 else f"{count:,} damaged pictures were"
    return f"{pictures} passed over, {', '.join(when)}{more}; nothing is said of them. Get the file again, if you can."
