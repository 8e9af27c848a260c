"""Records as JSON that is easy to read and to diff: whatever fits on a line is on one."""

from __future__ import annotations

import json
from typing import Any

LINE, RECORD = 140, 2000
"""Columns of a line, with its indentation, and of a line that is one record of a list."""


def dumps(value: Any, level: int = 0, longest: int = LINE) -> str:
    """Returns JSON text without a line break at the end.

    Keys stay in their order; each level is indented by one space.
    """
    text = json.dumps(value, ensure_ascii=False)
    if not value or not isinstance(value, dict | list | tuple) or len(text) + level <= longest:
        return text
    indent, named = "\n" + " " * (level + 1), isinstance(value, dict)
    parts = (
        [
            f"{json.dumps(str(key), ensure_ascii=False)}: {dumps(item, level + 1)}"
            for key, item in value.items()
        ]
        if isinstance(value, dict)
        else [dumps(item, level + 1, RECORD) for item in value]
    )
    first, last = "{}" if named else "[]"
    return f"{first}{indent}{f',{indent}'.join(parts)}\n{' ' * level}{last}"
