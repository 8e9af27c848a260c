"""Files that cannot be judged: the answer is made in one place, with reason and remedy."""

from __future__ import annotations

import pytest

from unmask import inputs
from unmask.errors import BrokenMedia, OriginalsError
from unmask.messages import Message, verbatim

WAY_OUT = Message("way.operator")
BROKEN = BrokenMedia("/srv/media/1f", verbatim("it breaks off"), Message("way.again"))


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BROKEN, "clip.mp4: it breaks off; download or export it again"),
        (MemoryError(), "clip.mp4: it needs more memory than there is; scale it down"),
        (OriginalsError("index", "no index", "make one"), "clip.mp4: index: no index; make one"),
        (
            ValueError("odd\nshape"),
            "clip.mp4: unexpected ValueError (odd shape); tell whoever runs this service",
        ),
    ],
    ids=lambda one: type(one).__name__,
)
def test_why_a_file_cannot_be_judged(error: Exception, said: str) -> None:
    failed = inputs.failed("clip.mp4", error, WAY_OUT)
    assert (failed.path, failed.verdict, failed.people, str(failed.error)) == (
        "clip.mp4",
        None,
        (),
        said,
    )
    assert failed.reason == failed.error
