"""Photos for `unmask.media`: told by content, refused by header, decoded by Pillow and libheif."""

from __future__ import annotations

import io
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np

from unmask.errors import BrokenMedia, MediaError, MediaTooLarge, UnsupportedMedia
from unmask.media.source import AGAIN, SCALE, Pose, Source, words
from unmask.messages import Message
from unmask.types import Rgb

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

MOST_SCANS = 200
"""of a JPEG; a progressive photo has about 10, and each costs a pass over all pixels however few bytes it takes."""

_FORMATS = re.compile(
    rb"(?P<jpeg>\xff\xd8\xff)|(?P<png>\x89PNG\r\n\x1a\n)|(?P<gif>GIF8[79]a)|(?P<webp>RIFF.{4}WEBP)"
    rb"|.{4}ftyp(?:(?P<avif>avi[fs])|(?P<heic>hei[cxms]|mif1))",
    re.DOTALL,
)


_PLUGINS = {
    "avif": ("PIL.AvifImagePlugin", "AvifImageFile"),
    "gif": ("PIL.GifImagePlugin", "GifImageFile"),
    "heic": ("pi_heif", "HeifImageFile"),
    "jpeg": ("PIL.JpegImagePlugin", "JpegImageFile"),
    "png": ("PIL.PngImagePlugin", "PngImageFile"),
    "webp": ("PIL.WebPImagePlugin", "WebPImageFile"),
}
"""Where each format's decoder is; only the one that a photo needs is imported."""

_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])", re.DOTALL)
"""Of a JPEG segment: neither a stuffed byte of picture data, nor a restart, nor filling (ITU-T T.81, B.1.1)."""

_FILTERS = threading.Lock()
_POSES = (
    *(Pose(), Pose(True), Pose(False, 180), Pose(True, 180)),
    *(Pose(True, 270), Pose(False, 90), Pose(True, 90), Pose(False, 270)),
)
"""By EXIF orientation, 1 to 8 (CIPA DC-008, 4.6.4)."""


def photo_format(head: bytes) -> str | None:
    """Name of the image format that a file's first 12 bytes announce, None if it is none."""
    match = _FORMATS.match(head)
    return match.lastgroup if match else None


def probe(source: Source, kind: str) -> tuple[tuple[int, int], Pose]:
    """Width and height in px as stored, and how it stands upright, without decoding a pixel.

    Raises:
        BrokenMedia, MediaTooLarge, UnsupportedMedia: it cannot be decoded, passes a bound, or is animated or too small.
    """
    with _one_kind_of_error(source.path, kind):
        photo = _open(source, kind)
        source.bounds.check_size(source.path, *photo.size)
        count = getattr(photo, "n_frames", 1)
        if count > 1 and kind != "heic":
            reason = Message("media.animated", {"frames": count})
            raise UnsupportedMedia(source.path, reason, Message("way.convert_animation"))
        orientation = _orientation(photo.info.get("exif") or b"")
        return photo.size, _POSES[orientation - 1] if orientation in range(1, 9) else Pose()


def decode(source: Source, kind: str) -> Rgb:
    """The picture as stored, rgb uint8 ``(h, w, 3)``; on a white page where it is transparent.

    Raises:
        BrokenMedia, MediaTooLarge: it cannot be decoded, or passes a bound.
    """
    from PIL import Image

    with _one_kind_of_error(source.path, kind):
        photo = _open(source, kind)
        photo.load()
        if photo.mode.startswith("I"):  # 16 bits of grey
            grey = (np.asarray(photo).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
            return np.repeat(grey[:, :, None], 3, axis=2)
        if photo.has_transparency_data:
            page = Image.new("RGBA", photo.size, "white")
            return np.asarray(Image.alpha_composite(page, photo.convert("RGBA")).convert("RGB"))
        return np.asarray(photo.convert("RGB"))


def _open(source: Source, kind: str) -> ImageFile:
    """The photo by its own plugin, past `Image.open` with its process-wide registry and pixel limit."""
    module, name = _PLUGINS[kind]
    plugin = getattr(import_module(module), name)
    if source.size > 8 * source.bounds.pixels:  # more than 16-bit RGBA without compression
        raise MediaTooLarge(source.path, Message("media.large_photo", {"size": source.size}), SCALE)
    data = source.head(-1)
    source.check()
    if kind == "jpeg" and _scans(data) > MOST_SCANS:
        reason = Message("media.many_scans", {"bound": MOST_SCANS})
        raise UnsupportedMedia(source.path, reason, Message("way.plain_jpeg"))
    with _quietly():
        photo: ImageFile = plugin(io.BytesIO(data))
    return photo


def _scans(data: bytes) -> int:
    """How many scans a JPEG has up to its end; what phones append behind it, a video say, does not count."""
    at, scans = 2, 0
    while marker := _MARKER.search(data, at):
        if marker[1] == b"\xd9":
            break
        scans += marker[1] == b"\xda"
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2])
    return scans


def _orientation(exif: bytes) -> int:
    """By EXIF metadata before the pixels, 1 if they are damaged; Pillow's `getexif` would decode a PNG to look behind."""
    from PIL.Image import Exif

    tags = Exif()
    with _quietly(), suppress(Exception):
        tags.load(exif)
        return int(tags.get(0x0112, 1))
    return 1


@contextmanager
def _quietly() -> Iterator[None]:
    """Without Pillow's warnings of odd metadata. Filters belong to the process, so one thread at a time, and briefly."""
    with _FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _one_kind_of_error(path: str, kind: str) -> Iterator[None]:
    """Whatever a decoder raises on hostile bytes means that the photo is broken."""
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
    """Whether this installation's libheif can decode HEIC."""
    from pi_heif import libheif_info

    return bool(libheif_info()["decoders"])
