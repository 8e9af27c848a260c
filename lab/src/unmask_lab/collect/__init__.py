"""From videos, photos and ready crops to a data set of aligned faces, by the runtime's own finder.

What is trained is then what is served. `collect` adds points to ready crops; `collect_media` goes
the whole way.
"""

from unmask_lab.collect.crops import collect, five_points
from unmask_lab.collect.look import Settings
from unmask_lab.collect.media import Collected, Declared, collect_media, said

__all__ = ["Collected", "Declared", "Settings", "collect", "collect_media", "five_points", "said"]
