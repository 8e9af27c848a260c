"""Copies what is known of originals from one store into another."""

from __future__ import annotations

from unmask.originals.store import Store

BATCH = 200
"""Frames that are written at once."""


def copy(source: Store, target: Store, name: str | None = None) -> None:
    """Copies everything of one store into another; what is there already stays as it is.

    Args:
        name: of the file, if the target is to know it by another name than the source.

    Raises:
        OriginalsError: one of the two cannot be read or written.
    """
    for original in source.originals():
        footage, complete = target.register(
            original, name or original.name, original.title, original.owner
        )
        if original.seal is not None:
            target.add_credentials(footage, original.seal, original.signer)
        if complete:
            continue
        moments = source.moments(original.sha256)
        for start in range(0, len(moments), BATCH):
            target.add(footage, moments[start : start + BATCH])
        if original.complete:
            target.finish(footage)
