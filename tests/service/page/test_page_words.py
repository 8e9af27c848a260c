"""The page's words: it has a sentence for every message.

What it cannot say, it shows as it is.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests import results
from tests.service.desk import Desk
from tests.words import pseudo
from unmask import service
from unmask.errors import BrokenMedia
from unmask.messages import Message
from unmask.originals import FaceFinding
from unmask.report.document import Document, document
from unmask.service.page.answer import answer
from unmask.service.page.rendering import local
from unmask.types import CheckResult, Quality, Span, Verdict
from unmask.verdict import of_file
from unmask.words import catalogue, choose, codes, english, language, strength
from unmask.words.quality import traits

CHINESE = language("zh")


def test_the_live_page_has_words_for_all_that_a_connection_may_end_with() -> None:
    says = english().group("live.says.")
    told = ["connection", *(f"refused.{status}" for status in (400, 404, 409, 410, 429, 503))]
    assert [one for one in told if one not in says] == []


def test_every_step_that_is_audited_has_a_name() -> None:
    calls = [
        call
        for file in Path(service.__file__).parent.rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "attr", "") == "record"
        and len(call.args) >= 3
    ]
    actions = [call.args[2].value for call in calls if isinstance(call.args[2], ast.Constant)]
    assert len(actions) > 10
    assert [action for action in actions if f"action.{action}" not in english()] == []


def in_chinese(message: Message) -> str:
    """Returns the message in Chinese; fails if any of it is left in English."""
    said = CHINESE.say(message)
    assert not re.search(r"[A-Za-z]{2,}", said.replace("LR", "").replace("Unmask", "")), said
    assert CHINESE.knows(message)
    return said


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
        (), (CHANGED,), (CHANGED,) * 2, (CHANGED,) * 9, (CLEAR,), (CLEAR,) * 3, (CLEAR,) * 9,
        (UNSURE, UNSURE), (UNSURE, CLEAR), (UNSURE, UNSURE, CLEAR, CLEAR),
        (Verdict.LICENSED_CHANGE,), (Verdict.LICENSED_CHANGE,) * 2,
    ],
    ids=len,
)  # fmt: skip
def test_the_sentence_of_every_verdict_is_said_in_chinese(verdicts: tuple[Verdict, ...]) -> None:
    _, reason, _ = of_file(people(*verdicts), results.media())
    assert in_chinese(reason)


@pytest.mark.parametrize("finding", FaceFinding)
def test_what_a_known_original_says_is_said_in_chinese(finding: FaceFinding) -> None:
    said = [
        code
        for code in (f"originals.found.{finding}", f"originals.why.{finding}")
        if code in english()
    ]
    assert said
    for code in said:
        assert in_chinese(Message(code))


@example(8.999)  # rounds up to a thousand millions
@given(st.floats(-12, 12))
def test_every_strength_is_said_in_chinese(log10_lr: float) -> None:
    for message in (
        strength.likelier(log10_lr),
        strength.support(log10_lr).words,
        strength.odds(log10_lr),
    ):
        assert in_chinese(message)


@pytest.mark.parametrize(
    ("log10_lr", "times"),
    [
        (2.0, "的 100 倍"),
        (4.36, "的 2.3 万倍"),
        (6.6, "的 400 万倍"),
        (8.999, "的 100,000 万倍"),
        (9.5, "十亿倍以上"),
    ],
)
def test_chinese_counts_in_ten_thousands(log10_lr: float, times: str) -> None:
    said = in_chinese(Message("face.changed", {"log10_lr": log10_lr}))
    assert times in said


@given(st.floats(0, 1))
def test_every_probability_and_trait_is_said_in_chinese(share: float) -> None:
    found = traits(Quality(200 * share, share / 10, share, 1 + 6 * share))
    for message in (strength.in_hundred(share), *(t.name for t in found), *(t.word for t in found)):
        assert in_chinese(message)


def test_a_result_is_said_from_its_codes() -> None:
    found = Document.of(results.nobody())
    assert found.reason == "No face was found in this photo."
    assert found.message("reason") == Message("file.no_face_photo")
    whole = Document.of(results.crowd())
    assert whole.all_limits() == list(results.crowd().limits)
    assert [p.message("reason") for p in whole.people] == [p.reason for p in results.crowd().people]


@pytest.mark.parametrize(
    "changes",
    [
        {"reason_code": "no.such.code"},
        {"reason_code": ""},
        {"reason_code": "face.changed", "reason_values": {}},
        {"reason_code": "face.changed", "reason_values": {"log10_lr": float("nan")}},
        {"reason_code": "face.changed", "reason_values": {"log10_lr": None}},
        {"reason_code": "file.changed", "reason_values": {"count": "many", "people": {}}},
    ],
    ids=str,
)
def test_what_cannot_be_said_stays_english_and_is_marked(changes: dict[str, Any]) -> None:
    """Such messages could come from another version of Unmask, or from a hijacked process."""
    found = Document.model_validate({**document(results.changed_video()), **changes}).message(
        "reason"
    )
    assert CHINESE.say(found) == str(results.changed_video().reason)
    assert not CHINESE.knows(found)


def test_why_a_file_was_not_judged_is_a_sentence_without_its_path(desk: Desk) -> None:
    error = BrokenMedia("clip.mp4", Message("media.empty"), Message("way.again")).message
    check = desk.check(
        result=document(CheckResult.failed("clip.mp4", error)),
        state="failed",
        verdict=None,
        log10_lr=None,
    )
    for code, said in (
        ("en", "The file is empty; download or export it again"),
        ("zh", "文件为空；请重新下载或导出"),
    ):
        page = (
            desk.browser(person="vera")
            .get(f"/checks/{check}", headers={"Accept-Language": code})
            .text
        )
        assert f'<h1 id="finding"><span>{said}</span></h1>' in page


def test_a_result_of_before_there_were_codes_is_shown() -> None:
    whole = document(results.changed_video())
    old = {
        name: value
        for name, value in whole.items()
        if not name.endswith(("_code", "_values", "_messages"))
    }
    found = Document.model_validate(old)
    assert str(answer(found, "clip.mp4").headline) == whole["reason"]
    assert [str(limit) for limit in found.all_limits()] == whole["limits"]


def test_a_third_language_is_on_the_page(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "languages").mkdir()
    monkeypatch.setattr(catalogue, "FOLDER", pseudo.write(tmp_path / "languages"))
    page = desk.browser().get("/sign-in", headers={"Accept-Language": "eo, en;q=0.5"}).text
    assert '<html lang="eo">' in page
    assert "<h1>⟦Šígñ íñ⟧</h1>" in page
    assert 'href="/language/zh' in page


@pytest.mark.parametrize(
    ("cookie", "header", "code"),
    [
        (None, "", "en"), (None, "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        (None, "de, en;q=0.5, zh;q=0.7", "zh"), (None, "zh;q=0, en", "en"), ("zh", "en", "zh"),
        ("xx", "zh", "zh"), (None, "*", "en"),
    ],
)  # fmt: skip
def test_the_reader_s_choice_comes_first(cookie: str | None, header: str, code: str) -> None:
    assert choose(cookie, header).code == code


@given(st.text())
def test_any_header_gives_a_language(header: str) -> None:
    assert choose(header, header).code in codes()


@given(st.text())
def test_a_local_address_stays_here(address: str) -> None:
    found = local(address)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isprintable()
