"""Writes and labels every changed face that the lab shows; nothing is written without a label.

Visible: ``AI-CHANGED AI生成`` in every picture, all the time. GB 45438-2025 (mandatory in China
since September 2025) asks for the word AI and one of 生成, 合成 in letters of at least 5 % of the
picture's short side, in a video for at least two seconds.

Machine-readable: the JSON ``AIGC`` of that standard's annex E, the IPTC digital source type, and
which licence allowed the change. In MP4 they are metadata keys of the container; in JPEG and PNG
they are XMP (ISO 16684-1), ``AIGC`` in the namespace that TC260 gave it. With a certificate the
same marks are also signed in content credentials (C2PA). All of these are easily stripped; then
only the visible label and the register of licences are left.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from uuid import uuid4
from xml.sax.saxutils import escape

import av
import cv2
import numpy as np
from PIL import Image, PngImagePlugin

from unmask.licences import manifest
from unmask.licences.licence import Licence
from unmask.licences.manifest import Signing
from unmask.types import Frame, Kind, Rgb
from unmask_lab.data import DataError

TEXT = "AI-CHANGED AI生成"
LETTERS = 0.05
"""Least height of the capital letters, in short sides of the picture (GB 45438-2025)."""

_CAPITALS = 0.71
"""Height of a capital letter of OpenCV's font `uni`, in font sizes."""
_CLOCK = 90_000
"""Ticks per second, MPEG's own clock.

It is whole for the usual frame rates, and 6 µs off at most for any other time.
"""
_SUFFIXES = {Kind.VIDEO: (".mp4",), Kind.PHOTO: (".png", ".jpg", ".jpeg")}
_XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<rdf:Description rdf:about="" xmlns:TC260="http://www.tc260.org.cn/ns/AIGC/1.0/"'
    ' xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
    ' xmlns:unmask="urn:unmask:licence:1">'
    "{}</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def write_clip(
    path: Path,
    frames: Iterable[Frame],
    frame_rate: float,
    licence: Licence,
    signing: Signing | None = None,
) -> None:
    """Writes labelled pictures as H.264 (CRF 18) in MP4, at their own times.

    An odd last row or column is left out.

    Args:
        frames: in order of time, of one size.
        frame_rate: mean pictures per second, a hint for the encoder.
        signing: what content credentials are signed with; None writes none.

    Raises:
        DataError: it is not called ``.mp4``, or cannot be written. Then there is no file.
    """
    refuse_name(path, Kind.VIDEO)
    with _whole(path, licence, signing) as partial, _opened(path, partial, licence) as out:
        stream = None
        for frame in frames:
            h, w = (side // 2 * 2 for side in frame.rgb.shape[:2])
            if stream is None:
                rate = Fraction(frame_rate).limit_denominator(1001)
                stream = out.add_stream(
                    "libx264", rate=rate, options={"crf": "18", "preset": "veryfast"}
                )
                stream.width, stream.height, stream.pix_fmt = w, h, "yuv420p"
                stream.time_base = stream.codec_context.time_base = Fraction(1, _CLOCK)
                stream.codec_context.colorspace, stream.codec_context.color_range = _BT709, _LIMITED
            picture = av.VideoFrame.from_ndarray(
                np.ascontiguousarray(labelled(frame.rgb)[:h, :w]), format="rgb24"
            )
            picture = picture.reformat(
                format="yuv420p", dst_colorspace=_BT709, dst_color_range=_LIMITED
            )
            picture.pts, picture.time_base = round(frame.time * _CLOCK), Fraction(1, _CLOCK)
            out.mux(stream.encode(picture))
        if stream is None:
            raise DataError(
                f"{path}: there are no pictures to write; give a clip that can be decoded"
            )
        out.mux(stream.encode(None))


_BT709, _LIMITED = 1, 1
"""Colour matrix and range as ITU-T H.273 and FFmpeg number them."""


def write_photo(path: Path, rgb: Rgb, licence: Licence, signing: Signing | None = None) -> None:
    """Writes one labelled picture, as JPEG or PNG.

    Raises:
        DataError: it is called neither ``.jpg`` nor ``.png``, or cannot be written. Then there is
            no file.
    """
    refuse_name(path, Kind.PHOTO)
    marks = {
        name if ":" in name else f"{_SPACES[name]}:{name}": value
        for name, value in marking(licence).items()
    }
    xmp = _XMP.format("".join(f"<{name}>{escape(value)}</{name}>" for name, value in marks.items()))
    info = PngImagePlugin.PngInfo()
    info.add_itxt("XML:com.adobe.xmp", xmp)
    with _whole(path, licence, signing) as partial:
        picture = Image.fromarray(labelled(rgb))
        if path.suffix.lower() == ".png":
            picture.save(partial, "PNG", pnginfo=info)
        else:
            picture.save(partial, "JPEG", quality=95, xmp=xmp.encode())


_SPACES = {"AIGC": "TC260", "unmask_licence": "unmask"}
"""Prefix of the XMP namespace of each mark that does not carry it in its name."""


def refuse_name(path: Path, kind: Kind) -> None:
    """Raises DataError if a changed file cannot be written under this name."""
    if path.suffix.lower() not in _SUFFIXES[kind]:
        names = " or ".join(_SUFFIXES[kind])
        raise DataError(
            f"{path}: a changed {kind} is written as {names}; choose a name that ends so"
        )
    if not path.parent.is_dir():
        raise DataError(f"{path}: there is no such folder; make it first")


def marking(licence: Licence) -> dict[str, str]:
    """Returns the machine-readable marks, by key.

    ``AIGC`` gets a new ``ProduceID`` with every call.
    """
    aigc = {
        "Label": "1",
        "ContentProducer": licence.subject.licensee,
        "ProduceID": uuid4().hex,
        "ReservedCode1": licence.sha256,
        "ContentPropagator": "",
        "PropagateID": "",
        "ReservedCode2": "",
    }
    return {
        "AIGC": json.dumps(aigc),
        "Iptc4xmpExt:DigitalSourceType": manifest.SWAP,
        "unmask_licence": json.dumps({"sha256": licence.sha256, "signature": licence.signature}),
    }


def labelled(rgb: Rgb) -> Rgb:
    """Copies the picture, uint8 ``(h, w, 3)``, with the visible label in its upper left corner."""
    picture, label = rgb.copy(), _label(*rgb.shape[:2])
    picture[: label.shape[0], : label.shape[1]] = label
    return picture


@lru_cache(maxsize=4)
def _label(h: int, w: int) -> Rgb:
    """Draws the label, white on black, uint8.

    Letters are at least 12 px high where the picture is wide enough for them.
    """
    letters = max(LETTERS * min(h, w), min(12.0, w / 16))
    size = int(np.ceil(letters / _CAPITALS))
    font, margin = cv2.FontFace("uni"), size // 4
    _, _, wide, high = cv2.getTextSize((w, h), TEXT, (0, size), font, size)
    label = np.zeros((min(h, high + 2 * margin), min(w, wide + 2 * margin), 3), np.uint8)
    cv2.putText(label, TEXT, (margin, margin + round(0.88 * size)), (255, 255, 255), font, size)
    return label


@contextmanager
def _whole(path: Path, licence: Licence, signing: Signing | None) -> Iterator[Path]:
    """Yields a temporary name beside ``path``, which replaces it once all is written and signed.

    Otherwise nothing is left.
    """
    partial = path.with_name(f"{path.stem}.partial{path.suffix}")
    try:
        yield partial
        if signing is None:
            partial.replace(path)
        else:
            manifest.write(partial, path, signing, [licence.sha256])
    except OSError as error:
        raise DataError(
            f"{path}: cannot be written ({error.strerror}); choose another folder"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _opened(path: Path, partial: Path, licence: Licence) -> Iterator[av.container.OutputContainer]:
    with av.open(
        str(partial), "w", format="mp4", container_options={"movflags": "use_metadata_tags"}
    ) as out:
        out.metadata.update(marking(licence))
        yield out
