"""Options that several commands have."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

from tyro.conf import arg

Files = tuple[Path, ...]
Collected = Annotated[Files, arg(help="Collected Parquet files.")]
Portraits = Annotated[Files, arg(help="Collected Parquet files of people never trained on.")]
Others = Annotated[
    Files, arg(help="Collected Parquet files with labels of their own, never trained on.")
]
TrainedOn = Annotated[Files, arg(help="Collected Parquet files that were trained on.")]
Page = Annotated[Path, arg(help="Folder of the page.")]
Resumed = Annotated[Path, arg(help="Folder for what was done so far; run again, it goes on.")]
Workers = Annotated[int, arg(help="Processes.")]
Seed = Annotated[int, arg(help="Seed of all that is drawn at random.")]


def require(name: str, value: float, least: float, most: float = math.inf) -> None:
    """Raises ValueError if an option is out of range."""
    if not least <= value <= most:
        bounds = f"at least {least:g}" if most == math.inf else f"{least:g} to {most:g}"
        raise ValueError(f"--{name} must be {bounds}, not {value:g}")
