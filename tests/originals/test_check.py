"""The whole check with an index: the verdict, the report, the command line."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import cv2
import pytest
from typer.testing import CliRunner, Result

import unmask
from tests import clips, scenes
from tests.originals.conftest import START
from tests.support import films
from tests.support.authority import Authority
from tests.support.owner import Owner
from unmask import faces
from unmask.cli import app
from unmask.licences import files, licence, manifest
from unmask.licences.licence import PortraitMark, Work
from unmask.messages import Message
from unmask.report import html
from unmask.report.document import document
from unmask.types import Basis, Status, Verdict

pytestmark = pytest.mark.slow

MIDDLE = START + 1.5
"""Time of the film that the middle of a clip shows, s."""


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(
        app, [str(argument) for argument in arguments], catch_exceptions=False
    )


@pytest.fixture(scope="module")
def index(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    done = run(
        "originals",
        "add",
        footage,
        "--originals",
        folder,
        "--owner",
        "The <b>broadcaster</b>",
        "--title",
        "The drama",
    )
    assert done.exit_code == 0, done.output
    return folder


@pytest.fixture(scope="module")
def clip_of(film: films.Film, stranger: films.Portrait, tmp_path_factory: pytest.TempPathFactory):
    """Returns a function that makes a clip of three seconds, its face swapped or not.

    Each is made once; nobody writes to it.
    """

    @cache
    def made(changed: bool) -> Path:
        swap = films.another_face(stranger) if changed else None
        frames = (films.graded(film.frame(START + i / 25, swap)) for i in range(75))
        return clips.write_video(
            tmp_path_factory.mktemp("clip") / "clip.mp4", frames, gop=250, options={"crf": "26"}
        )

    return made


@pytest.fixture(scope="module")
def still(film: films.Film, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a picture from the middle of the unchanged clip, as a photo."""
    path = tmp_path_factory.mktemp("still") / "still.jpg"
    return clips.write_photo(path, films.graded(film.frame(MIDDLE)), "JPEG", quality=90)


def test_a_changed_face_is_shown_beside_what_was_before(index: Path, clip_of) -> None:
    result = unmask.check(clip_of(True), originals=index, lines=("originals",))
    assert result.verdict is Verdict.CHANGED
    line = result.people[0].lines["originals"]
    assert line.status is Status.RAN
    assert line.log10_lr is not None
    assert line.log10_lr > 1
    named = Message("originals.named", {"title": "The drama", "owner": "The <b>broadcaster</b>"})
    assert line.summary.values["originals"] == (named,)
    assert line.summary.values["finding"] == Message("originals.found.changed face")
    assert [picture.original is not None for picture in line.pictures[:2]] == [True, False]
    (shown,) = document(result)["originals"]
    assert shown["registrations"][0]["title"] == "The drama"
    assert shown["original_start"] - shown["start"] == pytest.approx(START, abs=0.05)
    page = html.page(result)
    assert "Known originals" in page
    assert 'class="slider"' in page
    assert "<b>broadcaster" not in page


def test_a_licence_for_a_face_in_the_film_makes_it_a_licensed_change_until_it_is_taken_back(
    index: Path, footage: Path, film: films.Film, clip_of, tmp_path: Path
) -> None:
    clip, frame, zoe = clip_of(True), film.frame(MIDDLE), Owner.in_folder(tmp_path / "desk")
    x, y = faces.find(frame)[0].points.mean(axis=0) / (frame.shape[1], frame.shape[0])
    mark = PortraitMark(time=MIDDLE, x=float(x), y=float(y))
    work = Work(title="The drama", original=files.sha256(footage), marks=[mark])
    path = zoe.grants("licence.json", works=[work])
    allowed = unmask.check(clip, originals=index, licences=zoe.folder, lines=("originals",))
    assert (allowed.verdict, allowed.basis) == (Verdict.LICENSED_CHANGE, Basis.MEASURED)
    assert allowed.log10_lr is not None
    assert allowed.log10_lr > 1
    assert Message("limit.marked") in allowed.limits
    assert "a licence of Zoë 张, given to The studio" in html.page(allowed)
    licence.revoke(
        (licence.Licence.of(path),), zoe.folder / "list.json", zoe.key, datetime.now(UTC)
    )
    asked = ("check", clip, "--originals", index, "--lines", "originals")
    shown = run(*asked, "--licences", zoe.folder, "--json")
    again = json.loads(shown.stdout)
    assert (again["verdict"], again["basis"], again["log10_lr"]) == (
        "changed",
        "measured",
        allowed.log10_lr,
    )
    assert (
        "; no licence allows it: the licence was taken back, says the list of " in again["reason"]
    )
    assert again["people"][0]["licences"][0]["refused_code"] == "licence.revoked"


@pytest.fixture(scope="module")
def signed_index(footage: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Registers the film with content credentials of the studio."""
    folder = tmp_path_factory.mktemp("signed")
    studio = Authority.called("An authority").vouches("The studio")
    manifest.write(footage, folder / "film.mp4", studio, [])
    added = run(
        *("originals", "add", folder / "film.mp4", "--originals", folder / "index"),
        *("--owner", "The broadcaster", "--title", "The drama"),
    )
    assert added.exit_code == 0, added.output
    return folder / "index"


def test_a_still_that_lost_the_credentials_of_its_original_says_so_and_weighs_the_same(
    signed_index: Path, index: Path, still: Path, tmp_path: Path
) -> None:
    lines = ("--lines", "originals,credentials")
    check = ("check", still, "--originals", signed_index, *lines)
    plainly = ("check", still, "--originals", index, *lines)
    said = (
        "The known original “The drama” (The broadcaster) was registered with content"
        " credentials that fit it, signed by The studio, as they say. This file carries none."
        " Most platforms and messengers remove them: that proves nothing."
    )
    found = run(*check, "--json", "--report", tmp_path)
    told = json.loads(found.stdout)
    (registration,) = told["originals"][0]["registrations"]
    assert (registration["seal"], registration["signer"]) == ("intact", "The studio")
    assert told["stripped"] == [registration["sha256"]]
    assert (said in told["limits"], told["declared"]) == (True, None)
    assert told["people"][0]["lines"]["credentials"]["summary"] == said
    assert said in Path(told["report"]).read_text(encoding="utf-8")
    assert said in run(*check).stdout
    plain = json.loads(run(*plainly, "--json").stdout)
    assert (plain["stripped"], plain["originals"][0]["registrations"][0]["seal"]) == ([], "none")
    assert plain["log10_lr"] == told["log10_lr"] is not None


def test_a_copy_that_kept_its_credentials_lost_nothing(
    signed_index: Path, still: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept.jpg"
    desk = Authority.called("Another authority").vouches("The desk")
    manifest.write(still, kept, desk, [])
    lines = ("originals", "credentials")
    assert unmask.check(kept, originals=signed_index, lines=lines).stripped == ()
    (tmp_path / "desk").mkdir()
    stripped = unmask.check(still, originals=signed_index, lines=lines, licences=tmp_path / "desk")
    assert [one.signer for one in stripped.stripped] == ["The studio"]
    assert str(stripped.people[0].lines["credentials"].summary).startswith(
        "The file carries no content credentials."
    )


def test_a_face_that_is_the_same_speaks_against_a_change(index: Path, clip_of) -> None:
    result = unmask.check(clip_of(False), originals=index)
    assert result.verdict is Verdict.NO_CHANGE_FOUND
    line = result.people[0].lines["originals"]
    assert line.log10_lr is not None
    assert line.log10_lr < -0.5
    assert line.summary.values["finding"] == Message("originals.found.the same")


def test_the_command_line_from_adding_to_removing(
    tmp_path: Path, footage: Path, film: films.Film
) -> None:
    where = ("--originals", str(tmp_path / "index"))
    for _ in range(2):
        done = run(
            "originals",
            "add",
            footage,
            tmp_path / "missing.mp4",
            *where,
            "--owner",
            "The broadcaster",
        )
        assert done.exit_code == 1
        assert done.stdout == "1  “film”  10 frames known\n"
        assert "missing.mp4: no such file" in done.stderr
    added = run("originals", "add", footage, *where, "--owner", "An archive", "--title", "Clip 7")
    assert "the same file is also registered as “film” of The broadcaster" in added.stdout
    listed = [
        json.loads(line) for line in run("originals", "list", *where, "--json").stdout.splitlines()
    ]
    assert [(one["title"], one["owner"], one["complete"]) for one in listed] == [
        ("film", "The broadcaster", True),
        ("Clip 7", "An archive", True),
    ]
    cv2.imwrite(str(tmp_path / "still.png"), film.frame(3.0)[:, :, ::-1])
    matched = run("originals", "match", tmp_path / "still.png", *where)
    assert (
        "this picture shows 0:03.0 of “film” (The broadcaster) and “Clip 7” (An archive)"
        in matched.stdout
    )
    as_json = json.loads(run("originals", "match", tmp_path / "still.png", *where, "--json").stdout)
    assert as_json["originals"][0]["original_start"] == 3.0
    removed = run("originals", "remove", *(str(one["id"]) for one in listed), "99", *where)
    assert removed.exit_code == 1
    assert "99 is not registered" in removed.stderr
    assert run("originals", "list", *where).stdout == ""
    assert (
        "shows none of the known originals"
        in run("originals", "match", tmp_path / "still.png", *where).stdout
    )


def test_a_photo_has_no_times_and_keeps_its_title(tmp_path: Path, film: films.Film) -> None:
    photo, where = tmp_path / "still.png", ("--originals", str(tmp_path / "index"))
    cv2.imwrite(str(photo), film.frame(3.0)[:, :, ::-1])
    run("originals", "add", photo, *where, "--owner", "The broadcaster", "--title", "The scene")
    assert (
        "“The scene”" in run("originals", "add", photo, *where, "--owner", "The broadcaster").stdout
    )
    matched = run("originals", "match", photo, *where)
    assert matched.stdout == f"{photo}\n  this picture shows “The scene” (The broadcaster)\n"


def test_a_series_is_told_apart_by_the_names_of_its_files(tmp_path: Path, film: films.Film) -> None:
    for name, time in (("one", 1.0), ("two", 4.0)):
        cv2.imwrite(str(tmp_path / f"{name}.png"), film.frame(time)[:, :, ::-1])
    done = run(
        "originals",
        "add",
        tmp_path,
        "--originals",
        tmp_path / "index",
        "--owner",
        "A",
        "--title",
        "The series",
    )
    assert [line.split("  ")[1] for line in done.stdout.splitlines()] == [
        "“The series: one”",
        "“The series: two”",
    ]


def test_an_index_that_is_configured_is_used(
    index: Path, tmp_path: Path, film: films.Film, monkeypatch
) -> None:
    monkeypatch.setenv("UNMASK_ORIGINALS", str(index))
    cv2.imwrite(str(tmp_path / "still.png"), film.frame(4.0)[:, :, ::-1])
    assert (
        "this picture shows 0:04.0 of “The drama”"
        in run("originals", "match", tmp_path / "still.png").stdout
    )
    checked = json.loads(run("check", tmp_path / "still.png", "--json").stdout)
    assert [one["registrations"][0]["title"] for one in checked["originals"]] == ["The drama"]


def test_a_missing_index_is_said_on_one_line(tmp_path: Path, footage: Path) -> None:
    for command in (["originals", "match", footage], ["originals", "list"], ["check", footage]):
        done = run(*command, "--originals", tmp_path)
        assert done.exit_code == 1
        assert done.stderr == (
            f"unmask: {tmp_path}: there is no index of originals; make one: unmask originals add\n"
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.xdist_group("tests/originals")
def test_the_times_of_a_change_are_as_sharp_with_the_original_as_without_it(tmp_path: Path) -> None:
    """Two people; the second is swapped from 1 to 3 s. The unchanged scene is registered."""
    before = clips.write_video(
        tmp_path / "before.mp4", scenes.two_people(4), gop=50, options={"crf": "20"}
    )
    swapped = scenes.two_people(4, lambda person, t: person == 1 and 1 <= t < 3)
    after = clips.write_video(tmp_path / "after.mp4", swapped, gop=50, options={"crf": "20"})
    run("originals", "add", before, "--originals", tmp_path / "index", "--owner", "The broadcaster")
    alone, beside = unmask.check(after), unmask.check(after, originals=tmp_path / "index")
    assert alone.verdict is beside.verdict is Verdict.CHANGED
    off = []
    for result in (alone, beside):
        (person,) = (one for one in result.people if one.verdict is Verdict.CHANGED)
        (span,) = person.spans
        off.append(max(abs(span.start - 1), abs(span.end - 3)))
        assert all(1 <= frame.time < 3 for frame in person.frames), (
            "an unchanged moment tells nothing of the change"
        )
        assert any(frame.heatmap is not None for frame in person.frames)
    assert off[1] <= off[0] + 1e-6
    assert off[1] <= 0.25
    line = person.lines["originals"]
    assert line.status is Status.RAN
    assert line.log10_lr is not None
    assert line.log10_lr > 1


def test_damage_is_no_change_against_the_original_either(
    index: Path, film: films.Film, tmp_path: Path
) -> None:
    frames = (films.graded(film.frame(START + i / 25)) for i in range(100))
    whole = clips.write_video(
        tmp_path / "whole.ts", frames, gop=50, b_frames=2, options={"crf": "23"}
    )
    packets = whole.stat().st_size // 188
    lost = {packets // 2 + i for i in (0, 1, packets // 5)}
    result = unmask.check(clips.without_packets(whole, tmp_path / "lost.ts", lost), originals=index)
    assert result.damage
    assert result.matches
    assert result.verdict is Verdict.NO_CHANGE_FOUND
