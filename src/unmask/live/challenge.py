"""Challenges of a live check to the person before the camera, drawn from a secret random source.

A light challenge is a sequence of soft colours over the four quarters of the screen; a movement
challenge is a sequence of moves. Both are drawn for one session and sent to the browser one step at
a time.

Flash safety (WCAG 2.3.1) holds by construction: `SYMBOL_SECONDS` lets any second hold at most three
changes, so less than the three flashes, of two opposing changes each, that are allowed; and between
`LOW` and `HIGH` no colour's red part of its linear light reaches 0.8, the mark of a saturated red.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from itertools import pairwise
from random import Random

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
"""sRGB colour, 0 to 255 each."""

Row = tuple[Colour, Colour]
"""Colours of the left and of the right quarter."""

LOW, HIGH = 104, 255
"""The two values of a colour channel, sRGB: 0.14 and 1 of the screen's linear light.

Red alone is then 0.78 of its colour.
"""

SYMBOL_SECONDS = 0.4
"""Duration of a symbol, s."""

PATTERNS: NDArray[np.int8] = np.array(
    [
        [[1, 1], [1, 1]],
        [[0, 0], [0, 0]],
        [[1, 0], [1, 0]],
        [[0, 1], [0, 1]],
        [[1, 1], [0, 0]],
        [[0, 0], [1, 1]],
    ],
    np.int8,
)
"""Patterns of one colour channel over the quarters, ``(6, 2, 2)``, top row first, 1 for `HIGH`.

They are all, none, and each of the four sides.
"""

REPEATS = (2, 2, 5, 5, 5, 5)
"""Number of times that each channel shows each pattern.

The sides come more often, because the response of a face's shape is weaker.
"""

SYMBOLS = sum(REPEATS)
"""Symbols of a light challenge: 9.6 s in all, 12 s with what comes before and after.

There are 10 ** 44 orders of them.
"""

MOVES = 5
"""Moves of a movement challenge.

No two neighbours are the same, and `NEEDED` are among them, so there are 186 sequences.
"""

MOVE_SECONDS = 1.9
"""Time from one move to the next, s.

With what comes before and after them and the verdict, a check takes at most 12 s.
"""


@dataclass(frozen=True, slots=True)
class Symbol:
    """Colours shown together, until the next symbol.

    They are ``quarters[top or bottom][left or right]`` as the person sees the screen.
    """

    quarters: tuple[Row, Row]


@dataclass(frozen=True, slots=True)
class LightChallenge:
    """Symbols in the order in which they are shown, each for ``seconds``."""

    symbols: tuple[Symbol, ...]
    seconds: float = SYMBOL_SECONDS


class Move(StrEnum):
    """Move that the person is asked to make; left and right are the person's own."""

    TURN_LEFT = "turn left"
    TURN_RIGHT = "turn right"
    CLOSER = "closer"
    BLINK = "blink"


NEEDED = {Move.TURN_LEFT, Move.TURN_RIGHT, Move.BLINK}
"""Moves asked in every challenge.

A sheet in a hand neither blinks nor turns a nose against its eyes.
"""


@dataclass(frozen=True, slots=True)
class MovementChallenge:
    """Moves in the order in which they are asked for, ``seconds`` for each."""

    moves: tuple[Move, ...]
    seconds: float = MOVE_SECONDS


def light_challenge(random: Random) -> LightChallenge:
    """Draws a new light challenge.

    Args:
        random: a secret source, such as `secrets.SystemRandom`; any other only for tests.
    """
    orders = []
    for _ in range(3):
        order = [pattern for pattern, times in enumerate(REPEATS) for _ in range(times)]
        random.shuffle(order)
        orders.append(order)
    return LightChallenge(tuple(_symbol(patterns) for patterns in zip(*orders, strict=True)))


def movement_challenge(random: Random) -> MovementChallenge:
    """Draws a new movement challenge; for the source see `light_challenge`."""
    while True:
        moves = tuple(random.choice(list(Move)) for _ in range(MOVES))
        if set(moves) >= NEEDED and all(one != other for one, other in pairwise(moves)):
            return MovementChallenge(moves)


@cache
def _symbol(patterns: tuple[int, ...]) -> Symbol:
    """Returns the symbol whose red, green and blue show these patterns."""
    values = np.where(PATTERNS[list(patterns)].astype(bool), HIGH, LOW).transpose(1, 2, 0)
    (a, b), (c, d) = ((tuple(map(int, colour)) for colour in row) for row in values)
    return Symbol(((_colour(a), _colour(b)), (_colour(c), _colour(d))))


def _colour(values: tuple[int, ...]) -> Colour:
    red, green, blue = values
    return red, green, blue
