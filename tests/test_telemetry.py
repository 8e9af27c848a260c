"""Nothing is reported: ONNX Runtime, which reports on its use unless told not to, does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

CODE = "from unmask import models; models.session('centerface')"


def test_onnx_runtime_keeps_no_number_of_this_machine_and_no_reports(tmp_path: Path) -> None:
    hidden = {"CI", "GITHUB_ACTIONS", "ORT_DISABLE_TELEMETRY"}  # with these it is silent anyway
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    subprocess.run([sys.executable, "-c", CODE], env=environment, check=True, timeout=300)
    assert list(tmp_path.rglob("*")) == []
