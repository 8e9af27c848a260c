"""Known originals for processes that reach no network: a server's are copied to this disk."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from unmask.originals.database import on_server

if TYPE_CHECKING:
    from unmask.pipeline import Settings


def here(settings: Settings, folder: Path) -> Settings:
    """Returns settings whose known originals are in a folder.

    Args:
        settings: settings of a check.
        folder: folder in which a copy of originals on a server is made, if they are there.

    Raises:
        OriginalsError: they cannot be read, or not be written here.
    """
    if settings.originals is None or not on_server(settings.originals):
        return settings
    from unmask import originals
    from unmask.originals.transfer import copy

    made = folder / "originals"
    with (
        originals.opened_store(settings.originals) as source,
        originals.opened_store(made, writing=True) as target,
    ):
        copy(source, target)
    with originals.open_index(str(made)):  # writes the index, which all processes then share
        return replace(settings, originals=str(made))
