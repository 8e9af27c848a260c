"""A third language is one more file: no Python knows of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import results
from tests.words import pseudo
from unmask import terminal
from unmask.messages import Message
from unmask.report import html
from unmask.words import catalogue, choose, codes, language


@pytest.fixture(autouse=True)
def _third(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "FOLDER", pseudo.write(tmp_path))


def test_it_is_offered_and_chosen() -> None:
    assert codes() == ("en", "eo", "zh")
    assert choose(None, "eo, en;q=0.5").code == "eo"
    assert choose("eo", "zh").code == "eo"


def test_it_says_every_message_in_its_own_way() -> None:
    spoken = language("eo")
    assert set(spoken.translated) == set(spoken.sentences)
    assert spoken.say(Message("limit.brief", {"count": 2})).startswith("⟦2 fáçéš")
    two = Message("file.changed", {"count": 2, "people": (1, 2)})
    assert spoken.say(two) == "⟦Thé fáçéš óf péršóñš ⟦1 áñd 2⟧ šhów šígñš óf á çháñgé.⟧"


def test_the_report_is_in_it_from_title_to_foot() -> None:
    page = html.page(results.changed_video(), language("eo"))
    assert '<html lang="eo">' in page
    body = re.sub(r"<style>.*?</style>|<[^>]*>", "\n", page, flags=re.DOTALL)
    ours = {"Unmask", "ENFSI Guideline for Evaluative Reporting in Forensic Science", "UTC"}
    plain = [
        line
        for line in map(str.strip, body.splitlines())
        if re.search(r"[a-z]{4,} [a-z]{3,}", line)
    ]
    assert [line for line in plain if line not in ours and "content credentials" not in line] == []


def test_so_is_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.show([results.clean_photo(), results.nobody()], language("eo"))
    shown = capsys.readouterr().out
    assert "⟦Ñó fáçé wáš fóúñd íñ thíš phótó.⟧" in shown
    assert "⟦2 fíléš" in shown


def test_what_it_lacks_is_said_in_english(tmp_path: Path) -> None:
    whole = (tmp_path / "eo.po").read_text(encoding="utf-8")
    text = re.sub(
        r'(msgctxt "face.weak"\nmsgid (?:".*"\n)+)msgstr (?:".*"\n)+', r'\1msgstr ""\n', whole
    )
    assert text != whole
    (tmp_path / "eo.po").write_text(text, encoding="utf-8")
    spoken = language("eo")
    assert spoken.say(Message("face.weak")).startswith("What was measured leans")
    assert not spoken.knows(Message("face.weak"))
    assert spoken.knows(Message("face.no_change"))
