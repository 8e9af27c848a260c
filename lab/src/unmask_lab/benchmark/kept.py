"""Answers kept on disk as they come, so that an interrupted run resumes where it stopped."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import unmask
from unmask import calibrations

OUTSIDES = ("report", "service", "live", "weights", "words")
"""Folders of the runtime that do not affect a score."""

Answer = Mapping[str, Any]
"""Answer to one question, as JSON holds it."""

Question = TypeVar("Question")


def kept(
    questions: Sequence[Question],
    key: Callable[[Question], str],
    answer: Callable[[Question], Answer],
    path: Path,
) -> list[Answer]:
    """Returns the answer to every question, in order.

    Args:
        questions: to ask.
        key: names a question; two with the same name have the same answer.
        answer: asks one that was not asked before.
        path: a file of JSON lines, where answers are kept.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    known = dict(_read(path))
    answers = []
    with path.open("a") as file:
        for done, question in enumerate(questions, start=1):
            name = key(question)
            if name not in known:
                known[name] = answer(question)
                file.write("\n" + json.dumps({"key": name, "answer": known[name]}))
                file.flush()
            answers.append(known[name])
            if done % 50 == 0 or done == len(questions):
                print(f"checked {done} of {len(questions)}", file=sys.stderr, flush=True)
    return answers


def version(*asking: Path) -> str:
    """Returns a digest of the weights and the code that decide a score.

    The code is the runtime's, and the files in ``asking``.
    """
    digest = hashlib.sha256(json.dumps(calibrations.digests(), sort_keys=True).encode())
    package = Path(unmask.__file__).parent
    runtime = [
        path
        for path in sorted(package.rglob("*.py"))
        if path.relative_to(package).parts[0] not in OUTSIDES
    ]
    for path in (*runtime, *asking):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _read(path: Path) -> Iterator[tuple[str, Answer]]:
    """Reads the kept answers.

    A record begins with a line break, so that an incomplete record damages no other.
    """
    for line in path.read_text().splitlines() if path.is_file() else ():
        try:
            record = json.loads(line)
            yield record["key"], record["answer"]
        except ValueError:
            continue
