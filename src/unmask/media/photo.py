"""Photos for `unmask.media`: checked by header, decoded by Pillow and libheif.

The largest ones are decoded at a reduced size.
"""

from __future__ import annotations

import io
import math
import re
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from unmask.errors import BrokenMedia, MediaError, MediaTooLarge, UnsupportedMedia
from unmask.media import jpeg
from unmask.media.heif import as_still
from unmask.media.mp4 import boxes
from unmask.media.source import AGAIN, EXPORT, SCALE, SMALLEST_SIDE, Pose, Source, words
from unmask.messages import Message
from unmask.types import Rgb

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MOST_SCANS = 200
"""Most scans of a JPEG.

A progressive photo has about 10, and each costs a pass over all pixels however few bytes it takes.
"""

LEAST_LEFT = 0.5
"""Least share of the rows of a cut-off JPEG that must be there."""

PLUGINS = {
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "bmp": ("PIL.BmpImagePlugin", "BmpImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "heic": ("pi_heif", "HeifImageFile"),
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "tiff": ("PIL.TiffImagePlugin", "TiffImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
}
"""Module and class of each format's decoder; only the one that a photo needs is imported."""

_BYTES_PER_PIXEL = 12
"""Bytes that decoding takes per pixel.

4 are Pillow's own, 4 a decoder's or those of a copy in other colours, 3 those of rgb.
"""
_BYTES_PER_COEFFICIENT = 2
_HEADER = 1 << 16
"""Bytes that hold the boxes that describe a HEIC photo."""
_FILM = re.compile(rb"\0\0\0.ftyp", re.DOTALL)
_ORIENTATION, _SUBFILE, _DNG = 0x0112, 0x00FE, 0xC612
"""Tags of TIFF 6.0, section 8, and of DNG 1.7.1, chapter 4."""
_MORE, _GPS, _LATITUDE = 0x8769, 0x8825, 2
"""Tags of EXIF (CIPA DC-008, 4.6.3 and 4.6.6)."""
_FILTERS = threading.Lock()
_POSES = (
    *(Pose(), Pose(True), Pose(False, 180), Pose(True, 180)),
    *(Pose(True, 270), Pose(False, 90), Pose(True, 90), Pose(False, 270)),
)
"""Poses of the EXIF orientations 1 to 8 (CIPA DC-008, 4.6.4)."""


class Facts(NamedTuple):
    """Facts about a photo.

    Attributes:
        size: width and height in px, as `decode` gives it.
        pose: turns it upright.
        limits: what is not seen of it.
    """

    size: tuple[int, int]
    pose: Pose
    limits: tuple[Message, ...]


class Metadata(NamedTuple):
    """EXIF of a photo by tag (CIPA DC-008).

    Attributes:
        main: its main part.
        more: the part on how it was taken.
        located: whether it tells the place.
    """

    main: Mapping[int, Any] = {}
    more: Mapping[int, Any] = {}
    located: bool = False


class _Opened(NamedTuple):
    """A photo whose pixels are not decoded yet.

    Attributes:
        photo: of Pillow; a large JPEG is set to be decoded at a fraction of its size.
        stored: width and height in the file, px.
        divisor: of the sides, once it is decoded.
        cut: whether the last bytes are missing.
        film: whether a film comes with it, as with a Motion Photo.
    """

    photo: ImageFile
    stored: tuple[int, int]
    divisor: int
    cut: bool
    film: bool

    @property
    def size(self) -> tuple[int, int]:
        width, height = self.photo.size
        return math.ceil(width / self.divisor), math.ceil(height / self.divisor)


def probe(source: Source, kind: str) -> Facts:
    """Reads the header; decodes a photo only if it is cut off or cropped.

    The size of those shows in no other way.

    Raises:
        BrokenMedia, MediaTooLarge, UnsupportedMedia: it cannot be decoded, passes a bound, or is
        animated or too small.
    """
    with _one_kind_of_error(source.path, kind):
        opened = _open(source, kind)
        photo, pose, size = opened.photo, _pose(opened.photo), opened.size
        source.bounds.check_size(source.path, *size)
        several = bool(getattr(photo, "is_animated", False))
        if several and kind not in ("heic", "tiff"):
            way_out = (
                Message("way.save_pictures") if kind == "webp" else Message("way.convert_animation")
            )
            raise UnsupportedMedia(
                source.path, Message("media.animated", {"frames": _frames(photo)}), way_out
            )
        limits = [Message("limit.pictures")] if several else []
        if opened.film:
            limits.append(Message("limit.film"))
        if size != opened.stored:
            stored, scaled = (f"{width} x {height}" for width, height in (opened.stored, size))
            limits.append(Message("limit.scaled", {"size": stored, "to": scaled}))
        if kind == "tiff":
            size = pose.size(*size)
        if opened.cut or (kind == "heic" and b"clap" in source.head(_HEADER)):
            height, width = decode(source, kind).shape[:2]
            if opened.cut:
                limits.append(
                    Message("limit.cut_photo", {"lost": round(100 * (1 - height / size[1]))})
                )
            size = (width, height)
        return Facts(size, pose, tuple(limits))


def decode(source: Source, kind: str) -> Rgb:
    """Decodes the picture as stored, rgb uint8 ``(h, w, 3)``.

    It is smaller where it passes the bound, and on white where it is transparent.

    Raises:
        BrokenMedia, MediaTooLarge: it cannot be decoded, or passes a bound.
    """
    with _one_kind_of_error(source.path, kind):
        opened = _open(source, kind)
        pose = _pose(opened.photo)
        opened.photo.load()
        rgb = _rgb(opened.photo, opened.divisor)
        if kind == "tiff":  # Pillow has turned it upright already
            return pose.undone(rgb)
        if not opened.cut:
            return rgb
        rows = jpeg.intact_rows(rgb)
        if rows < max(LEAST_LEFT * rgb.shape[0], SMALLEST_SIDE):
            raise BrokenMedia(source.path, Message("media.cut_photo"), AGAIN)
        return rgb[:rows]


def exif(source: Source, kind: str) -> Metadata:
    """Reads the metadata before the pixels; empty if there is none or it is damaged.

    Raises:
        BrokenMedia, MediaTooLarge, UnsupportedMedia: it cannot be opened.
    """
    with _one_kind_of_error(source.path, kind):
        photo: Any = _open(source, kind).photo
        with _quietly(), suppress(Exception):
            tags = photo.getexif() if hasattr(photo, "tag_v2") else _tags(photo)
            return Metadata(dict(tags), dict(tags.get_ifd(_MORE)), _LATITUDE in tags.get_ifd(_GPS))
    return Metadata()


def _open(source: Source, kind: str) -> _Opened:
    """Opens the photo by its own plugin.

    `Image.open` is not used, because its registry and pixel limit belong to the whole process.
    """
    module, name = PLUGINS[kind]
    plugin = getattr(import_module(module), name)
    if source.size > 8 * source.bounds.pixels:  # more than uncompressed 16-bit RGBA
        raise MediaTooLarge(source.path, Message("media.large_photo", {"size": source.size}), SCALE)
    data = source.head(-1)
    source.check()
    outline, cut, film = None, False, kind == "heic" and b"mpvd" in boxes(source, 0, source.size)
    if kind == "jpeg":
        outline = jpeg.outline(data)
        if outline.scans > MOST_SCANS:
            reason = Message("media.many_scans", {"bound": MOST_SCANS})
            raise UnsupportedMedia(source.path, reason, Message("way.plain_jpeg"))
        cut, film = outline.cut, outline.end is not None and bool(_FILM.search(data, outline.end))
        data += jpeg.END if cut else b""
    with _quietly():
        photo: ImageFile = plugin(io.BytesIO(as_still(data) if kind == "heic" else data))
    if kind == "tiff":
        _refuse_raw(source.path, photo)
    stored = photo.size
    return _Opened(photo, stored, _fit(source, photo, outline), cut, film)


def _fit(source: Source, photo: ImageFile, outline: jpeg.Outline | None) -> int:
    """Returns the divisor of a photo's sides that keeps it within the bounds.

    A JPEG is set to be decoded at 1/2, 1/4 or 1/8 of its size instead.

    Raises:
        MediaTooLarge: decoding it takes more memory than the bound.
    """
    bounds, (width, height) = source.bounds, photo.size
    held, divisor = 0, 1
    if outline and width * height > bounds.pixels:
        fraction = next(
            (n for n in (2, 4) if math.ceil(width / n) * math.ceil(height / n) <= bounds.pixels), 8
        )
        photo.draft(None, (width // fraction, height // fraction))
        held = (
            0
            if outline.scans == 1
            else width * height * len(photo.getbands()) * _BYTES_PER_COEFFICIENT
        )
    if photo.size[0] * photo.size[1] * _BYTES_PER_PIXEL + held > bounds.memory:
        reason = Message(
            "media.much_memory", {"size": f"{width} x {height}", "bound": bounds.memory}
        )
        raise MediaTooLarge(source.path, reason, SCALE)
    while math.ceil(photo.size[0] / divisor) * math.ceil(photo.size[1] / divisor) > bounds.pixels:
        divisor += 1
    return divisor


def _rgb(photo: ImageFile, divisor: int) -> Rgb:
    from PIL import Image

    if photo.mode.startswith("I"):  # 16 bits of grey
        grey = (np.asarray(photo).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        plain = Image.fromarray(np.repeat(grey[:, :, None], 3, axis=2))
    elif photo.has_transparency_data:
        page = Image.new("RGBA", photo.size, "white")
        plain = Image.alpha_composite(page, photo.convert("RGBA")).convert("RGB")
    else:
        plain = photo.convert("RGB")
    return np.asarray(plain.reduce(divisor) if divisor > 1 else plain)


def _refuse_raw(path: str, photo: Any) -> None:
    """Refuses a camera's raw file: a TIFF whose first picture is a small preview."""
    if photo.tag_v2.get(_SUBFILE, 0) & 1 or _DNG in photo.tag_v2:
        raise UnsupportedMedia(path, Message("media.not_understood", {"format": "RAW"}), EXPORT)


def _frames(photo: ImageFile) -> int:
    return int(getattr(photo, "n_frames", 1))


def _pose(photo: Any) -> Pose:
    """Reads the orientation; upright if the metadata are damaged."""
    with _quietly(), suppress(Exception):
        orientation = (photo.tag_v2 if hasattr(photo, "tag_v2") else _tags(photo)).get(
            _ORIENTATION, 1
        )
        return _POSES[orientation - 1] if orientation in range(1, 9) else Pose()
    return Pose()


def _tags(photo: Any) -> Any:
    """Reads metadata before the pixels; Pillow's `getexif` would decode a PNG to look behind."""
    from PIL.Image import Exif

    tags = Exif()
    tags.load(photo.info.get("exif") or b"")
    return tags


@contextmanager
def _quietly() -> Iterator[None]:
    """Suppresses Pillow's warnings of odd metadata.

    Warning filters belong to the process, so one thread holds them at a time, and briefly.
    """
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _one_kind_of_error(path: str, kind: str) -> Iterator[None]:
    """Turns whatever a decoder raises on hostile bytes into one error: the photo is broken."""
    from PIL.Image import DecompressionBombError

    try:
        yield
    except (MediaError, ImportError):
        raise
    except (DecompressionBombError, MemoryError) as error:
        raise MediaTooLarge(path, Message("media.memory"), SCALE) from error
    except Exception as error:
        reason = Message("media.broken_photo", {"format": kind.upper(), "error": words(error)})
        raise BrokenMedia(path, reason, AGAIN) from error


def decodes_heic() -> bool:
    """Tells whether this installation's libheif can decode HEIC."""
    from pi_heif import libheif_info

    return bool(libheif_info()["decoders"])
