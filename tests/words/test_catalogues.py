"""The catalogues: every code in the source has a sentence, in every language."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from babel.messages.catalog import Message as Entry
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from jinja2.ext import babel_extract

from unmask.evidence import LINES
from unmask.live.challenge import Move
from unmask.live.verification import Advice, Result
from unmask.originals import FaceFinding
from unmask.types import Verdict
from unmask.words import catalogue, codes, english, language

ROOT = Path(__file__).parents[2]
SOURCES = {
    ROOT / "src": {"Message": None, "t": None, "sentence": None, "rich": (2,)},
    ROOT / "lab" / "src": {"Message": None},
}
"""Folders of code; for each, the calls that name a code, and in which argument."""

FAMILIES = (
    "action.", "advice.", "case.state.", "cases.none.", "cases.", "confirm.title", "decision.",
    "delivery.", "detail.", "event.", "factor.change.", "kind.", "learned.", "language.name",
    "line.", "live.says.", "motion.", "nav.", "originals.found.", "originals.why.", "press.",
    "problem.", "progress.", "report.term.", "report.threshold.", "role.", "scope.", "series.",
    "skin.", "state.", "statement.", "support.", "take.answer.", "take.kind.", "take.lane.",
    "texture.", "times.", "told.", "upload.", "verdict.", "wait.",
)  # fmt: skip
"""Beginnings of codes whose ends the source makes from names, such as those of verdicts.

Two more are codes that templates ask a language for.
"""

OTHERS = [code for code in codes() if code != "en"]


def named() -> set[str]:
    """Returns the codes that the source names, as Babel extracts them."""
    methods = [("**.py", "python"), ("**.j2", babel_extract)]
    found = (extract_from_dir(folder, methods, keywords=calls) for folder, calls in SOURCES.items())  # type: ignore[arg-type]
    return {text for _, _, text, _, _ in chain.from_iterable(found) if isinstance(text, str)}


def entries(code: str) -> Iterator[Entry]:
    with (catalogue.FOLDER / f"{code}.po").open("rb") as file:
        yield from (entry for entry in read_po(file) if entry.id)


def forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def places(text: str | tuple[str, ...] | list[str]) -> set[str]:
    return {
        name
        for form in forms(text)
        for _, name, _, _ in string.Formatter().parse(form)
        if name is not None
    }


def test_every_code_in_the_source_has_an_english_sentence() -> None:
    codes_ = named()
    assert len(codes_) > 400
    assert [code for code in sorted(codes_) if code not in english()] == []


def test_every_english_sentence_has_its_use() -> None:
    used = named()
    ends = ("_at", "_but", "_many", "_many_but", ".unmeasured")
    spoken = [code for code in english().sentences if not code.startswith(FAMILIES)]
    stray = [
        code
        for code in spoken
        if code not in used and not any(code.removesuffix(end) in used for end in ends)
    ]
    assert [code for code in stray if code.removesuffix(".unmeasured") not in LINES] == []


def test_no_code_stands_twice() -> None:
    for code in codes():
        contexts = [entry.context for entry in entries(code)]
        assert len(contexts) == len(set(contexts)), code


@pytest.mark.parametrize("code", OTHERS)
def test_no_entry_is_missing_fuzzy_or_of_an_older_english(code: str) -> None:
    theirs = {entry.context: entry for entry in entries(code)}
    wanted = {entry.context: entry.id for entry in entries("en")}
    assert wanted.keys() - theirs.keys() == set(), "missing: run `make words`"
    assert theirs.keys() - wanted.keys() == set(), "no longer said: run `make words`"
    assert [
        context for context, entry in theirs.items() if entry.fuzzy or not all(forms(entry.string))
    ] == []
    assert [context for context, entry in theirs.items() if entry.id != wanted[context]] == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_translation_has_the_places_of_its_sentence(code: str) -> None:
    comments = {entry.context: " ".join(entry.auto_comments) for entry in entries("en")}
    for entry in entries(code):
        allowed = places(entry.id) | places(comments[entry.context])
        assert places(entry.string) <= allowed, entry.context
        assert places(forms(entry.id)[-1]) <= places(entry.string) or places(
            comments[entry.context]
        ), entry.context


@pytest.mark.parametrize("code", codes())
def test_nobody_is_called_authentic(code: str) -> None:
    spoken = language(code)
    claims = [
        one
        for one in spoken.sentences
        if re.search(r"authentic(?!ator)|真实的|为真", spoken.sentence(one))
    ]
    assert claims == ["limits.authentic"]


@pytest.mark.parametrize("code", codes())
def test_what_is_made_up_from_names_has_sentences(code: str) -> None:
    spoken = language(code)
    told = {
        "verdict.": [verdict.replace(" ", "-") for verdict in Verdict],
        "statement.verdict.": list(Verdict),
        "originals.found.": [
            FaceFinding.SAME,
            FaceFinding.CHANGED_FACE,
            FaceFinding.CHANGED_MOUTH,
            FaceFinding.OTHER_TAKE,
            FaceFinding.RETOUCHED,
        ],
        "originals.why.": [
            FaceFinding.OTHER_TAKE,
            FaceFinding.COVERED,
            FaceFinding.FAINT,
            FaceFinding.TOO_SMALL,
        ],
        "live.says.": [
            *Advice,
            *(f"move.{move}" for move in Move),
            *(f"outcome.{result}" for result in Result),
        ],
        "line.": list(LINES),
    }
    missing = [
        f"{family}{name}"
        for family, names in told.items()
        for name in names
        if f"{family}{name}" not in spoken
    ]
    assert missing == []
