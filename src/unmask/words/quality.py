"""Visibility of a face in words. The words describe; the verdict's own rules decide."""

from __future__ import annotations

from dataclasses import dataclass

from unmask.messages import Message
from unmask.types import Quality
from unmask.words.numbers import decimal, whole

SMALL_PX, COARSE_PX, BLURRED, ASIDE, BLOCKY, DOUBLE = 64.0, 48.0, 0.004, 0.75, 6.0, 0.131
"""Limits past which a face is not judged, as in `unmask.verdict.Rules`.

Face width and detail in px, sharpness, turn, blockiness and echo.
"""

SOFT = 0.02
"""Sharpness below which a face counts as blurred, see `Quality.sharpness`."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One measured limit of a judgement: name, value with unit, and a word.

    ``poor`` tells whether it hinders the judgement.
    """

    name: Message
    value: str
    word: Message
    poor: bool


def traits(quality: Quality) -> tuple[Trait, ...]:
    """Returns the limits of a face's judgement: width, sharpness, turn and blockiness."""
    width, sharp, turn, blocks = quality.size_px, quality.sharpness, quality.yaw, quality.blockiness
    detail, double = min(width, quality.detail_px), quality.echo > DOUBLE
    narrow = width < SMALL_PX or detail < COARSE_PX
    clear = Message("trait.double") if double else _sharpness(sharp)
    return (
        Trait(Message("trait.width"), f"{whole(width)} px", _width(width, detail), narrow),
        Trait(Message("trait.sharpness"), decimal(sharp, 3), clear, double or sharp < SOFT),
        Trait(Message("trait.aside"), decimal(turn, 2), _turn(turn), turn > ASIDE),
        Trait(Message("trait.blockiness"), decimal(blocks, 2), _blocks(blocks), blocks >= 1.5),
    )


def _width(px: float, detail_px: float) -> Message:
    if px < SMALL_PX:
        return Message("trait.too_small")
    if detail_px < COARSE_PX:
        return Message("trait.too_coarse")
    return Message("trait.small") if px < 2 * SMALL_PX else Message("trait.large_enough")


def _sharpness(sharpness: float) -> Message:
    if sharpness < BLURRED:
        return Message("trait.too_blurred")
    return Message("trait.blurred") if sharpness < SOFT else Message("trait.sharp_enough")


def _turn(yaw: float) -> Message:
    if yaw > ASIDE:
        return Message("trait.too_far_aside")
    return Message("trait.turned") if yaw > ASIDE / 3 else Message("trait.frontal")


def _blocks(blockiness: float) -> Message:
    if blockiness > BLOCKY:
        return Message("trait.too_blocky")
    if blockiness >= 1.5:
        return Message("trait.heavy_blocks")
    return Message("trait.faint_blocks") if blockiness >= 1.15 else Message("trait.no_blocks")
