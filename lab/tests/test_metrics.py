from __future__ import annotations

import numpy as np
import pytest
from unmask_lab import metrics


def test_auc_by_hand() -> None:
    assert metrics.auc([1, 2, 3], [4, 5]) == 1
    assert metrics.auc([1, 2, 3], [2]) == pytest.approx(0.5)
    assert metrics.auc([4, 5], [1, 2, 3]) == 0


def test_the_weighted_area_is_the_auc_of_repeated_rows() -> None:
    rng = np.random.default_rng(0)
    score, label = rng.integers(0, 9, 60) / 2, np.repeat([0, 1], 30)
    times = rng.integers(0, 4, 60)
    area = metrics.area(*metrics.roc(score, label, np.array([np.ones(60), times])))
    s, y = np.repeat(score, times), np.repeat(label, times)
    assert area == pytest.approx(
        [metrics.auc(score[:30], score[30:]), metrics.auc(s[y == 0], s[y == 1])]
    )


def test_equal_error_and_true_positives_by_hand() -> None:
    score, label = np.array([1, 2, 3, 4, 3.5, 5, 6, 7]), np.repeat([0, 1], 4)
    roc = metrics.roc(score, label, np.ones((1, 8)))
    assert metrics.equal_error(*roc) == pytest.approx([0.25])
    assert metrics.found_at(*roc, alarms=0.01) == pytest.approx([0.75])
    assert metrics.found_at(*roc, alarms=0.25) == pytest.approx([1.0])


def test_equal_error_of_perfect_and_of_reversed_scores() -> None:
    label = np.repeat([0, 1], 5)
    for score, expected in ((label, 0.0), (-label, 1.0), (np.zeros(10), 0.5)):
        assert metrics.equal_error(
            *metrics.roc(score.astype(float), label, np.ones((1, 10)))
        ) == pytest.approx([expected])


def test_the_interval_resamples_people_and_holds_the_truth() -> None:
    rng = np.random.default_rng(0)
    values, people = rng.normal(size=400), [str(i // 2) for i in range(400)]

    def mean(weight: metrics.Floats) -> dict[str, metrics.Floats]:
        return {"mean": weight @ values / weight.sum(axis=1)}

    found = metrics.estimates(mean, people)["mean"]
    assert found.value == pytest.approx(values.mean())
    assert found.low < found.value < found.high
    assert 0.1 < found.high - found.low < 0.3
    assert metrics.interval(lambda drawn: float(values[drawn].mean()), people) == pytest.approx(
        (found.low, found.high)
    )


def test_a_hundred_looks_at_one_person_are_one_person() -> None:
    rng = np.random.default_rng(0)
    of_person = rng.random(20) < 0.5
    once = metrics.rate(of_person, [str(i) for i in range(20)])
    often = metrics.rate(np.repeat(of_person, 100), [str(i // 100) for i in range(2000)])
    assert (often.low, often.high) == pytest.approx((once.low, once.high))


def test_no_alarm_among_forty_people_may_still_be_one_in_eleven() -> None:
    none = metrics.rate(np.zeros(80, bool), [str(i // 2) for i in range(80)])
    assert (none.value, none.low) == (0, 0)
    assert none.high == pytest.approx(0.088, abs=5e-4)
    every = metrics.rate(np.ones(40, bool), [str(i) for i in range(40)])
    assert (every.value, every.low, every.high) == pytest.approx((1, 1 - none.high, 1))


def test_what_is_not_defined_is_nan() -> None:
    assert np.isnan(metrics.rate(np.zeros(0, bool), []).value)
    one_person = metrics.rate(np.array([True, False]), ["a", "a"])
    assert one_person.value == 0.5
    assert np.isnan(one_person.low)
    roc = metrics.roc(np.arange(3.0), np.zeros(3, int), np.ones((1, 3)))
    assert np.isnan([*metrics.area(*roc), *metrics.found_at(*roc)]).all()


def test_classes_weigh_the_same_and_families_within_them() -> None:
    label = np.array([0, 0, 0, 1, 1, 1, 1])
    family = np.array(["", "", "", "a", "a", "a", "b"])
    weight = metrics.balanced(label, family)
    assert weight.sum() == pytest.approx(7)
    assert weight[label == 0].sum() == pytest.approx(weight[label == 1].sum())
    assert weight[family == "a"].sum() == pytest.approx(weight[family == "b"].sum())


def test_what_is_foretold_happens() -> None:
    """Uses faces with an LR of 3, three in four changed, and of 1/3, one in four changed."""
    llr = np.log(np.repeat([3, 1 / 3], 4))
    label = np.array([1, 1, 1, 0, 1, 0, 0, 0])
    found = metrics.reliability(llr, label, np.ones(8))
    assert found.share[[2, 7]] == pytest.approx(0.5)
    assert found.happened[[2, 7]] == pytest.approx([0.25, 0.75])
    assert found.error == metrics.ece(llr, label, np.ones(8)) == pytest.approx(0)
    assert metrics.ece(-llr, label, np.ones(8)) == pytest.approx(0.5)


def test_saying_nothing_costs_one_bit_and_overstating_costs_more() -> None:
    label, weight = np.repeat([0, 1], 5), np.ones(10)
    assert metrics.cllr(np.zeros(10), label, weight) == pytest.approx(1)
    assert metrics.cllr(np.where(label == 1, -5.0, 5.0), label, weight) > 5
