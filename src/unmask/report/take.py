"""The result of a take as a document for programs: the JSON of `unmask take --json`."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, Self

from pydantic import Field

from unmask.messages import Message, plain
from unmask.report.document import (
    CODE,
    VALUES,
    Count,
    DocumentPart,
    Json,
    MediaPart,
    Positive,
    Share,
)
from unmask.takes import power
from unmask.takes.findings import BreakKind, Confidence, Finding, TakeAnswer
from unmask.takes.result import TakeResult
from unmask.types import Seal

SCHEMA_VERSION = 1
"""Version of the document; raised whenever the meaning of a field changes."""


class FindingPart(DocumentPart):
    """A break of the take at a place, or a note about that place."""

    kind: BreakKind
    """Kind of break or note."""
    breaks: bool
    """Whether the take is broken by it."""
    start: Positive
    """Seconds: the last moment before a break, or the beginning of a stretch."""
    end: Positive
    """Seconds: the first moment after a break, or the end of a stretch."""
    confidence: Confidence
    """`high` where it rests on the bytes of the file or stands out twice as much as it must."""
    reason: str
    """One sentence."""
    reason_code: Annotated[str, CODE]
    reason_values: Annotated[Json, VALUES]


class FoundDocument(DocumentPart):
    """One finding in a recording that goes on, as `--follow` prints it before the document."""

    schema_version: Literal[1]
    """Version of the schema of the document that follows at the end."""
    path: str
    """The recording that is followed, as the caller gave it."""
    finding: FindingPart
    """The finding; the document at the end holds it again, with the end that a stretch has then.
    """


class UnseenPart(DocumentPart):
    """A stretch in which a cut could not have been seen."""

    start: Positive
    """Seconds."""
    end: Positive
    """Seconds."""
    reason: str
    """Why, a clause."""
    reason_code: Annotated[str, CODE]
    reason_values: Annotated[Json, VALUES]


class SharePart(DocumentPart):
    """How many of the tried cuts were found."""

    found: Count
    """How many."""
    low: Share
    """Lower end of the 95 % interval of the probability (Wilson)."""
    high: Share
    """Upper end."""


class PowerPart(DocumentPart):
    """How many cuts that were tried in this footage were found, `found` by its pictures alone.

    What was decoded was cut, as in a film that is encoded again; copied packets would show more.
    """

    lost: Positive
    """Seconds that each took out."""
    trials: Annotated[int, Field(ge=1)]
    """At how many random places one was tried."""
    found: Count
    """How many were found."""
    low: Share
    """Lower end of the 95 % interval of the probability (Wilson)."""
    high: Share
    """Upper end."""
    heard: SharePart | None = None
    """How many were found by its sound alone; null where it has none."""
    either: SharePart | None = None
    """How many were found by its pictures or its sound."""


class FilePart(DocumentPart):
    """One file of the take."""

    path: str
    """As the caller gave it."""
    sha256: str
    """sha256 of the whole file, hexadecimal."""
    start: Positive
    """Seconds of the take at which it begins."""
    duration: Positive
    """Its seconds."""
    size_bytes: Count
    """Size of the whole file."""
    signature: Seal | None = None
    """Whether a live segment is as it was signed; null where that was not looked at."""
    signer: str | None = None
    """Name in its certificate, for which nobody vouches; null where it is not signed."""
    follows: bool | None = None
    """Whether it is signed to follow the file before; null where nothing says so."""


class TakeDocument(DocumentPart):
    """Whether one video, or several in order, are one unbroken take.

    Times are seconds of presentation time from the first picture. Later releases may add fields;
    those described here keep their meaning until schema_version is raised.
    """

    schema_version: Literal[1]
    """Version of this schema."""
    path: str
    r"""The file as the caller gave it. A byte that is no UTF-8 stands as \udc80 to \udcff, written
    out.
    """
    sha256: str | None
    """sha256 of the whole file, hexadecimal; null where it could not be read."""
    answer: TakeAnswer | None
    """The answer; null where the file could not be judged, and then error says why. There is no
    'proved'.
    """
    reason: str
    """One sentence for the answer."""
    reason_code: Annotated[str, CODE]
    reason_values: Annotated[Json, VALUES]
    findings: tuple[FindingPart, ...]
    """Breaks of the take, and mere notes, in order of time."""
    unseen: tuple[UnseenPart, ...]
    """Stretches in which a cut could not have been seen, in order of time."""
    decoded: Share
    """Share of the footage of which all pictures were looked at."""
    power: tuple[PowerPart, ...]
    """Share of tried cuts that was found, by their length; empty where none was tried."""
    media: MediaPart | None
    """Facts of the file, of several the first; null where it could not be read. Where times start
    over, of the part before.
    """
    parts: tuple[FilePart, ...]
    """All files of the take, in order; empty where one could not be read."""
    report: str | None = None
    """Path of the HTML page, where one was written."""
    error: str | None
    """Why the file could not be judged and what to do about it; null where it was judged."""

    @classmethod
    def of(cls, take: TakeResult) -> Self:
        """Makes the document from a result."""
        return cls.model_validate(
            {
                "schema_version": SCHEMA_VERSION,
                "path": take.path,
                "sha256": take.media.sha256 if take.media else None,
                "answer": take.answer,
                **_said(take.reason),
                "findings": [_finding(one) for one in take.findings],
                "unseen": [
                    {"start": one.start, "end": one.end} | _said(one.reason) for one in take.unseen
                ],
                "decoded": round(take.decoded, 4),
                "power": [
                    {"lost": one.lost, "trials": one.trials, **_share(one.seen)}
                    | {"heard": one.heard and _share(one.heard), "either": _share(one.either)}
                    for one in take.power
                ],
                "media": MediaPart.of(take.media) if take.media else None,
                "parts": [
                    {
                        "path": one.path,
                        "sha256": one.sha256,
                        "start": one.start,
                        "duration": one.duration,
                        "size_bytes": one.size_bytes,
                        "signature": one.seal and one.seal.seal,
                        "signer": (one.seal and one.seal.signer) or None,
                        "follows": one.follows,
                    }
                    for one in take.parts
                ],
                "report": take.report,
                "error": None if take.error is None else str(take.error),
            }
        )


def dumps_finding(path: str, finding: Finding) -> str:
    """Returns one finding in a recording that goes on as JSON on one line, in ASCII."""
    whole = {"schema_version": SCHEMA_VERSION, "path": path, "finding": _finding(finding)}
    return json.dumps(FoundDocument.model_validate(whole).plain(), allow_nan=False)


def dumps(take: TakeResult) -> str:
    """Returns a result as JSON on one line, in ASCII."""
    return json.dumps(TakeDocument.of(take).plain(), allow_nan=False)


def schema() -> dict[str, Any]:
    """Returns the JSON Schema (2020-12) that every document obeys."""
    named = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://unmask.invalid/schema/take-{SCHEMA_VERSION}.json",
        "title": f"Unmask take, version {SCHEMA_VERSION}",
    }
    return TakeDocument.model_json_schema() | named


def _share(one: power.Share) -> dict[str, float]:
    low, high = one.interval
    return {"found": one.found, "low": round(low, 4), "high": round(high, 4)}


def _finding(one: Finding) -> dict[str, Any]:
    place = {"kind": one.kind, "breaks": one.kind.breaks, "start": one.start, "end": one.end}
    return place | {"confidence": one.confidence} | _said(one.reason)


def _said(message: Message) -> dict[str, Any]:
    told = plain(message)
    return {"reason": str(message), "reason_code": told["code"], "reason_values": told["values"]}
