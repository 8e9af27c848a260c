"""The lab's command line."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.errors import UnmaskError
from unmask_lab.data import DataError

if TYPE_CHECKING:
    from unmask_lab.data import Row

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Attack, train, calibrate and benchmark Unmask's detectors."
)

Data = Annotated[list[Path], typer.Option(help="Collected Parquet files; give the option once per file.")]
Out = Annotated[Path, typer.Option(help="Folder for checkpoints, logs and plots.")]


@app.command()
def collect(sources: list[Path], out: Out = Path("lab/out/faces")) -> None:
    """Find the five points of every face in Parquet files of face crops."""
    from unmask_lab.collect import collect as run

    for source in sources:
        kept, left_out = run(source, out / source.name)
        print(f"{source.name}: {kept} faces kept, {len(left_out)} left out")
        for line in left_out:
            print(f"  {line}", file=sys.stderr)


@app.command()
def train(
    data: Data,
    dev: Data,
    out: Out = Path("lab/out/learned"),
    pairs: Annotated[int, typer.Option(help="Pairs of a bona fide face and its forgery to see in all.")] = 50_000,
    seed: int = 1,
    every: Annotated[int, typer.Option(help="Steps between validations and checkpoints.")] = 400,
    workers: Annotated[int, typer.Option(help="Processes that make forgeries.")] = 2,
) -> None:
    """Train the detector, or go on where it stopped."""
    from unmask_lab.train import Config
    from unmask_lab.train import train as run

    config = Config(train=tuple(map(str, data)), dev=tuple(map(str, dev)), pairs=pairs, seed=seed)
    run(config, out, every, workers)


@app.command()
def export(out: Out = Path("lab/out/learned")) -> None:
    """Hand the trained detector to the runtime as ONNX."""
    from unmask_lab.export import export as run

    print(run(out))


@app.command()
def calibrate(portraits: Data, others: Data, trained_on: Data) -> None:
    """Fit likelihood ratios to the exported detector's scores."""
    import json

    from unmask_lab.calibrate import calibrate as run

    print(json.dumps(run(*_never_seen(portraits, others, trained_on)), indent=2))


@app.command()
def benchmark(
    portraits: Data,
    others: Data,
    trained_on: Data,
    target: Annotated[Path, typer.Option()] = Path("docs/benchmark"),
) -> None:
    """Measure the exported detector."""
    from unmask_lab.benchmark import benchmark as run

    run(*_never_seen(portraits, others, trained_on), target)
    print((target / "benchmark.md").read_text())


@app.command()
def clips(portraits: Data, trained_on: Data, target: Annotated[Path, typer.Option()] = Path("docs/benchmark")) -> None:
    """Check simulated clips, bona fide and changed for two seconds, the whole way."""
    from unmask_lab.clips import clips as run

    fresh, _ = _never_seen(portraits, portraits, trained_on)
    print(run(fresh, target))


licence_app = typer.Typer(no_args_is_help=True, help="Make a key, grant a licence for a portrait, check one.")
app.add_typer(licence_app, name="licence")


@licence_app.command("key")
def licence_key(
    key: Annotated[Path, typer.Argument(help="File for the private key; the public one is KEY.pub.")],
) -> None:
    """Make the pair of keys that a portrait's owner signs with."""
    from unmask_lab.licence import make_key

    print(f"private: {key} (keep it to yourself)\npublic: {make_key(key)}")


@licence_app.command("grant")
def licence_grant(
    subject: Annotated[str, typer.Option(help="Whose face.")],
    licensee: Annotated[str, typer.Option(help="Who may use it.")],
    until: Annotated[datetime, typer.Option(help="Last day, UTC.", formats=["%Y-%m-%d"])],
    key: Annotated[Path, typer.Option(help="The owner's private key.")],
    out: Annotated[Path, typer.Option(help="File to write.")],
    portrait: Annotated[list[Path] | None, typer.Option(help="Reference portrait, or a folder of them.")] = None,
    purpose: Annotated[str, typer.Option(help="For what.")] = "testing detectors of changed faces",
    where: Annotated[str, typer.Option(help="Where the result may be shown.")] = "not published",
    issuer: Annotated[str | None, typer.Option(help="Who signs, if not the person.")] = None,
    not_before: Annotated[datetime | None, typer.Option(help="First day, UTC; now.", formats=["%Y-%m-%d"])] = None,
) -> None:
    """Sign that a face may be put into other footage."""
    from unmask_lab.licence import Licence, grant, sha256s

    begin = not_before.replace(tzinfo=UTC) if not_before else datetime.now(UTC)
    end = until.replace(tzinfo=UTC, hour=23, minute=59, second=59)
    portraits = sha256s(portrait or [])
    grant(Licence(subject, portraits, licensee, purpose, where, issuer or subject, begin, end), key, out)
    print(out)


@licence_app.command("check")
def licence_check(
    licence: Path,
    public_key: Annotated[Path, typer.Option(help="The owner's public key, from the owner.")],
    licensee: Annotated[str | None, typer.Option(help="Who wants to use the face.")] = None,
    subject: Annotated[str | None, typer.Option(help="Whose face is wanted.")] = None,
) -> None:
    """Tell whether a licence is genuine, in force and for whom."""
    from unmask_lab.licence import check

    found = check(licence, public_key, licensee=licensee, subject=subject)
    when = f"from {found.valid_from:%Y-%m-%d %H:%M} to {found.valid_until:%Y-%m-%d %H:%M} UTC"
    print(f"valid: {found.subject}'s face, for {found.licensee}, for {found.purpose}; {found.where}; {when}")


def _never_seen(portraits: list[Path], others: list[Path], trained_on: list[Path]) -> tuple[list[Row], list[Row]]:
    """The rows to measure on, refused if a person of theirs was trained on."""
    from unmask_lab.data import read, refuse_leak

    seen, fresh, foreign = read(trained_on), read(portraits), read(others)
    refuse_leak(seen, [*fresh, *foreign])
    return fresh, foreign


def main() -> None:
    """Runs the command line; a data set that cannot be used is one line, not a traceback."""
    try:
        app()
    except (DataError, UnmaskError) as error:
        print(f"unmask-lab: {error}", file=sys.stderr)
        raise SystemExit(1) from None
