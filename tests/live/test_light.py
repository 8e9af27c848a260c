"""Freshness: the rank of a response, and that it is fair to those that ignore the challenge."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.live.subjects import Subject, challenge, painted
from unmask.live import light
from unmask.live.challenge import SYMBOLS, LightChallenge
from unmask.live.light import FIRST_DECOYS, RANKED_DECOYS, answer, unexplained_share
from unmask.live.relief import relief
from unmask.live.response import response
from unmask.live.shading import shading
from unmask.live.signals import Series, codes, decoys, symbol_at, times_of
from unmask.live.verification import MOST_STRAY


def test_the_delay_is_found() -> None:
    for late in (0.05, 0.3, 0.5):
        asked = challenge(1)
        found = answer(asked, painted(asked), Subject(late=late).answers(asked, 1))
        assert found.fresh
        assert found.steady
        assert found.delay == pytest.approx(late, abs=0.06)


def test_an_answer_that_comes_too_late_is_not_fresh() -> None:
    asked = challenge(1)
    assert not answer(asked, painted(asked), Subject(late=2.0).answers(asked, 1)).fresh


def test_a_face_leaves_nothing_unexplained() -> None:
    asked = challenge(1)
    assert unexplained_share(asked, painted(asked), Subject().answers(asked, 1), 0.15) < 0.02


def test_a_face_that_answered_half_of_other_symbols_leaves_much_of_them() -> None:
    asked, other = challenge(1), challenge(2)
    mixed = LightChallenge((*asked.symbols[: SYMBOLS // 2], *other.symbols[SYMBOLS // 2 :]))
    assert unexplained_share(asked, painted(asked), Subject().answers(asked, 1, mixed), 0.15) > 0.2


@pytest.mark.parametrize("noise", [0.0, 0.3, 0.6])
def test_frames_of_another_check_in_the_best_order_stay_unexplained_however_noisy(
    noise: float,
) -> None:
    """A program knows the challenge and sends the best-fitting frames of one recording.

    It adds noise to their hue.
    """
    asked, other = challenge(1), challenge(2)
    recorded, random = Subject(room=50).answers(other, 1), np.random.default_rng(1)
    shows = symbol_at(other, painted(other), times_of(recorded) - 0.15)
    asks = symbol_at(asked, painted(asked), times_of(recorded) - 0.15)
    alike = np.einsum("kcm,jcm->kj", codes(asked), codes(other))[
        :, np.maximum(shows, 0)
    ] + np.where(shows < 0, -99, 0)
    sent = []
    for one, symbol in zip(recorded, asks, strict=True):
        face = recorded[int((alike[symbol] + random.normal(0, 1e-3, len(recorded))).argmax())].face
        assert face
        hue = random.normal(0, noise, face.cells.shape)
        cells = face.cells * np.exp(hue - hue.mean(axis=2, keepdims=True))
        sent.append(replace(one, face=replace(face, cells=cells.astype(np.float32))))
    assert unexplained_share(asked, painted(asked), sent, 0.15) > MOST_STRAY


def test_few_frames_explain_nothing() -> None:
    asked = challenge(1)
    assert unexplained_share(asked, painted(asked), Subject(rate=4).answers(asked, 1), 0.15) == 1.0


def test_whoever_comes_first_among_some_decoys_must_among_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, counts = challenge(1), list[int]()

    def counted(code: Series, count: int) -> NDArray[np.float32]:
        counts.append(count)
        return decoys(code, count)

    monkeypatch.setattr(light, "decoys", counted)
    assert answer(asked, painted(asked), Subject().answers(asked, 1)).fresh
    assert counts == [FIRST_DECOYS, RANKED_DECOYS]
    counts.clear()
    assert not answer(asked, painted(asked), Subject().answers(asked, 1, challenge(2))).fresh
    assert counts[0] == FIRST_DECOYS


def test_a_still_picture_is_not_fresh() -> None:
    asked = challenge(1)
    readings = Subject(noise=0.0).answers(asked, 1)
    frozen = [type(one)(one.time, readings[0].face, one.searched) for one in readings]
    found = answer(asked, painted(asked), frozen)
    assert found.rank > 1


def test_ranks_of_other_sequences_are_uniform() -> None:
    ranks = []
    for seed in range(16):
        asked = challenge(seed)
        ranks.append(
            answer(
                asked, painted(asked), Subject().answers(asked, seed, challenge(1_000 + seed))
            ).rank
        )
    # One in 10,000 is first by construction; the mean of sixteen uniform ranks lies within five
    # standard errors of the middle.
    assert ranks.count(1) < 2
    assert abs(np.mean(ranks) / (FIRST_DECOYS + 1) - 0.5) < 5 / np.sqrt(12 * 16)


def test_decoys_are_other_challenges_of_the_same_generator() -> None:
    code = codes(challenge(1))
    others = decoys(code, 2_000)
    assert others.shape == (3, 3, 2_000, len(code))
    assert len(np.unique(others[0].transpose(1, 0, 2).reshape(2_000, -1), axis=0)) == 2_000
    for channel in range(3):
        for part in range(3):
            np.testing.assert_array_equal(
                np.sort(others[channel, part], axis=1),
                np.tile(np.sort(code[:, channel, part]), (2_000, 1)),
            )
    # Every symbol comes everywhere equally often.
    assert np.abs(others.mean(axis=2)).max() < 0.1


def test_a_face_stands_out_and_a_room_shades_it() -> None:
    asked = challenge(3)
    readings = Subject(room=200).answers(asked, 3)
    seen = response(asked, painted(asked), readings, 0.15)
    found, shaded = relief(seen), shading(seen)
    assert found.across > 3 * found.doubt_across
    assert found.hollow < 3
    assert shaded.facial > 0.008
    assert abs(shaded.glow) < 0.5


def test_a_face_turned_inside_out_is_hollow() -> None:
    from tests.live.subjects import face

    asked = challenge(3)
    readings = Subject(depth=lambda x, y: -face(x, y)).answers(asked, 3)
    assert relief(response(asked, painted(asked), readings, 0.15)).hollow > 6
