"""The limits of a check: sentences on what was not seen, or not measured, and so may have been missed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from unmask import classifiers, models
from unmask.faces import SeenFrame
from unmask.types import MediaFacts, Person

NETWORKS = ("strong", "learned")
"""Lines whose model cards say how often the verdict is wrong, the strongest one first."""

MANY_PEOPLE = 5
"""People beyond which the report says that one of so many may reach an LR of 10 by chance."""


def of_models(lines: Collection[str], folder: Path | None) -> list[str]:
    """Limits on the card of the strongest network that was asked, and one sentence on each model of the user's that was.

    Args:
        lines: names of the lines that were asked.
        folder: of the user's models.

    Raises:
        WeightsError: a network's card is missing.
    """
    added = [
        f"The line {model.name!r} is a model that whoever made this check has added (origin: {model.card['origin']}). "
        "The accuracy figures above are not its own."
        for model in classifiers.in_folder(folder)
        if model.name in lines
    ]
    network = next((name for name in NETWORKS if name in lines), NETWORKS[-1])
    return [*models.card(network)["limits"], *added]


def of_check(
    media: MediaFacts,
    times: Sequence[float],
    every: float,
    seen: Sequence[SeenFrame],
    people: Sequence[Person],
    dropped: int,
) -> list[str]:
    """Limits of the looking: frames and faces that were left out, and the meaning of many faces; one sentence each.

    Args:
        media: the file.
        times: planned frames, s, without those of the closer look.
        every: spacing that was asked for, s.
        seen: frames that were looked at.
        people: those who were judged.
        dropped: faces that showed too briefly to be judged.
    """
    limits = []
    spacing = media.duration / max(1, len(times))
    if len(times) > 1 and spacing > 1.2 * every and len(times) < media.frames:
        limits.append(
            f"The frames looked at are about {spacing:.1f} s apart. A change that lasts less than that may have been missed; "
            "check the part that matters on its own."
        )
    planned = {round(t, 6) for t in times}
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
