"""The pictures beside the document: every one that it names exists and looks as it should."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests import results
from unmask import faces
from unmask.messages import Message
from unmask.report import pictures
from unmask.report.document import document
from unmask.types import CheckResult, Picture


def compared() -> CheckResult:
    """Returns a clip whose original is known."""
    whole = results.changed_video()
    seen, before = results.portrait(1), results.portrait(2)
    lines = {
        "originals": results.line(
            pictures=(Picture(Message("originals.difference"), seen, before),)
        ),
        **results.lines(),
    }
    return replace(whole, people=(replace(whole.people[0], lines=lines),))


@pytest.mark.parametrize(
    "result", [*results.every_kind(), compared()], ids=lambda result: result.path
)
def test_all_pictures_of_the_document_are_there(result: CheckResult) -> None:
    bundle = pictures.pack(result)
    for person in document(result)["people"]:
        names = [pictures.thumbnail(person["id"])]
        for i, frame in enumerate(person["frames"]):
            names += [pictures.face(person["id"], i)] + [pictures.heat(person["id"], i)] * frame[
                "heatmap"
            ]
        for line, found in person["lines"].items():
            for i, picture in enumerate(found["pictures"]):
                names += [pictures.shown(person["id"], line, i)]
                names += [pictures.before(person["id"], line, i)] * picture["original"]
        for name in names:
            Image.open(io.BytesIO(pictures.unpack(bundle, name) or b"")).load()


def test_a_name_that_is_not_there_gives_nothing() -> None:
    assert pictures.unpack(pictures.pack(results.nobody()), "../../etc/passwd") is None


def test_heat_is_see_through_where_nothing_reacts() -> None:
    bundle = pictures.pack(results.changed_video())
    found = np.asarray(Image.open(io.BytesIO(pictures.unpack(bundle, pictures.heat(1, 0)) or b"")))
    assert found.shape == (192, 192, 4)
    assert found[134, 96, 3] > 150, "the warm spot lies at the mouth"
    assert found[5, 5, 3] < 20


def test_the_corners_frame_what_the_crop_shows() -> None:
    tilted = faces.TEMPLATE @ np.array([[0, 1], [-1, 0]], np.float32) + np.float32(300)
    corners = faces.outline(tilted)
    assert np.allclose(np.hypot(*(corners[1] - corners[0])), faces.CROP_PX, atol=0.1)
    assert np.allclose(
        faces.similarity(corners, np.array([[0, 0], [192, 0], [192, 192], [0, 192]]))
        @ [*tilted[2], 1],
        faces.TEMPLATE[2],
        atol=0.1,
    )
