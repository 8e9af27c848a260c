"""Training from an exported detector: it computes the same in training as when it is served."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from unmask_lab.data import DataError
from unmask_lab.net import Detector
from unmask_lab.unfold import unfold

from unmask.evidence.learned import Learned
from unmask.faces import CLOSE_UP_PX
from unmask.models import WEIGHTS


@pytest.fixture(scope="module")
def faces() -> torch.Tensor:
    torch.manual_seed(1)
    return torch.randint(0, 256, (24, CLOSE_UP_PX, CLOSE_UP_PX, 3), dtype=torch.uint8)


def test_it_computes_what_the_file_computes_in_evaluation_and_in_training(
    faces: torch.Tensor,
) -> None:
    net = Detector()
    unfold(net, WEIGHTS / "learned.onnx", faces)
    net.whether[0].p = 0.0
    served, _ = Learned().run(faces.numpy())
    with torch.inference_mode():
        assert torch.allclose(net.eval()(faces)[0], torch.from_numpy(served), atol=1e-3)
        # On the faces that the statistics were measured on, training normalises by the same ones.
        assert torch.allclose(net.train()(faces)[0], torch.from_numpy(served), atol=2e-2)


def test_a_file_of_another_network_is_refused(faces: torch.Tensor, tmp_path: Path) -> None:
    from unmask_lab.export import write

    other = write(
        torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 1)),
        {"x": torch.zeros(2, 4)},
        ["y"],
        tmp_path,
        "other",
    )
    with pytest.raises(DataError, match=r"other\.onnx: not an exported detector"):
        unfold(Detector(), other, faces)
