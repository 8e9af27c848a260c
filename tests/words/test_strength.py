"""Numbers in words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask.likelihood import posterior
from unmask.messages import Message
from unmask.types import Quality, Verdict, clock
from unmask.verdict import Rules
from unmask.words import english, footage, numbers, quality, strength
from unmask.words.dates import moment


@pytest.mark.parametrize(
    ("lr", "step", "words"),
    [
        (1, 0, "no support either way"),
        (1.9, 0, "no support either way"),
        (2, 1, "weak support for a changed face"),
        (10, 2, "moderate support for a changed face"),
        (100, 3, "moderately strong support for a changed face"),
        (1e3, 4, "strong support for a changed face"),
        (1e4, 5, "very strong support for a changed face"),
        (1e6, 6, "extremely strong support for a changed face"),
        (1 / 60, -2, "moderate support for an unchanged face"),
    ],
)
def test_support_is_worded_as_enfsi_does(lr: float, step: int, words: str) -> None:
    found = strength.support(math.log10(lr))
    assert (found.step, str(found.words)) == (step, words)


@pytest.mark.parametrize(
    ("log10_lr", "short"),
    [
        (2.31, "200"),
        (-1.6, "1/40"),
        (0.53, "3.4"),
        (0.999, "10"),
        (2.999, "1,000"),
        (6.6, "4 million"),
        (8.999, "1,000 million"),
        (0, "1.0"),
    ],
)
def test_ratios_are_short(log10_lr: float, short: str) -> None:
    assert str(strength.odds(log10_lr)) == short


@pytest.mark.parametrize(
    ("log10_lr", "words"),
    [
        (0.0, "as likely if the face was changed as if it was not"),
        (2.0, "about 100 times likelier if the face was changed than if it was not"),
        (-2.0, "about 100 times likelier if the face was not changed than if it was"),
        (11.0, "more than a billion times likelier if the face was changed than if it was not"),
    ],
)
def test_likelier(log10_lr: float, words: str) -> None:
    assert str(strength.likelier(log10_lr)) == words


def test_half_of_the_alarms_are_false_at_one_in_a_thousand_and_an_lr_of_999() -> None:
    assert posterior(0.001, math.log10(999)) == pytest.approx(0.5)


@given(st.floats(-400, 400), st.floats(0, 1, exclude_min=True, exclude_max=True))
def test_a_posterior_is_a_probability_and_moves_with_the_evidence(
    log10_lr: float, prior: float
) -> None:
    found = posterior(prior, log10_lr)
    assert 0 <= found <= 1
    assert found >= prior - 1e-12 if log10_lr >= 0 else found <= prior + 1e-12


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.17, "about 17 in 100"),
        (0.9999, "more than 99 in 100"),
        (1e-9, "fewer than 1 in 100"),
        (0.994, "about 99 in 100"),
    ],
)
def test_no_probability_is_rounded_to_certainty(probability: float, words: str) -> None:
    assert str(strength.in_hundred(probability)) == words


@pytest.mark.parametrize(
    ("prior", "words"),
    [(0.001, "1 in 1,000"), (0.5, "1 in 2"), (0.3, "30 %"), (0.9, "90 %"), (0, "0 %")],
)
def test_base_rates(prior: float, words: str) -> None:
    assert str(strength.base_rate(prior)) == words


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0:00.0"), (3.2, "0:03.2"), (59.96, "1:00.0"), (754.25, "12:34.2"), (3725.5, "1:02:05.5")],
)
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


def test_moments_are_told_in_utc() -> None:
    assert moment(english(), "2026-11-02T01:05:31+02:00") == "1 November 2026, 23:05:31 UTC"
    assert moment(english(), "yesterday") == "yesterday"


@pytest.mark.parametrize(("number", "shown"), [(-0.001, "0.00"), (-1.5, "−1.50"), (2, "+2.00")])
def test_signs_are_true_and_zero_has_none(number: float, shown: str) -> None:
    assert numbers.signed(number) == shown


def test_sizes() -> None:
    assert str(footage.size(8_412_233)) == "8.4 MB (8,412,233 bytes)"
    assert str(footage.size(12)) == "12 bytes"


def test_findings_are_named_after_the_verdict() -> None:
    assert strength.such_findings(Verdict.CHANGED) == Message("such.changed")
    assert strength.such_findings(Verdict.NO_CHANGE_FOUND) == Message("such.no_change")


def test_traits_hinder_where_the_verdict_gives_up() -> None:
    rules = Rules()
    told = (
        quality.SMALL_PX,
        quality.COARSE_PX,
        quality.BLURRED,
        quality.ASIDE,
        quality.BLOCKY,
        quality.DOUBLE,
    )
    assert (
        rules.size_px,
        rules.detail_px,
        rules.sharpness,
        rules.yaw,
        rules.blockiness,
        rules.echo,
    ) == told
    assert not any(trait.poor for trait in quality.traits(Quality(200, 0.06, 0.1, 1.0)))
    assert all(trait.poor for trait in quality.traits(Quality(40, 0.001, 0.9, 2.0)))
    coarse_and_double = quality.traits(Quality(200, 0.06, 0.1, 1.0, detail_px=47.0, echo=0.4))
    assert [trait.poor for trait in coarse_and_double] == [True, True, False, False]
