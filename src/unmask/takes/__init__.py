"""Takes: where footage was cut or dissolved from one shot to another, told by what changes in the
picture.
"""

from unmask.takes.change import Miniature, miniature
from unmask.takes.shots import Film, cuts

__all__ = ["Film", "Miniature", "cuts", "miniature"]
