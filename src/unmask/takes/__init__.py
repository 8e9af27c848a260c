"""Takes: finds cuts and dissolves between shots from changes in the picture, sound and packets."""

from unmask.takes.change import Miniature, miniature
from unmask.takes.shots import PictureSource, cuts

__all__ = ["Miniature", "PictureSource", "cuts", "miniature"]
