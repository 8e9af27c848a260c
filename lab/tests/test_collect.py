from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import faces_for_tests
import numpy as np
import pyarrow.parquet as pq
import pytest
from skimage.data import astronaut
from unmask_lab.collect import LookSettings, MediaDeclaration, collect_media, identity
from unmask_lab.collect.agreement import pairwise
from unmask_lab.data import DataError, read

from unmask import faces
from unmask.types import Rgb

PORTRAIT = astronaut()[:384, 60:444]
POINTS = faces.find(PORTRAIT)[0].points
NASA = MediaDeclaration("public domain", source="nasa")


def speaking(i: int) -> Rgb:
    """Returns the portrait with the mouth opened by ``i`` px, moved sideways."""
    out = PORTRAIT.copy()
    x, y = (int(v) for v in POINTS[3:].mean(axis=0))
    cv2.ellipse(out, (x, y), (10, i + 1), 0, 0, 360, (70, 25, 25), -1)
    return np.roll(out, i, axis=1)


def film(path: Path, picture: Callable[[int], Rgb], frames: int = 16, fps: int = 4) -> Path:
    """Writes a video, H.264 in MP4."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264", rate=fps, options={"preset": "ultrafast", "crf": "20"})
        stream.height, stream.width = picture(0).shape[:2]
        stream.thread_count = 1
        for i in range(frames):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture(i), format="rgb24")))
        out.mux(stream.encode(None))
    return path


def photo(path: Path, rgb: Rgb) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(faces_for_tests.jpeg(rgb))
    return path


def test_a_video_becomes_rows_that_training_can_read(tmp_path: Path) -> None:
    video = film(tmp_path / "raw" / "talk.mp4", speaking)
    target = tmp_path / "faces.parquet"
    got = collect_media(
        [video], target, MediaDeclaration("public domain"), LookSettings(every=0.25)
    )
    rows, table = read([target]), pq.read_table(target).to_pylist()
    assert got.faces == len(rows) > 3
    assert got.people == 1
    assert {(row.label, row.source, row.licence, row.made_from) for row in rows} == {
        (0, "raw", "public domain", None)
    }
    assert len({row.clip for row in rows}) == len(rows)
    assert [r["time"] for r in table] == sorted({r["time"] for r in table})
    assert all(
        r["provenance"]["file"] == "talk.mp4" and len(r["provenance"]["sha256"]) == 64
        for r in table
    )
    for row, r in zip(rows, table, strict=True):
        x0, y0, x1, y1 = r["provenance"]["box"]
        assert row.rgb.shape[0] == pytest.approx(1.7 * (y1 - y0), abs=2)
        assert r["quality"]["size_px"] == pytest.approx(x1 - x0, abs=0.1)


def test_the_points_lie_in_the_crop_as_they_lay_in_the_frame(tmp_path: Path) -> None:
    large = cv2.resize(PORTRAIT, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    collect_media([photo(tmp_path / "large.jpg", large)], tmp_path / "faces.parquet", NASA)
    (row,) = read([tmp_path / "faces.parquet"])
    assert max(row.rgb.shape) == 512
    assert row.mesh is not None
    assert np.abs(row.mesh.mean(axis=0) - row.points.mean(axis=0)).max() < 0.1 * 512
    served = faces.align(large, faces.find(large)[0].points)
    assert np.abs(faces.align(row.rgb, row.points).astype(float) - served).mean() < 6


def test_smallest_and_largest_bound_what_is_kept(tmp_path: Path) -> None:
    picture, width = photo(tmp_path / "a.jpg", PORTRAIT), faces.find(PORTRAIT)[0].box
    collect_media([picture], tmp_path / "faces.parquet", NASA, LookSettings(largest=128))
    (row,) = read([tmp_path / "faces.parquet"])
    assert max(row.rgb.shape) == 128
    with pytest.raises(DataError, match="1 too small"):
        collect_media(
            [picture],
            tmp_path / "none.parquet",
            NASA,
            LookSettings(size_px=width[2] - width[0] + 5),
        )


def test_a_face_that_does_not_move_is_kept_once(tmp_path: Path) -> None:
    video = film(tmp_path / "still.mp4", lambda i: np.roll(PORTRAIT, i, axis=1))
    got = collect_media([video], tmp_path / "faces.parquet", NASA, LookSettings(every=0.25))
    assert got.faces == 1
    assert got.left_out == {"like another one": 15}


def test_poor_faces_are_left_out_with_the_reason(tmp_path: Path) -> None:
    photo(tmp_path / "in" / "good.jpg", PORTRAIT)
    photo(
        tmp_path / "in" / "small.jpg",
        cv2.resize(PORTRAIT, (192, 192), interpolation=cv2.INTER_AREA),
    )
    photo(tmp_path / "in" / "blurred.jpg", cv2.GaussianBlur(PORTRAIT, (0, 0), 9))
    got = collect_media([tmp_path / "in"], tmp_path / "faces.parquet", NASA)
    assert (got.faces, got.files) == (1, 3)
    assert got.left_out == {"too small": 1, "blurred": 1}


def test_unreadable_files_and_copies_are_named_and_not_fatal(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    good = photo(folder / "a" / "good.jpg", PORTRAIT)
    photo(folder / "b" / "copy.jpg", PORTRAIT)
    photo(folder / ".hidden" / "other.jpg", speaking(5))
    (folder / "broken.mp4").write_bytes(film(tmp_path / "whole.mp4", speaking).read_bytes()[:900])
    (folder / "notes.txt").write_text("no media")
    got = collect_media([folder, tmp_path / "gone.jpg"], tmp_path / "faces.parquet", NASA)
    assert (got.faces, got.files) == (1, 1)
    named = {line.split(":")[0] for line in got.unreadable}
    assert named == {
        str(folder / "b" / "copy.jpg"),
        str(folder / "broken.mp4"),
        str(tmp_path / "gone.jpg"),
    }
    assert read([tmp_path / "faces.parquet"])[0].clip.endswith("@0.000")
    assert pq.read_table(tmp_path / "faces.parquet")["provenance"][0]["file"].as_py() == good.name


def test_without_any_face_nothing_is_written(tmp_path: Path) -> None:
    plain = photo(tmp_path / "plain.jpg", np.full((200, 200, 3), 128, np.uint8))
    with pytest.raises(DataError, match="no face was kept of 1 files"):
        collect_media([plain], tmp_path / "faces.parquet", NASA)
    assert not (tmp_path / "faces.parquet").exists()


def test_at_most_so_many_faces_of_one_file(tmp_path: Path) -> None:
    both = np.concatenate([PORTRAIT, PORTRAIT[:, ::-1]], axis=1)
    got = collect_media(
        [photo(tmp_path / "two.jpg", both)],
        tmp_path / "faces.parquet",
        NASA,
        LookSettings(at_most=1),
    )
    assert got.faces == 1
    assert got.left_out == {"over the limit of one file": 1}


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(DataError, match="above 0 s"):
        LookSettings(every=0)


def test_a_second_run_takes_what_the_first_one_found(tmp_path: Path) -> None:
    sources, target = [film(tmp_path / "talk.mp4", speaking)], tmp_path / "faces.parquet"
    collect_media(sources, target, NASA)
    (part,) = (tmp_path / "faces.parts").iterdir()
    written, first = part.stat().st_mtime_ns, target.read_bytes()
    collect_media([*sources, photo(tmp_path / "more.jpg", PORTRAIT)], target, NASA)
    assert part.stat().st_mtime_ns == written
    collect_media(sources, target, NASA)
    assert target.read_bytes() == first
    collect_media(sources, target, NASA, LookSettings(every=0.25))
    assert len(list((tmp_path / "faces.parts").iterdir())) == 3


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    for i in range(4):
        film(
            tmp_path / "in" / f"{i}.mp4", lambda k, i=i: np.roll(speaking(k), i, axis=0), frames=24
        )
    target, parts = tmp_path / "faces.parquet", tmp_path / "faces.parts"
    command = [
        sys.executable,
        "-c",
        "from unmask_lab.cli import main; main()",
        "collect",
        str(tmp_path / "in"),
    ]
    command += ["--out", str(target), "--licence", "public domain", "--every", "0.25"]
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: S603
    while not any(parts.glob("*.parquet")):
        assert run.poll() is None
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    before = {part: part.stat().st_mtime_ns for part in parts.glob("*.parquet")}
    assert 1 <= len(before) < 4
    assert not target.exists()
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    assert "from 4 files kept" in done.stdout
    assert (
        before.items()
        <= {part: part.stat().st_mtime_ns for part in parts.glob("*.parquet")}.items()
    )
    assert len({row.clip for row in read([target])}) == pq.read_metadata(target).num_rows


def test_media_without_a_licence_are_wrong_usage(tmp_path: Path) -> None:
    picture = photo(tmp_path / "a.jpg", PORTRAIT)
    command = [
        sys.executable,
        "-c",
        "from unmask_lab.cli import main; main()",
        "collect",
        str(picture),
    ]
    done = subprocess.run(  # noqa: S603
        [*command, "--out", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "--licence" in done.stderr


def test_a_track_without_an_embedding_is_a_person_of_its_own() -> None:
    assert identity.people({"a-1": None, "a-2": None}) == {"a-1": "a-1", "a-2": "a-2"}


@pytest.mark.skipif(not identity.available(), reason="needs the optional part lab[identity]")
def test_one_person_in_two_files_is_one_identity(tmp_path: Path) -> None:
    video, picture = (
        film(tmp_path / "talk.mp4", speaking),
        photo(tmp_path / "old.jpg", PORTRAIT[::, ::-1]),
    )
    got = collect_media([video, picture], tmp_path / "faces.parquet", NASA)
    assert got.people == 1
    assert len({row.clip.split("-")[0] for row in read([tmp_path / "faces.parquet"])}) == 2


@pytest.mark.skipif(not identity.available(), reason="needs the optional part lab[identity]")
def test_strangers_stay_apart() -> None:
    near, far = np.zeros(128, np.float32), np.full(128, 0.1, np.float32)
    assert identity.people({"c-1": far, "b-1": near, "a-1": near}) == {
        "a-1": "a-1",
        "b-1": "a-1",
        "c-1": "c-1",
    }


def test_pairwise_agreement_of_two_groupings() -> None:
    figures = pairwise(["a", "a", "b", "b"], ["x", "x", "x", "y"])
    assert figures[0, 0] == pytest.approx(1 / 3)
    assert figures[1, 0] == pytest.approx(1 / 2)
    assert (figures[:, 1] <= figures[:, 0]).all()
    assert (figures[:, 0] <= figures[:, 2]).all()
    assert pairwise(["a", "a", "b"], ["x", "x", "y"]).tolist() == [[1, 1, 1], [1, 1, 1]]
