"""Clips that show bona fide and changed side by side: lossless halves, and where they differ."""

from __future__ import annotations

from pathlib import Path

import av
import cv2
import numpy as np

from unmask.media import open_media

GRID = 8
"""Size of the coding blocks, px.

The right half begins on this grid, or its blocks would be aligned differently from the left's.
"""

Place = tuple[float, float]
"""Coordinates x and y, px."""


def cut(clip: Path, side: str, target: Path) -> Path:
    """Cuts one half of a clip as a clip of its own, without loss.

    Writes H.264 in MP4 with a quantiser of 0. Every pixel and time stays as it was.

    Args:
        clip: bona fide at the left, changed at the right, the same moment.
        side: ``left`` or ``right``.
        target: to write; a file that is there already is kept.
    """
    if target.is_file():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    with av.open(clip) as source, av.open(partial, "w", format="mp4") as container:
        stream = source.streams.video[0]
        x0, x1 = _reach(stream.width, side)
        half = container.add_stream(
            "libx264", rate=stream.average_rate, options={"qp": "0", "preset": "veryfast"}
        )
        half.width, half.height, half.pix_fmt = x1 - x0, stream.height, stream.pix_fmt
        assert stream.time_base is not None
        half.codec_context.time_base = stream.time_base
        for name in ("color_range", "colorspace", "color_primaries", "color_trc"):
            setattr(half.codec_context, name, getattr(stream.codec_context, name))
        crop = _cropping(stream, x0, x1)
        for frame in source.decode(stream):
            crop.vpush(frame)
            container.mux(half.encode(crop.vpull()))
        container.mux(half.encode(None))
    partial.replace(target)
    return target


def where_they_differ(clip: Path, every: float = 1.0) -> Place:
    """Locates the changed face in its half: where the halves differ most.

    Looks at frames ``every`` seconds apart.
    """
    opened = open_media(clip)
    half = opened.facts.width // 2
    frames = [frame.rgb for frame in opened.frames(opened.times(every, 60))]
    apart = np.mean(
        [cv2.absdiff(rgb[:, :half], rgb[:, -half:]).mean(axis=2) for rgb in frames], axis=0
    )
    reach = opened.facts.height // 8 * 2 + 1
    y, x = np.unravel_index(cv2.blur(apart, (reach, reach)).argmax(), apart.shape)
    return float(x), float(y)


def _reach(width: int, side: str) -> tuple[int, int]:
    """Returns the first column and the one after the last."""
    return (0, width // 4 * 2) if side == "left" else (-(-width // 2 // GRID) * GRID, width)


def _cropping(stream: av.VideoStream, x0: int, x1: int) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.link_nodes(
        graph.add_buffer(template=stream),
        graph.add("crop", f"{x1 - x0}:{stream.height}:{x0}:0:exact=1"),
        graph.add("buffersink"),
    ).configure()
    return graph
