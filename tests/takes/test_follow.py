"""A recording that goes on: findings come as it grows; the answer is that on the finished one."""

from __future__ import annotations

import struct
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import takes as made
from unmask.errors import BrokenMedia, MediaNotFound, UnsupportedMedia
from unmask.media import arriving, growing
from unmask.messages import Message
from unmask.take import TakeSettings, follow, follow_file, one_take, take
from unmask.takes import seeing
from unmask.takes.findings import BreakKind, Confidence, Finding
from unmask.takes.news import News

pytestmark = pytest.mark.slow

MUTE = TakeSettings(thorough=True, power=False)


@pytest.fixture(autouse=True)
def pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets short films have several pieces, as long ones have, and looks more often."""
    monkeypatch.setattr(seeing, "CORE", 20)
    monkeypatch.setattr("unmask.media.unfinished._EVERY_S", 0.05)


class Recorder(threading.Thread):
    """Writes a playlist, a segment more at a time, and its end; the last one waits for ``go_on``.

    The segments lie in its folder beforehand.
    """

    def __init__(self, playlist: Path, names: list[str]) -> None:
        super().__init__(daemon=True)
        self._playlist, self._names = playlist, names
        self.go_on = threading.Event()
        self.waited = False
        self._write("#EXTM3U\n")

    def run(self) -> None:
        text = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:EVENT\n"
        for number, name in enumerate(self._names):
            if number == len(self._names) - 1:
                self.waited = self.go_on.wait(200)
            text += f"#EXTINF:2,\n{name}\n"
            self._write(text)
            time.sleep(0.1)
        self._write(text + "#EXT-X-ENDLIST\n")

    def _write(self, text: str) -> None:
        partial = self._playlist.with_suffix(".partial")
        partial.write_text(text)
        partial.replace(self._playlist)


def test_a_playlist_is_followed_and_findings_come_before_it_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stretches = [(0, 2), (2, 4), (4.6, 6.6), (6.6, 8.6), (8.6, 9.6)]
    files = [
        made.write(tmp_path / f"{number}.ts", map(made.filmed, made.times(stretch)))
        for number, stretch in enumerate(stretches)
    ]
    recorder = Recorder(tmp_path / "live.m3u8", [file.name for file in files])
    came: list[Finding] = []
    handed: list[Finding] = []
    tell = News.tell

    def counted(news: News, findings: Sequence[Finding]) -> None:
        handed.extend(findings)
        tell(news, findings)

    monkeypatch.setattr(News, "tell", counted)

    def heard(one: Finding) -> None:
        came.append(one)
        recorder.go_on.set()

    recorder.start()
    result = follow(arriving(str(tmp_path), patience=100), heard, MUTE)
    assert recorder.waited
    assert [(one.kind, round(one.end, 2)) for one in came] == [(BreakKind.JUMP_CUT, 4.0)]
    assert len(handed) == len(set(map(id, handed))), "a finding was handed on again"
    whole = one_take(files, MUTE)
    names = tuple(replace(part, path=str(part.path)) for part in whole.parts)
    assert result == replace(whole, parts=names, path=names[0].path, media=result.media)


def test_a_playlist_that_leaves_out_old_segments_gives_each_once(tmp_path: Path) -> None:
    playlist = tmp_path / "live.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\na.ts\nb.ts\n")
    came = arriving(str(playlist), patience=100)
    assert [Path(next(came)).name for _ in range(2)] == ["a.ts", "b.ts"]
    playlist.write_text("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:8\nb.ts\na.ts\n#EXT-X-ENDLIST\n")
    assert [Path(path).name for path in came] == ["a.ts"]


def found(kind: BreakKind, start: float, end: float) -> Finding:
    return Finding(kind, start, end, Confidence.HIGH, Message("take.restart"))


def test_news_given_a_few_at_a_time_is_that_of_all_at_once() -> None:
    given = [
        [found(BreakKind.JOIN, 60.0, 60.0)],
        [found(BreakKind.REPEAT, 10.0, 20.0), found(BreakKind.JUMP_CUT, 5.0, 5.04)],
        [found(BreakKind.REPEAT, 10.0, 40.0), found(BreakKind.REPEAT, 10.0, 30.0)],
        [found(BreakKind.REPEAT, 25.0, 45.0), found(BreakKind.REPEAT, 41.0, 70.0)],
        [found(BreakKind.SCENE_CUT, 59.96, 60.0), found(BreakKind.SCENE_CUT, 80.0, 80.04)],
    ]
    few: list[Finding] = []
    every: list[Finding] = []
    news, all_at_once = News(few.append), News(every.append)
    for findings in given:
        news.tell(findings)
    all_at_once.tell([one for findings in given for one in findings])
    assert [(one.kind, one.start) for one in few] == [
        (BreakKind.JOIN, 60.0),
        (BreakKind.JUMP_CUT, 5.0),
        (BreakKind.REPEAT, 10.0),
        (BreakKind.REPEAT, 41.0),
        (BreakKind.SCENE_CUT, 80.0),
    ]
    assert {(one.kind, one.start) for one in every} == {(one.kind, one.start) for one in few}


def test_segments_that_left_the_playlist_unread_end_it_with_their_numbers(tmp_path: Path) -> None:
    playlist = tmp_path / "live.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\na.ts\nb.ts\n")
    came = arriving(str(playlist), patience=2)
    assert [Path(next(came)).name for _ in range(2)] == ["a.ts", "b.ts"]
    playlist.write_text("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:12\nf.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(BrokenMedia, match=r"live\.m3u8: its segments 9 to 11 .* keep more"):
        next(came)


@pytest.mark.parametrize(
    "anew",
    [
        "#EXT-X-MEDIA-SEQUENCE:0\nd.ts\n",
        "#EXT-X-MEDIA-SEQUENCE:7\na.ts\n",
        "#EXT-X-MEDIA-SEQUENCE:7\nd.ts\ne.ts\nf.ts\n",
    ],
    ids=["lower number", "fewer files", "other files"],
)
def test_a_playlist_that_starts_over_ends_it_with_an_error(tmp_path: Path, anew: str) -> None:
    playlist = tmp_path / "live.m3u8"
    playlist.write_text("#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:7\na.ts\nb.ts\n")
    came = arriving(str(playlist), patience=2)
    assert [Path(next(came)).name for _ in range(2)] == ["a.ts", "b.ts"]
    playlist.write_text("#EXTM3U\n" + anew)
    with pytest.raises(BrokenMedia, match="started over"):
        next(came)


def test_a_folder_gives_its_files_by_number_once_they_are_finished(tmp_path: Path) -> None:
    for name in ("9.ts", "10.ts", ".hidden.ts"):
        (tmp_path / name).write_bytes(b"x")
    came = arriving(str(tmp_path), patience=0.5)
    assert Path(next(came)).name == "9.ts"
    (tmp_path / "11.ts").write_bytes(b"x")
    assert [Path(path).name for path in came] == ["10.ts", "11.ts"]


def test_where_nothing_comes_it_ends(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFound):
        next(arriving(str(tmp_path), patience=0.2))
    with pytest.raises(MediaNotFound):
        next(arriving(str(tmp_path / "none.m3u8"), patience=0.2))


def parts_of(data: bytes, path: Path) -> Iterator[int]:
    """Writes a file in four parts; yields after each."""
    size = len(data) // 4 + 1
    for start in range(0, len(data), size):
        with path.open("ab") as file:
            file.write(data[start : start + size])
        yield start


def test_a_file_that_grows_is_read_again_until_it_grows_no_more(tmp_path: Path) -> None:
    times = made.times((0, 3), (3.6, 6))
    whole = made.write(tmp_path / "whole.ts", map(made.filmed, times))
    path = tmp_path / "live.ts"
    steps = parts_of(whole.read_bytes(), path)
    next(steps)

    def record() -> None:
        for _ in steps:
            time.sleep(0.3)

    came: list[Finding] = []
    threading.Thread(target=record, daemon=True).start()
    result = follow_file(str(path), came.append, MUTE, patience=4)
    assert [one.kind for one in came] == [BreakKind.JUMP_CUT]
    assert result.findings == take(whole, MUTE).findings
    assert result.duration == pytest.approx(5.4, abs=0.1)


def test_an_mp4_that_is_still_written_cannot_be_followed(tmp_path: Path) -> None:
    path = tmp_path / "live.mp4"
    start = struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 512, b"isom")
    path.write_bytes(start + struct.pack(">I4s", 0, b"mdat") + bytes(4000))
    with pytest.raises(UnsupportedMedia, match="index comes last"):
        next(growing(str(path), patience=1))
