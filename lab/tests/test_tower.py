"""Network of the strong look: its checkpoints hold, and its export serves, the trained values."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from skimage.data import astronaut
from unmask_lab.export import _ServedTower
from unmask_lab.landmarks import face_mesh
from unmask_lab.tower import Tower

from unmask import faces, models
from unmask.errors import WeightsError


@pytest.fixture(scope="module")
def tower() -> Tower:
    torch.manual_seed(1)
    return Tower().eval()


def close_up() -> np.ndarray:
    rgb = astronaut()
    return faces.close_up(rgb, faces.find(rgb)[0].points)


def test_a_checkpoint_holds_the_trained_values_alone(tower: Tower) -> None:
    stored = io.BytesIO()
    torch.save(tower.state_dict(), stored)
    assert stored.tell() < 200_000
    trained = [name for name, value in tower.named_parameters() if value.requires_grad]
    assert all("norm" in name or "whether" in name for name in trained)
    assert len(trained) == 42


def test_what_is_served_is_what_was_trained(tower: Tower) -> None:
    """Checks that the frozen file with a tower's tuned values gives its logits.

    They differ only by the error of int8.
    """
    rgb = np.stack([close_up(), close_up()[:, ::-1]])
    with torch.no_grad():
        tower.whether.weight.normal_(0, 0.02)
        expected = tower(torch.from_numpy(rgb.copy()))[0].numpy()
    values = io.BytesIO()
    np.savez(values, **_ServedTower(tower).tuned())
    session = models.make_session(models.with_values(models.content("strong"), values.getvalue()))
    got = [session.run(["logit"], {"rgb": one[None]})[0][0] for one in rgb]
    assert got == pytest.approx(expected, abs=0.4)
    assert session.run(["logit"], {"rgb": np.repeat(rgb, 3, 0)})[0].shape == (6,)


def test_values_of_another_network_are_refused() -> None:
    values = io.BytesIO()
    np.savez(values, **{"net.blocks.0.attend_norm.weight": np.zeros(5, np.float32)})
    with pytest.raises(WeightsError, match="attend_norm"):
        models.with_values(models.content("strong"), values.getvalue())


def test_the_mesh_lies_on_the_face() -> None:
    rgb = astronaut()
    points = faces.find(rgb)[0].points
    mesh = face_mesh(rgb, points)
    assert mesh is not None
    assert mesh.shape == (468, 2)
    right, left = mesh[[33, 133]].mean(0), mesh[[263, 362]].mean(0)
    eyes_apart = np.hypot(*(points[1] - points[0]))
    assert np.hypot(*(right - points[0])) < 0.15 * eyes_apart
    assert np.hypot(*(left - points[1])) < 0.15 * eyes_apart


def test_where_there_is_no_face_there_is_no_mesh() -> None:
    points = np.float32([[40, 40], [80, 40], [60, 60], [45, 80], [75, 80]])
    assert face_mesh(np.full((128, 128, 3), 90, np.uint8), points) is None
