"""Known originals for processes that reach no network: a server's are copied to this disk."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from unmask.errors import UnmaskError
from unmask.fleet.configuration import of_originals
from unmask.originals.database import on_server

if TYPE_CHECKING:
    from unmask.pipeline import Settings


def here(settings: Settings, folder: Path, known: str | None) -> Settings:
    """Returns settings whose known originals are in a folder.

    Args:
        settings: settings of a check.
        folder: folder in which a copy of originals on a server is made, if they are there.
        known: originals of the configuration, see `unmask.fleet.configuration`; a copy must have
            the same ones.

    Raises:
        OriginalsError: they cannot be read, or not be written here.
        UnmaskError: they have changed since the configuration was made.
    """
    if settings.originals is None or not on_server(settings.originals):
        return settings
    from unmask import originals
    from unmask.originals.transfer import copy

    made = folder / "originals"
    shutil.rmtree(made, ignore_errors=True)  # an attempt that failed
    with (
        originals.opened_store(settings.originals) as source,
        originals.opened_store(made, writing=True) as target,
    ):
        copy(source, target)
    if of_originals(str(made)) != known:
        raise UnmaskError("the known originals have changed since this began; begin again")
    with originals.open_index(str(made)):  # writes the index, which all processes then share
        return replace(settings, originals=str(made))
