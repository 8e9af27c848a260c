"""Tasks of a judge: one line of JSON on its standard input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CheckTask:
    """Judge a file.

    Attributes:
        path: of the file on this machine.
        name: the uploader's name for the file.
        options: JSON values of further fields of `unmask.pipeline.Settings`.
        originals: folder with the index of known originals, if there is one.
        licences: folder with the organisation's register of licences, if it has one.
    """

    path: str
    name: str
    options: Mapping[str, Any]
    originals: str | None
    licences: str | None = None

    @property
    def folder(self) -> str | None:
        """The only folder that the judge may write to."""
        return self.originals


@dataclass(frozen=True, slots=True)
class RegisterTask:
    """Hash footage into a new index; the judge cannot reach the tenant's own index.

    Attributes:
        path: of the file on this machine.
        name: the uploader's name for the file.
        title, owner: of the footage.
        folder: empty folder in which the index is made; the only one that the judge may write to.
    """

    path: str
    name: str
    title: str
    owner: str
    folder: str


@dataclass(frozen=True, slots=True)
class TakeTask:
    """Tell whether a video is one unbroken take.

    Attributes:
        path: of the file on this machine.
        name: the uploader's name for the file.
        seconds: longest footage that is judged.
    """

    path: str
    name: str
    seconds: float

    @property
    def folder(self) -> None:
        """None: the judge may write to no folder."""


Task = CheckTask | RegisterTask | TakeTask

KINDS: Mapping[str, type[Task]] = {
    "check": CheckTask,
    "register": RegisterTask,
    "take": TakeTask,
}


def write(task: Task) -> bytes:
    """Serialises a task as a line of JSON."""
    kind = next(kind for kind, type_ in KINDS.items() if isinstance(task, type_))
    return json.dumps({"task": kind, **asdict(task)}).encode() + b"\n"


def read(line: str) -> Task:
    """Restores the task that `write` serialised."""
    values = json.loads(line)
    return KINDS[values.pop("task")](**values)
