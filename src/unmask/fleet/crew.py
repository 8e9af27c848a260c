"""The driver's hands: a worker each, given one file after the other, replaced when it dies. The
same here and on a cluster.

Where a worker runs, and how one speaks with it, is the matter of its `Link`: `unmask.fleet.local`,
`unmask.fleet.cluster`.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, Protocol, TypeVar

from unmask.errors import UnmaskError
from unmask.fleet.ledger import Ledger
from unmask.fleet.source import Item

STARTS = 3
"""Workers in a row that may die before they are ready; then this hand does without."""

START = 600.0
"""s within which a worker must be ready."""


class Died(Exception):
    """A worker is gone; its text says how."""


class Link(Protocol):
    """A worker's process, as the driver speaks with it. It says ``ready`` by itself, and then one
    thing whenever it was asked.
    """

    @abstractmethod
    def ask(self, order: str, path: str = "") -> None:
        """Has it ``identify`` a file, or ``judge`` the one that it identified. That it is gone is
        heard, not raised here.
        """

    @abstractmethod
    def hear(self) -> tuple[str, Any]:
        """What it says, see `unmask.fleet.process.answer`; there must be something to hear.

        Raises:
            Died: it is gone.
        """

    @abstractmethod
    def end(self) -> None:
        """Ends it, whatever it is doing, with all that it put on disk."""


L = TypeVar("L", bound=Link)
Listen = Callable[[Sequence[L], float], Collection[L]]
"""Waits for at most so many s until there is something to hear from one of the links; from which
there is.
"""


def run(
    ledger: Ledger, start: Callable[[], L], listen: Listen[L], count: int, seconds: float
) -> None:
    """Has everything judged that the ledger gives.

    Args:
        start: starts a worker.
        count: of workers.
        seconds: that one file may take; then its worker is ended, and it is not tried again.

    Raises:
        UnmaskError: workers do not start, or no file can be judged in this way.
    """
    hands = [Hand(ledger, start, seconds) for _ in range(count)]
    try:
        while True:
            for hand in hands:
                hand.begin()
            if not ledger.waiting and not any(hand.busy for hand in hands):
                return
            soonest = max(0.0, min(hand.left for hand in hands))
            heard = listen([hand.link for hand in hands], soonest)
            for hand in hands:
                if hand.link in heard:
                    hand.hear()
                elif hand.left <= 0:
                    hand.overdue()
            hands = _of_use(hands)
    finally:
        for hand in hands:
            hand.link.end()


def _of_use(hands: list[Hand[L]]) -> list[Hand[L]]:
    """Without those whose workers do not start.

    Raises:
        UnmaskError: none would remain.
    """
    left = [hand for hand in hands if hand.lost < STARTS]
    if not left:
        raise UnmaskError(f"workers do not start: {hands[0].how}; `unmask doctor` says more")
    for hand in hands:
        if hand not in left:
            hand.link.end()
    return left


class Hand(Generic[L]):
    """One worker after the other, and the file that it is at.

    Attributes:
        link: to the worker.
        lost: workers in a row that died before they were ready.
        how: the last one died.
    """

    def __init__(self, ledger: Ledger, start: Callable[[], L], seconds: float) -> None:
        self._ledger, self._new, self._seconds = ledger, start, seconds
        self._item: Item | None = None
        self._sha256: str | None = None
        self.lost, self.how = 0, ""
        self._start()

    @property
    def busy(self) -> bool:
        return self._item is not None

    @property
    def left(self) -> float:
        """Seconds until its worker has been at it for too long."""
        if self._ready and not self.busy:
            return START
        return self._since + (self._seconds if self._ready else START) - time.monotonic()

    def begin(self) -> None:
        """Gives its worker a file, if that is ready for one and there is one."""
        if self._ready and not self.busy:
            self._item, self._sha256, self._since = self._ledger.take(), None, time.monotonic()
            if self._item is not None:
                self.link.ask("identify", self._item.path)

    def hear(self) -> None:
        """Takes one thing that its worker says, or notes that it has died."""
        try:
            said, value = self.link.hear()
        except Died as died:
            self._replace(str(died), again=True)
            return
        if said == "ready":
            self._ready, self.lost = True, 0
        elif said == "wrong" or self._item is None:
            raise UnmaskError(str(value))
        elif said == "identified":
            self._identified(self._item, value)
        else:
            item, self._item = self._item, None
            if said == "judged":
                self._ledger.judged(value)
            else:
                self._ledger.unreadable(item, value, self._sha256)

    def overdue(self) -> None:
        """Notes that its worker has been at it for too long."""
        self._replace(
            f"it was not done after {self._seconds if self._ready else START:g} s", again=False
        )

    def _identified(self, item: Item, sha256: str) -> None:
        self._sha256 = sha256
        if self._ledger.identified(item, sha256):
            self.link.ask("judge")
        else:
            self._item = None

    def _start(self) -> None:
        self.link = self._new()
        self._ready, self._since = False, time.monotonic()

    def _replace(self, how: str, again: bool) -> None:
        self.link.end()
        item, self._item, self.how = self._item, None, how
        self.lost += not self._ready
        self._start()
        if item is not None:
            self._ledger.died(item, self._sha256, how, again)
