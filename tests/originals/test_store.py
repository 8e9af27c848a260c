"""Registering originals: idempotent, resumable, shared by owners; interruptions lose nothing."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests import clips
from unmask import originals
from unmask.errors import OriginalsError
from unmask.media import Clip, open_media
from unmask.originals.database import opened_database
from unmask.originals.registration import moments_of
from unmask.originals.store import FORMAT
from unmask.types import ContentCredentials, Frame, Seal

pytestmark = pytest.mark.slow


class Breaking:
    """Fake of a film that cannot be read after so many frames."""

    def __init__(self, clip: Clip, frames: int) -> None:
        self._clip, self._left = clip, frames
        self.facts, self.key_times, self.times, self.times_between = (
            clip.facts,
            clip.key_times,
            clip.times,
            clip.times_between,
        )

    def frames(self, times: Sequence[float], longest_px: int | None = None) -> Iterator[Frame]:
        for frame in self._clip.frames(times, longest_px):
            if not self._left:
                raise OSError("the disk is gone")
            self._left -= 1
            yield frame


def names(address: str) -> list[tuple[str, str, int, bool]]:
    with originals.opened_store(address) as store:
        return [(o.title, o.owner, o.frames, o.complete) for o in store.originals()]


def test_a_film_is_registered_once_however_often_it_is_added(address: str, footage: Path) -> None:
    for _ in range(2):
        with originals.opened_store(address, writing=True) as store:
            (one,) = originals.register(open_media(footage), store, "The drama", "The broadcaster")
    assert (one.title, one.owner, one.name, one.duration) == (
        "The drama",
        "The broadcaster",
        "film.mp4",
        10.0,
    )
    assert names(address) == [("The drama", "The broadcaster", 10, True)]
    with originals.opened_store(address, writing=True) as store:
        originals.register(open_media(footage), store, "The drama, restored", "The broadcaster")
    assert names(address) == [("The drama, restored", "The broadcaster", 10, True)]
    with originals.opened_store(address, writing=True) as store:
        originals.register(open_media(footage), store, None, "The broadcaster")
        originals.register(open_media(footage), store, None, "An archive")
    assert names(address) == [
        ("The drama, restored", "The broadcaster", 10, True),
        (footage.stem, "An archive", 10, True),
    ]


def test_two_owners_of_one_film_are_both_named_and_share_its_frames(
    address: str, footage: Path
) -> None:
    with originals.opened_store(address, writing=True) as store:
        originals.register(open_media(footage), store, "The drama", "The broadcaster")
        registered = originals.register(open_media(footage), store, "Clip 7", "An archive")
        assert [o.owner for o in registered] == ["The broadcaster", "An archive"]
        assert store.hashes().moments == 10
        assert store.remove(registered[0].id) == registered[0]
        assert store.hashes().moments == 10
        assert store.remove(registered[1].id) == registered[1]
        assert store.remove(registered[1].id) is None
        assert store.hashes().moments == 0


def test_whose_credentials_a_film_carried_is_kept_and_goes_with_its_last_registration(
    address: str, footage: Path
) -> None:
    signed = ContentCredentials(Seal.INTACT, "The studio")
    other = ContentCredentials(Seal.NONE)
    with originals.opened_store(address, writing=True) as store:
        originals.register(open_media(footage), store, "A", "The broadcaster", credentials=signed)
        one, two = originals.register(
            open_media(footage), store, "B", "An archive", credentials=other
        )
        assert {(o.seal, o.signer) for o in (one, two)} == {(Seal.INTACT, "The studio")}
        store.remove(one.id)
        store.remove(two.id)
        (again,) = originals.register(open_media(footage), store, "A", "The broadcaster")
    assert (again.seal, again.signer) == (None, "")


def test_an_index_of_an_older_version_is_read_and_learns_of_credentials_when_it_is_added_to(
    address: str, footage: Path
) -> None:
    with originals.opened_store(address, writing=True) as store:
        originals.register(open_media(footage), store, "The drama", "The broadcaster")
    with opened_database(address, writing=True) as database:
        database.run("DROP TABLE credentials")
    with originals.opened_store(address) as store:
        assert [(o.title, o.seal) for o in store.originals()] == [("The drama", None)]
        with originals.open_index(address) as known:
            (match,) = known.find(open_media(footage))
    assert match.originals[0].seal is None
    signed = ContentCredentials(Seal.INTACT, "The studio")
    with originals.opened_store(address, writing=True) as store:
        originals.register(open_media(footage), store, None, "The broadcaster", credentials=signed)
    with originals.opened_store(address) as store:
        assert [(o.title, o.seal) for o in store.originals()] == [("The drama", Seal.INTACT)]


def test_credentials_whose_film_an_older_version_removed_go_with_the_next_change(
    address: str, footage: Path
) -> None:
    signed = ContentCredentials(Seal.INTACT, "The studio")
    with originals.opened_store(address, writing=True) as store:
        originals.register(open_media(footage), store, "A", "The broadcaster", credentials=signed)
    kept = "SELECT signer FROM credentials"
    with originals.opened_store(address, writing=True), opened_database(address, False) as database:
        assert [signer for (signer,) in database.run(kept)] == ["The studio"]
    with opened_database(address, writing=True) as database:
        for table in ("registrations", "moments", "thumbnails", "footage"):
            database.run(f"DELETE FROM {table}")  # noqa: S608
    with originals.opened_store(address, writing=True), opened_database(address, False) as database:
        assert database.run(kept) == []


def test_a_registration_goes_on_where_it_was_interrupted(address: str, footage: Path) -> None:
    clip = open_media(footage)
    with originals.opened_store(address, writing=True) as store:
        number, complete = store.register(clip.facts, "film.mp4", "The drama", "The broadcaster")
        assert not complete
        with pytest.raises(OSError, match="gone"):
            originals.register(Breaking(clip, 4), store, "The drama", "The broadcaster")
        originals.register(Breaking(clip, 10), store, "The drama", "The broadcaster")
        assert store.times(number) == moments_of(clip)
    assert names(address) == [("The drama", "The broadcaster", 10, True)]


def test_what_is_registered_can_be_read_while_somebody_writes(address: str, footage: Path) -> None:
    with originals.opened_store(address, writing=True) as writer:
        originals.register(open_media(footage), writer, "The drama", "The broadcaster")
        number, _ = writer.register(open_media(footage).facts, "film.mp4", "Again", "An archive")
        assert len(names(address)) == 2
        assert writer.thumbnail(number, 1.0) is not None


def test_a_killed_registration_loses_nothing_that_was_committed(
    tmp_path: Path, footage: Path
) -> None:
    """Kills it at six moments. After each, the index opens and holds no less than before.

    In the end it can be completed.
    """
    code = (
        "import sys; from unmask import originals; from unmask.media import open_media\n"
        "from unmask.originals import registration\n"
        "registration.COMMIT = 0\n"
        "with originals.opened_store(sys.argv[1], writing=True) as store:\n"
        "    print('open', flush=True)\n"
        "    originals.register(open_media(sys.argv[2]), store, 'The drama', 'The broadcaster')\n"
    )
    folder, known = tmp_path / "index", 0
    for i in range(6):
        command = [sys.executable, "-c", code, str(folder), str(footage)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            assert process.stdout
            process.stdout.readline()
            time.sleep(0.03 * i)
            process.send_signal(signal.SIGKILL)
        with originals.opened_store(folder) as store:
            found = sum(o.frames for o in store.originals())
        assert found >= known
        known = found
    with originals.opened_store(folder, writing=True) as store:
        (one,) = originals.register(open_media(footage), store, "The drama", "The broadcaster")
    assert (one.frames, one.complete) == (10, True)


def test_a_full_disk_loses_nothing(tmp_path: Path, footage: Path) -> None:
    """A file size limit, set while a second film is registered, acts like a full disk."""
    folder = tmp_path / "index"
    with originals.opened_store(folder, writing=True) as store:
        originals.register(open_media(footage), store, "The drama", "The broadcaster")
    other = clips.write_video(
        tmp_path / "other.mp4", [clips.textured(7 * i, 640, 360) for i in range(40)], gop=1, fps=1
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = (folder / "originals.sqlite").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, hard))
    try:
        with (
            pytest.raises(OriginalsError, match=r"nothing that was registered is lost"),
            originals.opened_store(folder, True) as store,
        ):
            originals.register(open_media(other), store, "Another", "The broadcaster")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    with originals.opened_store(folder) as store:
        first, *_ = store.originals()
        assert (first.frames, first.complete) == (10, True)


def test_a_newer_index_is_refused_and_left_alone(address: str, footage: Path) -> None:
    with originals.opened_store(address, writing=True) as store:
        store._db.run("UPDATE about SET format = :format", format=FORMAT + 1)
    for writing in (False, True):
        with (
            pytest.raises(OriginalsError, match=f"format {FORMAT + 1}, made by a newer version"),
            originals.opened_store(address, writing),
        ):
            pass


@pytest.mark.parametrize("damage", ["no database at all", "cut in half", "overwritten inside"])
def test_a_damaged_index_is_refused_and_left_alone(
    tmp_path: Path, footage: Path, damage: str
) -> None:
    with originals.opened_store(tmp_path, writing=True) as store:
        originals.register(open_media(footage), store, "The drama", "The broadcaster")
    path = tmp_path / "originals.sqlite"
    whole = path.read_bytes()
    broken = {
        "no database at all": b"These are the shopping lists of 1994.\n" * 999,
        "cut in half": whole[: len(whole) // 2],
        "overwritten inside": whole[:4096] + os.urandom(len(whole) - 4096),
    }[damage]
    path.write_bytes(broken)
    for writing in (False, True):
        with pytest.raises(OriginalsError, match=r"restore it from a backup"):
            read(tmp_path, writing)
    assert path.read_bytes() == broken


def read(folder: Path, writing: bool) -> None:
    with originals.opened_store(folder, writing) as store:
        store.hashes()
        store.originals()


def test_where_there_is_no_index_the_error_says_how_to_make_one(tmp_path: Path) -> None:
    with (
        pytest.raises(
            OriginalsError, match=r"there is no index of originals; make one: unmask originals add"
        ),
        originals.open_index(tmp_path),
    ):
        pass
    sqlite3.connect(tmp_path / "originals.sqlite").executescript("CREATE TABLE t (x)")
    with pytest.raises(OriginalsError, match=r"holds no index"), originals.open_index(tmp_path):
        pass


def test_a_server_that_does_not_answer(tmp_path: Path) -> None:
    with (
        pytest.raises(OriginalsError, match=r"does not answer.*check its address") as raised,
        originals.open_index("postgresql://a:secret@localhost:1/x"),
    ):
        pass
    assert "secret" not in str(raised.value)


def test_a_truncated_film_is_registered_as_far_as_it_goes(tmp_path: Path, film: object) -> None:
    whole = clips.write_video(
        tmp_path / "film.ts", [clips.textured(5 * i, 320, 180) for i in range(100)], gop=25
    )
    (tmp_path / "cut.ts").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with originals.opened_store(tmp_path / "index", writing=True) as store:
        (one,) = originals.register(open_media(tmp_path / "cut.ts"), store, "Half", "Somebody")
    assert one.complete
    assert 1 <= one.frames <= 3


def test_a_still_stretch_is_kept_once(tmp_path: Path) -> None:
    still = [clips.textured(0, 320, 180)] * 100
    path = clips.write_video(
        tmp_path / "still.mp4",
        [*still, *(clips.textured(9 * i, 320, 180) for i in range(50))],
        gop=25,
    )
    with originals.opened_store(tmp_path / "index", writing=True) as store:
        (one,) = originals.register(open_media(path), store, "Still", "Somebody")
    assert one.frames == 3
