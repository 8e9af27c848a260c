"""Hypothesis strategies for any answer of the program, including odd texts and numbers."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from unmask.messages import verbatim
from unmask.types import (
    CheckResult,
    Custody,
    Kind,
    LineResult,
    MediaFacts,
    Person,
    Picture,
    Quality,
    Recorded,
    Span,
    Status,
    TellingFrame,
    TimedLR,
    Verdict,
)

texts = st.text(st.characters(exclude_categories=()), max_size=30)
"""Texts that include control characters and lone surrogates."""

messages = texts.map(verbatim)

nasty = st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "=HYPERLINK(1)",
        "a\udcffb",
        "\u202egpj.exe",
        "{{ 7 * 7 }}",
    ]
)
names = st.one_of(nasty, texts.filter(bool))
levels = st.floats(-12, 12)
seconds = st.floats(0, 20_000)
counts = st.integers(0, 10**6)
hashes = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)
crops = st.integers(0, 255).map(lambda value: np.full((12, 12, 3), value, np.uint8))
heatmaps = st.floats(0, 1, width=32).map(lambda value: np.full((4, 4), value, np.float32))


@st.composite
def lines(draw: st.DrawFn) -> LineResult:
    status = draw(st.sampled_from(Status))
    if status is not Status.RAN:
        return LineResult(status, draw(messages))
    pictures = st.lists(
        st.builds(Picture, messages, crops, dark=st.none() | crops), max_size=1
    ).map(tuple)
    return LineResult(
        status, draw(messages), draw(levels), draw(st.none() | levels), draw(pictures)
    )


@st.composite
def people(draw: st.DrawFn, number: int) -> Person:
    verdict = draw(st.sampled_from(Verdict))
    first, last = sorted(draw(st.tuples(seconds, seconds)))
    spans = st.lists(
        st.tuples(seconds, seconds).map(sorted).map(lambda ends: Span(*ends)), max_size=2
    ).map(tuple)
    frames = st.builds(
        TellingFrame,
        seconds,
        st.none() | levels,
        crops,
        st.tuples(*[st.floats(0, 4000)] * 4),
        st.none() | heatmaps,
    )
    return Person(
        id=number,
        verdict=verdict,
        reason=draw(messages),
        log10_lr=None if verdict is Verdict.CANNOT_TELL else draw(levels),
        spans=draw(spans) if verdict is Verdict.CHANGED else (),
        lines=draw(st.dictionaries(texts, lines(), max_size=3)),
        timeline=draw(st.lists(st.builds(TimedLR, seconds, levels), max_size=8).map(tuple)),
        first_seen=first,
        last_seen=last,
        sightings=draw(counts),
        judged=draw(counts),
        quality=Quality(
            *draw(st.tuples(st.floats(1, 4000), st.floats(0, 9), st.floats(0, 1), st.floats(0, 9)))
        ),
        frames=draw(st.lists(frames, max_size=2).map(tuple)),
        thumbnail=draw(crops),
    )


media = st.builds(
    MediaFacts,
    path=names,
    kind=st.sampled_from(Kind),
    sha256=hashes,
    size_bytes=counts,
    container=texts,
    codec=texts,
    width=st.integers(1, 8000),
    height=st.integers(1, 8000),
    rotation=st.sampled_from([0, 90, 180, 270]),
    duration=seconds,
    declared_duration=st.none() | seconds,
    frames=counts,
    frame_rate=st.none() | st.floats(0.1, 1000),
    variable_frame_rate=st.booleans(),
    bit_rate=st.none() | counts,
)

settings_values = st.none() | st.booleans() | st.floats() | texts | st.lists(texts, max_size=2)
custody = st.builds(
    Custody,
    checked_at=st.just("2026-11-22T17:05:31+00:00") | texts,
    versions=st.dictionaries(texts, texts, max_size=2),
    weights=st.dictionaries(texts, hashes, max_size=2),
    settings=st.dictionaries(texts, settings_values, max_size=2),
    frames_examined=counts,
    recorded=st.builds(Recorded, texts, texts, texts, texts, st.booleans()),
)


@st.composite
def results(draw: st.DrawFn) -> CheckResult:
    path, limits = draw(names), draw(st.lists(messages, max_size=2).map(tuple))
    if draw(st.integers(0, 5)) == 0:
        return CheckResult(
            path,
            draw(st.none() | hashes),
            None,
            draw(messages),
            None,
            (),
            error=draw(names.map(verbatim)),
            limits=limits,
        )
    verdict = draw(st.sampled_from(Verdict))
    log10_lr = None if verdict is Verdict.CANNOT_TELL else draw(levels)
    prior = draw(st.none() | st.floats(0, 1))
    return CheckResult(
        path=path,
        sha256=draw(hashes),
        verdict=verdict,
        reason=draw(messages),
        log10_lr=log10_lr,
        people=tuple(draw(people(number)) for number in range(1, draw(st.integers(0, 3)) + 1)),
        media=draw(st.none() | media),
        custody=draw(st.none() | custody),
        prior=prior,
        posterior=None if prior is None or log10_lr is None else draw(st.floats(0, 1)),
        limits=limits,
        report=draw(st.none() | names),
        key_frames=draw(st.lists(names, max_size=2).map(tuple)),
    )
