"""Messages about files and footage."""

from __future__ import annotations

from unmask.messages import Message, Value, verbatim
from unmask.types import Kind, Match
from unmask.words.numbers import short_size


def size(size_bytes: int) -> Message:
    """Gives a file's size in decimal units and in bytes."""
    if size_bytes < 1000:
        return Message("size.bytes", {"count": size_bytes})
    return Message("size.both", {"short": short_size(size_bytes), "count": size_bytes})


def shown(match: Match) -> Message:
    """Says which stretch of a known original a stretch of a file shows.

    For example ``0:00.0 to 0:08.0 shows 0:03.0 to 0:11.0 of ...``. A photo has no times, neither as
    the file nor as the original.
    """
    values: dict[str, Value] = {
        "originals": tuple(original.credit for original in match.originals),
        "original_start": match.original_start,
        "mirrored": Message("match.mirrored") if match.mirrored else "",
    }
    photo = all(original.kind is Kind.PHOTO for original in match.originals)
    if match.end <= match.start:
        return Message("match.photo", values) if photo else Message("match.picture", values)
    if photo:
        return Message("match.still", {**values, "start": match.start, "end": match.end})
    faster = abs(match.speed - 1) > 0.005
    return Message(
        "match.stretch",
        {
            **values,
            "start": match.start,
            "end": match.end,
            "original_end": match.original_end,
            "speed": Message("match.speed", {"speed": 1 / match.speed}) if faster else "",
        },
    )


def headline(why: Message) -> Message:
    """Makes a headline of a reason.

    For a file that cannot be judged it has no path, which stands beside it anyway.
    """
    if why.code == "error.other":
        return verbatim(str(why.values["text"]))
    return Message("error.headline", why.values) if why.code == "error.file" else why
