"""Skin line: colour and shading of the inner face against the skin around it, under the same light.

Skin reflects in two ways, a gloss with the colour of the light and a body colour of melanin and
blood (dichromatic reflection: Shafer 1985; skin: Angelopoulou 2001). So under one light the colours
of one person's skin lie near one line, along which only the brightness changes, and forehead,
cheeks and sides share it. A pasted face has its own line: most swappers match its mean colour, so
the remaining gap is small. Two things are measured:

- how far the skin of the forehead and of the sides lies off the line of the inner face, in spreads
  of the inner face itself; of each part the nearest three tenths count, because hair and cloth
  cover the rest (chin and neck, in the shade or bearded, added nothing);
- whether brightness falls off the other way, left to right, in the inner face than around it
  (Johnson and Farid 2005 compare the directions of light).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unmask import drawing
from unmask.drawing import DARK, LIGHT, Paper
from unmask.faces.regions import inner_skin, outer_skin, places, rho
from unmask.feature_models import WeighingLine
from unmask.measuring import Measurement, Unmeasured
from unmask.messages import Message
from unmask.types import Picture, Rgb, Sighting

SIDE = 48
"""Width of the crop in which colours are compared, px.

A pixel is then a patch of skin without its pores.
"""

NEAREST = 0.3
"""Part of a region that counts."""

DARKER = 30.0
"""Most that skin around may differ from the inner face, L*.

Further off it is hair, shadow or background.
"""

FARTHEST = 20.0
"""Spreads that count as far off: nothing that looks like skin was there."""

COLOURS = {"forehead": (214, 120, 20), "sides": (20, 110, 190)}
"""Colour of each region in the picture, rgb; each region has a message ``skin.NAME``."""

GREYS = {LIGHT: (90, 90, 90), DARK: (165, 165, 165)}
"""Colour of the inner face, for each paper that it is drawn on."""


class Skin(WeighingLine):
    """Compares colour and shading of the inner face with those of the skin around it.

    Args:
        least_px: face width, px, below which too few patches of skin are left.
        least_chroma: median chroma of the inner face, CIE Lab units, below which the picture has no
            colour to compare.
        darkest, brightest: L* of the inner face outside of which the camera recorded no colour of
        skin.
        yaw: how far the head may be turned aside, see `unmask.types.Quality`; beyond, one side is
            hidden.
        share: part of a track's sightings, the highest ones, whose mean is the track's score.
    """

    name = "skin"

    def __init__(
        self,
        least_px: float = 48.0,
        least_chroma: float = 4.0,
        darkest: float = 12.0,
        brightest: float = 96.0,
        yaw: float = 0.6,
        share: float = 0.1,
    ) -> None:
        super().__init__(share)
        self.least_px, self.least_chroma, self.yaw = least_px, least_chroma, yaw
        self.darkest, self.brightest = darkest, brightest

    def look(self, sighting: Sighting) -> Measurement[Mapping[str, float]] | Unmeasured:
        """Takes the measurements of `measure`, unless the face shows too little skin or colour."""
        if sighting.quality.size_px < self.least_px:
            return Unmeasured(Message("unmeasured.small", {"width": self.least_px}))
        if sighting.quality.yaw > self.yaw:
            return Unmeasured(Message("unmeasured.aside"))
        lab = patches(sighting.crop)
        lightness, a, b = np.median(lab[inner_skin(SIDE)], axis=0)
        if not self.darkest <= lightness <= self.brightest:
            return Unmeasured(Message("unmeasured.exposure"))
        if np.hypot(a, b) < self.least_chroma:
            return Unmeasured(Message("skin.no_colour"))
        if all(gap >= FARTHEST for gap in gaps(lab).values()):
            return Unmeasured(Message("skin.none_around"))
        return Measurement(sighting, measure(lab))

    def summary(self, reason: str | None, time: float | None) -> Message:
        """Tells whether the inner face matches the skin around it, and if not, what differs."""
        if reason is None:
            return Message("skin.alike")
        if reason == "shading reversed":
            return Message("skin.shading").at(time)
        return Message(
            "skin.colour", {"region": Message(f"skin.{reason.removesuffix(' off')}")}
        ).at(time)

    def picture(self, crop: Rgb, time: float | None) -> Picture:
        """Shows the face with the compared regions outlined, and the colours of their skin."""
        return Picture(
            Message("skin.picture").at(time), _shown(crop, LIGHT), dark=_shown(crop, DARK)
        )


def patches(crop: Rgb) -> NDArray[np.float32]:
    """Converts an aligned crop to CIE Lab in patches, float32 ``(SIDE, SIDE, 3)``.

    L* is 0 to 100, a* and b* about -100 to 100.
    """
    import cv2

    small = cv2.resize(crop, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB))


def measure(lab: NDArray[np.float32]) -> dict[str, float]:
    """Measures each region's gap, natural log of spreads, and the reversal of shading, L*.

    ``lab`` comes from `patches`.
    """
    off = {f"{name} off": float(np.log(1 + gap)) for name, gap in gaps(lab).items()}
    return {**off, "shading reversed": _reversal(lab[..., 0])}


def gaps(lab: NDArray[np.float32]) -> dict[str, float]:
    """Measures how far each region of `outer_skin` lies off the line of the inner face's colours.

    The unit is the spread of the inner face.
    """
    middle, slope, spread = _line(lab[inner_skin(SIDE)])
    return {
        name: _gap(lab[region], middle, slope, spread) for name, region in outer_skin(SIDE).items()
    }


def _line(
    skin: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Fits the line of colours of skin ``(n, 3)``.

    Returns median Lab ``(3,)``, the change of a* and b* with L*, ``(2,)``, and their spread off the
    line, ``(2,)``.
    """
    middle = np.median(skin, axis=0)
    brighter = skin[:, 0] - middle[0]
    usual = np.abs(brighter) < np.percentile(np.abs(brighter), 80)
    steps, ab = brighter[usual], skin[usual, 1:] - middle[1:]
    slope = steps @ ab / max(float(steps @ steps), 1.0)
    spread = np.median(np.abs(skin[:, 1:] - middle[1:] - brighter[:, None] * slope), axis=0) + 1
    return middle, slope, spread


def _gap(
    skin: NDArray[np.float32],
    middle: NDArray[np.float32],
    slope: NDArray[np.float32],
    spread: NDArray[np.float32],
) -> float:
    brighter = skin[:, 0] - middle[0]
    off = (skin[:, 1:] - middle[1:] - np.clip(brighter, -25, 25)[:, None] * slope) / spread
    distance = np.where(np.abs(brighter) < DARKER, np.hypot(off[:, 0], off[:, 1]), FARTHEST)
    return float(min(FARTHEST, np.sort(distance)[int(NEAREST * distance.size)]))


def _reversal(lightness: NDArray[np.float32]) -> float:
    """Measures by how much, L*, the inner face is lit from another side than the rest.

    It is 0 if both are lit from the same side.
    """
    x, _ = places(SIDE)
    inside, around = (
        _mean(lightness, (region & (x > 0.2))) - _mean(lightness, (region & (x < -0.2)))
        for region in (rho(SIDE) < 0.6, (rho(SIDE) >= 0.75) & (rho(SIDE) < 1.05))
    )
    return float(min(abs(inside), abs(around))) if inside * around < 0 else 0.0


def _mean(values: NDArray[np.float32], where: NDArray[np.bool_]) -> float:
    return float(values[where].mean())


def _shown(crop: Rgb, paper: Paper) -> Rgb:
    """Draws the face with the compared regions outlined, and the colours of their skin.

    In the plot a* runs across and b* upwards.
    """
    lab = patches(crop)
    regions = {"inner face": inner_skin(SIDE), **outer_skin(SIDE)}
    colours = {"inner face": GREYS[paper], **COLOURS}
    middle = np.median(lab[regions["inner face"]], axis=0)
    seen = {
        name: lab[region][np.abs(lab[region][:, 0] - middle[0]) < DARKER, 1:]
        for name, region in regions.items()
    }
    outlined = drawing.outlined(crop, [(regions[name], colours[name]) for name in regions])
    return drawing.side_by_side(
        outlined, drawing.scatter([(seen[name], colours[name]) for name in regions], paper=paper)
    )
