"""Interlaced pictures, for `unmask.media`: two fields of different moments, woven line by line.

Motion between the fields shows as a comb, which a network takes for a forgery. The comb decides,
whatever the stream says: many pictures flagged interlaced are not, and many interlaced ones have
lost their flag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import VideoFrame

_BLOCK = 16
"""Side of the blocks that are examined, px."""
_LEAST = 6.0
"""Least mean difference of a block's lines from their neighbours, grey levels, of a comb.

Grain and coding stay below.
"""
_STEEPER = 1.6
"""Least ratio, for a comb, to the difference of lines of the same field.

Grain gives 1, other content filmed by a lens less, a comb far more.
"""
_FEWEST = 3
"""Blocks with a comb that make a picture interlaced."""


def has_comb(luma: NDArray[np.uint8]) -> bool:
    """Tells whether a picture is woven of two that differ: luma uint8 ``(h, w)``, all lines."""
    lines = luma[:, ::2].astype(np.int16)
    near, far = (
        _means(
            np.abs(2 * lines[2:-2] - lines[2 - by : -2 - by] - lines[2 + by :][: len(lines) - 4])
        )
        for by in (1, 2)
    )
    return int((near > _LEAST + _STEEPER * far).sum()) >= _FEWEST


def _means(values: NDArray[np.int16]) -> NDArray[np.float64]:
    """Averages over blocks; a remainder at the right and at the bottom is left out."""
    rows, columns = values.shape[0] // _BLOCK, values.shape[1] // (_BLOCK // 2)
    blocks = values[: rows * _BLOCK, : columns * (_BLOCK // 2)].reshape(
        rows, _BLOCK, columns, _BLOCK // 2
    )
    return np.asarray(blocks.mean(axis=(1, 3)))


def upper_field(picture: VideoFrame) -> VideoFrame:
    """Returns the upper field of a woven picture, its missing lines interpolated.

    FFmpeg's ``estdif`` draws them along edges. It needs no neighbours, unlike ``bwdif``, so single
    pictures of a clip can be read.
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
