"""check(): the whole way from a file to a verdict. The only file that knows the order of the stages."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version

from unmask import evidence, likelihood, models, verdict
from unmask.errors import UsageError
from unmask.faces import SeenFrame, Watcher, link
from unmask.media import Bounds, Clip, open_media
from unmask.types import Case, CheckResult, Custody, Evidence, Kind, Track

Progress = Callable[[str, float], None]
"""Told what is being done and how much of it is done, 0 to 1."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a check may be told.

    Attributes:
        every: seconds between frames looked at; wider where ``frames`` would not suffice.
        frames: most frames looked at, evenly spaced.
        closer: seconds between frames where a face is suspicious.
        closer_frames: most frames looked at for that.
        lines: lines of evidence to ask; all of them if empty.
        prior: base rate of changed faces among such files, 0 to 1 exclusive, for what the LR comes to; None to leave it open.
        debug: whether a line of evidence that crashes raises.
    """

    every: float = 0.5
    frames: int = 600
    closer: float = 0.1
    closer_frames: int = 200
    lines: tuple[str, ...] = ()
    prior: float | None = None
    debug: bool = False

    def __post_init__(self) -> None:
        if not (self.every > 0 and self.closer > 0 and self.frames >= 1 and self.closer_frames >= 0):
            raise UsageError("the spacing of frames must be above 0 seconds, and their number at least 1")
        if self.prior is not None and not 0 < self.prior < 1:
            raise UsageError(f"a prior is a base rate between 0 and 1, both excluded, not {self.prior:g}")


SUSPICIOUS = 0.2
"""log10 LR of a single sighting from which its surroundings are looked at more closely."""

MOST_CROPS = 2400
"""Faces kept for one file, all frames together: 265 MB of crops. A frame gives up its smallest faces first."""


def check(
    path: str | os.PathLike[str],
    settings: Settings = Settings(),
    progress: Progress = lambda _what, _done: None,
    bounds: Bounds = Bounds(),
) -> CheckResult:
    """Whether a face in a photo or video was changed by software, per person, with the reasons.

    Raises:
        MediaError: the file cannot be judged: missing, unsupported, broken or too large.
        UsageError: a line of evidence that does not exist.
        WeightsError: this installation is damaged.
    """
    clip = open_media(path, bounds)
    seen = _look(clip, clip.times(settings.every, settings.frames), progress, "looking")
    case, said = _examine(clip, seen, settings)
    if more := _suspicious_times(clip, case, said, settings, {frame.time for frame in seen}):
        seen = sorted([*seen, *_look(clip, more, progress, "looking closer")], key=lambda f: f.time)
        case, said = _examine(clip, seen, settings)
    people = tuple(verdict.judge(track, said, clip.facts) for track in case.tracks)
    answer, reason, log10_lr = verdict.of_file(people, clip.facts)
    return CheckResult(
        path=os.fspath(path),
        sha256=clip.facts.sha256,
        verdict=answer,
        reason=reason,
        log10_lr=log10_lr,
        people=people,
        media=clip.facts,
        custody=_custody(settings, len(seen)),
        prior=settings.prior,
        posterior=_posterior(settings.prior, log10_lr),
        limits=_limits(clip, seen, settings),
    )


def _posterior(prior: float | None, log10_lr: float | None) -> float | None:
    return None if prior is None or log10_lr is None else likelihood.posterior(prior, log10_lr)


def _look(clip: Clip, times: Sequence[float], progress: Progress, what: str) -> list[SeenFrame]:
    watcher = Watcher(at_most=max(4, min(32, MOST_CROPS // max(1, len(times)))))
    seen = []
    for frame in clip.frames(times):
        seen.append(watcher.see(frame))
        progress(what, len(seen) / len(times))
    return seen


def _examine(clip: Clip, seen: Sequence[SeenFrame], settings: Settings) -> tuple[Case, tuple[Evidence, ...]]:
    tracks = link(seen)
    # A face that only one of many frames shows is mostly the finder's mistake, unless there is no other.
    case = Case(clip.facts, _numbered([t for t in tracks if len(t.sightings) > 1] or tracks))
    return case, evidence.examine(case, settings.lines or tuple(evidence.LINES), settings.debug)


def _numbered(tracks: Sequence[Track]) -> tuple[Track, ...]:
    return tuple(Track(i, track.sightings) for i, track in enumerate(tracks, start=1))


def _suspicious_times(
    clip: Clip, case: Case, said: Sequence[Evidence], settings: Settings, done: set[float]
) -> list[float]:
    """Frames around every sighting that leans towards a change, and not looked at yet."""
    if clip.facts.kind is Kind.PHOTO or not settings.closer_frames:
        return []
    fitted = likelihood.calibrations()
    lrs = [
        lr
        for e in said
        if e.line in fitted
        for track, t in zip(case.tracks, e.tracks, strict=True)
        for lr in verdict.log10_lrs(track, t, fitted[e.line])
        if lr.log10_lr > SUSPICIOUS
    ]
    worst = sorted(lrs, key=lambda lr: -lr.log10_lr)[: settings.closer_frames // 8 + 1]
    around = max(settings.every, clip.facts.duration / settings.frames)
    times: set[float] = set()
    for lr in worst:
        near = clip.times_between(max(0.0, lr.time - around), lr.time + around, settings.closer, 200)
        times |= {t for t in near if t not in done}
    return sorted(times)[:: max(1, -(-len(times) // max(1, settings.closer_frames)))]


def _custody(settings: Settings, frames: int) -> Custody:
    import cv2

    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(settings).items() if k != "debug"}
    packages = ("unmask", "onnxruntime", "av", "pillow", "numpy")
    return Custody(
        checked_at=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"python": platform.python_version(), "opencv": cv2.__version__, **{p: version(p) for p in packages}},
        weights=models.known(),
        settings={**plain, "rules": asdict(verdict.Rules())},
        frames_examined=frames,
    )


def _limits(clip: Clip, seen: Sequence[SeenFrame], settings: Settings) -> tuple[str, ...]:
    limits: list[str] = list(models.card("learned")["limits"])
    spacing = clip.facts.duration / max(1, len(seen))
    if clip.facts.kind is Kind.VIDEO and spacing > 1.2 * settings.every:
        limits.append(
            f"This clip is long: {len(seen)} frames were looked at, one every {spacing:.1f} s. "
            "A change that lasts less than that may have been missed; check the part that matters on its own."
        )
    if most := max((frame.left_out for frame in seen), default=0):
        limits.append(f"In some frames only the largest faces were judged; up to {most} smaller ones were left out.")
    return tuple(limits)
