"""Collects aligned faces from videos, photos and ready crops, with the runtime's own finder.

So training sees the same alignment as serving. `collect` adds points to ready crops;
`collect_media` makes a data set from photos and videos.
"""

from unmask_lab.collect.crops import collect, five_points
from unmask_lab.collect.look import LookSettings
from unmask_lab.collect.media import Collected, MediaDeclaration, collect_media, said

__all__ = [
    "Collected",
    "LookSettings",
    "MediaDeclaration",
    "collect",
    "collect_media",
    "five_points",
    "said",
]
