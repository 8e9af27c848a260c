"""Takes: finds cuts and dissolves between shots from changes in the picture, sound and packets."""

from unmask.takes.change import Miniature, miniature
from unmask.takes.shots import Film, cuts

__all__ = ["Film", "Miniature", "cuts", "miniature"]
