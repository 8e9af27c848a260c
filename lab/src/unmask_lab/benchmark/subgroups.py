"""Subgroups for the figures: tone of the cheeks, size of the face, sharpness of the picture.

No data set states the skin tone of its people. The individual typology angle (Chardon, Cretois and
Hourseau 1991) of the cheeks as the picture shows them is used instead. It mixes the skin with the
light and the camera: a pale face in dim light counts as dark. So a group is one of pictures, not of
people, and equal figures over the groups do not show that a detector is free of bias.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from unmask.faces import TEMPLATE
from unmask.types import Rgb

CHEEK = 0.14
"""Half the side of a cheek's square, in eye distances."""

BANDS: Mapping[str, tuple[str, Mapping[str, tuple[float, float]]]] = {
    "tone of the cheeks under the picture’s own light": (
        "typology",
        {"light": (41, 91), "medium": (10, 41), "dark": (-91, 10)},
    ),
    "face width": (
        "size_px",
        {"under 128 px": (0, 128), "128 to 192 px": (128, 192), "192 px or more": (192, np.inf)},
    ),
    "sharpness": (
        "sharpness",
        {"under 0.02": (0, 0.02), "0.02 to 0.1": (0.02, 0.1), "0.1 or more": (0.1, np.inf)},
    ),
}
"""Field of `measured.Faces` by title, and per group its lower (inclusive) and upper bound.

The tone merges the six usual classes of the angle, degrees, in pairs: very light and light,
intermediate and tan, brown and dark.
"""


def typology_angle(crop: Rgb, least_b: float = 3.0) -> float:
    """Computes the individual typology angle, ``arctan((L* - 50) / b*)``, degrees from -90 to 90.

    It is that of the median of both cheeks.

    Args:
        crop: a bona fide face, aligned, uint8 ``(CROP_PX, CROP_PX, 3)``.
        least_b: b* of the cheeks below which the angle is nan: the picture is grey, or its light is
            blue.
    """
    lab = cv2.cvtColor(crop.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    cheeks = np.concatenate([lab[y0:y1, x0:x1].reshape(-1, 3) for x0, y0, x1, y1 in _cheeks()])
    lightness, _, b = np.median(cheeks, axis=0)
    return float(np.degrees(np.arctan((lightness - 50) / b))) if b >= least_b else float("nan")


def _cheeks() -> NDArray[np.intp]:
    """Returns a box below each eye, half way to the mouth's corner.

    Boxes are ``(2, 4)``, px of the aligned crop.
    """
    middle = (TEMPLATE[:2] + TEMPLATE[3:]) / 2
    reach = CHEEK * float(TEMPLATE[1, 0] - TEMPLATE[0, 0])
    return np.round(np.hstack([middle - reach, middle + reach])).astype(np.intp)
