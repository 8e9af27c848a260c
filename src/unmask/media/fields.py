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
_LEAST = 4.0
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
    near, far = (_unlike(lines, by) for by in (1, 2))
    return int((near > _LEAST + _STEEPER * far).sum()) >= _FEWEST


def _unlike(lines: NDArray[np.int16], by: int) -> NDArray[np.float64]:
    """Averages over blocks how far lines differ from those ``by`` lines above and below.

    A remainder at the right and at the bottom is left out.
    """
    apart = 2 * lines[2:-2]
    apart -= lines[2 - by : -2 - by]
    apart -= lines[2 + by :][: len(apart)]
    np.abs(apart, out=apart)
    rows, columns, width = apart.shape[0] // _BLOCK, apart.shape[1] * 2 // _BLOCK, _BLOCK // 2
    blocks = apart[: rows * _BLOCK, : columns * width].reshape(rows, _BLOCK, columns * width)
    # First along the columns, which lie beside each other in memory: three times as fast.
    sums = blocks.sum(axis=1, dtype=np.int32).reshape(rows, columns, width).sum(axis=2)
    return np.asarray(sums / (_BLOCK * width))


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
