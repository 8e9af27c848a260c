"""A client of `unmask serve`: sends files, waits for checks, fetches results and reports.

>>> from unmask.client import Client
>>> with Client("https://unmask.example.org", key="um_...") as client:
...     check = client.wait(client.upload("clip.mp4"))
...     check.verdict, client.result(check.id).people

Needs ``pip install 'unmask[client]'``.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

import httpx

from unmask.errors import UnmaskError
from unmask.report.document import Document

if TYPE_CHECKING:
    from unmask.report.take import TakeDocument

PIECE = 8 << 20
"""Default number of bytes of an upload that are sent at once."""

TRIES = 8
"""Number of times that a request is sent before the client gives up."""

TUS = {"Tus-Resumable": "1.0.0"}

Progress = Callable[[float], None]
"""Callback that receives the share that is done, 0 to 1."""


class ServiceError(UnmaskError):
    """The service refused the request, or does not answer.

    Attributes:
        status: HTTP status; 0 if there was no answer.
        title: kind of problem.
    """

    def __init__(self, status: int, title: str, detail: str) -> None:
        self.status, self.title = status, title
        super().__init__(f"{title}: {detail}")


@dataclass(frozen=True, slots=True)
class Check:
    """State of a check; times in seconds since 1970, ``progress`` 0 to 1.

    ``verdict`` is one of `unmask.types.Verdict`, or None while or where there is none; ``error``
    may then say why.
    """

    id: str
    name: str
    sha256: str
    state: Literal["queued", "running", "done", "failed"]
    progress: float
    created: float
    finished: float | None
    verdict: str | None
    log10_lr: float | None
    error: str | None

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed")


class Client:
    """A connection to one service.

    Args:
        url: address of the service, such as ``https://unmask.example.org``.
        key: an API key, ``um_...``.
        timeout: s to wait for each answer.
        piece: bytes of an upload that are sent at once; a broken connection costs at most this
            much.
    """

    def __init__(self, url: str, key: str, timeout: float = 60.0, piece: int = PIECE) -> None:
        self._piece = piece
        headers = {"Authorization": f"Bearer {key}", "User-Agent": "unmask-client"}
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1", headers=headers, timeout=timeout
        )

    def upload(
        self,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        options: Mapping[str, Any] | None = None,
        progress: Progress = lambda _done: None,
    ) -> Check:
        """Sends a file in pieces.

        A broken connection costs one piece at most. A file that was changed on the way is refused.

        Args:
            name: name under which the file is shown; its own name if not given.
            options: ``every``, ``lines``, ``prior``; see `unmask.check`.

        Raises:
            OSError: the file cannot be read.
            ServiceError: the service refused it, or does not answer.
        """
        file = Path(path)
        with file.open("rb") as opened:
            sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
            length = opened.tell()
            address = self._announce(name or file.name, length, sha256, options or {})
            offset, check = 0, None
            while check is None:
                opened.seek(offset)
                offset, check = self._send(address, offset, opened.read(self._piece))
                progress(offset / length)
        return self.get(check)

    def get(self, check: str) -> Check:
        """Returns the current state of a check."""
        return _check(self._ask("GET", f"/checks/{check}").json())

    def wait(
        self,
        check: Check | str,
        timeout: float | None = None,
        every: float = 0.5,
        progress: Progress = lambda _done: None,
    ) -> Check:
        """Waits until a check has ended and returns it.

        Args:
            timeout: s after which to give up; None for never.
            every: s between two requests.

        Raises:
            TimeoutError: it has not ended.
        """
        began = time.monotonic()
        while not (found := self.get(check if isinstance(check, str) else check.id)).ended:
            progress(found.progress)
            if timeout is not None and time.monotonic() - began > timeout:
                raise TimeoutError(f"check {found.id} has not ended after {timeout:g} s")
            time.sleep(every)
        return found

    def result(self, check: str) -> Document:
        """Returns the result; its ``plain()`` is the JSON that `unmask check --json` prints."""
        return Document.model_validate_json(self._ask("GET", f"/checks/{check}/result").content)

    def report(self, check: str) -> str:
        """Returns the report, one HTML page."""
        return self._ask("GET", f"/checks/{check}/report").text

    def take(
        self,
        check: str,
        timeout: float | None = None,
        every: float = 0.5,
        progress: Progress = lambda _done: None,
    ) -> TakeDocument:
        """Asks whether a check's video is one unbroken take, and waits for the answer.

        Its ``plain()`` is the JSON that `unmask take --json` prints.

        Args:
            timeout: s after which to give up; None for never.
            every: s between two requests.

        Raises:
            TimeoutError: there is no answer yet.
        """
        from unmask.report.take import TakeDocument

        began, address = time.monotonic(), f"/checks/{check}/take"
        found = self._ask("POST", address).json()
        while found["finished"] is None:
            progress(found["progress"])
            if timeout is not None and time.monotonic() - began > timeout:
                raise TimeoutError(f"the take of check {check} has not ended after {timeout:g} s")
            time.sleep(every)
            found = self._ask("GET", address).json()
        return TakeDocument.model_validate_json(self._ask("GET", f"{address}/result").content)

    def take_report(self, check: str, language: str = "en") -> str:
        """Returns the page on that answer, in the language of a code."""
        return self._ask("GET", f"/checks/{check}/take/report", params={"language": language}).text

    def checks(self, words: str = "", verdict: str | None = None) -> Iterator[Check]:
        """Yields all checks, the newest first.

        ``words`` keeps those with these words in their name, ``verdict`` those with this verdict.
        """
        wanted = {"q": words, **({"verdict": verdict} if verdict else {})}
        before: dict[str, str] = {}
        while True:
            page = self._ask("GET", "/checks", params={**wanted, **before}).json()
            yield from map(_check, page["items"])
            if page["next"] is None:
                return
            before = {"before": page["next"]}

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _announce(self, name: str, length: int, sha256: str, options: Mapping[str, Any]) -> str:
        told = {"filename": name, "sha256": sha256, "options": json.dumps(dict(options))}
        metadata = ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items()
        )
        intent = hashlib.sha256(os.urandom(32)).hexdigest()
        headers = {
            **TUS,
            "Upload-Length": str(length),
            "Upload-Metadata": metadata,
            "Idempotency-Key": intent,
        }
        upload: str = self._ask("POST", "/uploads", headers=headers).json()["id"]
        return f"/uploads/{upload}"

    def _send(self, address: str, offset: int, piece: bytes) -> tuple[int, str | None]:
        """Sends a piece; returns the new offset, and the check's id once the upload is complete."""
        headers = {
            **TUS,
            "Upload-Offset": str(offset),
            "Content-Type": "application/offset+octet-stream",
        }
        try:
            answer = self._ask("PATCH", address, tries=1, headers=headers, content=piece)
        except ServiceError as error:
            if error.status not in (0, 409, 502, 503, 504):
                raise
            time.sleep(0.5)
            found = self._ask("GET", address).json()
            return found["offset"], found["check"]
        return int(answer.headers["Upload-Offset"]), answer.headers.get("Unmask-Check")

    def _ask(self, method: str, path: str, tries: int = TRIES, **more: Any) -> httpx.Response:
        """Sends a request; retries at growing intervals where that may help."""
        for attempt in range(1, tries + 1):
            try:
                answer = self._http.request(method, path, **more)
            except httpx.TransportError as error:
                if attempt == tries:
                    raise ServiceError(
                        0, "No answer", f"{self._http.base_url.host}: {error}"
                    ) from error
                wait = 0.0
            else:
                if answer.is_success:
                    return answer
                if attempt == tries or answer.status_code not in (429, 502, 503, 504):
                    raise _refused(answer)
                wait = float(answer.headers.get("Retry-After", 0))
            time.sleep(max(wait, 0.25 * 2**attempt))
        raise AssertionError("unreachable")


def _check(values: Mapping[str, Any]) -> Check:
    return Check(**{one.name: values[one.name] for one in fields(Check)})


def _refused(answer: httpx.Response) -> ServiceError:
    try:
        problem = answer.json()
        return ServiceError(answer.status_code, problem["title"], problem["detail"])
    except (ValueError, KeyError, TypeError):
        return ServiceError(
            answer.status_code, answer.reason_phrase, "the answer is not of this service"
        )
