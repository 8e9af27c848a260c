"""The benchmark of footage as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from unmask.types import Outcome
from unmask_lab.tables import paragraph, percent, table

SHOWN = (Outcome.CHANGED, Outcome.CANNOT_TELL, Outcome.NO_CHANGE_FOUND, Outcome.NO_FACE)


def page(result: Mapping[str, Any]) -> str:
    """Renders ``footage.md`` from the content of ``footage.json``."""
    return "\n".join([*_head(result), *_bona_fide(result), *_changed(result)])


def _head(result: Mapping[str, Any]) -> Iterator[str]:
    weights = ", ".join(f"{name} `{sha256[:12]}`" for name, sha256 in result["weights"].items())
    yield "# Footage as it comes: broken, joined, blended, interlaced, enlarged\n"
    yield paragraph(
        f"`{result['command']}`, {result['date']}, weights: {weights}. Simulated: a camera sways "
        f"over the portraits of {result['people']} people never trained on, two seconds each, "
        "faces up to 185 px wide (H.264, CRF 20, a key frame every 12 pictures); nobody speaks or "
        "turns. Each clip goes one of these ways, in turn, and through the whole `unmask check`: "
        "three packets of a transport stream are lost; a fiftieth of an MP4 is zeros; somebody "
        "else follows after a hard cut; each picture is the mean of three; two moments are woven "
        "line by line, without a flag; everything is made up to five times smaller and as large "
        "again. In brackets 95 % intervals, by bootstrap over people; "
        "where something held for none or all, of a binomial."
    )


def _bona_fide(result: Mapping[str, Any]) -> Iterator[str]:
    yield "## Bona fide clips\n"
    yield paragraph(
        "*Named* counts answers that say what became of the clip; of joined clips, those that tell "
        "two people apart. "
        "Of blended and enlarged ones it counts those that are passed over for it as a whole."
    )
    rows = (
        [
            r["version"],
            str(r["people"]),
            *_counts(r["bona_fide"]),
            str(r["named"]),
            percent(r["false_alarms"]),
        ]
        for r in result["versions"]
    )
    yield table(["version", "people", *SHOWN, "named", "called changed"], rows)
    yield ""


def _changed(result: Mapping[str, Any]) -> Iterator[str]:
    yield "## Changed clips\n"
    yield paragraph(
        f"The same people, changed by the lab's families ({', '.join(result['families'])}), all of "
        "them trained on. *As it is* counts the same clips untouched. What a version takes away is "
        "the price of passing over what cannot be judged; "
        "of joined clips, of two people who share the alarm."
    )
    rows = (
        [
            r["version"],
            *_counts(r["changed"]),
            percent(r["found"]),
            percent(r["found_as_it_is"]),
            percent(r["gain"]),
        ]
        for r in result["versions"]
    )
    yield table(["version", *SHOWN, "found", "found as it is", "difference"], rows)
    yield ""


def _counts(of: Mapping[str, int]) -> list[str]:
    return [str(of.get(outcome, 0)) for outcome in SHOWN]
