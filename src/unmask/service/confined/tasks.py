"""What a judge is asked to do with one file: one line of JSON on its standard input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class CheckTask:
    """Judge a file.

    Attributes:
        path: where it lies on this machine.
        name: what its uploader calls it.
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
        """The one folder that the judge may write to."""
        return self.originals


@dataclass(frozen=True, slots=True)
class RegisterTask:
    """Hash footage into an index of its own; nothing of the tenant's index is in reach.

    Attributes:
        path: where it lies on this machine.
        name: what its uploader calls it.
        title, owner: of the footage.
        folder: where the index is made, empty; the one folder that the judge may write to.
    """

    path: str
    name: str
    title: str
    owner: str
    folder: str


Task = CheckTask | RegisterTask

KINDS: Mapping[str, type[Task]] = {"check": CheckTask, "register": RegisterTask}


def write(task: Task) -> bytes:
    """A task as a line of JSON."""
    kind = next(kind for kind, type_ in KINDS.items() if isinstance(task, type_))
    return json.dumps({"task": kind, **asdict(task)}).encode() + b"\n"


def read(line: str) -> Task:
    """The task that `write` wrote."""
    values = json.loads(line)
    return KINDS[values.pop("task")](**values)
