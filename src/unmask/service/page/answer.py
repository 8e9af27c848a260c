"""A result document as the page shows it, with values that the document itself lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unmask.likelihood import posterior
from unmask.messages import Message
from unmask.report.document import Document, PersonPart
from unmask.service.page.strips import PersonStrip, reach, strip
from unmask.service.store.tables import Check
from unmask.types import Kind, Quality, Rate, TrackRecord, Verdict
from unmask.words import footage, strength
from unmask.words.quality import ASIDE, BLOCKY, BLURRED, COARSE_PX, DOUBLE, SMALL_PX, Trait, traits

CROP_PX = 192
"""Side of the picture of an upright face, px."""

RARE = 1 / 1000
"""Share of changed faces below which most alarms are false unless they are very strong.

The page always says so.
"""

CROWD = 3
"""Number of people above which only those who matter are shown at once."""

UNWEIGHED_REACH = 2.0
"""Minimum reach of the bars of the lines, log10 LR."""


@dataclass(frozen=True, slots=True)
class AnswerView:
    """One result, ready to be shown.

    Attributes:
        document: the result.
        name: the uploader's name for the file.
        headline: the reason, or why the file could not be judged.
        moving: whether it is a video.
        strips: a timeline per person who has one, by id.
    """

    document: Document
    name: str
    headline: Message
    moving: bool
    strips: Mapping[int, PersonStrip]

    @property
    def people(self) -> list[PersonPart]:
        """People, changed ones first, then those who cannot be told; strongest evidence first."""
        return sorted(self.document.people, key=lambda p: _rank(p.verdict, p.log10_lr, p.id))

    def folded(self, person: PersonPart) -> bool:
        """Tells whether a person's reasons are folded away: in a crowd, if no change was found."""
        return len(self.document.people) > CROWD and person.verdict is Verdict.NO_CHANGE_FOUND

    @property
    def heated(self) -> bool:
        """Tells whether any face has a heatmap of where a line reacts."""
        return any(frame.heatmap for person in self.document.people for frame in person.frames)

    @property
    def advice(self) -> tuple[str, ...]:
        """Keys of the messages that say what would help where it cannot be told."""
        people, custody = self.document.people, self.document.custody
        if self.document.verdict is not Verdict.CANNOT_TELL:
            return ()
        if not people:
            return ("advice.no_face", "advice.original")
        rules = custody.settings.get("rules", {}) if custody else {}
        needs = [
            key
            for person in people
            if person.verdict is Verdict.CANNOT_TELL
            for key in _needs(person, rules)
        ]
        return (*dict.fromkeys(needs), "advice.original")

    @property
    def such(self) -> Message:
        """Findings that `when_rare` counts under this verdict."""
        return strength.such_findings(self.document.verdict)

    @property
    def when_rare(self) -> float | None:
        """Probability that the face is changed if one in a thousand is, 0 to 1."""
        return None if self.document.log10_lr is None else posterior(RARE, self.document.log10_lr)

    @property
    def reach(self) -> tuple[float, float] | None:
        """Lowest and highest log10 LR that the lines which weighed on anybody can reach."""
        return strength.reach(person.reach for person in self.document.people)

    @property
    def record(self) -> Message | None:
        """Measured error rate of this answer where the truth was known.

        It is that of the lines that weighed on the person who decides the verdict.
        """
        verdict = self.document.verdict
        records = [
            p.record for p in self.document.people if p.verdict is verdict and p.record is not None
        ]
        if not records:
            return None
        one = records[0]
        measured = TrackRecord(
            one.bona_fide, one.changed, Rate(**one.alarms.plain()), Rate(**one.missed.plain())
        )
        return strength.record(verdict, measured)

    def lines_reach(self, person: PersonPart) -> float:
        """Returns the log10 LR to which the bars of a person's lines reach."""
        return max(
            [UNWEIGHED_REACH, *(abs(line.log10_lr or 0.0) for line in person.lines.values())]
        )


def answer(document: Document, name: str) -> AnswerView:
    """Prepares a document for the page."""
    media = document.media
    moving, duration = (media.kind is Kind.VIDEO, media.duration) if media else (False, 0.0)
    people = document.people if moving else ()
    most = reach(people)
    strips = {
        person.id: strip(person, duration, most) for person in people if len(person.timeline) > 1
    }
    headline = footage.headline(document.message("error" if document.error else "reason"))
    return AnswerView(document, name, headline, moving, strips)


def foremost(check: Check) -> int | None:
    """Returns the id of the person whose face stands for a check in a list.

    This is the first of `AnswerView.people`; None where nobody was found. Lists do not read whole
    documents.
    """
    people = (check.result or {}).get("people") or ()
    ranks = [_rank(person["verdict"], person["log10_lr"], person["id"]) for person in people]
    return min(ranks)[-1] if ranks else None


def _rank(verdict: str, log10_lr: float | None, person: int) -> tuple[int, float, int]:
    order: dict[str, int] = {Verdict.CHANGED: 0, Verdict.CANNOT_TELL: 1}
    return order.get(verdict, 2), -(log10_lr or 0), person


def traits_of(person: PersonPart) -> tuple[Trait, ...]:
    """Describes in words how well a face can be seen; empty where it was not measured."""
    measured = {name: value for name, value in person.quality.plain().items() if value is not None}
    known = {"size_px", "sharpness", "yaw", "blockiness"} <= measured.keys()
    return traits(Quality(**measured)) if known else ()


def matrix(corners: Sequence[Sequence[float]]) -> str:
    """Returns the SVG transform from an upright face's picture to its corners in the frame."""
    (x, y), right, _, down = corners
    (a, b), (c, d) = (((to[0] - x) / CROP_PX, (to[1] - y) / CROP_PX) for to in (right, down))
    return f"matrix({a:.5f} {b:.5f} {c:.5f} {d:.5f} {x:.1f} {y:.1f})"


def _needs(person: PersonPart, rules: Mapping[str, float]) -> list[str]:
    """Lists what a person's face lacks to be judged; see `unmask.verdict.Rules`."""
    quality, found = person.quality, []
    width = quality.size_px or 0
    if width < rules.get("size_px", SMALL_PX) or (quality.detail_px or width) < rules.get(
        "detail_px", COARSE_PX
    ):
        found.append("advice.larger")
    if (quality.sharpness or 0) < rules.get("sharpness", BLURRED):
        found.append("advice.sharper")
    if (quality.yaw or 0) > rules.get("yaw", ASIDE):
        found.append("advice.frontal")
    if (quality.echo or 0) > rules.get("echo", DOUBLE):
        found.append("advice.single")
    if (quality.blockiness or 0) > rules.get("blockiness", BLOCKY):
        found.append("advice.compressed")
    if not found:
        found.append(
            "advice.longer" if person.judged < rules.get("sightings", 3) else "advice.weak"
        )
    return found
