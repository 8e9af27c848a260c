"""Photos and videos: opens and probes them, and gives frames with exact times.

No other folder knows the decoders.
"""

from unmask.media.ahead import ahead
from unmask.media.clip import Clip, decoders, open_media, recognise
from unmask.media.footage import HOURS, Footage, open_footage
from unmask.media.labels import labels
from unmask.media.recorded import recorded
from unmask.media.reel import Reel
from unmask.media.source import Bounds
from unmask.media.unfinished import arriving, growing

__all__ = [
    "HOURS",
    "Bounds",
    "Clip",
    "Footage",
    "Reel",
    "ahead",
    "arriving",
    "decoders",
    "growing",
    "labels",
    "open_footage",
    "open_media",
    "recognise",
    "recorded",
]
