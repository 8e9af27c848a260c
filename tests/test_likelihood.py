"""Likelihood ratios of one look and of a track, against explicit calibrations and numpy.linalg."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.sightings import GOOD
from unmask.likelihood import LN10, Calibration, chain, combine, features, posterior
from unmask.types import Quality, Span

CALIBRATION = Calibration(
    lines=("learned",),
    intercept=-0.3,
    terms={
        "score of learned": 2.0,
        "size": -0.1,
        "sharpness": -0.4,
        "score of learned x size": 0.5,
        "score of learned x sharpness": -0.6,
    },
    bound=2.0,
    missed=0.2,
    shared=0.5,
    separation=3.0,
)
UNBOUNDED = replace(CALIBRATION, bound=1e9, missed=0.0)
"""Calibration that hides nothing of what `combine` computes."""

QUALITIES = st.builds(
    Quality,
    size_px=st.floats(0, 5000),
    sharpness=st.floats(0, 10),
    yaw=st.floats(0, 1),
    blockiness=st.floats(0, 10),
)
LOOKS = st.lists(st.floats(-2, 2), min_size=1, max_size=40).map(np.array)
CALIBRATIONS = st.builds(
    replace,
    st.just(CALIBRATION),
    bound=st.floats(0.5, 4),
    missed=st.floats(0, 0.99),
    shared=st.floats(0, 0.95),
    separation=st.floats(0.05, 30),
)


def every(seconds: float, n: int) -> NDArray[np.float64]:
    return np.arange(n) * seconds


def whole(value: float, n: int, calibration: Calibration = UNBOUNDED) -> float:
    """Returns the log10 LR of a track in which every look has the same value."""
    return combine(every(0.5, n), np.full(n, value), calibration)[0]


# ---------------------------------------------------------------- one look


@given(QUALITIES, st.floats(-30, 30), st.floats(0, 10))
def test_a_higher_score_never_means_a_lower_lr(quality: Quality, score: float, more: float) -> None:
    assert CALIBRATION.known({"learned": score + more}, quality) >= CALIBRATION.known(
        {"learned": score}, quality
    )


@given(QUALITIES, st.floats(-1e9, 1e9))
def test_no_lr_passes_the_bound(quality: Quality, score: float) -> None:
    assert abs(CALIBRATION.known({"learned": score}, quality)) <= CALIBRATION.bound


def test_the_lr_is_the_logistic_regression_s() -> None:
    quality = replace(
        GOOD, size_px=256.0, sharpness=0.5, blockiness=2.0
    )  # each one step above its middle
    one = dict.fromkeys(("size", "sharpness", "blockiness"), 1.0)
    crossed = {f"score of learned x {name}": 0.7 for name in one}
    assert features({"learned": 0.7}, quality) == pytest.approx(
        {"score of learned": 0.7, **one, **crossed}
    )
    logit = -0.3 + 2.0 * 0.7 - 0.1 - 0.4 + 0.5 * 0.7 - 0.6 * 0.7
    assert CALIBRATION.known({"learned": 0.7}, quality) == pytest.approx(logit / LN10)


def test_past_its_knee_a_score_counts_once_more_by_its_excess() -> None:
    bent = replace(
        CALIBRATION,
        terms={**CALIBRATION.terms, "score of learned past its knee": 3.0},
        knees={"learned": 0.5},
    )
    for score, more in ((-2.0, 0.0), (0.5, 0.0), (0.7, 3.0 * 0.2)):
        straight = CALIBRATION.known({"learned": score}, GOOD)
        assert bent.known({"learned": score}, GOOD) == pytest.approx(straight + more / LN10)


@given(st.floats(-3, 3), st.floats(0, 0.99))
def test_no_trace_never_weighs_more_than_the_missed_part_allows(
    known: float, missed: float
) -> None:
    lr = 10 ** replace(CALIBRATION, missed=missed).any_kind(known)
    assert lr == pytest.approx(missed + (1 - missed) * 10**known, abs=1e-8)
    assert lr >= missed * (1 - 1e-9)


def test_several_lines_are_weighed_at_once() -> None:
    both = replace(
        CALIBRATION,
        lines=("learned", "mine"),
        terms={"score of learned": 1.0, "score of mine x size": 0.5},
    )
    quality = replace(GOOD, size_px=256.0)
    assert both.known({"learned": 0.2, "mine": 0.4}, quality) == pytest.approx(
        (-0.3 + 0.2 + 0.5 * 0.4) / LN10
    )


def test_a_chain_adds_the_weaker_lines_to_the_stronger_ones() -> None:
    fits = [
        replace(CALIBRATION, lines=lines, separation=separation)
        for lines, separation in [
            (("a",), 1.0),
            (("b",), 3.0),
            (("c",), 2.0),
            (("b", "c"), 4.0),
            (("a", "b", "c"), 5.0),
        ]
    ]
    assert [c.lines for c in chain(fits, ["a", "b", "c"])] == [("b",), ("b", "c"), ("a", "b", "c")]
    assert [c.lines for c in chain(fits, ["a", "c"])] == [("c",)]
    assert [c.lines for c in chain(fits, ["a", "unfitted"])] == [("a",)]
    assert chain(fits, []) == ()


# ---------------------------------------------------------------- a track


@given(st.floats(-2, 2), CALIBRATIONS)
def test_one_look_weighs_what_it_weighs_alone(known: float, calibration: Calibration) -> None:
    known = float(np.clip(known, -calibration.bound, calibration.bound))
    total, _ = combine(np.array([7.0]), np.array([known]), calibration)
    assert total == pytest.approx(calibration.any_kind(known))


def brute_force(times: NDArray[np.float64], known: NDArray[np.float64], c: Calibration) -> float:
    """Returns the log10 LR as a mixture over all stretches of at least three looks.

    Each component is the LR of two normal densities of the two means.
    """
    n, d = known.size, c.separation
    covariance = d * (c.shared + (1 - c.shared) * np.exp(-np.abs(times[:, None] - times) / 2.0))
    lengths = range(min(3, n), n + 1)
    total = prior = 0.0
    for k in lengths:
        for start in range(n - k + 1):
            inside = (np.arange(n) >= start) & (np.arange(n) < start + k)
            means = np.array([part / part.sum() for part in (inside, ~inside) if part.any()])
            between = means @ covariance @ means.T
            seen, if_changed = means @ (known * LN10 + d / 2), means @ inside * d
            ratio = _log_normal(seen - if_changed, between) - _log_normal(seen, between)
            weight = 0.5 / k / sum(1 / m for m in lengths) / (n - k + 1) + 0.5 * (k == n)
            total, prior = total + weight * np.exp(ratio), prior + weight
    assert prior == pytest.approx(1.0)
    return float(np.log10(total))


def _log_normal(deviation: NDArray[np.float64], covariance: NDArray[np.float64]) -> float:
    return float(-0.5 * deviation @ np.linalg.solve(covariance, deviation))


@pytest.mark.parametrize("n", [1, 2, 3, 4, 7, 12])
@pytest.mark.parametrize(("shared", "separation"), [(0.0, 1.0), (0.5, 3.0), (0.9, 8.0)])
def test_a_track_s_lr_agrees_with_brute_force(n: int, shared: float, separation: float) -> None:
    rng = np.random.default_rng(n)
    times, known = np.cumsum(rng.uniform(0.3, 3, n)), rng.normal(0, 0.6, n)
    calibration = replace(UNBOUNDED, shared=shared, separation=separation)
    assert combine(times, known, calibration)[0] == pytest.approx(
        brute_force(times, known, calibration)
    )


def test_over_bona_fide_tracks_the_lr_is_one_on_average() -> None:
    """Any true LR has this property; the tracks are drawn from the model that `combine` assumes."""
    c, times, rng = replace(UNBOUNDED, separation=1.0), every(0.5, 8), np.random.default_rng(1)
    covariance = c.separation * (
        c.shared + (1 - c.shared) * np.exp(-np.abs(times[:, None] - times) / 2.0)
    )
    tracks = rng.multivariate_normal(np.full(8, -c.separation / 2), covariance, 4000) / LN10
    lrs = 10 ** np.array([combine(times, known, c)[0] for known in tracks])
    assert lrs.mean() == pytest.approx(1.0, abs=0.1)


def test_looks_that_agree_add_up_to_what_the_shared_error_allows() -> None:
    totals = [whole(1.0, n) for n in (1, 2, 3, 30, 100, 600)]
    assert all(b > a for a, b in pairwise(totals[:3]))
    assert all(b > a for a, b in pairwise(totals[3:]))
    assert max(totals) < 1.0 / UNBOUNDED.shared
    assert whole(1.0, 600) > 0.8 / UNBOUNDED.shared


@pytest.mark.parametrize("weak", [-1.0, -0.5, -0.2, -0.05])
def test_more_frames_never_turn_a_weak_bona_fide_face_into_a_changed_one(weak: float) -> None:
    totals = [whole(weak, n) for n in (1, 2, 3, 5, 10, 40, 150, 600)]
    assert max(totals) <= weak + 1e-6


@pytest.mark.slow
@pytest.mark.parametrize("drift", [0.01, 0.5, 1.0, 3.0])
def test_errors_that_drift_raise_no_alarm(drift: float) -> None:
    """A minute of bona fide faces whose errors stay alike for some seconds.

    An LR of at least 10 occurs in under one in ten, as LR 10 promises.
    """
    c, times, rng = UNBOUNDED, every(0.5, 120), np.random.default_rng(2)
    covariance = c.separation * (
        c.shared + (1 - c.shared) * np.exp(-np.abs(times[:, None] - times) / drift)
    )
    tracks = rng.multivariate_normal(np.full(120, -c.separation / 2), covariance, 200) / LN10
    assert np.mean([combine(times, known, c)[0] >= 1 for known in tracks]) < 0.1


@pytest.mark.parametrize("spacing", [0.25, 0.5])
@pytest.mark.parametrize("start", [0.0, 20.0, 57.5])
def test_two_changed_seconds_in_a_minute_are_found(start: float, spacing: float) -> None:
    times = every(spacing, round(60 / spacing))
    changed = (times >= start) & (times < start + 2)
    total, spans = combine(times, np.where(changed, 2.0, -1.0), CALIBRATION)
    assert total >= 1
    assert len(spans) == 1
    assert spans[0].start == pytest.approx(times[changed][0], abs=spacing / 2)
    assert spans[0].end == pytest.approx(times[changed][-1], abs=spacing / 2)


@pytest.mark.parametrize("missed", [0.0, 0.2, 0.8])
@pytest.mark.parametrize("separation", [0.8, 3.0, 8.0])
@pytest.mark.parametrize("at", [0, 60, 119])
def test_one_odd_look_among_many_is_no_evidence(at: int, separation: float, missed: float) -> None:
    known = np.full(120, -1.0)
    known[at] = 2.0
    total, _ = combine(
        every(0.5, 120), known, replace(CALIBRATION, missed=missed, separation=separation)
    )
    assert total < 0


def test_a_span_does_not_reach_across_time_in_which_nothing_was_judged() -> None:
    times = np.concatenate([every(0.5, 20), 50 + every(0.5, 20)])
    total, spans = combine(times, np.full(40, 1.5), CALIBRATION)
    assert total > 1
    assert spans == (Span(0.0, 9.75), Span(49.75, 59.5))


def test_two_changed_stretches_are_two_spans() -> None:
    times = every(0.5, 80)
    changed = ((times >= 8) & (times < 14)) | ((times >= 26) & (times < 32))
    total, spans = combine(times, np.where(changed, 2.0, -1.0), CALIBRATION)
    assert total >= 1
    assert spans == (Span(7.75, 13.75), Span(25.75, 31.75))


def test_a_face_changed_throughout_has_one_span_from_first_to_last_sight() -> None:
    total, spans = combine(every(0.5, 20), np.full(20, 1.5), CALIBRATION)
    assert total >= 1
    assert spans == (Span(0.0, 9.5),)


def test_looking_again_at_the_same_moment_adds_nothing() -> None:
    times, known = every(0.5, 12), np.linspace(-1, 1.5, 12)
    once, spans = combine(times, known, UNBOUNDED)
    thrice, again = combine(np.repeat(times, 3), np.repeat(known, 3), UNBOUNDED)
    assert thrice == pytest.approx(once)
    assert again == spans


@given(LOOKS, st.sampled_from([0.04, 0.1, 0.25, 0.5, 3.0]), st.floats(0, 1e5))
@example(np.linspace(-1, 1, 8), 0.25, 0.1)
def test_when_a_clip_starts_does_not_matter(
    known: NDArray[np.float64], spacing: float, later: float
) -> None:
    times = every(spacing, known.size)
    now, _ = combine(times, known, UNBOUNDED)
    then, _ = combine(times + later, known, UNBOUNDED)
    assert then == pytest.approx(now, abs=1e-6)


@given(LOOKS)
def test_a_clip_played_backwards_weighs_the_same(known: NDArray[np.float64]) -> None:
    times = every(0.5, known.size)
    assert combine(times, known[::-1], UNBOUNDED)[0] == pytest.approx(
        combine(times, known, UNBOUNDED)[0]
    )


@given(
    st.lists(st.tuples(st.floats(0, 0.5), st.floats(-300, 300)), min_size=1, max_size=60),
    CALIBRATIONS,
)
def test_nothing_overflows_and_spans_stay_inside(
    looks: list[tuple[float, float]], calibration: Calibration
) -> None:
    gaps, known = np.array(looks).T
    times = np.cumsum(gaps)
    total, spans = combine(times, known, calibration)
    assert np.isfinite(total)
    assert (
        np.log10(max(calibration.missed, 1e-9)) - calibration.bound
        <= total
        <= calibration.bound + 1e-9
    )
    edges = [edge for span in spans for edge in (span.start, span.end)]
    assert edges == sorted(edges)
    assert all(times[0] - 0.001 <= edge <= times[-1] + 0.001 for edge in edges)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 50, 600])
@pytest.mark.parametrize("value", [-1e6, 0.0, 1e6])
def test_any_number_of_looks_and_any_value_stay_finite(n: int, value: float) -> None:
    assert np.isfinite(whole(value, n))


# ---------------------------------------------------------------- what it comes to


@given(st.floats(1e-6, 1 - 1e-6), st.floats(-12, 12))
def test_a_posterior_is_bayes_rule(prior: float, log10_lr: float) -> None:
    now = posterior(prior, log10_lr)
    assert 0 <= now <= 1
    odds = prior / (1 - prior) * 10**log10_lr
    assert now == pytest.approx(odds / (1 + odds))
    assert posterior(1 - prior, -log10_lr) == pytest.approx(1 - now, abs=1e-9)


def test_a_posterior_of_no_evidence_is_the_prior_and_rises_with_the_lr() -> None:
    assert posterior(0.001, 0.0) == pytest.approx(0.001)
    assert posterior(0.001, 3.0) == pytest.approx(0.5, abs=0.001)
    rising = [posterior(0.01, lr) for lr in (-1e4, -2, -1, 0, 1, 2, 1e4)]
    assert rising == sorted(rising)
    assert all(0 <= p <= 1 for p in rising)
