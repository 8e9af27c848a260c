"""A driver to kill, with workers that judge nothing.

Run as ``python -m tests.fleet.driver SOURCE OUT``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.fleet.quick import Quick
from unmask.fleet.scan import scan

if __name__ == "__main__":
    scan(sys.argv[1], Path(sys.argv[2]), workers=2, maker=Quick)
