"""Long footage is decoded by a tenth: around findings first, then where something only hints."""

from __future__ import annotations

from unmask.takes.choosing import SHORT_S, Stretch, worth_decoding

HOUR = 3600.0


def within(time: float, stretches: list[Stretch]) -> bool:
    return any(start <= time <= end for start, end in stretches)


def total(stretches: list[Stretch]) -> float:
    return sum(end - start for start, end in stretches)


def test_a_finding_is_decoded_however_many_clicks_come_before() -> None:
    clicks = [float(second) for second in range(0, 36_000, 2)]
    chosen = worth_decoding(18 * HOUR, [11 * HOUR], [[], clicks], [], [])
    assert within(11 * HOUR, chosen)


def test_hints_of_every_hour_are_decoded_if_there_are_too_many() -> None:
    clicks = [float(second) for second in range(0, 64_800, 7)]
    chosen = worth_decoding(18 * HOUR, [], [[], clicks], [], [])
    for hour in range(18):
        mine = [one for one in chosen if hour * HOUR <= one[0] < (hour + 1) * HOUR]
        assert 0.07 * HOUR < total(mine) < 0.13 * HOUR


def test_one_kind_of_hint_does_not_hide_another() -> None:
    clicks = [float(second) for second in range(0, 64_800, 7)]
    changes = [
        (0.9 if begin == 50_000 else 0.0, begin, begin + 2.0) for begin in range(0, 64_800, 2)
    ]
    chosen = worth_decoding(18 * HOUR, [], [[60_000.0], clicks], [], changes)
    assert within(50_001.0, chosen)
    assert within(60_000.0, chosen)


def test_a_second_at_which_much_points_counts_once() -> None:
    clicks = [100.0 + number / 100 for number in range(100)]
    assert total(worth_decoding(2 * SHORT_S, [], [clicks, [200.0]], [], [])) < 14
    assert within(200.0, worth_decoding(2 * SHORT_S, [], [clicks, [200.0]], [], []))
