from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from skimage.data import astronaut
from unmask_lab import autoencoder, label
from unmask_lab.cli import main
from unmask_lab.cli.making import Swap
from unmask_lab.config import AutoencoderConfig
from unmask_lab.data import DataError, Row
from unmask_lab.forge import FAMILIES
from unmask_lab.forge.face import FaceImage
from unmask_lab.forge.flicker import flickering, jitter, steady
from unmask_lab.swap import MOST_FRAMES, Likeness, Permission, of_model, of_photo, swap
from unmask_lab.swap import flickering as with_flicker

from tests.support.authority import Authority
from unmask import faces
from unmask.errors import LicenceError
from unmask.licences import keys, manifest
from unmask.licences.files import sha256s
from unmask.licences.licence import Licence, Part, Portrait, grant
from unmask.media import labels
from unmask.types import Rgb, Seal

W, H = 321, 240
"""Odd width, because H.264's chroma is not."""
TIMES_MS = [0, 40, 80, 123, 160, 200, 240, 290, 320, 360]
"""Uneven times, as phones film."""
GONE = (5, 6)
"""Frames that show no face."""


def painted(target: FaceImage, number: int) -> tuple[Rgb, NDArray[np.float32]]:
    """Paints the middle of the face plain green: a stand-in for a visible swapper."""
    mask = np.zeros(target.rgb.shape[:2], np.float32)
    x, y = target.points[2]
    cv2.circle(mask, (round(float(x)), round(float(y))), round(0.7 * target.eyes_apart), 1.0, -1)
    return np.where(mask[..., None] > 0, np.uint8([0, 200, 0]), target.rgb), mask


GREEN = Likeness(painted, subject="Me")


def scene(i: int) -> Rgb:
    if i in GONE:
        return np.full((H, W, 3), 128, np.uint8)
    move = cv2.getRotationMatrix2D((225, 130), 2.0 * np.sin(i), 1.2)
    move[:, 2] += W / 2 - 225 + 3 * i, H / 2 - 120
    return cv2.warpAffine(astronaut(), move, (W, H), borderMode=cv2.BORDER_REFLECT)


def write(path: Path, frames: Iterable[Rgb], times_ms: Sequence[int]) -> Path:
    with av.open(str(path), "w") as out:
        stream = out.add_stream("libx264rgb", rate=25, options={"crf": "10", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = W, H, "rgb24"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for rgb, ms in zip(frames, times_ms, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.pts, frame.time_base = ms, Fraction(1, 1000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    return path


def pictures(path: Path) -> tuple[list[Rgb], list[float]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [f.to_ndarray(format="rgb24", src_colorspace=1) for f in frames], [
        float(f.time) for f in frames
    ]


def green(rgb: Rgb) -> int:
    """Counts the pixels that `painted` painted."""
    return int(((rgb[..., 1] > 150) & (rgb[..., 0] < 90) & (rgb[..., 2] < 90)).sum())


def assert_labelled(rgb: Rgb) -> None:
    """Checks the label's own pixels, with letters at least 5 % of the short side high."""
    h, w = rgb.shape[:2]
    blank = [label.labelled(np.full((h, w, 3), grey, np.uint8)) for grey in (60, 190)]
    box = (blank[0] == blank[1]).all(axis=2)
    assert box.sum() > 0.02 * h * w
    assert np.abs(rgb[box].astype(int) - blank[0][box]).mean() < 20
    letter = (
        (rgb[: box.any(axis=1).sum(), : box.any(axis=1).sum() // 2] > 80).all(axis=2).any(axis=1)
    )
    assert letter.sum() >= np.floor(label.LETTERS * min(h, w))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes a clip, a portrait, and a licence of it, to be used by "Red team" for a day."""
    folder = tmp_path_factory.mktemp("swap")
    write(folder / "clip.mp4", map(scene, range(len(TIMES_MS))), TIMES_MS)
    Image.fromarray(astronaut()[20:212, 130:322][:, ::-1]).save(folder / "me.png")
    keys.keygen(folder / "key", ["Me"], "correct horse")
    begin, end = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(days=1)
    key = keys.private_key(folder / "key", "correct horse")
    for name, footage in (("licence", []), ("other-work", ["00" * 32])):
        portrait = Portrait(
            name="Me",
            portraits=list(sha256s([folder / "me.png"])),
            part=Part.PUT_IN,
            licensee="Red team",
            role="any role",
            purpose="a test",
            territory="nowhere",
            works=[],
            files=footage,
        )
        grant(portrait, "Me", begin, end, key, folder / "list.json", folder / f"{name}.json")
    return folder


@pytest.fixture(scope="module")
def permission(folder: Path) -> Permission:
    return Permission(
        folder / "licence.json", (folder / "key.pub",), (folder / "list.json",), "Red team"
    )


@pytest.fixture(scope="module")
def swapped(folder: Path, permission: Permission) -> Path:
    assert swap(folder / "clip.mp4", folder / "swapped.mp4", GREEN, permission) == len(
        TIMES_MS
    ) - len(GONE)
    return folder / "swapped.mp4"


def test_the_face_is_changed_in_every_frame_that_shows_it_and_nothing_else_is(
    folder: Path, swapped: Path
) -> None:
    (before, times_before), (after, times_after) = pictures(folder / "clip.mp4"), pictures(swapped)
    assert times_after == pytest.approx(times_before, abs=1e-5)
    assert times_after == pytest.approx([ms / 1000 for ms in TIMES_MS], abs=1e-5)
    for i, (was, now) in enumerate(zip(before, after, strict=True)):
        assert now.shape == (H, W - 1, 3)
        rest = np.abs(now[H // 2 :, :60].astype(int) - was[H // 2 :, :60])
        assert rest.mean() < 6
        if i in GONE:
            assert green(now) == 0
        else:
            face = faces.find(was)[0]
            eyes = float(np.hypot(*(face.points[1] - face.points[0])))
            assert green(now) == pytest.approx(np.pi * (0.7 * eyes) ** 2, rel=0.35)
            rows, columns = np.nonzero((now[..., 1] > 150) & (now[..., 0] < 90))
            assert np.hypot(*(face.points[2] - [columns.mean(), rows.mean()])) < 0.25 * eyes


def test_every_frame_carries_the_label_even_where_no_face_was_changed(swapped: Path) -> None:
    frames, _ = pictures(swapped)
    assert len(frames) == len(TIMES_MS)
    for rgb in frames:
        assert_labelled(rgb)


def test_the_clip_says_in_machine_readable_words_what_it_is(folder: Path, swapped: Path) -> None:
    with av.open(str(swapped)) as container:
        metadata = dict(container.metadata)
    assert_marked(metadata, folder)


def assert_marked(marks: dict[str, str], folder: Path) -> None:
    aigc = json.loads(marks["AIGC"])
    assert aigc["Label"] == "1"
    assert aigc["ContentProducer"] == "Red team"
    assert len(aigc["ProduceID"]) == 32
    assert list(aigc)[-4:] == ["ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2"]
    assert marks["Iptc4xmpExt:DigitalSourceType"].endswith(
        "digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
    )
    document = json.loads((folder / "licence.json").read_text())
    mark = json.loads(marks["unmask_licence"])
    assert mark["signature"] == document["proof"]["proofValue"]
    assert mark["sha256"] == aigc["ReservedCode1"]


@pytest.mark.parametrize("name", ["out.png", "out.jpg"])
def test_a_photo_is_labelled_and_marked_too(
    folder: Path, permission: Permission, tmp_path: Path, name: str
) -> None:
    swap(folder / "me.png", tmp_path / name, GREEN, permission)
    with Image.open(tmp_path / name) as photo:
        rgb = np.asarray(photo.convert("RGB"))
        xmp = photo.info.get("XML:com.adobe.xmp") or photo.info["xmp"].decode()
    assert green(rgb) > 500
    assert_labelled(rgb)
    marks = {k: v.replace("&quot;", '"') for k, v in re.findall(r"<(\S+:\w+)>([^<]+)</\1>", xmp)}
    short = {"TC260:AIGC": "AIGC", "unmask:unmask_licence": "unmask_licence"}
    assert_marked({short.get(k, k): v for k, v in marks.items()}, folder)
    assert 'xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"' in xmp


@pytest.mark.parametrize("name", ["out.png", "out.jpg", "out.mp4"])
def test_with_a_certificate_the_same_is_said_signed(
    folder: Path, permission: Permission, tmp_path: Path, name: str
) -> None:
    authority = Authority.called("Our authority")
    source = folder / ("clip.mp4" if name.endswith("mp4") else "me.png")
    swap(source, tmp_path / name, GREEN, permission, signing=authority.vouches("The red team"))
    found = manifest.of(tmp_path / name, authority.pem)
    assert (found.seal, found.signer, found.trusted, found.declares_ai) == (
        Seal.INTACT,
        "The red team",
        True,
        True,
    )
    assert found.licences == (Licence.of(permission.licence).sha256,)
    told = labels(tmp_path / name)
    assert (told.producer, told.declares_ai) == ("Red team", True)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_label_cannot_be_turned_off() -> None:
    """Checks the library and the command line.

    `test_every_frame_...` checks the label in what is written.
    """
    assert set(inspect.signature(swap).parameters) == {
        "source",
        "out",
        "likeness",
        "permission",
        "at",
        "signing",
    }
    assert set(inspect.signature(label.write_clip).parameters) == {
        "path",
        "frames",
        "frame_rate",
        "licence",
        "signing",
    }
    assert set(inspect.signature(label.write_photo).parameters) == {
        "path",
        "rgb",
        "licence",
        "signing",
    }
    assert {field.name for field in fields(Swap)} | {
        field.name for field in fields(Permission)
    } == {
        "footage",
        "out",
        "permission",
        "licence",
        "owners",
        "status_lists",
        "licensee",
        "model",
        "to",
        "family",
        "donor",
        "flicker",
        "certificates",
        "certificate_key",
        "seed",
    }
    needed = {
        field.name for field in (*fields(Swap), *fields(Permission)) if field.default is MISSING
    }
    assert needed == {
        "footage",
        "out",
        "permission",
        "licence",
        "owners",
        "status_lists",
        "licensee",
    }


@pytest.mark.parametrize(
    "size", [(32, 32), (64, 200), (200, 64), (480, 640), (1080, 1920), (1920, 1080)]
)
def test_the_label_fits_any_picture(size: tuple[int, int]) -> None:
    plain = np.full((*size, 3), 90, np.uint8)
    rgb = label.labelled(plain)
    assert_labelled(rgb)
    columns = np.flatnonzero((rgb[1] == 0).all(axis=1))
    assert columns.max() < size[1] - 1
    assert (rgb[:, columns.max()] <= 90).all()
    assert (plain == 90).all()


@pytest.mark.parametrize(
    ("likeness", "licensee", "days", "because"),
    [
        (GREEN, "Somebody", 0, "not Somebody"),
        (GREEN, "Red team", 3, "ended"),
        (replace(GREEN, subject="Another"), "Red team", 0, "not Another"),
        (replace(GREEN, portrait="00" * 32), "Red team", 0, "does not name this portrait"),
    ],
)
def test_without_a_licence_nothing_is_written(
    folder: Path,
    tmp_path: Path,
    permission: Permission,
    likeness: Likeness,
    licensee: str,
    days: int,
    because: str,
) -> None:
    asked, at = replace(permission, licensee=licensee), datetime.now(UTC) + timedelta(days=days)
    with pytest.raises(LicenceError, match=because):
        swap(folder / "clip.mp4", tmp_path / "out.mp4", likeness, asked, at)
    assert not list(tmp_path.iterdir())


def test_a_licence_for_another_work_allows_nothing(
    folder: Path, tmp_path: Path, permission: Permission
) -> None:
    with pytest.raises(LicenceError, match="does not name this footage"):
        swap(
            folder / "clip.mp4",
            tmp_path / "out.mp4",
            GREEN,
            replace(permission, licence=folder / "other-work.json"),
        )
    assert not list(tmp_path.iterdir())


def test_a_face_of_nobody_is_refused() -> None:
    with pytest.raises(DataError, match="nobody said whose face"):
        Likeness(painted)


def test_a_swap_that_fails_on_the_way_leaves_nothing(
    folder: Path, tmp_path: Path, permission: Permission
) -> None:
    def failing(target: FaceImage, number: int) -> tuple[Rgb, NDArray[np.float32]]:
        if number == 3:
            raise MemoryError
        return painted(target, number)

    with pytest.raises(MemoryError):
        swap(folder / "clip.mp4", tmp_path / "out.mp4", replace(GREEN, change=failing), permission)
    assert not list(tmp_path.iterdir())


def test_footage_that_cannot_be_used_is_refused_with_a_reason(
    folder: Path, tmp_path: Path, permission: Permission
) -> None:
    clip, out = folder / "clip.mp4", tmp_path / "out.mp4"
    with pytest.raises(DataError, match=r"written as \.mp4"):
        swap(clip, tmp_path / "out.mov", GREEN, permission)
    with pytest.raises(DataError, match=r"written as \.png"):
        swap(folder / "me.png", out, GREEN, permission)
    with pytest.raises(DataError, match="no such folder"):
        swap(clip, tmp_path / "none" / "out.mp4", GREEN, permission)
    with pytest.raises(DataError, match="the footage itself"):
        swap(clip, clip, GREEN, permission)
    empty = write(tmp_path / "empty.mp4", [scene(GONE[0])] * 3, range(0, 120, 40))
    with pytest.raises(DataError, match=r"empty\.mp4: no face was found"):
        swap(empty, out, GREEN, permission)
    still = np.zeros((H, W, 3), np.uint8)
    long = write(tmp_path / "long.mp4", [still] * (MOST_FRAMES + 1), range(MOST_FRAMES + 1))
    with pytest.raises(DataError, match="frames, over"):
        swap(long, out, GREEN, permission)
    assert not out.exists()


@pytest.mark.parametrize("family", ["other_face", "regenerate"])
def test_a_family_puts_a_photo_in(
    folder: Path, tmp_path: Path, permission: Permission, family: str
) -> None:
    likeness = of_photo(family, folder / "me.png", seed=3)
    assert likeness.portrait == sha256s([folder / "me.png"])[0]
    assert swap(folder / "clip.mp4", tmp_path / "out.mp4", likeness, permission) == len(
        TIMES_MS
    ) - len(GONE)
    (before, _), (after, _) = pictures(folder / "clip.mp4"), pictures(tmp_path / "out.mp4")
    for i in set(range(len(TIMES_MS))) - set(GONE):
        (x, y), half = faces.find(before[i])[0].points.mean(axis=0).astype(int), 14
        where = np.s_[y - half : y + half, x - half : x + half]
        assert np.abs(after[i][where].astype(int) - before[i][where]).mean() > 8


def test_a_family_without_a_donor_and_a_photo_without_a_face_are_refused(
    folder: Path, tmp_path: Path
) -> None:
    for name in ("self_blend", "no_such"):
        with pytest.raises(DataError, match="choose one of other_face"):
            of_photo(name, folder / "me.png")
    Image.new("RGB", (128, 128)).save(tmp_path / "black.png")
    with pytest.raises(DataError, match="no face was found in the photo"):
        of_photo("other_face", tmp_path / "black.png")


def test_a_trained_autoencoder_puts_a_person_in(
    folder: Path, tmp_path: Path, permission: Permission, rows: list[Row]
) -> None:
    config = AutoencoderConfig(side=32, width=8, code=16, batch=2)
    autoencoder.train({"Me": rows[:4], "You": rows[4:8]}, config, tmp_path / "model", steps=2)
    likeness = of_model(tmp_path / "model", "Me")
    assert swap(folder / "clip.mp4", tmp_path / "out.mp4", likeness, permission) == len(
        TIMES_MS
    ) - len(GONE)
    for rgb in pictures(tmp_path / "out.mp4")[0]:
        assert_labelled(rgb)
    with pytest.raises(LicenceError, match="the licence is for the face of Me, not You"):
        swap(
            folder / "clip.mp4",
            tmp_path / "you.mp4",
            of_model(tmp_path / "model", "You"),
            permission,
        )
    with pytest.raises(DataError, match="knows Me, You, not Them"):
        of_model(tmp_path / "model", "Them")


def test_the_command_line_swaps(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    who = ["--licence", str(folder / "licence.json"), "--owners", str(folder / "key.pub")]
    who += ["--licensee", "Red team", "--status-lists", str(folder / "list.json")]
    what = ["swap", str(folder / "clip.mp4"), *who, "--out", str(tmp_path / "out.mp4")]
    main([*what, "--family", "other_face", "--donor", str(folder / "me.png"), "--flicker"])
    assert f"put into {len(TIMES_MS) - len(GONE)} frames" in capsys.readouterr().out
    assert_labelled(pictures(tmp_path / "out.mp4")[0][0])
    with pytest.raises(SystemExit, match="2"):
        main(what)


# ---------------------------------------------------------------- flicker


def still(rows: list[Row]) -> tuple[FaceImage, FaceImage]:
    return FaceImage(rows[0].rgb, rows[0].points), FaceImage(rows[3].rgb, rows[3].points)


@pytest.mark.parametrize("family", ["other_face", "regenerate", "local_edit"])
def test_a_steady_family_stands_still_and_a_flickering_one_does_not(
    family: str, rows: list[Row]
) -> None:
    target, donor = still(rows)
    calm = steady(FAMILIES[family], donor, seed=4)
    nervous = flickering(calm, seed=4)
    assert np.array_equal(calm(target, 0)[0], calm(target, 1)[0])
    first, second, again = (
        nervous(target, 0),
        nervous(target, 1),
        flickering(calm, seed=4)(target, 0),
    )
    assert np.abs(first[0].astype(int) - second[0])[first[1] > 0.5].mean() > 1
    assert not np.array_equal(first[1], second[1])
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])
    assert np.array_equal(flickering(calm, seed=4, strength=0)(target, 0)[0], calm(target, 0)[0])


def test_flicker_changes_nothing_outside_its_mask_and_grows_with_its_strength(
    rows: list[Row],
) -> None:
    target, donor = still(rows)
    rgb, mask = steady(FAMILIES["other_face"], donor, seed=4)(target, 0)
    differences = []
    for strength in (0.3, 1.0, 3.0):
        drawn = [jitter(target, rgb, mask, np.random.default_rng(i), strength) for i in range(8)]
        for changed, where in drawn:
            assert np.array_equal(changed[where == 0], target.rgb[where == 0])
            assert 0 <= where.min() <= where.max() <= 1
        differences.append(
            np.std([changed.astype(float) for changed, _ in drawn], axis=0)[mask > 0.9].mean()
        )
    assert differences[0] < differences[1] < differences[2]


def test_a_clip_flickers_only_if_asked(
    folder: Path, tmp_path: Path, permission: Permission
) -> None:
    """Uses a still clip, so any change from frame to frame comes from the face put in."""
    clip = write(tmp_path / "still.mp4", [scene(0)] * 8, range(0, 320, 40))
    (x, y), half = faces.find(scene(0))[0].points.mean(axis=0).astype(int), 14
    moved = []
    for name, likeness in (("calm", GREEN), ("nervous", with_flicker(GREEN, 5))):
        swap(clip, tmp_path / f"{name}.mp4", likeness, permission)
        middle = [
            rgb[y - half : y + half, x - half : x + half].astype(int)
            for rgb in pictures(tmp_path / f"{name}.mp4")[0]
        ]
        moved.append(np.mean([np.abs(b - a).mean() for a, b in pairwise(middle)]))
    assert moved[0] < 1 < moved[1]
