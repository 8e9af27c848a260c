"""Records as JSON, a line each where they fit."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from unmask_lab.records import RECORD, dumps

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=9), inner, max_size=6)
    ),
    max_leaves=60,
)


@given(VALUES)
def test_nothing_is_lost(value: Any) -> None:
    assert json.loads(dumps(value)) == value


def test_a_record_that_fits_stands_on_one_line() -> None:
    records = [
        {"set": name, "auc": [0.81, 0.73, 0.87], "files": 175}
        for name in ("celebdf", "oneshot", "research") * 2
    ]
    lines = dumps({"date": "2026-11-30", "sets": records}).splitlines()
    assert lines[2:4] == [' "sets": [', "  " + json.dumps(records[0]) + ","]
    assert len(lines) == 2 + 2 + len(records) + 1
    assert max(map(len, lines)) <= RECORD
