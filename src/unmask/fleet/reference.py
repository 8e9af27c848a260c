"""Tables for docs/fleet.md, from their declaration: ``python -m unmask.fleet.reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from unmask.fleet.tables import OF_A_RESULT, TABLES

SAID = {
    "files": "A row whenever a file was read; the newest row of a path is what it is now.",
    "results": "A row per content and configuration.",
    "people": "A row per person (track) in a content.",
    "findings": "A row per line of evidence and person.",
    "sketches": "A row per content that was judged: the hashes by which near-duplicates are found.",
    "groups": "A row per content that has near-duplicates; written anew at the end of a scan, "
    "where sketches were added.",
}


def tables() -> str:
    """Renders every table as Markdown: a heading, a sentence, a row per column."""
    return "\n\n".join("\n".join(_table(name)) for name in TABLES) + "\n"


def _table(name: str) -> Iterator[str]:
    folders = "configuration and day" if name in OF_A_RESULT else "day" if name == "files" else ""
    yield f"### `{name}`\n"
    yield SAID[name] + (f" Partitioned by {folders}." if folders else "") + "\n"
    yield "| column | type | holds |"
    yield "| --- | --- | --- |"
    for column, (kind, meaning) in TABLES[name].items():
        yield f"| `{column}` | {kind} | {meaning} |"


if __name__ == "__main__":
    sys.stdout.write(tables())
