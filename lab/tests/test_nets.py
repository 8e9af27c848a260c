from __future__ import annotations

import pytest
import torch
from unmask_lab.net import STRIDE
from unmask_lab.nets import NETS, SEE_CLOSE_UPS

from unmask.faces import CLOSE_UP_PX, CROP_PX


def side(name: str) -> int:
    """Returns the side of the faces that a network takes, px."""
    return CLOSE_UP_PX if name in SEE_CLOSE_UPS else CROP_PX


@pytest.mark.parametrize("name", NETS)
def test_faces_to_a_logit_each_and_a_map_or_none(name: str) -> None:
    net = NETS[name]().eval()
    with torch.inference_mode():
        logit, where = net(torch.randint(0, 256, (3, side(name), side(name), 3), dtype=torch.uint8))
    assert logit.shape == (3,)
    assert logit.isfinite().all()
    cells = side(name) // STRIDE
    assert where is None or where.shape == (3, cells, cells)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        # Afchar et al. 2018 give 27,977 and 28,615 at 256 px, where the first dense layer sees 8 x
        # 8 instead of 6 x 6 cells.
        ("meso4", 27_977 - 16 * 16 * (64 - 36)),
        ("mesoinception4", 28_615 - 16 * 16 * (64 - 36)),
        # Chollet 2017, table 3, gives 22,855,952 for 1000 classes.
        ("xception", 22_855_952 - 999 * 2049),
    ],
)
def test_a_rival_is_as_large_as_its_paper_says(name: str, parameters: int) -> None:
    assert sum(p.numel() for p in NETS[name]().parameters()) == parameters


@pytest.mark.parametrize("name", NETS)
def test_every_part_of_a_network_takes_part(name: str) -> None:
    net = NETS[name]().train()
    logit, _ = net(torch.randint(0, 256, (4, side(name), side(name), 3), dtype=torch.uint8))
    logit.sum().backward()
    assert all(
        p.grad is not None and p.grad.isfinite().all() for p in net.parameters() if p.requires_grad
    )
