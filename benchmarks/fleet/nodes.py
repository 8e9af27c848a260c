"""A Ray cluster of two nodes on this machine, one of them killed half way, against a local scan."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.fleet import commands
from benchmarks.fleet.clips import write_clips
from unmask.fleet import query
from unmask.fleet.ledger import ScanCounts
from unmask.fleet.scan import scan

TIMES = "part, day, seconds, checked, seen"
"""Columns that say when and how fast something was done."""

COMPARED = ("files", "results", "people", "findings", "sketches", "groups")


def nodes(folder: Path, clips: int) -> None:
    """Scans with both, and compares every column of every table but those of `TIMES`.

    Args:
        folder: clips and scans are kept here.
        clips: number of clips.
    """
    source = write_clips(folder / "clips", clips)
    here, there = folder / "here", folder / "cluster"
    scan(str(source), here, workers=2)
    with two_nodes() as cluster:
        killer, begun = _KillsHalfWay(cluster), time.monotonic()
        scan(str(source), there, tell=killer, ray=cluster.address, workers=2)
    taken = time.monotonic() - begun
    print(f"n = {clips} clips, {taken:.0f} s on the cluster, {commands.load()}")
    print(f"a node was killed after {killer.at} files")
    for table in COMPARED:
        mine, theirs = _sorted(here, table), _sorted(there, table)
        same = "identical" if mine == theirs else "DIFFERENT"
        print(f"{table}: {len(mine)} rows here, {len(theirs)} from the cluster, {same}")
        assert mine == theirs


@contextmanager
def two_nodes() -> Iterator[Any]:
    """Runs a Ray cluster of two nodes, one core each, until the context ends.

    Ray's files are in a folder whose name is short, because it holds sockets, whose paths are
    limited.
    """
    with tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True) as folder:
        os.environ |= {"RAY_TMPDIR": folder, "RAY_AUTH_MODE": "disabled"}
        os.environ |= {"RAY_USAGE_STATS_ENABLED": "0"}
        from ray.cluster_utils import Cluster

        cluster: Any = Cluster(initialize_head=True, head_node_args={"include_dashboard": False})
        try:
            cluster.add_node(node_ip_address="127.0.0.2")  # so that no driver takes it for its own
            yield cluster
        finally:
            cluster.shutdown()


class _KillsHalfWay:
    """Receives the progress of a scan; kills the node without the driver half way.

    Attributes:
        at: files that were done then; 0 before.
    """

    def __init__(self, cluster: Any) -> None:
        self._cluster, self.at = cluster, 0

    def __call__(self, counts: ScanCounts) -> None:
        if not self.at and counts.passed >= counts.listed // 2 > 0:
            self.at = counts.passed
            (node,) = self._cluster.worker_nodes
            self._cluster.remove_node(node, allow_graceful=False)


def _sorted(out: Path, table: str) -> list[str]:
    with query.open_results(out) as tables:
        columns = [row["column_name"] for row in tables.rows(f"DESCRIBE {table}")]
        kept = ", ".join(f'"{name}"' for name in columns if name not in TIMES.split(", "))
        return sorted(map(repr, tables.rows(f"SELECT {kept} FROM {table}")))  # noqa: S608 - our own
