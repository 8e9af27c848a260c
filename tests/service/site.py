"""The service with its page, on a port of this machine, in this process, for a browser.

Nothing is judged: an `Oracle` gives answers that were invented beforehand, so that every kind of
verdict can be shown.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import uvicorn

from tests import clips
from tests.service.desk import Desk
from unmask.report import html, images, pictures
from unmask.report.document import Document
from unmask.service.api.connections import BOUNDED
from unmask.service.api.live import WEBSOCKETS
from unmask.service.app import create_app
from unmask.service.confined.judging import JudgeAnswer
from unmask.service.domain import checks
from unmask.service.domain.checks import Received
from unmask.service.people.actor import Actor
from unmask.service.store import jobs
from unmask.service.store.tables import Check
from unmask.types import CheckResult

SECONDS = 15
"""Length, s, of the clip that stands for every file; the same as in `tests.results`."""


class Site:
    """A running service and the desk behind it.

    Args:
        data: an empty folder.
        public: whether it has a public address, on ``localhost``, as passkeys need it.
        settings: more settings.
    """

    def __init__(self, data: Path, public: bool = False, **settings: Any) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        name, port = "localhost" if public else "127.0.0.1", listening.getsockname()[1]
        self.url = f"http://{name}:{port}"
        self.desk = Desk(data, settings | ({"public_url": self.url} if public else {}))
        config = uvicorn.Config(
            create_app(self.desk.service),
            log_level="warning",
            **WEBSOCKETS,
            **BOUNDED,
        )
        self._server = uvicorn.Server(config)
        run = functools.partial(self._server.run, [listening])
        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.01)

    def judged(
        self,
        result: CheckResult,
        name: str,
        media: bytes,
        person: str = "rob",
        tenant: str = "ours",
    ) -> str:
        """Makes a check of some media that is done with this result; returns its id."""
        content = media + name.encode()
        check = accept(self.desk, self.desk.actor(person, tenant), name, content)
        Oracle(self.desk, lambda _job: result).once()
        return check

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self.desk.close()


class Oracle:
    """Fake worker: takes checks as the real one does, and gives each an invented result.

    Args:
        desk: the service whose checks it takes.
        answer: the result for a check.
    """

    def __init__(self, desk: Desk, answer: Callable[[Check], CheckResult]) -> None:
        self._service, self._answer = desk.service, answer

    def once(self) -> bool:
        """Answers one check; returns False if none waits."""
        job = jobs.claim(self._service.database, Check, 60)
        if job is None:
            return False
        result = self._answer(job)
        whole = Document.of(replace(result, sha256=job.sha256))
        page = b"" if result.error else html.page(result).encode()
        return checks.conclude(
            self._service,
            job,
            JudgeAnswer(whole, page, b"" if result.error else pictures.pack(result)),
        )

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """Answers every check that comes, for as long as the context lasts."""
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                if not self.once():
                    time.sleep(0.05)

        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def accept(desk: Desk, actor: Actor, name: str, content: bytes) -> str:
    """Queues a check of these bytes; returns its id."""
    service = desk.service
    service.storage.put("incoming/x", content)
    received = Received("incoming/x", hashlib.sha256(content).hexdigest(), len(content))
    with service.database.transaction() as session:
        return checks.accept(session, service, actor, received, name, {}, actor.id)[0].id


@functools.cache
def clip() -> bytes:
    """Returns an H.264 clip of `SECONDS` s, 320 x 180, that a browser plays."""
    with tempfile.TemporaryDirectory() as folder:
        frames = (np.full((180, 320, 3), 40 + i, np.uint8) for i in range(10 * SECONDS))
        return clips.write_video(Path(folder) / "clip.mp4", frames, fps=10).read_bytes()


def photo(result: CheckResult) -> bytes:
    """Returns a JPEG of half the size that a result states."""
    assert result.media
    return images.jpeg(
        np.full((result.media.height // 2, result.media.width // 2, 3), 120, np.uint8)
    )
