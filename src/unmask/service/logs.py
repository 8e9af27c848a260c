"""The log, on standard error."""

from __future__ import annotations

import logging


def configure() -> None:
    """Has this process write its log."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
