"""Known originals: the films and photos that a clip was made from.

Owners register films and photos; `find` tells which of them a clip shows.

    with opened_store("index", writing=True) as store:
        register(film, store, title="The drama", owner="The broadcaster")
    with opened("index") as known:
        matches = known.find(clip)

The store keeps hashes and thumbnails, never the footage.
"""

from unmask.originals.comparison import Comparison, FaceFinding, compare
from unmask.originals.film import Film
from unmask.originals.known import Known, closer, open_index
from unmask.originals.registration import register
from unmask.originals.store import Store, opened_store

__all__ = [
    "Comparison",
    "FaceFinding",
    "Film",
    "Known",
    "Store",
    "closer",
    "compare",
    "open_index",
    "opened_store",
    "register",
]
