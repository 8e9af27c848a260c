"""Conversion of one content's result into rows of the tables."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any

import numpy as np

from unmask.errors import encodable
from unmask.messages import Message, verbatim
from unmask.originals.matching import Looks

if TYPE_CHECKING:
    from unmask.fleet.tables import Row, Rows
    from unmask.report.document import Document, PersonPart


def of_document(sha256: str, document: Document, looks: Looks | None, seconds: float) -> Rows:
    """Makes the rows of a content that was judged, or could not be.

    Args:
        sha256: sha256 of the content.
        document: the result.
        looks: its sketch, see `unmask.originals.grouping`; None where it has none.
        seconds: time that judging took.
    """
    return {
        "results": [_result(sha256, document) | {"seconds": round(seconds, 3)}],
        "people": [_person(sha256, person) for person in document.people],
        "findings": [one for person in document.people for one in _findings(sha256, person)],
        "sketches": [] if looks is None else [_sketch(sha256, looks)],
    }


def of_poison(sha256: str, why: Message) -> Rows:
    """Makes the only row of a content that no worker survived."""
    return {
        "results": [
            {
                "sha256": sha256,
                "error": str(why),
                "error_code": why.code,
                "people": 0,
                "checked": _now(),
            }
        ]
    }


def of_file(
    path: str, size: int, written: float, sha256: str | None, problem: str | None = None
) -> Row:
    """Makes the row of a file that was read, or could not be."""
    return {
        "path": encodable(path),
        "size_bytes": size,
        "written": moment(written),
        "sha256": sha256,
        "problem": problem and encodable(problem),
        "seen": _now(),
    }


def of_gone(row: Row) -> Row:
    """Makes the row of a file that has gone from its source, from its newest row."""
    return row | {"sha256": None, "problem": None, "seen": _now()}


def moment(seconds: float) -> datetime:
    """Converts seconds since 1970 to a time of the tables, to the microsecond."""
    return datetime.fromtimestamp(seconds, UTC)


def _now() -> datetime:
    return datetime.now(UTC)


def _result(sha256: str, document: Document) -> Row:
    media = document.media
    row: Row = {
        name: _plain(getattr(document, name))
        for name in (
            "outcome",
            "verdict",
            "log10_lr",
            "posterior",
            "basis",
            "reason",
            "reason_code",
        )
    }
    if document.error is not None:
        why = _why(document.message("error"))
        row |= {
            "reason": None,
            "reason_code": None,
            "error": encodable(str(why)),
            "error_code": why.code,
        }
    if media is not None:
        names = ("kind", "container", "codec", "width", "height", "duration", "size_bytes")
        row |= {name: _plain(getattr(media, name)) for name in names}
    return row | {
        "sha256": sha256,
        "people": len(document.people),
        "limits": list(document.limit_codes),
        "originals": sorted(
            {one.sha256 for match in document.originals for one in match.registrations}
        ),
        "ai_declared": document.declared and document.declared.ai,
        "checked": _now(),
    }


def _plain(value: Any) -> Any:
    """Returns the value of a member of an enumeration, and anything else as it is."""
    return value.value if isinstance(value, Enum) else value


def _why(error: Message) -> Message:
    """Returns the reason as a clause, without the path: other files may have the same content."""
    values = error.values
    reason = values.get("reason")
    if isinstance(reason, Message):
        return reason
    return verbatim(str(values["text"])) if "text" in values else error


def _person(sha256: str, person: PersonPart) -> Row:
    names = (
        "verdict",
        "log10_lr",
        "reason",
        "reason_code",
        "basis",
        "first_seen",
        "last_seen",
        "sightings",
        "judged",
    )
    return {name: _plain(getattr(person, name)) for name in names} | {
        "sha256": sha256,
        "person": person.id,
        "spans": [{"start": span.start, "end": span.end} for span in person.spans],
        "face_px": person.quality.size_px,
    }


def _findings(sha256: str, person: PersonPart) -> list[Row]:
    names = ("status", "score", "log10_lr", "summary", "summary_code")
    return [
        {name: _plain(getattr(said, name)) for name in names}
        | {"sha256": sha256, "person": person.id, "line": line}
        for line, said in person.lines.items()
    ]


def _sketch(sha256: str, looks: Looks) -> Row:
    return {
        "sha256": sha256,
        "times": looks.times.tolist(),
        "frame": looks.of.tolist(),
        "hashes": looks.hashes.astype("<u8").tobytes(),
        "places": looks.places.astype("<f4").tobytes(),
        "aspect": looks.aspect,
    }


def looks_of(row: Row) -> Looks:
    """Returns the sketch in a row of ``sketches``."""
    return Looks(
        np.array(row["times"], np.float64),
        np.array(row["frame"], np.int64),
        np.frombuffer(row["hashes"], "<u8").astype(np.uint64).reshape(-1, 4),
        np.frombuffer(row["places"], "<f4").astype(np.float32).reshape(-1, 3),
        row["aspect"],
    )
