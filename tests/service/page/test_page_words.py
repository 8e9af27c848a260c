"""The page's words: both languages say the same things, and know the sentences that the runtime writes."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from unmask.service.page.language import CODES, chosen, language

from tests import results
from unmask import service
from unmask.evidence.originals import NOT_COMPARED, SAYS, WHY
from unmask.live.challenge import Move
from unmask.live.verification import Advice, Result
from unmask.report import wording
from unmask.report.document import document
from unmask.service.page.rendering import local
from unmask.types import Quality, Span, Verdict
from unmask.verdict import of_file

KEY = re.compile(r"""\bt\("([\w.:-]+)"[,)]""")


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_both_languages_have_the_same_messages() -> None:
    english, *others = (language(code) for code in CODES)
    for other in others:
        assert english.messages.keys() == other.messages.keys()
        for key, message in english.messages.items():
            assert holes(message) == holes(other.messages[key]), key
            assert other.messages[key].strip()


def test_every_message_that_a_template_names_is_there() -> None:
    folder = files("unmask.service.page").joinpath("templates")
    for file in folder.iterdir():
        for key in KEY.findall(file.read_text(encoding="utf-8")):
            assert key in language("en").messages, f"{file.name}: {key}"


def test_the_live_page_has_words_for_all_that_it_may_be_told() -> None:
    says = language("en").group("live.says.")
    advice = [*Advice, "connection", *(f"refused.{status}" for status in (400, 404, 409, 410, 429, 503))]
    told = [*advice, *(f"move.{move}" for move in Move), *(f"outcome.{result}" for result in Result)]
    assert [one for one in told if one not in says] == []


def test_every_step_that_is_audited_has_a_name() -> None:
    calls = [
        call
        for file in Path(service.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "attr", "") == "record" and len(call.args) >= 3
    ]
    actions = [call.args[2].value for call in calls if isinstance(call.args[2], ast.Constant)]
    assert len(actions) > 10
    assert [action for action in actions if f"action.{action}" not in language("en").messages] == []


def test_a_translated_sentence_has_no_hole_that_its_pattern_lacks() -> None:
    for pattern in language("zh").patterns:
        assert holes(pattern.translated) <= pattern.english.groupindex.keys(), pattern.translated


def test_nobody_is_called_authentic() -> None:
    for code in CODES:
        claims = [text for text in language(code).messages.values() if re.search(r"authentic|真实|为真", text)]
        assert claims == [language(code).messages["limits.authentic"]]


def sentences(value: Any) -> Iterator[str]:
    """What a person reads in a result document."""
    for person in value["people"]:
        yield person["reason"]
    yield value["reason"]


def people(*verdicts: Verdict) -> tuple[Any, ...]:
    found = []
    for i, verdict in enumerate(verdicts, start=1):
        someone = results.person(i, verdict, None if verdict is Verdict.CANNOT_TELL else 2.0)
        spans = tuple(Span(j, j + 0.5) for j in range(i)) if verdict is Verdict.CHANGED else ()
        found.append(replace(someone, spans=spans))
    return tuple(found)


CHANGED, CLEAR, UNSURE = Verdict.CHANGED, Verdict.NO_CHANGE_FOUND, Verdict.CANNOT_TELL


@pytest.mark.parametrize(
    "verdicts",
    [
        (), (CHANGED,), (CHANGED,) * 2, (CHANGED,) * 9, (CLEAR,), (CLEAR,) * 3, (CLEAR,) * 9, (UNSURE, UNSURE),
        (UNSURE, CLEAR), (UNSURE, UNSURE, CLEAR, CLEAR), (Verdict.LICENSED_CHANGE,), (Verdict.LICENSED_CHANGE,) * 2,
    ],
    ids=len,
)  # fmt: skip
def test_the_sentence_of_every_verdict_is_known_in_chinese(verdicts: tuple[Verdict, ...]) -> None:
    _, reason, _ = of_file(people(*verdicts), results.media())
    said = language("zh").said(reason)
    assert not re.search(r"[A-Za-z]{2,}", said), said


@pytest.mark.parametrize("sentence", [*SAYS.values(), NOT_COMPARED, *(f"{NOT_COMPARED} {why}" for why in WHY.values())])
def test_what_a_known_original_says_is_known_in_chinese(sentence: str) -> None:
    said = language("zh").said(sentence)
    assert not re.search(r"[A-Za-z]{2,}", said), said


@example(8.999)  # rounds up to a thousand millions
@given(st.floats(-12, 12))
def test_every_strength_is_known_in_chinese(log10_lr: float) -> None:
    for text in (wording.likelier(log10_lr), wording.support(log10_lr).words):
        said = language("zh").said(text)
        assert not re.search(r"[A-Za-z]{2,}", said), said


@given(st.floats(0, 1))
def test_every_probability_and_trait_is_known_in_chinese(share: float) -> None:
    traits = wording.traits(Quality(200 * share, share / 10, share, 1 + 6 * share))
    for text in (wording.in_hundred(share), *(t.name for t in traits), *(t.word for t in traits)):
        assert not re.search(r"[A-Za-z]{2,}", language("zh").said(text)), text


def test_what_is_not_known_stays_and_is_marked() -> None:
    chinese = language("zh")
    assert chinese.said("Something new was found and it matters.") == "Something new was found and it matters."
    assert not chinese.knows("Something new was found and it matters.")
    assert chinese.knows("No face was found in this photo.")
    assert document(results.nobody())["reason"] == "No face was found in this photo."


@pytest.mark.parametrize(
    ("cookie", "header", "code"),
    [
        (None, "", "en"), (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"), (None, "de, en;q=0.5, zh;q=0.7", "zh"),
        (None, "zh;q=0, en", "en"), ("zh", "en", "zh"), ("xx", "zh", "zh"), (None, "*", "en"),
    ],
)  # fmt: skip
def test_the_reader_s_choice_comes_first(cookie: str | None, header: str, code: str) -> None:
    assert chosen(cookie, header).code == code


@given(st.text())
def test_any_header_gives_a_language(header: str) -> None:
    assert chosen(header, header).code in CODES


@given(st.text())
def test_a_local_address_stays_here(address: str) -> None:
    found = local(address)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isprintable()
