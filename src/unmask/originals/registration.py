"""Registration of an original: its key frames are hashed and kept as thumbnails.

Nothing else of the original is kept, except whether it carried content credentials, and whose. Key
frames decode without their neighbours, many times faster than all frames. Where they lie far apart,
frames in between are decoded as well. A still picture is kept once, however long it is shown.
"""

from __future__ import annotations

import io
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np

from unmask.originals.film import Film
from unmask.originals.hashing import LONGEST_PX, hash_regions, scaled
from unmask.originals.store import IndexedFrame, Store
from unmask.types import ContentCredentials, Frame, Original, Rgb

Progress = Callable[[float], None]
"""Receives the share that is done, 0 to 1."""

EVERY = 4.0
"""Largest usual gap between two known frames, s.

A clip of ten seconds thus holds two of them.
"""

CLOSEST = 0.8
"""Seconds between two known frames below which the later one is left out."""

STILL = 1.5
"""Mean thumbnail difference, 0 to 255, below which the later one is the same still picture."""

AHEAD = 3
"""Frames that are decoded before the first of them is hashed."""

COMMIT = 5.0
"""Work that an interruption may cost, s."""


def register(
    film: Film,
    store: Store,
    title: str | None,
    owner: str,
    progress: Progress = lambda _done: None,
    every: float = EVERY,
    credentials: ContentCredentials | None = None,
) -> tuple[Original, ...]:
    """Registers a film, series or photo for its owner, and resumes an interrupted attempt.

    Args:
        film: open.
        store: opened for writing.
        title: in the owner's words; None for that of an earlier attempt, or else the file's name.
        owner: in the owner's words.
        every: largest usual gap between two known frames, s; where key frames are closer, they
            alone are kept.
        credentials: what the file carries; None if they were not read.

    Returns:
        All registrations of this file; more than one if somebody else registered it, too.

    Raises:
        MediaError, OriginalsError: the file cannot be read to its end, or the store cannot be
        written; what was read stays.
    """
    footage, complete = store.register(film.facts, Path(film.facts.path).name, title, owner)
    if credentials is not None:
        store.add_credentials(footage, credentials.seal, credentials.signer)
    if not complete:
        _add_frames(film, store, footage, every, progress)
        store.finish(footage)
    progress(1.0)
    return store.originals(footage)


def _add_frames(film: Film, store: Store, footage: int, every: float, progress: Progress) -> None:
    done = store.times(footage)
    left = [t for t in moments_of(film, every) if not done or t > done[-1]]
    waiting: list[IndexedFrame] = []
    begun = time.monotonic()
    for moment in _moments(_distinct(film.frames(left, LONGEST_PX))):
        waiting.append(moment)
        if time.monotonic() - begun > COMMIT:
            store.add(footage, waiting)
            waiting, begun = [], time.monotonic()
        progress(moment.time / max(film.facts.duration, moment.time, 1e-3))
    store.add(footage, waiting)


def _distinct(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yields the frames, scaled down, without repetitions of one still picture."""
    last: Rgb | None = None
    for frame in frames:
        small = scaled(frame.rgb, LONGEST_PX)
        if (
            last is None
            or small.shape != last.shape
            or np.abs(small.astype(np.int16) - last).mean() > STILL
        ):
            yield Frame(frame.time, small)
            last = small


def _moments(frames: Iterable[Frame]) -> Iterator[IndexedFrame]:
    """Yields what is kept of each frame, made on another core while the next ones are decoded."""
    making: deque[Future[IndexedFrame]] = deque()
    with ThreadPoolExecutor(1, "hashing") as core:
        for frame in frames:
            making.append(core.submit(_moment, frame))
            if len(making) > AHEAD:
                yield making.popleft().result()
        while making:
            yield making.popleft().result()


def _moment(frame: Frame) -> IndexedFrame:
    return IndexedFrame(frame.time, hash_regions(frame.rgb), jpeg(frame.rgb))


def moments_of(film: Film, every: float = EVERY, closest: float = CLOSEST) -> list[float]:
    """Returns the times of the frames to keep, s.

    These are key frames at least ``closest`` apart, and others where those leave a wide gap.
    """
    chosen: list[float] = []
    for t in film.key_times() or film.times(every, 100_000):
        if not chosen or t - chosen[-1] >= closest:
            chosen.append(t)
    ends = [*chosen[1:], film.facts.duration]
    for start, end in zip(tuple(chosen), ends, strict=True):
        if end - start > 1.5 * every:
            chosen += [
                t
                for t in film.times_between(start + every / 2, end - closest, every, 100_000)
                if t > start
            ]
    return sorted(set(chosen))


def jpeg(rgb: Rgb, quality: int = 88) -> bytes:
    """Encodes a thumbnail as JPEG bytes, its colours at full resolution."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality, subsampling=0)
    return file.getvalue()


def picture(data: bytes) -> Rgb:
    """Decodes a thumbnail: uint8 ``(h, w, 3)``."""
    from PIL import Image

    return np.asarray(Image.open(io.BytesIO(data), formats=["JPEG"]).convert("RGB"))
