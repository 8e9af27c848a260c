"""Interlaced pictures, for `unmask.media`: two half-pictures of different moments, woven line by
line.

What moved in between shows as a comb, which a network takes for a forgery. It is told by the comb,
whatever the stream says: much that is flagged interlaced is not, and much that is interlaced lost
its flag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import VideoFrame

_BLOCK = 16
"""px, the side of the blocks that are looked at."""
_LEAST = 6.0
"""grey levels by which a block's lines must differ from their neighbours on average; grain and
coding stay below.
"""
_STEEPER = 1.6
"""times what lines of the same half-picture differ: grain gives 1, whatever else a lens draws less,
a comb far more.
"""
_FEWEST = 3
"""blocks with a comb that make a picture interlaced."""


def has_comb(luma: NDArray[np.uint8]) -> bool:
    """Whether a picture, luma uint8 ``(h, w)`` with all its lines, is woven of two that differ."""
    lines = luma[:, ::2].astype(np.int16)
    near, far = (
        _means(
            np.abs(2 * lines[2:-2] - lines[2 - by : -2 - by] - lines[2 + by :][: len(lines) - 4])
        )
        for by in (1, 2)
    )
    return int((near > _LEAST + _STEEPER * far).sum()) >= _FEWEST


def _means(values: NDArray[np.int16]) -> NDArray[np.float64]:
    """Over blocks; a rest at the right and at the bottom is left out."""
    rows, columns = values.shape[0] // _BLOCK, values.shape[1] // (_BLOCK // 2)
    blocks = values[: rows * _BLOCK, : columns * (_BLOCK // 2)].reshape(
        rows, _BLOCK, columns, _BLOCK // 2
    )
    return np.asarray(blocks.mean(axis=(1, 3)))


def upper_field(picture: VideoFrame) -> VideoFrame:
    """The upper half-picture of a woven picture, the lines between drawn by FFmpeg's ``estdif``,
    along edges.

    It needs no neighbours, unlike ``bwdif``, so that single pictures of a clip can be looked at.
    """
    from av.filter import Graph

    graph = Graph()
    source = graph.add_buffer(
        width=picture.width,
        height=picture.height,
        format=picture.format,
        time_base=picture.time_base,
    )
    graph.link_nodes(
        source, graph.add("estdif", "mode=frame:parity=tff:deint=all"), graph.add("buffersink")
    ).configure()
    graph.vpush(picture)
    graph.vpush(None)
    return graph.vpull()
