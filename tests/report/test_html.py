"""The HTML report: self-contained, safe with strangers' file names, and true to the result."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from tests import results
from tests.report import strategies
from unmask.errors import printable
from unmask.messages import Message
from unmask.report import images
from unmask.report.html import fragment, page
from unmask.types import Basis, CheckResult, Person, TimedLR, Verdict

VOID = {"meta", "img", "br", "path", "rect", "circle", "source"}
FORBIDDEN = {
    "script",
    "link",
    "base",
    "iframe",
    "object",
    "embed",
    "form",
    "input",
    "button",
    "use",
    "image",
    "audio",
    "video",
}


class Page(HTMLParser):
    """Parser of a page; refuses a tag that is not closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join("".join(self.words).split())

    def all(self, attribute: str) -> list[str]:
        return [attrs[attribute] or "" for _, attrs in self.tags if attribute in attrs]


def assert_self_contained(text: str) -> Page:
    text.encode()
    found = Page(text)
    assert FORBIDDEN.isdisjoint(tag for tag, _ in found.tags)
    names = {name for _, attrs in found.tags for name in attrs}
    active = {
        name for name in names if name.startswith("on") or name in {"style", "action", "background"}
    }
    assert not active
    assert all(
        src.startswith("data:image/jpeg;base64,")
        for src in (*found.all("src"), *found.all("srcset"))
    )
    assert {href[1:] for href in found.all("href") if href[:1] == "#"} == {
        href.removeprefix("#") for href in found.all("href")
    }
    for style in re.findall(r"<style>(.*?)</style>", text, re.DOTALL):
        assert "url(" not in style
        assert "@import" not in style
    return found


@pytest.mark.parametrize("result", results.every_kind(), ids=lambda result: result.path)
def test_pages_are_self_contained_and_their_links_lead_somewhere(result: CheckResult) -> None:
    found = assert_self_contained(page(result))
    assert len(found.all("id")) == len(set(found.all("id")))
    assert {href[1:] for href in found.all("href")} <= set(found.all("id"))
    assert all("alt" in attrs for tag, attrs in found.tags if tag == "img")
    assert sum(tag == "h1" for tag, _ in found.tags) == 1


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(strategies.results())
def test_any_result_makes_a_safe_page_and_card(result: CheckResult) -> None:
    name = result.path.replace("\\", "/").rstrip("/").rpartition("/")[2] or result.path
    for text in (page(result), fragment(result)):
        found = assert_self_contained(text)
        assert " ".join(printable(name).split()) in found.text


def test_the_policy_allows_the_own_style_and_no_more() -> None:
    text = page(results.changed_video())
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = next(attrs["content"] for _, attrs in Page(text).tags if attrs.get("http-equiv"))
    assert policy is not None
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_a_script_in_a_file_name_is_text() -> None:
    text = page(results.failed("<script>alert(1)</script>\u202egpj.mp4"))
    assert "<script" not in text
    assert "\u202e" not in text
    assert r"&lt;script&gt;alert(1)&lt;/script&gt;\u202egpj.mp4" in text


def test_the_footer_takes_nothing_but_a_hash() -> None:
    assert "</style><b>" not in page(replace(results.failed(), sha256='"}</style><b>'))
    assert f'content: "sha256 {results.SHA256}"' in page(results.changed_video())


def test_a_changed_video_says_what_its_lr_means() -> None:
    text = Page(page(results.changed_video())).text
    assert "about 200 times likelier if the face was changed than if it was not" in text
    assert "moderately strong support for a changed face" in text
    assert (
        "At the base rate you stated, 1 in 1,000 faces changed, about 17 in 100 such alarms would "
        "be right." in text
    )
    assert "0:03.2–0:09.1, 0:12.4–0:13.0" in text
    assert "the header claims 0:20.0" in text
    assert "ENFSI" in text


@pytest.mark.parametrize(
    ("basis", "words"), [("measured", "what was measured"), ("declared", "what the file declares")]
)
def test_a_licensed_change_says_what_it_rests_on(basis: str, words: str) -> None:
    whole = results.changed_video()
    person = replace(whole.people[0], verdict=Verdict.LICENSED_CHANGE, basis=Basis(basis))
    told = page(replace(whole, verdict=Verdict.LICENSED_CHANGE, people=(person,)))
    assert f"<dt>Rests on</dt><dd>{words}, and a licence</dd>" in told
    assert "Rests on" not in page(whole)


def test_without_a_base_rate_three_are_shown() -> None:
    found = Page(page(results.changed_video(prior=None)))
    assert "No base rate was stated." in found.text
    assert {"1 in 2", "1 in 100", "1 in 1,000"} <= set(found.words)


def test_every_status_of_a_line_is_told() -> None:
    text = Page(page(results.changed_video())).text
    assert "Did not apply. The file carries no content credentials." in text
    assert (
        "Failed. This line of evidence failed (OriginalsError: no index) and weighs nothing."
        in text
    )
    assert "not weighed" in text


def test_a_video_has_a_timeline_with_a_table_and_a_photo_has_none() -> None:
    video, photo = page(results.changed_video()), page(results.clean_photo())
    assert video.count('class="chart') == 2
    assert "<details>" in video
    assert 'class="chart' not in photo
    assert "<details>" not in photo
    assert "Judged changed" not in photo


def test_a_single_reading_is_no_timeline() -> None:
    person = replace(results.person(), timeline=(TimedLR(1.0, 2.0),))
    assert 'class="chart' not in page(replace(results.changed_video(), people=(person,)))


def test_an_error_makes_a_sober_page() -> None:
    text = Page(page(results.failed())).text
    assert "Not judged" in text
    assert "The video breaks off before its first picture" in text
    assert "LR" not in text


def test_where_it_cannot_tell_no_ratio_is_given() -> None:
    text = Page(page(results.cannot_tell())).text
    assert "no likelihood ratio is given" in text
    assert "What was measured is" not in text
    assert "No face was found in this photo." in Page(page(results.nobody())).text
    assert "no face" in Page(page(results.nobody())).text
    assert (
        "cannot tell" not in Page(page(results.nobody())).text.lower().split("no face was found")[0]
    )


def test_many_people_have_a_table_of_contents() -> None:
    found = Page(page(results.crowd(12)))
    assert {f"#person-{number}" for number in range(1, 13)} <= set(found.all("href"))
    assert "#people" in found.all("href")
    assert "#people" not in Page(page(results.changed_video())).all("href")


def test_the_people_stand_in_order_of_their_verdict_and_those_not_judged_are_folded() -> None:
    crowd = results.crowd(12)
    unjudged = tuple(replace(results.cannot_tell().people[0], id=number) for number in (4, 5))
    found = Page(page(replace(crowd, people=(*crowd.people[:3], *unjudged, *crowd.people[5:]))))
    order = [
        int(link.removeprefix("#person-"))
        for link in found.all("href")
        if link.startswith("#person-")
    ]
    assert order == [2, 3, 1, *range(6, 13), 4, 5]
    assert "2 of 12 faces could not be judged" in found.text
    assert "could not be judged" not in Page(page(crowd)).text


def test_a_scene_has_a_numbered_box_around_each_face_that_leads_to_the_person() -> None:
    crowd = results.crowd(3)
    found = Page(page(crowd, scenes=[results.scene(crowd)]))
    assert [
        attrs["class"]
        for tag, attrs in found.tags
        if tag == "rect" and attrs.get("class") == "face"
    ] == ["face"] * 3
    assert [link for link in found.all("href") if link.startswith("#person-")] == [
        f"#person-{i}" for i in (1, 2, 3, 2, 3, 1)
    ]
    assert "The frame at 0:03.2" in " ".join(found.all("alt"))


@pytest.mark.parametrize(
    ("result", "words"),
    [
        (
            results.changed_video(),
            "Of 1,000 bona fide faces of people it never saw, it calls about 0 changed "
            "(0 to 84; 1,195",
        ),
        (
            results.clean_photo(),
            "Of 100 faces changed in ways it was never taught, it finds no change in about 52 "
            "(45 to 59; 1,144",
        ),
        (results.cannot_tell(), None),
    ],
)
def test_beside_an_answer_stands_how_often_it_is_wrong(
    result: CheckResult, words: str | None
) -> None:
    text = Page(page(result)).text
    assert words in text if words else "it never saw" not in text and "never taught" not in text
    unmeasured = replace(
        result, people=tuple(replace(person, record=None) for person in result.people)
    )
    assert "single faces measured" not in Page(page(unmeasured)).text


def test_where_nothing_reacts_no_moment_is_called_telling() -> None:
    quiet = results.clean_photo()
    assert "Where the evidence reacts" not in Page(page(quiet)).text
    assert "Where the evidence reacts" in Page(page(replace(quiet, people=(reacting(quiet),)))).text


def reacting(result: CheckResult) -> Person:
    """Returns the only person of a result, with frames that lean towards a change."""
    (someone,) = result.people
    return replace(someone, frames=tuple(replace(frame, log10_lr=0.2) for frame in someone.frames))


def test_what_became_of_the_file_stands_before_the_evidence_and_once() -> None:
    damaged = Message(
        "limit.damaged", {"count": 24, "spans": (Message("span", {"start": 10.0, "end": 10.96}),)}
    )
    clip = results.changed_video()
    text = Page(page(replace(clip, limits=(*clip.limits, damaged)))).text
    assert text.count("24 damaged pictures") == 1
    assert (
        text.index("24 damaged pictures")
        < text.index("Strength of evidence")
        < text.index("about 0.9 s apart")
    )
    assert "The file" not in Page(page(clip)).words


def test_what_the_lines_cannot_come_to_is_hatched() -> None:
    found = Page(page(results.changed_video()))
    hatched = [
        attrs["class"]
        for tag, attrs in found.tags
        if tag == "span" and "beyond" in str(attrs.get("class"))
    ]
    assert hatched == [f"cell against n{i} beyond" for i in (6, 5, 4, 3, 2, 1)] + [
        f"cell for n{i} beyond" for i in (5, 6)
    ]
    assert "between 1/1.8 and 3,200" in found.text


def test_the_card_is_what_a_notebook_shows() -> None:
    result = results.crowd(14)
    card = result._repr_html_()
    assert card == fragment(result)
    assert len(card) < len(page(result)) / 4
    assert "and 2 more" in Page(card).text
    assert "<body" not in card


def test_an_overlay_is_grey_where_cold_and_coloured_where_warm() -> None:
    crop = np.full((64, 64, 3), (200, 120, 90), np.uint8)
    heat = np.zeros((8, 8), np.float32)
    heat[:, 4:] = 1
    shown = images.overlay(crop, heat).astype(int)
    assert np.ptp(shown[32, 2]) == 0
    assert np.ptp(shown[32, -2]) > 60


def test_an_overlay_bears_a_heatmap_with_holes() -> None:
    crop = np.zeros((8, 8, 3), np.uint8)
    assert images.overlay(crop, np.full((8, 8), np.nan, np.float32)).max() == 0


def test_pictures_are_jpeg_and_bounded() -> None:
    uri = images.data_uri(np.zeros((600, 2400, 3), np.uint8))
    image = Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2])))
    assert (image.format, image.size) == ("JPEG", (1200, 300))


def test_importing_is_cheap() -> None:
    code = "import sys, unmask.report.html; print({'jinja2', 'PIL', 'cv2'} & set(sys.modules))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "set()\n"
    )
