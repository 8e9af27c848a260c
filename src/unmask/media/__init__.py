"""Photos and videos: open, probe, and frames with exact times. The only folder that knows the decoders."""

from unmask.media.clip import Clip, decoders, open_media, recognise
from unmask.media.labels import labels
from unmask.media.source import Bounds

__all__ = ["Bounds", "Clip", "decoders", "labels", "open_media", "recognise"]
