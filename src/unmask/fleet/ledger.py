"""Ledger of a scan: what is waiting, in progress, and done. Every content is judged once.

This holds whatever happens to the workers.
"""

from __future__ import annotations

import json
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unmask.errors import UnmaskError
from unmask.fleet import rows
from unmask.fleet.left import left
from unmask.fleet.source import Item, Listing
from unmask.fleet.tables import Row, Rows, Tables
from unmask.messages import Message

TRIES = 3
"""Workers that a content may kill; then it is poison, and its result says so.

Also the errors that no file is to blame for, until they are believed.
"""

LONGEST = 60.0
"""Most seconds of results that a killed driver loses.

A part is written once gathering it took as long as everything before it, up to this limit. So a
driver that is killed every few seconds makes progress, and a long scan has few parts.
"""


@dataclass(slots=True)
class ScanCounts:
    """Progress of a scan, in files; ``judged``, ``failed`` and ``poison`` are in contents.

    Failed contents could not be judged.

    Attributes:
        listed: files of the source.
        before: files that need not be read, because earlier scans did.
        read, unreadable: files that were read, and that could not be.
        gone: files that earlier scans knew, and the source no longer has.
    """

    listed: int = 0
    before: int = 0
    read: int = 0
    unreadable: int = 0
    gone: int = 0
    judged: int = 0
    failed: int = 0
    poison: int = 0

    @property
    def passed(self) -> int:
        """Files that are finished."""
        return self.before + self.read + self.unreadable


class Ledger:
    """The driver's record of one scan.

    Args:
        source: source that is scanned.
        found: files found in it.
        tables: where everything is written.
        tries: file in which the deaths of workers are noted, see `_Tries`.
        tell: receives the progress whenever it changes.
    """

    def __init__(
        self,
        source: str,
        found: Listing,
        tables: Tables,
        tries: Path,
        tell: Callable[[ScanCounts], None] = lambda _counts: None,
    ) -> None:
        self._tables, self._tell = tables, tell
        self._taken = tables.done()
        self._tries = _Tries(tries)
        before = left(source, found, tables, self._taken)
        self._known, self._waiting = set(before.known), deque(before.items)
        listed = len(found.items)
        self.counts = ScanCounts(
            listed=listed, before=listed - len(before.items), gone=len(before.gone)
        )
        self._wrong: Counter[str] = Counter()
        self._wrong_in_a_row = 0
        self._rows: dict[str, list[Row]] = {}
        self._begun = self._written = time.monotonic()
        if before.gone:
            self._add({"files": [rows.of_gone(row) for row in before.gone]})

    @property
    def waiting(self) -> bool:
        """True if there are files to take now."""
        return bool(self._waiting)

    def take(self) -> Item | None:
        """Returns the next file to read, or None if there is none now.

        A worker that dies may give its file back later.
        """
        return self._waiting.popleft() if self._waiting else None

    def identified(self, item: Item, sha256: str) -> bool:
        """Notes the sha256 of a file; tells whether it is to be judged.

        If not, the file is finished, because another one of the same content was taken.
        """
        if item.path not in self._known:
            self._add({"files": [rows.of_file(item.path, item.size, item.written, sha256)]})
            self._known.add(item.path)
        wanted = sha256 not in self._taken
        self._taken.add(sha256)
        if not wanted:
            self._pass()
        return wanted

    def judged(self, found: Rows) -> None:
        """Notes the result for the content that a file was identified as."""
        self._wrong_in_a_row = 0
        self.counts.judged += 1
        self.counts.failed += found["results"][0].get("error_code") is not None
        self._add(found)
        self._pass()

    def unreadable(self, item: Item, why: str, sha256: str | None = None) -> None:
        """Notes that a file could not be read, before or after it was identified.

        The next scan tries it again.
        """
        if sha256:
            self._taken.discard(sha256)
        self.counts.unreadable += 1
        self._add({"files": [rows.of_file(item.path, item.size, item.written, None, why)]})
        self._tell(self.counts)

    def died(self, item: Item, sha256: str | None, how: str, again: bool) -> None:
        """Notes that a worker died over a file.

        The file is tried again, until it is poison or ``again`` is False.
        """
        times = self._tries.add(sha256 or item.path)
        if again and times < TRIES:
            self._give_back(item, sha256)
            return
        why = Message("error.never_ended_why", {"count": times, "why": how})
        if sha256 is None:
            self.unreadable(item, str(why))
            return
        self.counts.poison += 1
        self.judged(rows.of_poison(sha256, why))

    def wrong(self, item: Item, why: str, sha256: str | None) -> None:
        """Notes an error that, as a worker says, no file is to blame for.

        A file that took the worker over may say so, too. So the file is tried again after the
        others, and left as unreadable if only this one meets the error.

        Raises:
            UnmaskError: the error was met three times with nothing judged in between.
        """
        self._wrong[item.path] += 1
        self._wrong_in_a_row += 1
        if self.counts.judged and self._wrong[item.path] == TRIES:
            self.unreadable(item, why, sha256)
        elif self._wrong_in_a_row >= TRIES:
            raise UnmaskError(why)
        else:
            self._give_back(item, sha256)

    def close(self) -> None:
        """Writes what is not written yet."""
        if self._rows:
            self._tables.commit(self._rows)
            self._rows = {}
        self._written = time.monotonic()

    def _give_back(self, item: Item, sha256: str | None) -> None:
        """Puts a file at the end of those that wait."""
        self._waiting.append(item)
        if sha256:
            self._taken.discard(sha256)

    def _pass(self) -> None:
        self.counts.read += 1
        self._tell(self.counts)

    def _add(self, found: Rows) -> None:
        for table, some in found.items():
            self._rows.setdefault(table, []).extend(some)
        now = time.monotonic()
        if now - self._written >= min(LONGEST, max(1.0, self._written - self._begun)):
            self.close()


class _Tries:
    """Number of workers that died over each content, kept in a file, one line of JSON each.

    So a killed driver forgets none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._counts: Counter[str] = Counter()
        if path.exists():
            for line in path.read_text().splitlines():
                try:
                    self._counts[json.loads(line)["over"]] += 1
                except (ValueError, KeyError, TypeError):
                    continue  # the driver was killed while it wrote this line

    def add(self, over: str) -> int:
        """Notes one more death; returns their number."""
        self._counts[over] += 1
        with self._path.open("a") as file:
            file.write(json.dumps({"over": over}) + "\n")
        return self._counts[over]
