"""Sound of a film, for `unmask.media`: decoded by PyAV to mono."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from unmask.media.source import Source
from unmask.types import SOUND_RATE, Sound

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream
    from av.container import InputContainer

_CODECS = (
    *(
        "aac",
        "mp3float",
        "mp3",
        "mp2float",
        "mp2",
        "ac3",
        "eac3",
        "opus",
        "libopus",
        "vorbis",
        "flac",
        "alac",
    ),
    *(
        "pcm_s16le",
        "pcm_s16be",
        "pcm_s24le",
        "pcm_s24be",
        "pcm_s32le",
        "pcm_f32le",
        "pcm_u8",
        "pcm_alaw",
        "pcm_mulaw",
    ),
    *("amrnb", "amrwb", "wmav1", "wmav2", "adpcm_ms", "adpcm_ima_wav"),
)
_STRETCH_S = 4.0
"""Length of the stretches of sound that are handed on, s."""
_GAP_S = 0.03
"""Gap or overlap between two frames of sound, s, from which a new stretch begins."""
_MOST_ERRORS = 1000
"""Frames in all that may not decode, before the rest of the sound counts as lost."""


def read(source: Source, zero: float, start: float = 0.0) -> Iterator[Sound]:
    """Yields the main stream of sound in stretches, nothing if its format is not supported.

    Args:
        zero: time on the file's clock, s, from which times count.
        start: s at or before which to begin, as near as the file can be entered.
    """
    import av

    allowed = {"protocol_whitelist": "none", "codec_whitelist": ",".join(_CODECS)}
    source.seek(0)
    try:
        container = av.open(
            source, "r", options=allowed, metadata_errors="replace", buffer_size=1 << 17
        )
    except (av.FFmpegError, ValueError):
        return
    with container:
        stream = _main(container)
        if stream is not None:
            if start > 0:
                _enter(container, stream, zero + start)
            yield from _stretches(source, container, stream, zero)


def _main(container: InputContainer) -> AudioStream | None:
    """Returns the main stream of sound, None if there is none of a supported format.

    FFmpeg knows rate and channels only of streams of which it met a packet within its first
    megabytes, and ranks no others. Of those, the first one is taken: a transport stream names all
    its streams at its start, though the sound may lie behind the pictures.
    """
    import av

    best = container.streams.best("audio")
    known = [best] if isinstance(best, av.AudioStream) else container.streams.audio
    return next(
        (one for one in known if one.codec_context and one.codec_context.name in _CODECS), None
    )


def _enter(container: InputContainer, stream: AudioStream, time: float) -> None:
    """Seeks the packet before a time on the file's clock, s.

    Stays at the beginning where the file cannot be entered.
    """
    import av

    with contextlib.suppress(av.FFmpegError):
        container.seek(int(time / (stream.time_base or 1)), stream=stream)


def _stretches(
    source: Source, container: InputContainer, stream: AudioStream, zero: float
) -> Iterator[Sound]:
    parts: list[NDArray[np.float32]] = []
    begin = end = 0.0
    for time, samples in _mono(source, container, stream):
        if parts and (abs(time - zero - end) > _GAP_S or end - begin >= _STRETCH_S):
            yield Sound(begin, np.concatenate(parts))
            parts = []
        if not parts:
            begin = end if abs(time - zero - end) <= _GAP_S else time - zero
            end = begin
        parts.append(samples)
        end += samples.size / SOUND_RATE
    if parts:
        yield Sound(begin, np.concatenate(parts))


def _mono(
    source: Source, container: InputContainer, stream: AudioStream
) -> Iterator[tuple[float, NDArray[np.float32]]]:
    """Yields times on the file's clock, s, and samples.

    A new resampler is made where the clock jumps, because one would carry on over the jump.
    """
    import av

    resampler, expected = None, 0.0
    for frame in _frames(source, container, stream):
        time = frame.time
        if time is None:
            time = expected
        if resampler is None or abs(time - expected) > _GAP_S:
            resampler = av.AudioResampler(format="fltp", layout="mono", rate=SOUND_RATE)
        expected = time + frame.samples / frame.sample_rate
        frame.pts = None
        for mono in resampler.resample(frame):
            yield time, np.asarray(mono.to_ndarray()[0], np.float32)


def _frames(source: Source, container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    import av

    errors = 0
    packets = container.demux(stream)
    while errors < _MOST_ERRORS:
        source.check()
        try:
            packet = next(packets)
            yield from packet.decode()
            source.wait_again()
        except StopIteration:
            return
        except (av.FFmpegError, ValueError):
            errors += 1
