from __future__ import annotations

from dataclasses import asdict

import numpy as np
from unmask_lab.metrics import Estimate
from unmask_lab.tables import interval, percent, plain, shown, table


def test_a_table_has_a_line_for_titles_one_below_them_and_one_per_row() -> None:
    assert table(("set", "AUC"), [("a", "0.9"), ("b", "0.8")]) == "\n".join(
        ["| set | AUC |", "| --- | --- |", "| a | 0.9 |", "| b | 0.8 |"]
    )


def test_an_estimate_stands_with_its_interval() -> None:
    estimate = asdict(Estimate(0.9154, 0.8, 1.0))
    assert shown(estimate) == interval(0.9154, 0.8, 1.0) == "0.915 (0.800–1.000)"
    assert percent(estimate) == "91.5 % (80.0–100.0)"
    assert percent(estimate, digits=2) == "91.54 % (80.00–100.00)"


def test_what_is_not_defined_is_a_dash_on_a_page_and_null_in_json() -> None:
    nan = float("nan")
    assert shown(asdict(Estimate(nan, nan, nan))) == percent(asdict(Estimate(nan, nan, nan))) == "–"
    assert shown(asdict(Estimate(0.5, nan, nan))) == "0.500 (–)"
    assert plain({"auc": nan, "rows": (np.float32(0.123456),)}) == {"auc": None, "rows": [0.12346]}
