"""The timelines under the player: whatever was measured, they fit and hide no change."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import results
from unmask import faces
from unmask.report.document import Document, PersonPart, ReadingPart, SpanPart
from unmask.service.page.answer import CROP_PX, answer, matrix
from unmask.service.page.strips import HEIGHT, WIDTH, reach, strip

pytestmark = pytest.mark.slow

levels = st.floats(-9, 9)
readings = st.lists(
    st.builds(lambda t, lr: ReadingPart(time=t, log10_lr=lr), st.floats(0, 60), levels),
    min_size=2,
    max_size=400,
)


def someone(timeline: Sequence[ReadingPart], spans: Sequence[SpanPart] = ()) -> PersonPart:
    return PersonPart.of(results.person()).model_copy(
        update={"timeline": tuple(timeline), "spans": tuple(spans)}
    )


@given(readings, st.floats(1, 60))
def test_every_bar_stays_in_its_frame(timeline: list[ReadingPart], duration: float) -> None:
    person = someone(timeline, [SpanPart(start=1.0, end=70.0)])
    drawn = strip(person, duration, reach([person]))
    for bar in drawn.bars:
        assert 0 <= bar.x <= WIDTH
        assert 0 <= bar.y <= HEIGHT
        assert bar.y + bar.height <= HEIGHT + 1.5
    assert len(drawn.spans) == 1


def test_a_short_change_in_a_long_clip_is_seen() -> None:
    timeline = [ReadingPart(time=i, log10_lr=3.0 if i == 777 else -0.1) for i in range(2000)]
    drawn = strip(someone(timeline), 2000.0, 3.0)
    (peak,) = (bar for bar in drawn.bars if bar.speaks_for)
    assert peak.x <= WIDTH * 777 / 2000 <= peak.x + peak.width


def test_where_nobody_was_seen_stands_no_bar() -> None:
    timeline = [ReadingPart(time=t / 2, log10_lr=-1.0) for t in (*range(20), *range(60, 80))]
    drawn = strip(someone(timeline), 40.0, 2.0)
    assert not [bar for bar in drawn.bars if bar.x < WIDTH / 2 < bar.x + bar.width]


def test_the_heatmap_is_laid_where_the_face_was() -> None:
    points = faces.TEMPLATE @ np.array([[0.9, 0.5], [-0.5, 0.9]], np.float32) + np.float32(200)
    numbers = matrix(faces.outline(points).tolist())
    a, b, c, d, e, f = map(float, numbers.removeprefix("matrix(").removesuffix(")").split())
    laid = faces.TEMPLATE @ np.array([[a, b], [c, d]]) + [e, f]
    assert np.allclose(laid, points, atol=0.2)
    assert CROP_PX == faces.CROP_PX


def test_what_would_help_is_said_only_where_it_cannot_be_told() -> None:
    assert answer(Document.of(results.changed_video()), "a").advice == ()
    assert answer(Document.of(results.nobody()), "a").advice == (
        "advice.no_face",
        "advice.original",
    )
    assert "advice.larger" in answer(Document.of(results.cannot_tell()), "a").advice
    assert "advice.sharper" in answer(Document.of(results.cannot_tell()), "a").advice


def test_the_icon_is_a_picture() -> None:
    from unmask.service.page.rendering import static_file

    found = static_file("unmask.svg")
    assert found
    assert ET.fromstring(found[0]).tag.endswith("svg")  # noqa: S314 - our own file
    assert static_file("../answer.py") is None
