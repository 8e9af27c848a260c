"""Faces: found with CenterFace, aligned by their five points, measured, and tracked over time."""

from unmask.faces.alignment import (
    CLOSE_UP,
    CLOSE_UP_LEAST_PX,
    CLOSE_UP_PX,
    CROP_PX,
    EYE_PX,
    PROPORTIONS,
    STRIP_EYES,
    STRIP_PX,
    TEMPLATE,
    align,
    close_up,
    close_up_in_crop,
    eyes,
    outline,
    similarity,
)
from unmask.faces.detection import SEARCH_PX, find, find_near
from unmask.faces.quality import measure
from unmask.faces.tracking import SeenFrame, Watcher, colours, is_cut, link

__all__ = [
    "CLOSE_UP",
    "CLOSE_UP_LEAST_PX",
    "CLOSE_UP_PX",
    "CROP_PX",
    "EYE_PX",
    "PROPORTIONS",
    "SEARCH_PX",
    "STRIP_EYES",
    "STRIP_PX",
    "TEMPLATE",
    "SeenFrame",
    "Watcher",
    "align",
    "close_up",
    "close_up_in_crop",
    "colours",
    "eyes",
    "find",
    "find_near",
    "is_cut",
    "link",
    "measure",
    "outline",
    "similarity",
]
