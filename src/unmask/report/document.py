"""The answer as a document for programs: what `unmask check --json` prints, described by ``schema-1.json``.

Times are seconds with three decimals, likelihood ratios decimal logarithms with three. No number is infinite or NaN.
Beside every English sentence stand its code and its values, from which `unmask.words` says the same in another language.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from importlib.resources import files
from itertools import zip_longest
from typing import Any

from unmask.messages import Message, plain, read, verbatim
from unmask.types import (
    SCHEMA_VERSION,
    CheckResult,
    Custody,
    LineResult,
    Match,
    MediaFacts,
    Original,
    Person,
    Picture,
    Quality,
    TellingFrame,
)
from unmask.words import sayable


def document(result: CheckResult) -> dict[str, Any]:
    """A result as JSON values, without its pictures."""
    whole = {
        "schema_version": SCHEMA_VERSION,
        "path": result.path,
        "sha256": result.sha256,
        "verdict": result.verdict,
        "reason": str(result.reason),
        "log10_lr": _rounded(result.log10_lr),
        "people": [_person(person) for person in result.people],
        "error": result.error and str(result.error),
        "outcome": result.outcome,
        "prior": result.prior,
        "posterior": _rounded(result.posterior, 6),
        "limits": [str(limit) for limit in result.limits],
        "limit_messages": [plain(limit) for limit in result.limits],
        "media": result.media and _media(result.media),
        "custody": result.custody and _custody(result.custody),
        "originals": [matched(match) for match in result.matches],
        "damage": [{"start": _rounded(d.start), "end": _rounded(d.end), "pictures": d.pictures} for d in result.damage],
        **_coded(reason=result.reason, error=result.error),
    }
    return {key: _portable(value) for key, value in whole.items()}


def dumps(result: CheckResult) -> str:
    """A result as JSON on one line, in ASCII."""
    return json.dumps(document(result), allow_nan=False)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) that every `document` obeys."""
    text = files("unmask.report").joinpath(f"schema-{SCHEMA_VERSION}.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def encodable(text: str) -> str:
    r"""Text that UTF-8 can hold: a lone surrogate, as the path of a file may have whose name is not UTF-8, is spelt out."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def message(part: Mapping[str, Any], name: str) -> Message:
    """A message in a part of a document, such as the ``reason`` of a person.

    Where it has no code, as in documents of older versions, or one that cannot be said, its English sentence stands.
    """
    return _read({"code": part.get(f"{name}_code"), "values": part.get(f"{name}_values")}, part[name])


def limits(whole: Mapping[str, Any]) -> list[Message]:
    """What limits the answer, each as in `message`."""
    texts = whole.get("limits", [])
    coded = whole.get("limit_messages", [])[: len(texts)]
    return [_read(one, text) for text, one in zip_longest(texts, coded)]


def _read(coded: Any, text: Any) -> Message:
    try:
        found = read(coded)
    except (AttributeError, LookupError, RecursionError, TypeError):
        return verbatim(str(text))
    return found if sayable(found) else verbatim(str(text))


def _coded(**messages: Message | None) -> dict[str, Any]:
    """Code and values of messages, beside whose names their English sentences stand."""
    coded = {name: plain(message) if message else {"code": None, "values": None} for name, message in messages.items()}
    return {f"{name}_{part}": value for name, parts in coded.items() for part, value in parts.items()}


def _person(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "verdict": person.verdict,
        "reason": str(person.reason),
        "log10_lr": _rounded(person.log10_lr),
        "spans": [{"start": _rounded(span.start), "end": _rounded(span.end)} for span in person.spans],
        "lines": {name: _line(line) for name, line in person.lines.items()},
        "first_seen": _rounded(person.first_seen),
        "last_seen": _rounded(person.last_seen),
        "sightings": person.sightings,
        "judged": person.judged,
        "quality": _quality(person.quality),
        "timeline": [{"time": _rounded(p.time), "log10_lr": _rounded(p.log10_lr)} for p in person.timeline],
        "frames": [_frame(frame) for frame in person.frames],
        "places": [{"time": _rounded(p.time), "box": [_rounded(edge, 1) for edge in p.box]} for p in person.places],
        **_coded(reason=person.reason),
    }


def _line(line: LineResult) -> dict[str, Any]:
    return {
        "status": line.status,
        "score": _rounded(line.score, 6),
        "log10_lr": _rounded(line.log10_lr),
        "summary": str(line.summary),
        "pictures": [_picture(picture) for picture in line.pictures],
        **_coded(summary=line.summary),
    }


def _picture(picture: Picture) -> dict[str, Any]:
    shown = {"caption": str(picture.caption), "original": picture.original is not None}
    return {**shown, **_coded(caption=picture.caption)}


def _quality(quality: Quality) -> dict[str, Any]:
    return {
        "size_px": _rounded(quality.size_px, 1),
        "sharpness": _rounded(quality.sharpness, 4),
        "yaw": _rounded(quality.yaw, 3),
        "blockiness": _rounded(quality.blockiness, 3),
    }


def _frame(frame: TellingFrame) -> dict[str, Any]:
    return {
        "time": _rounded(frame.time),
        "log10_lr": _rounded(frame.log10_lr),
        "box": [_rounded(edge, 1) for edge in frame.box],
        "heatmap": frame.heatmap is not None,
        "corners": None if frame.corners is None else [[_rounded(x, 1), _rounded(y, 1)] for x, y in frame.corners],
    }


def _media(media: MediaFacts) -> dict[str, Any]:
    return {
        "kind": media.kind,
        "size_bytes": media.size_bytes,
        "container": media.container,
        "codec": media.codec,
        "width": media.width,
        "height": media.height,
        "rotation": media.rotation,
        "duration": _rounded(media.duration),
        "declared_duration": _rounded(media.declared_duration),
        "frames": media.frames,
        "frame_rate": _rounded(media.frame_rate),
        "variable_frame_rate": media.variable_frame_rate,
        "bit_rate": media.bit_rate,
    }


def _custody(custody: Custody) -> dict[str, Any]:
    return {
        "checked_at": custody.checked_at,
        "versions": custody.versions,
        "weights": custody.weights,
        "settings": custody.settings,
        "frames_examined": custody.frames_examined,
    }


def matched(match: Match) -> dict[str, Any]:
    """A stretch that shows a known original, as JSON values."""
    return {
        "start": _rounded(match.start),
        "end": _rounded(match.end),
        "original_start": _rounded(match.original_start),
        "original_end": _rounded(match.original_end),
        "mirrored": match.mirrored,
        "compared": [{"time": _rounded(p.time), "original_time": _rounded(p.original_time)} for p in match.pairs],
        "registrations": [registration(original) for original in match.originals],
    }


def registration(original: Original) -> dict[str, Any]:
    """A known original, as JSON values."""
    return {
        "id": original.id,
        "title": encodable(original.title),
        "owner": encodable(original.owner),
        "name": encodable(original.name),
        "sha256": original.sha256,
        "kind": str(original.kind),
        "duration": _rounded(original.duration),
        "frames": original.frames,
        "complete": original.complete,
        "registered_at": original.registered_at,
    }


def _rounded(number: float | None, digits: int = 3) -> float | None:
    return None if number is None else round(float(number), digits)


def _portable(value: Any) -> Any:
    """Plain JSON values that every parser reads: no subclasses, no NaN, no infinity, no lone surrogate."""
    if isinstance(value, str):
        return encodable(str(value))
    if isinstance(value, Mapping):
        return {encodable(str(key)): _portable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_portable(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
