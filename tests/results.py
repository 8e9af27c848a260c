"""Realistic results to render, made without any photo: `changed_video`, `clean_photo` and others.

Every number is invented. The faces are painted by `portrait`, so that pages have something to show.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from unmask.errors import BrokenMedia
from unmask.messages import Message, verbatim
from unmask.types import (
    CheckResult,
    Custody,
    Damage,
    Kind,
    LineResult,
    Match,
    MediaFacts,
    Original,
    Pair,
    Person,
    Picture,
    Place,
    Quality,
    Rate,
    Rgb,
    Scene,
    Span,
    Status,
    TellingFrame,
    TimedLR,
    TrackRecord,
    Verdict,
)

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
MOUTH = Message("learned.mouth")
CHANGED_SPANS = (Span(3.2, 9.1), Span(12.4, 13.0))
REACH = (-0.26, 3.5)
RECORD = TrackRecord(1195, 1144, Rate(0.0, 0.0, 0.084), Rate(0.52, 0.45, 0.59))
GOOD_QUALITY = Quality(size_px=182.0, sharpness=0.061, yaw=0.12, blockiness=1.04)


@cache
def portrait(seed: int = 1, size: int = 192) -> Rgb:
    """Paints a face as an aligned crop, rgb uint8 ``(size, size, 3)``, not to be written to."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]

    def blob(cx: float, cy: float, rx: float, ry: float, soft: float = 0.1) -> NDArray[np.float64]:
        return 0.5 - 0.5 * np.tanh((((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 - 1) / soft / 2)

    skin = np.array([150, 110, 88]) + rng.uniform(-40, 60)
    image = np.ones((size, size, 3)) * rng.uniform(60, 190, 3)
    image += (skin - image) * blob(0, 0.1, 0.72, 0.95)[..., None]
    image *= 1 - 0.45 * np.clip(x * rng.choice([-1, 1]), 0, 1)[..., None]
    dark = blob(-0.3, -0.15, 0.13, 0.07) + blob(0.3, -0.15, 0.13, 0.07) + blob(0, 0.55, 0.27, 0.06)
    dark += 0.4 * blob(0.04, 0.2, 0.08, 0.2, 0.4) + blob(0, -1.05, 0.85, 0.5, 0.15)
    image *= 1 - 0.75 * np.clip(dark, 0, 1)[..., None]
    painted = np.asarray(np.clip(image + rng.normal(0, 3, image.shape), 0, 255), np.uint8)
    painted.flags.writeable = False
    return painted


def heatmap(cx: float = 0.0, cy: float = 0.4, size: int = 24) -> NDArray[np.float32]:
    """Draws a spot at ``(cx, cy)``, -1 to 1 over the crop; float32 ``(size, size)``, 0 to 1."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    return np.asarray(np.exp(-(((x - cx) / 0.45) ** 2) - ((y - cy) / 0.3) ** 2), np.float32)


def line(log10_lr: float | None = 2.1, **changes: object) -> LineResult:
    """Returns the result of a line of evidence that ran."""
    ran = LineResult(
        Status.RAN,
        Message("learned.reacts_at", {"region": MOUTH, "time": 3.4}),
        0.931,
        log10_lr=log10_lr,
    )
    return replace(ran, **changes)  # type: ignore[arg-type]


def lines(log10_lr: float = 2.1) -> dict[str, LineResult]:
    """Returns lines in every status, weighed and not; the first weighs ``log10_lr``."""
    stripes = np.tile(np.linspace(30, 225, 240).astype(np.uint8)[None, :, None], (80, 1, 3))
    return {
        "learned": line(log10_lr),
        "texture": line(
            0.31,
            score=1.7,
            summary=Message("texture.differs", {"how": Message("texture.less noise inside")}),
            pictures=(Picture(Message("texture.picture"), stripes),),
        ),
        "motion": line(-0.22, score=-0.04, summary=Message("motion.steady")),
        "reflection": line(None, score=0.4, summary=Message("reflection.agree_in_part")),
        "credentials": LineResult(
            Status.NOT_APPLICABLE, verbatim("The file carries no content credentials.")
        ),
        "originals": LineResult(
            Status.FAILED, Message("evidence.failed", {"error": "OriginalsError: no index"})
        ),
    }


def timeline(
    start: float = 0.0,
    end: float = 15.0,
    step: float = 0.2,
    high: tuple[Span, ...] = CHANGED_SPANS,
    seed: int = 3,
) -> tuple[TimedLR, ...]:
    """Returns readings every ``step`` seconds that rise inside ``high``.

    There are none between 68 and 79 per cent of the way.
    """
    rng = np.random.default_rng(seed)
    blank = (start + 0.68 * (end - start), start + 0.79 * (end - start))
    times = [t for t in np.arange(start, end, step) if not blank[0] < t < blank[1]]
    changed = [any(span.start - 1e-6 <= t <= span.end for span in high) for t in times]
    levels = [(1.7 if now else -1.1) + rng.normal(0, 0.35) for now in changed]
    return tuple(TimedLR(float(t), float(level)) for t, level in zip(times, levels, strict=True))


def person(
    number: int = 1, verdict: Verdict = Verdict.CHANGED, log10_lr: float | None = 2.31
) -> Person:
    """Returns someone seen for fifteen seconds."""
    changed = verdict is Verdict.CHANGED
    points = timeline(high=CHANGED_SPANS if changed else (), seed=number)
    telling = sorted(points, key=lambda point: -point.log10_lr)[:4]
    spots = ((0.0, 0.4), (-0.35, -0.1), (0.3, -0.1), (0.1, 0.5))
    return Person(
        id=number,
        verdict=verdict,
        reason=_REASONS[verdict],
        log10_lr=log10_lr,
        spans=CHANGED_SPANS if changed else (),
        lines=lines(log10_lr - 0.1 if log10_lr is not None else -0.1),
        timeline=points,
        first_seen=0.0,
        last_seen=14.96,
        sightings=371,
        judged=len(points),
        quality=GOOD_QUALITY,
        frames=tuple(
            TellingFrame(
                p.time, p.log10_lr, portrait(number), (412.5, 96.0, 594.5, 330.0), heatmap(*spot)
            )
            for p, spot in zip(telling, spots, strict=True)
        ),
        thumbnail=portrait(number),
        reach=REACH,
        record=RECORD,
    )


def scene(result: CheckResult) -> Scene:
    """Paints a frame with everybody of a result side by side."""
    faces = [
        np.pad(portrait(p.id), ((80, 40), (24, 24), (0, 0)), constant_values=90)
        for p in result.people
    ]
    boxes = {
        p.id: (54.0 + 240 * i, 96.0, 186.0 + 240 * i, 262.0) for i, p in enumerate(result.people)
    }
    return Scene(3.2, np.hstack(faces), boxes)


def media(path: str = "clips/minister-interview.mp4") -> MediaFacts:
    """Returns the facts of a phone's clip whose header claims more time than there is."""
    return MediaFacts(
        path, Kind.VIDEO, SHA256, 8_412_233, "mp4", "h264", 1280, 720,
        rotation=90, duration=15.0, declared_duration=20.02, frames=375, frame_rate=24.97,
        variable_frame_rate=True, bit_rate=4_410_000,
    )  # fmt: skip


def custody() -> Custody:
    """Returns the record of how the invented checks were made."""
    return Custody(
        checked_at="2026-11-22T17:05:31+00:00",
        versions={"unmask": "0.1.0", "python": "3.11.2", "av": "18.1.0", "onnxruntime": "1.32.0"},
        weights={"centerface": SHA256, "learned-1": SHA256[::-1]},
        settings={
            "every": 0.2,
            "lines": ["learned", "texture"],
            "rules": {"changed": 1.0, "no_change": -0.5},
        },
        frames_examined=75,
    )


def changed_video(
    path: str = "clips/minister-interview.mp4", prior: float | None = 0.001
) -> CheckResult:
    """Returns one person, changed for part of the clip, with a stated base rate."""
    return CheckResult(
        path, SHA256, Verdict.CHANGED, _said_changed(1), 2.31,
        (person(),), media=media(path), custody=custody(), prior=prior,
        posterior=None if prior is None else prior * 10**2.31 / (prior * 10**2.31 + 1 - prior),
        limits=(Message("limit.spacing", {"spacing": 0.9}),),
        damage=(Damage(10.0, 10.96, 24),),
    )  # fmt: skip


def followed_video() -> CheckResult:
    """Returns the changed video with the face's place at every sighting.

    In the telling frames, it has the corners of the upright face as well.
    """
    whole = changed_video()
    someone = whole.people[0]
    box = (412.5, 96.0, 594.5, 330.0)
    corners = np.array([[390, 70], [630, 80], [620, 320], [380, 310]], np.float32)
    places = tuple(Place(point.time, box) for point in someone.timeline)
    frames = tuple(replace(frame, corners=corners) for frame in someone.frames)
    return replace(whole, people=(replace(someone, places=places, frames=frames),))


def compared_video() -> CheckResult:
    """Returns the changed video compared with its known original."""
    whole = changed_video()
    drama = Message("originals.named", {"title": "The drama", "owner": "Us"})
    caption = Message("originals.pair", {"time": 3.2, "original_time": 6.2, "originals": drama})
    picture = Picture(caption, portrait(1), portrait(2))
    said = lines() | {"originals": line(2.0, pictures=(picture,))}
    return replace(whole, people=(replace(whole.people[0], lines=said),))


DRAMA = Original(
    1,
    "The\ndrama",
    "Us",
    "a.mp4",
    "0" * 64,
    Kind.VIDEO,
    60.0,
    30,
    True,
    "2026-11-24T00:00:00+00:00",
)
"""Known original of a minute, with a line break in its title."""


def known_video() -> CheckResult:
    """Returns the compared video with the stretch of the original that it shows.

    It also has the place of the face, and its corners in one telling frame.
    """
    whole = compared_video()
    drama = Original(
        7,
        "The drama",
        "Us",
        "drama.mkv",
        SHA256,
        Kind.VIDEO,
        2700.0,
        4811,
        True,
        "2026-11-20T08:00:00+00:00",
    )
    pair = Pair(3.2, 6.2, portrait(1), portrait(2), np.ones((192, 192), np.bool_), np.eye(3))
    corners = np.array([[390, 70], [630, 80], [620, 320], [380, 310]], np.float32)
    someone = replace(
        whole.people[0],
        frames=(replace(whole.people[0].frames[0], corners=corners),),
        timeline=whole.people[0].timeline[:3],
        places=(Place(0.04, (412.52, 96.0, 594.5, 330.0)),),
    )
    match = Match((drama,), 0.0, 12.04, 3.0, 15.0401, False, 210, (pair,))
    return replace(whole, people=(someone,), matches=(match,))


def licensed_video() -> CheckResult:
    """Returns a change that the portrait's owner has allowed."""
    someone = replace(person(verdict=Verdict.LICENSED_CHANGE), spans=())
    return replace(
        changed_video(prior=None), verdict=someone.verdict, reason=someone.reason, people=(someone,)
    )


def clean_photo(path: str = "photos/portrait.jpg") -> CheckResult:
    """Returns a photo of one person without a trace of a change."""
    once = TellingFrame(0.0, -1.6, portrait(5), (300.0, 120.0, 640.0, 560.0), 0.1 * heatmap())
    someone = replace(
        person(verdict=Verdict.NO_CHANGE_FOUND, log10_lr=-1.6), timeline=(TimedLR(0.0, -1.6),),
        last_seen=0.0, sightings=1, judged=1, frames=(once,), thumbnail=portrait(5),
    )  # fmt: skip
    facts = MediaFacts(path, Kind.PHOTO, SHA256, 412_998, "jpeg", "jpeg", 1024, 768)
    return CheckResult(
        path, SHA256, Verdict.NO_CHANGE_FOUND,
        Message("file.no_change", {"count": 1, "people": (1,)}), -1.6, (someone,), media=facts,
        custody=custody(),
    )  # fmt: skip


def cannot_tell(path: str = "clips/cctv.mp4") -> CheckResult:
    """Returns someone too small and too blurred to be judged."""
    someone = replace(
        person(verdict=Verdict.CANNOT_TELL, log10_lr=None), timeline=(), judged=0,
        quality=Quality(41.0, 0.003, 0.42, 1.81), frames=(),
        lines={"learned": LineResult(
            Status.NOT_APPLICABLE, Message("unmeasured.small", {"width": 64.0})
        )},
    )  # fmt: skip
    return CheckResult(
        path, SHA256, Verdict.CANNOT_TELL, _UNJUDGED, None, (someone,),
        media=replace(media(path), declared_duration=15.0, rotation=0), custody=custody(),
        prior=0.01,
        limits=(Message("limit.brief", {"count": 2}), Message("limit.small", {"most": 3})),
    )  # fmt: skip


def nobody(path: str = "photos/landscape.png") -> CheckResult:
    """Returns a photo without any face."""
    return replace(
        clean_photo(path),
        verdict=Verdict.CANNOT_TELL,
        reason=Message("file.no_face_photo"),
        log10_lr=None,
        people=(),
    )


def failed(path: str = "inbox/broken.mov") -> CheckResult:
    """Returns a file that could not be judged."""
    error = BrokenMedia(
        path,
        verbatim("the video breaks off before its first picture"),
        verbatim("ask the sender for the original"),
    )
    return CheckResult.failed(path, error.message)


def crowd(number: int = 12) -> CheckResult:
    """Returns a clip with many people; the second is changed and the third cannot be told."""
    others = {2: (Verdict.CHANGED, 3.4), 3: (Verdict.CANNOT_TELL, None)}
    people = tuple(
        person(i, *others.get(i, (Verdict.NO_CHANGE_FOUND, -1.2))) for i in range(1, number + 1)
    )
    return replace(
        changed_video("clips/press-conference.mp4", prior=None), people=people, log10_lr=3.4,
        reason=_said_changed(2),
    )  # fmt: skip


def long_video(readings: int = 2000) -> CheckResult:
    """Returns an hour in which the face comes and goes."""
    end = 3600.0
    points = timeline(0, end, end / readings, (Span(900, 1500),))
    someone = replace(
        person(),
        timeline=points,
        last_seen=end,
        spans=(Span(900, 1500),),
        sightings=88_412,
        judged=len(points),
    )
    facts = replace(
        media("clips/debate.mkv"), duration=end, declared_duration=None, container="matroska"
    )
    return replace(
        changed_video("clips/debate.mkv"),
        people=(someone,),
        media=facts,
        reason=_said_changed(1, Span(900, 1500)),
    )


def every_kind() -> tuple[CheckResult, ...]:
    """Returns one result of every kind above."""
    return (
        changed_video(), licensed_video(), clean_photo(), cannot_tell(), nobody(), failed(),
        crowd(), long_video(),
    )  # fmt: skip


def _said_changed(number: int, *spans: Span) -> Message:
    when = tuple(
        Message("span", {"start": span.start, "end": span.end})
        for span in spans or CHANGED_SPANS[:1]
    )
    return Message("file.changed_when", {"count": 1, "people": (number,), "spans": when})


_UNJUDGED = Message(
    "face.unjudged",
    {"why": Message("why.unfit", {"faults": (Message("fault.small", {"width": 64.0}),)})},
)

_REASONS = {
    Verdict.CHANGED: Message("face.changed", {"log10_lr": 2.31}),
    Verdict.LICENSED_CHANGE: verbatim(
        "The face was changed, and its owner's licence allows it until 31 December 2026."
    ),
    Verdict.NO_CHANGE_FOUND: Message("face.no_change"),
    Verdict.CANNOT_TELL: _UNJUDGED,
}
