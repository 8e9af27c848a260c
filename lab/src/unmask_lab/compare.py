"""Compares trainings of one small budget: each family left out, and rival networks.

Trainings with larger budgets can stand beside them. Leaving one family out tests "forgeries it
never saw": the same network, trained with all other families, is measured on the one it does not
know.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from unmask.faces import CROP_PX
from unmask_lab import records
from unmask_lab.data import Row, read, refuse_leak
from unmask_lab.held_out import RESEARCH, HeldOut, hold_out
from unmask_lab.nets import NETS, SEE_CLOSE_UPS
from unmask_lab.tables import interval, table
from unmask_lab.train import Config, load, train

COMMAND = "make lab-compare"
WAYS = ("as it is", "JPEG 30", "H.264 CRF 40", "half size")
REFERENCE = "all families"
MEAN = "mean"
BLURRIER = "“blurrier is changed”"


def plan(reference: Config) -> dict[str, Config]:
    """Plans the trainings to compare, by name.

    They differ from the reference only in what their name says.

    Args:
        reference: learns two families or more with the detector.
    """
    runs = {REFERENCE: reference}
    for family in reference.families:
        runs[f"without {family}"] = replace(
            reference, families=tuple(f for f in reference.families if f != family)
        )
    for net in (name for name in NETS if name not in SEE_CLOSE_UPS):
        if net != reference.net:
            runs[net] = replace(reference, net=net, rate=1e-3)
    return runs


def compare(
    runs: dict[str, Config],
    portraits: Sequence[Row],
    others: Sequence[Row],
    out: Path,
    target: Path,
    at_most: int = 240,
    every: int = 125,
    workers: int = 2,
    finished: Mapping[str, Path] | None = None,
) -> dict[str, Any]:
    """Trains every run of a `plan` and measures all on the same faces.

    Writes ``compare.md``, ``.json`` and ``.png``.

    Args:
        runs: by name; each is trained in a folder of its own under ``out``, and kept there. They
            need no set to validate on.
        portraits: bona fide faces of people that no run was trained on, to forge.
        others: rows with labels of their own, of people that no run was trained on.
        target: folder of the page.
        at_most: portraits to forge; twice as many of the others are measured.
        every: steps between checkpoints.
        workers: processes that make forgeries to train on.
        finished: folders of finished trainings to measure beside the runs, by name.

    Raises:
        DataError: a data set is unusable, a split leaks, or a folder holds a training of another
            config.
    """
    families = runs[REFERENCE].families
    held_out = [*portraits, *others]
    longer = _finished(finished or {}, held_out)
    nets = _trained(runs, held_out, out, every, workers)
    faces = hold_out(portraits, others, families, WAYS, at_most)
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": COMMAND,
        "pairs": runs[REFERENCE].pairs,
        "seed": runs[REFERENCE].seed,
        "families": list(families),
        "cpu_ms": {
            name: round(cpu_ms(NETS[name]()), 2)
            for name in {config.net for config in runs.values()}
        },
        "faces": {name: faces.counts((name, WAYS[0])) for name in (*families, RESEARCH)},
        "finished": list(longer),
        "runs": _measured(faces, families, runs, nets, longer),
    }
    target.mkdir(parents=True, exist_ok=True)
    (target / "compare.json").write_text(records.dumps(result) + "\n")
    (target / "compare.md").write_text(page(result))
    _plot(result, target / "compare.png")
    return result


def _trained(
    runs: dict[str, Config], held_out: Sequence[Row], out: Path, every: int, workers: int
) -> dict[str, nn.Module]:
    """Trains every run; refuses one that learns from a person to measure on."""
    nets = {}
    for i, (name, config) in enumerate(runs.items(), start=1):
        refuse_leak(read(map(Path, config.train)), held_out)
        print(f"training {i} of {len(runs)}: {name}", file=sys.stderr, flush=True)
        nets[name] = train(config, out / name.replace(" ", "-"), every, workers).cpu()
    return nets


def _measured(
    faces: HeldOut,
    families: Sequence[str],
    runs: dict[str, Config],
    nets: dict[str, nn.Module],
    longer: dict[str, tuple[nn.Module, Config]],
) -> dict[str, Any]:
    """Computes the figures of every network, and of blur alone, on the same faces."""
    measured: dict[str, Any] = {BLURRIER: {"figures": _figures(faces, faces.blur, families)}}
    for name, net in nets.items():
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        measured[name] = {
            **_about(net, runs[name]),
            "figures": _figures(faces, faces.score(net, close=False), families),
        }
    for name, (net, config) in longer.items():
        measured[name] = {
            **_about(net, config),
            "figures": _figures(faces, faces.score(net, config.net in SEE_CLOSE_UPS), families),
        }
    return measured


def _finished(
    folders: Mapping[str, Path], held_out: Sequence[Row]
) -> dict[str, tuple[nn.Module, Config]]:
    """Loads trained networks; refuses them if they were trained on a person to measure on."""
    found = {}
    for name, folder in folders.items():
        net, saved = load(folder)
        config = Config(**saved["config"])
        refuse_leak(read(map(Path, config.train)), held_out)
        found[name] = (net, config)
    return found


def _about(net: nn.Module, config: Config) -> dict[str, Any]:
    return {
        "net": config.net,
        "families": list(config.families),
        "trained_on": [Path(path).name for path in config.train],
        "given": config.given,
        "pairs": config.pairs,
        "parameters": sum(p.numel() for p in net.parameters()),
    }


class _Whether(nn.Module):
    """Network without its map."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, rgb: Tensor) -> Tensor:
        logit: Tensor = self.net(rgb)[0]
        return logit


def cpu_ms(net: nn.Module, faces: int = 16, rounds: int = 5) -> float:
    """Measures CPU time per face, ms, of one thread of ONNX Runtime on ``faces`` crops at once.

    Returns the least of some rounds.
    """
    crops = torch.randint(0, 256, (faces, CROP_PX, CROP_PX, 3), dtype=torch.uint8)
    with TemporaryDirectory() as folder:
        path, served = Path(folder) / "net.onnx", _Whether(net).cpu().eval()
        torch.onnx.export(
            served,
            (crops,),
            path,
            input_names=["rgb"],
            dynamo=True,
            external_data=False,
            verbose=False,
        )
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        session = ort.InferenceSession(path, options)
    session.run(None, {"rgb": crops.numpy()})
    took = []
    for _ in range(rounds):
        began = time.thread_time()
        session.run(None, {"rgb": crops.numpy()})
        took.append(time.thread_time() - began)
    return 1000 * min(took) / faces


def _figures(
    faces: HeldOut, values: NDArray[np.floating], families: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Computes the figures by way and by set, see `HeldOut.figures`."""
    sets = {**{family: [family] for family in families}, MEAN: families, RESEARCH: [RESEARCH]}
    return {
        way: {name: faces.figures(values, [(one, way) for one in of]) for name, of in sets.items()}
        for way in WAYS
    }


def page(result: dict[str, Any]) -> str:
    """Renders the result of `compare` as Markdown."""
    ours, theirs = result["faces"][result["families"][0]], result["faces"][RESEARCH]
    return f"""# Trainings compared

`{result["command"]}`, {result["date"]}: {result["pairs"]:,} \
pairs each, seed {result["seed"]}. So small a budget shows what
makes a difference, not how good the shipped weights are; that is in the [benchmark](benchmark.md).

AUC with its 95 % interval over people, none of whom \
any run was trained on: {ours["bona_fide"]} portraits of
{ours["people"]} people, forged once by every family \
with the code and networks of the training, and, of
{theirs["people"]} people of the research set, whose swaps \
were made in other ways, {theirs["bona_fide"]} bona fide and
{theirs["changed"]} changed faces.
Each run was trained once: the intervals cover the choice of people, not the chance of another seed.

![AUC on each family, trained with it and without it](compare.png)
{_longer(result)}
## One family left out

{_left_out(result)}

## Networks

All learned from the same pairs of all families. The detector \
starts from ImageNet weights; the rivals, written anew, start
from nothing, and one of 20 million parameters wants many \
more faces than these. CPU time is that of one thread in ONNX
Runtime, 16 faces at a time, on the machine of this run.

{_networks(result)}

## Every run on every set

{_every(result)}
"""


def _longer(result: dict[str, Any]) -> str:
    if not result["finished"]:
        return ""
    rows = []
    for name in result["finished"]:
        run = result["runs"][name]
        pairs = f"{run['pairs']:,}"
        rows.append([name, pairs, *(_cell(run, MEAN, way) for way in WAYS), _cell(run, RESEARCH)])
    head = ["weights", "pairs", *(f"families, {way}" for way in WAYS), "research set"]
    text = f"\n## Trained longer\n\n{table(head, rows)}\n"
    if given := ", ".join(name for name in result["finished"] if result["runs"][name]["given"]):
        text += (
            "\nAlso learned from the research set's own bona fide and changed faces, "
            f"of other people: {given}. "
        )
        text += "**Research only**: not to be shipped.\n"
    return text


def _left_out(result: dict[str, Any]) -> str:
    runs, rows = result["runs"], []
    for family in result["families"]:
        without = runs[f"without {family}"]
        rows.append(
            [
                family,
                _cell(runs[REFERENCE], family),
                _cell(without, family),
                _cell(without, RESEARCH),
            ]
        )
    rows.append(["none", "", "", _cell(runs[REFERENCE], RESEARCH)])
    return table(
        ["left out", "on it, trained with it", "on it, trained without it", "on the research set"],
        rows,
    )


def _networks(result: dict[str, Any]) -> str:
    runs, rows = result["runs"], []
    for name in (REFERENCE, *(name for name in NETS if name in runs)):
        run = runs[name]
        size = [f"{run['parameters']:,}", f"{result['cpu_ms'][run['net']]:.1f}"]
        rows.append([run["net"], *size, _cell(run, MEAN), _cell(run, RESEARCH)])
    rows.append([BLURRIER, "", "", _cell(runs[BLURRIER], MEAN), _cell(runs[BLURRIER], RESEARCH)])
    return table(
        ["network", "parameters", "CPU-ms per face", "mean of the families", "research set"], rows
    )


def _every(result: dict[str, Any]) -> str:
    sets, parts = [*result["families"], MEAN, RESEARCH], []
    for way in WAYS:
        rows = [
            [name, *(_cell(run, of, way) for of in sets)] for name, run in result["runs"].items()
        ]
        parts.append(f"### {way[0].upper()}{way[1:]}\n\n{table(['run', *sets], rows)}")
    return "\n\n".join(parts)


def _cell(run: dict[str, Any], name: str, way: str = WAYS[0]) -> str:
    return interval(*run["figures"][way][name]["auc"])


def _plot(result: dict[str, Any], path: Path) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    runs, families = result["runs"], result["families"]
    series = {
        "trained with it": [runs[REFERENCE]] * len(families),
        "trained without it": [runs[f"without {family}"] for family in families],
    }
    figure, axes = plt.subplots(figsize=(1.4 * len(families) + 2, 4))
    for k, (title, trained) in enumerate(series.items()):
        of = np.array(
            [
                run["figures"][WAYS[0]][name]["auc"]
                for run, name in zip(trained, families, strict=True)
            ]
        )
        value, low, high = of.T
        place = np.arange(len(families)) + 0.2 * k - 0.1
        axes.errorbar(
            place,
            value,
            np.maximum(0, [value - low, high - value]),
            fmt="os"[k],
            capsize=3,
            label=title,
        )
    axes.axhline(0.5, color="0.7", lw=1, ls=":")
    axes.set_xticks(range(len(families)), families)
    axes.set(ylabel="AUC on people never seen, 95 %")
    axes.legend()
    figure.savefig(path, dpi=110, bbox_inches="tight")
    plt.close(figure)
