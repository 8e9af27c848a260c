from __future__ import annotations

from pathlib import Path

import faces_for_tests
import pytest
from unmask_lab.collect import collect
from unmask_lab.data import Row, read


@pytest.fixture(scope="session")
def collected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two collected files: twelve people to train on, six others."""
    folder = tmp_path_factory.mktemp("faces")
    for name, people in (("train", range(12)), ("dev", range(100, 106))):
        collect(faces_for_tests.write(folder / "raw" / f"{name}.parquet", people), folder / f"{name}.parquet")
    return folder / "train.parquet", folder / "dev.parquet"


@pytest.fixture(scope="session")
def rows(collected: tuple[Path, Path]) -> list[Row]:
    return read([collected[0]])
