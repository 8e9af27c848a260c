from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import faces_for_tests
import pytest
import torch
from unmask_lab.autoencoder import crowd, train
from unmask_lab.collect import collect
from unmask_lab.config import AutoencoderConfig
from unmask_lab.data import Row, read


def pytest_configure() -> None:
    """Leaves each worker one thread, as its neighbours use the other cores."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Writes two collected files: twelve people to train on, six others."""
    folder = tmp_path_factory.mktemp("faces")
    for name, people in (("train", range(12)), ("dev", range(100, 106))):
        collect(
            faces_for_tests.write(folder / "raw" / f"{name}.parquet", people),
            folder / f"{name}.parquet",
        )
    return folder / "train.parquet", folder / "dev.parquet"


@pytest.fixture(scope="session", autouse=True)
def autoencoders(
    collected: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """Makes the network with which the family `autoencoder` forges: a small one after three steps.

    Its faces are a blur.
    """
    folder = tmp_path_factory.mktemp("autoencoders")
    rows = read([collected[0]])
    train(
        crowd(rows, 2),
        AutoencoderConfig(side=32, width=8, code=16, batch=4),
        folder / "small",
        steps=3,
    )
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("UNMASK_LAB_AUTOENCODERS", str(folder))
        yield folder


@pytest.fixture(scope="session")
def rows(collected: tuple[Path, Path]) -> list[Row]:
    return read([collected[0]])
