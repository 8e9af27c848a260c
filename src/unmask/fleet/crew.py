"""The driver's workers: each gets one file after the other, and is replaced when it dies.

The code is the same here and on a cluster. A `WorkerLink` knows where a worker runs and how to talk
to it: `unmask.fleet.local`, `unmask.fleet.cluster`.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Collection, Sequence
from typing import Any, Generic, Protocol, TypeVar

from unmask.errors import UnmaskError
from unmask.fleet import answers
from unmask.fleet.ledger import Ledger
from unmask.fleet.source import Item
from unmask.fleet.worker import Died

STARTS = 3
"""Workers in a row that may die before they are ready; then this hand is given up."""

START = 600.0
"""Seconds within which a worker must be ready."""

NO_START = "workers do not start: {how}; `unmask doctor` says more"


class WorkerLink(Protocol):
    """The driver's connection to a worker, see `unmask.fleet.worker`.

    The worker says ``ready`` by itself, and then one thing for each request.
    """

    @abstractmethod
    def ask(self, order: str, path: str = "") -> None:
        """Asks it to ``identify`` a file, or to ``judge`` the one that it identified.

        If the worker is gone, `hear` raises it, not this method.
        """

    @abstractmethod
    def hear(self) -> tuple[str, Any]:
        """Returns the worker's answer, see `Worker.answer`; there must be one.

        Raises:
            Died: it, or the process that judges for it, is gone.
        """

    @abstractmethod
    def end(self) -> None:
        """Ends the worker, whatever it is doing, and deletes what it put on disk."""


L = TypeVar("L", bound=WorkerLink)
Listen = Callable[[Sequence[L], float], Collection[L]]
"""Waits, at most so many s, until some links have an answer; returns these links."""


def run(
    ledger: Ledger, start: Callable[[], L], listen: Listen[L], count: int, seconds: float
) -> None:
    """Judges everything that the ledger gives.

    Args:
        start: starts a worker.
        count: number of workers.
        seconds: most time for one file; then its worker is ended, and the file is not tried again.

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
    """Drops hands whose workers do not start.

    Raises:
        UnmaskError: none would remain.
    """
    left = [hand for hand in hands if hand.lost < STARTS]
    if not left:
        raise UnmaskError(NO_START.format(how=hands[0].how))
    for hand in hands:
        if hand not in left:
            hand.link.end()
    return left


class Hand(Generic[L]):
    """A sequence of workers, one at a time, and the current file.

    Attributes:
        link: connection to the worker.
        lost: workers in a row that died before they were ready.
        how: how the last one died.
    """

    def __init__(self, ledger: Ledger, start: Callable[[], L], seconds: float) -> None:
        self._ledger, self._new, self._seconds = ledger, start, seconds
        self._item: Item | None = None
        self._sha256: str | None = None
        self._ready, self.lost, self.how = False, 0, ""
        self._start()

    @property
    def busy(self) -> bool:
        return self._item is not None

    @property
    def left(self) -> float:
        """Seconds until the worker has taken too long."""
        if self._ready and not self.busy:
            return START
        return self._since + (self._seconds if self._ready else START) - time.monotonic()

    def begin(self) -> None:
        """Gives the worker a file, if it is ready for one and there is one."""
        if self._ready and not self.busy:
            self._item, self._sha256, self._since = self._ledger.take(), None, time.monotonic()
            if self._item is not None:
                self.link.ask("identify", self._item.path)

    def hear(self) -> None:
        """Takes one answer of the worker, or notes that it has died.

        A worker whose answer makes no sense counts as dead.

        Raises:
            UnmaskError: no file can be judged in this way.
        """
        try:
            said, value = self.link.hear()
            if self._item is None:
                self._greeted(said, value)
            else:
                self._answered(self._item, said, value)
        except (Died, answers.Senseless) as died:
            self._replace(str(died), again=True)

    def overdue(self) -> None:
        """Notes that the worker has taken too long."""
        self._replace(
            f"it was not done after {self._seconds if self._ready else START:g} s", again=False
        )

    def _greeted(self, said: str, value: Any) -> None:
        if self._ready:
            raise answers.Senseless("it spoke unasked")
        if said != "ready":
            raise UnmaskError(str(value))  # it has opened no file yet
        self._ready, self.lost = True, 0

    def _answered(self, item: Item, said: str, value: Any) -> None:
        if said == "identified" and self._sha256 is None:
            self._identified(item, answers.sha256_in(value))
        elif said == "judged" and self._sha256 is not None:
            found = answers.rows_in(value, self._sha256)
            self._item = None
            self._ledger.judged(found)
        elif said == "unreadable":
            why = answers.why_in(value)
            self._item = None
            self._ledger.unreadable(item, why, self._sha256)
        elif said == "wrong":
            why = answers.why_in(value)
            self._item = None
            self._ledger.wrong(item, why, self._sha256)
            self._replace(why, again=False)
        else:
            raise answers.Senseless("it said what makes no sense at this point")

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
