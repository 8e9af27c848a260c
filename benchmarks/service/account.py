"""Account of the uploads that were accepted: each judged exactly once, and so in the audit log."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter

from tests.service.tree import Tree


def account_for(service: Tree, accepted: list[str]) -> None:
    """Waits until every check has ended, and prints how many did and how often.

    Also prints whether the audit log agrees.
    """
    began = time.monotonic()
    with service.client() as client:
        states = Counter(client.wait(check, every=2.0).state for check in accepted)
        there = {check.id for check in client.checks()}
        results = sum(bool(client.result(check)) for check in accepted)
    print(
        f"\nall judged {time.monotonic() - began:.0f} s later: {dict(states)}; results: {results}"
    )
    logged: Counter[tuple[str, str]] = Counter()
    for line in _audit(service, "export").splitlines():
        entry = json.loads(line)["entry"]
        logged[entry["subject"], entry["action"].replace("check.failed", "check.done")] += 1
    lost = [check for check in accepted if not logged[check, "check.done"]]
    twice = [
        check
        for check in there
        if logged[check, "check.done"] > 1 or logged[check, "check.created"] > 1
    ]
    n = len(set(accepted))
    print(
        f"accepted {n}, of them lost {len(lost)}, judged twice {len(twice)} "
        f"(95 %: under {3 / n:.2%} of uploads each, if none)"
    )
    print(f"checks there that nobody was told of: {len(there - set(accepted))}")
    print(f"audit log: {_audit(service, 'verify').strip()}")


def _audit(service: Tree, command: str) -> str:
    """Returns the output of ``unmask audit``; raises `CalledProcessError` if it fails."""
    program = [
        sys.executable,
        "-c",
        "from unmask.cli import main; main()",
        "audit",
        command,
        "--data",
        str(service.data),
    ]
    return subprocess.run(
        program, env=service.environment, capture_output=True, text=True, check=True
    ).stdout
