"""Format of a file by its first bytes, for `unmask.media`; its name does not count.

It is a photo or a video, supported or not.
"""

from __future__ import annotations

import re

from unmask.media.heif import MOVING, STILL, brands

HEAD = 8192
"""Bytes from which a file is recognised."""

_SIGNATURES = re.compile(
    rb"(?P<jpeg>\xff\xd8\xff)|(?P<png>\x89PNG\r\n\x1a\n)|(?P<gif>GIF8[79]a)|(?P<webp>RIFF.{4}WEBP)"
    rb"|(?P<tiff>II[*+]\0|MM\0[*+])|(?P<bmp>BM.{8}.{4}[\x0c\x28\x34\x38\x40\x6c\x7c]\0\0\0)"
    rb"|(?P<mp4>.{4}(?:moov|mdat|wide|free|skip|pnot))|(?P<mkv>\x1aE\xdf\xa3)|(?P<avi>RIFF.{4}AVI )"
    rb"|(?P<asf>\x30\x26\xb2\x75\x8e\x66\xcf\x11)|(?P<flv>FLV\x01)|(?P<mpeg>\0\0\x01\xba)"
    rb"|(?P<dv>\x1f\x07\0[\x3f\xbf])"
    rb"|(?P<mxf>.{0,4096}?\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01\x02)"
    rb"|(?P<jpegxl>\xff\x0a|\0\0\0\x0cJXL )|(?P<jpeg2000>\0\0\0\x0cjP  |\xff\x4f\xff\x51)"
    rb"|(?P<psd>8BPS\0)"
    rb"|(?P<raw>FUJIFILMCCD-RAW|IIR[OS]|IIU\0|FOVb)|(?P<openexr>\x76\x2f\x31\x01)|(?P<dpx>SDPX|XPDS)"
    rb"|(?P<theora>OggS.{24,64}?(?:\x80theora|\x01video))|(?P<realmedia>\.RMF)"
    rb"|(?P<mpegvideo>\0\0\x01\xb3)"
    rb"|(?P<h26x>\0?\0\0\x01(?:[\x27\x67]|\x40\x01))|(?P<y4m>YUV4MPEG2 )|(?P<ivf>DKIF)"
    rb"|(?P<gxf>\0{4}\x01.{9}\xe1\xe2)",
    re.DOTALL,
)
_SOUND = frozenset((b"M4A ", b"M4B ", b"M4P ", b"aax "))
"""Brands of MP4 files that hold no pictures."""
_PACKETS = (188, 192, 204)
"""Bytes from one sync byte of an MPEG transport stream to the next.

The sizes are those of bare packets, with a time code, with parity.
"""
_SYNCS = 5


def recognised(head: bytes) -> str | None:
    """Returns the name of the photo or video format that a file's first `HEAD` bytes announce.

    It is None if there is none.
    """
    if said := brands(head):
        return _by_brand(said)
    if match := _SIGNATURES.match(head):
        return "raw" if match["tiff"] and head[8:11] == b"CR\2" else match.lastgroup
    return "mpegts" if _transports(head) else None


def _by_brand(said: list[bytes]) -> str | None:
    first = said[0]
    if first in _SOUND:
        return None
    if first == b"crx ":
        return "raw"
    if first in MOVING:
        return "sequence"
    if first in STILL | {b"avif"}:
        return "avif" if b"avif" in said else "heic"
    return "mp4"


def _transports(head: bytes) -> bool:
    """Tells whether packet headers of a transport stream follow each other at their distance.

    A header (ISO/IEC 13818-1, 2.4.3.2) begins with a G; its fourth byte says that something
    follows.
    """
    return any(
        head[start : start + size * _SYNCS : size] == b"G" * _SYNCS
        and all(byte & 0x30 for byte in head[start + 3 : start + 3 + size * _SYNCS : size])
        for size in _PACKETS
        for start in range(size)
    )
