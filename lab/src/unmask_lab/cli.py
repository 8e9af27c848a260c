"""The lab's command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unmask.errors import UnmaskError
from unmask_lab.data import DataError

if TYPE_CHECKING:
    from unmask_lab.data import Row

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Attack, train, calibrate and benchmark Unmask's detectors.",
)

Data = Annotated[
    list[Path], typer.Option(help="Collected Parquet files; give the option once per file.")
]
Out = Annotated[Path, typer.Option(help="Folder for checkpoints, logs and plots.")]


@app.command()
def collect(
    sources: Annotated[
        list[Path],
        typer.Argument(help="Photos, videos, folders of them; or Parquet files of crops."),
    ],
    out: Annotated[Path, typer.Option(help="Folder, or FILE.parquet.")] = Path("lab/out/faces"),
    licence: Annotated[
        str, typer.Option(help="Under which photos and videos may be used; required for them.")
    ] = "",
    label: Annotated[int, typer.Option(min=0, max=1, help="0 bona fide, 1 changed.")] = 0,
    source: Annotated[
        str | None, typer.Option(help="Where they come from; the folder's name if not given.")
    ] = None,
    every: Annotated[float, typer.Option(help="Seconds between frames looked at.")] = 0.5,
    at_most: Annotated[int, typer.Option(help="Faces kept per file.")] = 2000,
    alike: Annotated[
        float, typer.Option(help="Correlation from which two faces count as one; 1 keeps all.")
    ] = 0.97,
    smallest: Annotated[float, typer.Option(help="Least width of a face, px.")] = 64.0,
    largest: Annotated[int, typer.Option(help="Side to which a larger crop is reduced, px.")] = 512,
) -> None:
    """Collect aligned faces from photos and videos, or add the five points to Parquet face crops.

    What photos and videos give is one data set, collected.parquet in the folder, so that a person
    is one identity over all of them. Run again, it goes on where it stopped.
    """
    from unmask_lab.collect import LookSettings, MediaDeclaration, collect_media, said
    from unmask_lab.collect import collect as add_points

    crops = [path for path in sources if path.suffix == ".parquet"]
    media = [path for path in sources if path not in crops]
    one_file = out.suffix == ".parquet"
    if media and not licence:
        raise typer.BadParameter("say under which licence these faces may be used: --licence TEXT")
    if one_file and len(crops) + bool(media) > 1:
        raise typer.BadParameter("these sources give several files; name a folder with --out")
    for path in crops:
        kept, left_out = add_points(path, out if one_file else out / path.name)
        print(f"{path.name}: {kept} faces kept, {len(left_out)} left out")
        for line in left_out:
            print(f"  {line}", file=sys.stderr)
    if media:
        target = out if one_file else out / "collected.parquet"
        settings = LookSettings(every, at_most, size_px=smallest, alike=alike, largest=largest)
        got = collect_media(media, target, MediaDeclaration(licence, label, source), settings)
        print(
            f"{target.name}: {got.faces} faces of {got.people} people from {got.files} files kept"
        )
        print(f"left out: {said(got.left_out, got.unreadable)}")


@app.command()
def autoencoder(
    data: Data,
    out: Annotated[
        Path, typer.Option(help="Folder for the network and a picture of what it does.")
    ],
    people: Annotated[
        str, typer.Option(help="Identities with a decoder each, comma-separated; none: groups.")
    ] = "",
    groups: Annotated[
        int, typer.Option(min=2, help="Groups of like looks that have a decoder each.")
    ] = 6,
    side: Annotated[int, typer.Option(help="Side of the faces, px; a multiple of 16.")] = 64,
    code: Annotated[int, typer.Option(help="Size of the bottleneck.")] = 256,
    linear: Annotated[
        bool, typer.Option("--linear", help="In closed form, from principal components.")
    ] = False,
    steps: Annotated[int, typer.Option(help="In all; each takes 8 faces of everyone.")] = 3000,
    keep: Annotated[
        list[int] | None, typer.Option(help="Steps after which a copy is kept.")
    ] = None,
) -> None:
    """Train the classic face swap, one decoder per person or group, or go on where it stopped."""
    from unmask_lab.autoencoder import Config, crowd, fit
    from unmask_lab.autoencoder import train as run
    from unmask_lab.data import BONA_FIDE, read

    rows = [row for row in read(data) if row.label == BONA_FIDE]
    named = {
        name: [row for row in rows if row.identity == name]
        for name in filter(None, people.split(","))
    }
    config, everyone = Config(side=side, code=code), named or crowd(rows, groups)
    if linear:
        fit(everyone, config, out)
    else:
        run(everyone, config, out, steps, keep or ())
    print(f"{out}: {', '.join(named) or f'{groups} groups'}; faces.png shows what it does")


@app.command()
def forge(
    data: Data,
    out: Annotated[Path, typer.Option(help="Parquet file to write.")],
    family: Annotated[
        list[str] | None, typer.Option(help="Forgery family; give the option once per family.")
    ] = None,
    pair: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of an autoencoder: each person it knows as the next one."),
    ] = None,
    source: Annotated[str, typer.Option(help="Name of the set.")] = "forged",
    seed: int = 1,
) -> None:
    """Write a data set of forgeries with their masks, and of the faces they were made from."""
    from unmask_lab.autoencoder import load
    from unmask_lab.data import BONA_FIDE, read
    from unmask_lab.forge import FAMILIES
    from unmask_lab.forged_set import of_family, of_pair, write

    if unknown := set(family or ()) - set(FAMILIES):
        raise typer.BadParameter(f"no family {min(unknown)!r}; there are {', '.join(FAMILIES)}")
    if not family and not pair:
        raise typer.BadParameter("say how to forge: --family or --pair")
    rows = [row for row in read(data) if row.label == BONA_FIDE]
    makers = [
        *(of_family(name, rows) for name in family or ()),
        *(of_pair(load(folder)) for folder in pair or ()),
    ]
    print(f"{out}: {write(rows, makers, source, out, seed)} forgeries")


@app.command()
def train(
    data: Data,
    dev: Data,
    out: Out = Path("lab/out/learned"),
    pairs: Annotated[
        int, typer.Option(help="Pairs of a bona fide face and its forgery to see in all.")
    ] = 50_000,
    seed: int = 1,
    every: Annotated[int, typer.Option(help="Steps between validations and checkpoints.")] = 400,
    workers: Annotated[int, typer.Option(help="Processes that make forgeries.")] = 2,
    start: Annotated[
        Path | None, typer.Option(help="Folder of a training whose weights to start from.")
    ] = None,
    given: Annotated[
        bool, typer.Option("--given", help="Learn from the data's own changed faces, too.")
    ] = False,
    batch: Annotated[int, typer.Option(min=1, help="Pairs a step; on a GPU, 64.")] = 16,
    rate: Annotated[
        float,
        typer.Option(help="Highest learning rate of the heads; 3e-3 goes with 64 pairs a step."),
    ] = 2e-3,
    trunk_rate: Annotated[
        float, typer.Option(help="Of the pretrained trunk; 1e-3 goes with 64 pairs a step.")
    ] = 6e-4,
    decay: Annotated[float, typer.Option(help="Weight decay.")] = 0.02,
    average: Annotated[
        float, typer.Option(help="Decay per step of the running average of the weights.")
    ] = 0.999,
    looks: Annotated[
        int, typer.Option(help="Faces per class, source and family that a validation looks at.")
    ] = 300,
    net: Annotated[
        str, typer.Option(help="Network: detector, tower (the strong look) or a rival.")
    ] = "detector",
    family: Annotated[
        list[str] | None,
        typer.Option(help="Forgery family to learn, all if none; twice counts twice."),
    ] = None,
) -> None:
    """Train a network, or go on where it stopped."""
    from unmask_lab.forge import FAMILIES
    from unmask_lab.train import Config
    from unmask_lab.train import train as run

    slower = 0.5 if start else 1.0  # Trained weights get half the learning rates.
    config = Config(
        tuple(map(str, data)),
        tuple(map(str, dev)),
        net=net,
        families=tuple(family or FAMILIES),
        decay=decay,
        average=average,
        looks=looks,
        start=str(start or ""),
        given=given,
        pairs=pairs,
        batch=batch,
        rate=rate * slower,
        trunk_rate=trunk_rate * slower,
        seed=seed,
    )
    run(config, out, every, workers)


@app.command()
def export(out: Out = Path("lab/out/learned")) -> None:
    """Hand a trained network to the runtime."""
    from unmask_lab.export import export as run

    print(run(out))


@app.command("fit-lines")
def fit_lines(
    data: Data,
    faces: Annotated[int, typer.Option(help="Portraits to forge; drawn at random.")] = 1500,
    seed: int = 1,
) -> None:
    """Fit the small models of texture and skin; calibrate afterwards."""
    import json

    from unmask_lab.data import read
    from unmask_lab.line_models import fit_lines as run

    print(json.dumps(run(read(data), faces, seed=seed), indent=2))


@app.command()
def calibrate(
    portraits: Data,
    others: Data,
    trained_on: Data,
    models: Annotated[
        Path | None,
        typer.Option(
            help="Folder of added models, to calibrate together; the calibration goes there."
        ),
    ] = None,
) -> None:
    """Fit likelihood ratios to the lines' scores, for every set of lines."""
    import json

    from unmask_lab.calibrate import calibrate as run

    print(json.dumps(run(*_never_seen(portraits, others, trained_on), folder=models), indent=2))


@app.command()
def benchmark(
    portraits: Data,
    others: Data,
    trained_on: Data,
    target: Annotated[Path, typer.Option()] = Path("docs/benchmark"),
    swapped: Annotated[
        list[Path] | None, typer.Option(help="Forged with networks that nobody trained on.")
    ] = None,
) -> None:
    """Measure the exported detector."""
    from unmask_lab.benchmark import benchmark as run
    from unmask_lab.data import read, refuse_leak

    more = read(swapped) if swapped else []
    refuse_leak(read(trained_on), more)
    run(*_never_seen(portraits, others, trained_on), target, swapped=more)
    print((target / "benchmark.md").read_text())


@app.command()
def unseen(
    stills: Annotated[
        list[Path] | None, typer.Option(help="Parquet file of photos; once per file.")
    ] = None,
    clips: Annotated[
        list[Path] | None, typer.Option(help="Folder of clips with labels.csv; once per folder.")
    ] = None,
    others: Annotated[
        list[Path] | None,
        typer.Option(help="Parquet file of photos, some of whose swaps failed; once per file."),
    ] = None,
    target: Annotated[Path, typer.Option(help="Folder of the page.")] = Path("docs/benchmark"),
    out: Annotated[Path, typer.Option(help="Folder for answers; run again, it goes on.")] = Path(
        "lab/out/unseen"
    ),
) -> None:
    """Measure the whole check on swaps never seen. What is not here is left out."""
    from unmask_lab.benchmark.unseen import unseen as run

    if run(stills or [], clips or [], others or [], target, out):
        print((target / "unseen.md").read_text())


@app.command()
def lines(
    portraits: Data,
    others: Data,
    trained_on: Data,
    target: Annotated[Path, typer.Option(help="Folder of the pages.")] = Path("docs/benchmark"),
    faces: Annotated[int | None, typer.Option(help="Of each set, drawn at random; all.")] = None,
) -> None:
    """Measure each line of evidence alone, and learned, named and fused lines side by side."""
    import numpy as np

    from unmask_lab.benchmark.lines import COMMAND
    from unmask_lab.benchmark.lines import lines as run
    from unmask_lab.benchmark.motion import motion

    fresh, foreign = _never_seen(portraits, others, trained_on)
    draw = np.random.default_rng(0)
    fresh, foreign = (
        [rows[i] for i in draw.permutation(len(rows))[:faces]] for rows in (fresh, foreign)
    )
    print(
        run(fresh, foreign, target, command=f"{COMMAND} FACES_DRAWN={faces}" if faces else COMMAND)
    )
    print(motion(fresh, target))


@app.command()
def compare(
    data: Data,
    dev: Data,
    others: Data,
    pairs: Annotated[int, typer.Option(help="Pairs that each network sees.")] = 4800,
    faces: Annotated[
        int, typer.Option(help="Portraits to measure on; twice as many of the others.")
    ] = 240,
    seed: int = 1,
    out: Annotated[Path, typer.Option(help="Folder with a folder per training.")] = Path(
        "lab/out/compare"
    ),
    target: Annotated[Path, typer.Option(help="Folder of the page.")] = Path("docs/benchmark"),
    workers: Annotated[int, typer.Option(help="Processes that make forgeries.")] = 2,
    finished: Annotated[
        list[str] | None, typer.Option(help="NAME=FOLDER of a training to measure, too.")
    ] = None,
) -> None:
    """Train and compare: one family left out, other networks. Goes on where it stopped."""
    from unmask_lab.compare import compare as run
    from unmask_lab.compare import plan
    from unmask_lab.data import read
    from unmask_lab.train import Config

    # The average of the weights spans 50 steps, as 4,800 pairs are only 300.
    reference = Config(tuple(map(str, data)), (), pairs=pairs, seed=seed, average=0.98)
    beside = {
        name: Path(folder) for name, _, folder in (one.partition("=") for one in finished or ())
    }
    run(
        plan(reference),
        read(dev),
        read(others),
        out,
        target,
        at_most=faces,
        workers=workers,
        finished=beside,
    )
    print((target / "compare.md").read_text())


@app.command()
def arena(
    data: Data,
    dev: Data,
    others: Data,
    rounds: Annotated[int, typer.Option(help="In all, with those fought before.")] = 6,
    start: Annotated[Path, typer.Option(help="Folder of the detector that enters.")] = Path(
        "lab/out/learned"
    ),
    pairs: Annotated[
        int, typer.Option(help="Pairs that the detector learns from in a round.")
    ] = 2000,
    faces: Annotated[int, typer.Option(help="Portraits each for attacker and league.")] = 120,
    seed: int = 1,
    out: Annotated[Path, typer.Option(help="Folder with a folder per round.")] = Path(
        "lab/out/arena"
    ),
    target: Annotated[Path, typer.Option(help="Folder of the page.")] = Path("docs"),
    workers: Annotated[int, typer.Option(help="Processes that make forgeries.")] = 2,
) -> None:
    """Let attacker and detector answer each other in rounds. Goes on where it stopped."""
    from dataclasses import replace

    from unmask_lab.arena import arena as run
    from unmask_lab.arena import ground
    from unmask_lab.train import Config

    portraits, foreign = _never_seen(dev, others, data)
    # A quarter of a fresh training's rates, and an average over 50 steps: a round is 125.
    gentle = Config(
        tuple(map(str, data)), (), "close_detector", rate=5e-4, trunk_rate=1.5e-4, average=0.98
    )
    config = replace(gentle, start=str(start), pairs=pairs, seed=seed)
    run(
        config,
        ground(portraits, foreign, config.families, faces),
        rounds,
        out,
        target,
        workers=workers,
    )
    print((target / "arena.md").read_text())


@app.command()
def clips(
    portraits: Data,
    trained_on: Data,
    target: Annotated[Path, typer.Option()] = Path("docs/benchmark"),
) -> None:
    """Check simulated clips, bona fide and changed for two seconds, the whole way."""
    from unmask_lab.clips import clips as run

    fresh, _ = _never_seen(portraits, portraits, trained_on)
    print(run(fresh, target))


@app.command()
def footage(
    portraits: Data,
    trained_on: Data,
    target: Annotated[Path, typer.Option(help="Folder of the page.")] = Path("docs/benchmark"),
    out: Annotated[Path, typer.Option(help="Folder for answers; run again, it goes on.")] = Path(
        "lab/out/footage"
    ),
    people: Annotated[int, typer.Option(min=2, help="Filmed.")] = 300,
    each: Annotated[
        int, typer.Option(min=1, max=6, help="Versions of each person's clip, in turn.")
    ] = 1,
) -> None:
    """Check versions of simulated clips, bona fide and changed.

    Versions are broken, joined, blended, interlaced and enlarged.
    """
    from unmask_lab.benchmark.footage import footage as run

    fresh, _ = _never_seen(portraits, portraits, trained_on)
    run(fresh, target, out, people, each)
    print((target / "footage.md").read_text())


@app.command()
def live(
    faces: Annotated[
        list[Path] | None, typer.Option(help="Collected Parquet files of bona fide faces.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder for recordings; run again, it goes on.")] = Path(
        "lab/out/live"
    ),
    target: Annotated[Path, typer.Option(help="Folder of live.md.")] = Path("docs/benchmark"),
    share: Annotated[
        float, typer.Option(min=0.0001, max=1.0, help="Of the sessions that the full run has.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(min=1)] = 1,
    workers: Annotated[int, typer.Option(min=0, help="Processes.")] = 2,
    time: Annotated[
        bool,
        typer.Option("--time", help="Only measure how long a verdict takes, on an idle machine."),
    ] = False,
) -> None:
    """Simulate live checks, honest and attacked, by light and by movement."""
    from unmask_lab.live.report import simulate
    from unmask_lab.live.report import timed as measure
    from unmask_lab.live.sessions import SessionCounts, plan

    if time:
        print(measure(faces or [], out, seed))
    else:
        dressed = "".join(f" --faces {path}" for path in faces or [])
        command = f"unmask-lab live{dressed} --share {share:g} --seed {seed}"
        print(
            simulate(
                plan(SessionCounts().scaled(share), seed),
                faces or [],
                out,
                target,
                workers,
                command,
            )
        )


@app.command("live-shape")
def live_shape(
    faces: Annotated[list[Path], typer.Option(help="Collected Parquet files of bona fide faces.")],
    out: Annotated[Path, typer.Option(help="Folder for recordings; run again, it goes on.")] = Path(
        "lab/out/live/taught"
    ),
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    without: Annotated[
        list[str] | None,
        typer.Option(
            help="Attacks to leave out one by one, to see what comes of them; writes nothing."
        ),
    ] = None,
) -> None:
    """Teach the live check's network on simulated sessions, or test it on an attack left out."""
    import json

    from unmask_lab.live import taught

    if unknown := set(without or ()) - set(taught.KINDS[1:]):
        raise typer.BadParameter(
            f"no attack that teaches is called {', '.join(sorted(unknown))}", param_hint="--without"
        )
    course = taught.Course()
    found = (
        taught.without(without, faces, out, course, workers)
        if without
        else taught.teach(faces, out, course, workers=workers)
    )
    print(json.dumps(found, indent=2))


@app.command()
def swap(
    footage: Annotated[Path, typer.Argument(help="Clip or photo whose main face is changed.")],
    out: Annotated[Path, typer.Option(help="MP4 for a clip, JPEG or PNG for a photo.")],
    licence: Annotated[
        Path, typer.Option(help="Licence by the owner of the portrait that is put in.")
    ],
    owners: Annotated[
        list[Path], typer.Option(help="The owner's public key, from the owner; may be repeated.")
    ],
    status_list: Annotated[
        list[Path], typer.Option(help="The owner's list of revocations; may be repeated.")
    ],
    licensee: Annotated[str, typer.Option(help="Who you are, as the licence names you.")],
    model: Annotated[
        Path | None, typer.Option(help="Trained autoencoder that knows the person.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Whose face is put in; needed with a model.")
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Forgery family that puts the donor's face in.")
    ] = None,
    donor: Annotated[Path | None, typer.Option(help="Photo of the face that is put in.")] = None,
    flicker: Annotated[
        bool, typer.Option("--flicker", help="Let the face jitter from frame to frame.")
    ] = False,
    certificates: Annotated[
        Path | None, typer.Option(help="Your chain, PEM, to sign content credentials with.")
    ] = None,
    certificate_key: Annotated[
        Path | None, typer.Option(help="Its private key, PEM, P-256.")
    ] = None,
    seed: int = 1,
) -> None:
    """Put another face into a clip or photo, under a licence.

    Everything written is labelled as changed.
    """
    from unmask.licences.manifest import Signing
    from unmask_lab.swap import Permission, flickering, of_model, of_photo
    from unmask_lab.swap import swap as run

    if model and to and not (family or donor):
        likeness = of_model(model, to, seed)
    elif family and donor and not model:
        likeness = of_photo(family, donor, to, seed)
    else:
        raise typer.BadParameter("give either --model and --to, or --family and --donor")
    permission = Permission(licence, tuple(owners), tuple(status_list), licensee)
    if (certificates is None) is not (certificate_key is None):
        raise typer.BadParameter("give both --certificates and --certificate-key, or neither")
    signing = (
        Signing(certificates.read_bytes(), certificate_key.read_bytes())
        if certificates and certificate_key
        else None
    )
    frames = run(
        footage,
        out,
        flickering(likeness, seed) if flicker else likeness,
        permission,
        signing=signing,
    )
    print(f"{out}: the face was put into {frames} frames, and all are labelled")


def _never_seen(
    portraits: list[Path], others: list[Path], trained_on: list[Path]
) -> tuple[list[Row], list[Row]]:
    """Reads the rows to measure on; refuses them if one of their people was trained on."""
    from unmask_lab.data import read, refuse_leak

    seen, fresh, foreign = read(trained_on), read(portraits), read(others)
    refuse_leak(seen, [*fresh, *foreign])
    return fresh, foreign


def main() -> None:
    """Runs the command line; unusable data gives a one-line error, not a traceback."""
    try:
        app()
    except (DataError, UnmaskError) as error:
        print(f"unmask-lab: {error}", file=sys.stderr)
        raise SystemExit(1) from None
