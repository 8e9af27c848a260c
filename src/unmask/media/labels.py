"""Labels in metadata that declare a file made or changed by AI.

They are China's (GB 45438-2025) and IPTC's digital source type. Nobody signs them: whoever copies a
file can add or remove them.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree

from unmask.errors import MediaError
from unmask.media.recognition import HEAD, recognised
from unmask.media.source import Bounds, Source, open_source
from unmask.media.video import opened_video
from unmask.types import Labels

LOOKED_AT = 4 << 20
"""Bytes at the beginning and at the end of a file in which XMP packets are searched for."""
LONGEST = 1 << 20
"""Most bytes of an XMP packet."""

_PACKET = re.compile(rb"<x:xmpmeta.*?</x:xmpmeta>", re.DOTALL)
_AIGC = "{http://www.tc260.org.cn/ns/AIGC/1.0/}AIGC"
_SOURCE_TYPE = "{http://iptc.org/std/Iptc4xmpExt/2008-02-29/}DigitalSourceType"


def labels(path: str | os.PathLike[str], bounds: Bounds = Bounds()) -> Labels:
    """Reads the labels of a photo or video.

    Raises:
        MediaError: it cannot be opened.
    """
    with open_source(os.fspath(path), bounds) as source:
        found = list(_of_packets(source))
        if recognised(source.head(HEAD)) in {"mp4", "mkv"}:
            found += _of_container(source)
    producers = [_producer(text) for name, text in found if name == "AIGC"]
    types = dict.fromkeys(text for name, text in found if name == "DigitalSourceType")
    return Labels(next((one for one in producers if one is not None), None), tuple(types))


def _of_packets(source: Source) -> Iterator[tuple[str, str]]:
    """Yields values in XMP packets (ISO 16684-1), which are plain text in files of every kind."""
    parts = [source.head(LOOKED_AT)]
    if source.size > LOOKED_AT:
        source.seek(max(LOOKED_AT, source.size - LOOKED_AT))
        parts.append(source.read(LOOKED_AT))
    for packet in (match.group() for part in parts for match in _PACKET.finditer(part)):
        if len(packet) > LONGEST or b"<!" in packet:
            continue
        try:
            root = ElementTree.fromstring(packet)  # noqa: S314  no declarations, so no entity expansion
        except ElementTree.ParseError:
            continue
        for element in root.iter():
            values: Mapping[str, str | None] = {element.tag: element.text, **element.attrib}
            for key, name in ((_AIGC, "AIGC"), (_SOURCE_TYPE, "DigitalSourceType")):
                if text := (values.get(key) or "").strip():
                    yield name, text[:LONGEST]


def _of_container(source: Source) -> Iterator[tuple[str, str]]:
    """Yields values among a video's own metadata."""
    try:
        with opened_video(source) as video:
            metadata = dict(video.container.metadata)
    except MediaError:
        return
    for key, text in metadata.items():
        name = key.rpartition(":")[2]
        if name in {"AIGC", "DigitalSourceType"}:
            yield name, text


def _producer(text: str) -> str | None:
    """Returns who made the file with AI, by the label of annex E, perhaps empty.

    It is None if the text is no such label, or denies it.
    """
    try:
        label = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(label, dict) or str(label.get("Label")) not in {"1", "2", "3"}:
        return None
    producer = str(label.get("ContentProducer") or "")
    return "".join(c if c.isprintable() else " " for c in producer)[:200]
