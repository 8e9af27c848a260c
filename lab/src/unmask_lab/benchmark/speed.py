"""CPU time that the network needs for one face."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import onnxruntime as ort

from unmask.faces import CLOSE_UP_PX


def cpu_ms(network: Path, runs: int = 30) -> float:
    """Measures CPU time of one face, ms, on one thread: the median of ``runs``, after a warm-up."""
    one = ort.SessionOptions()
    one.intra_op_num_threads = 1
    session = ort.InferenceSession(network, one)
    close_up = (
        np.random.default_rng(0).integers(0, 256, (1, CLOSE_UP_PX, CLOSE_UP_PX, 3)).astype(np.uint8)
    )
    spent = []
    for _ in range(runs + 5):
        before = time.process_time()
        session.run(None, {"rgb": close_up})
        spent.append((time.process_time() - before) * 1000)
    return float(np.median(spent[5:]))
