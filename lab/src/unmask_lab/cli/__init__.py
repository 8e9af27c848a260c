"""Command line of the lab: each command is a dataclass, and its fields are the options."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Protocol

import tyro

from unmask.errors import UnmaskError
from unmask_lab.cli import making, measuring, training
from unmask_lab.data import DataError


class Command(Protocol):
    """Parsed command."""

    def run(self) -> None:
        """Runs it; prints what it found on stdout."""


COMMANDS: dict[str, Callable[..., Command]] = {
    "collect": making.Collect,
    "autoencoder": making.Autoencoder,
    "forge": making.Forge,
    "swap": making.Swap,
    "train": training.Train,
    "export": training.Export,
    "patches": training.Patches,
    "fit-lines": training.FitLines,
    "calibrate": training.Calibrate,
    "compare": training.Compare,
    "arena": training.Arena,
    "live-shape": training.LiveShape,
    "benchmark": measuring.Benchmark,
    "unseen": measuring.Unseen,
    "lines": measuring.Lines,
    "clips": measuring.Clips,
    "footage": measuring.Footage,
    "live": measuring.Live,
}


def main(args: Sequence[str] | None = None) -> None:
    """Runs a command, that of the process if ``args`` is None.

    Exits with 1 and one line on stderr if its data cannot be used, with 2 on wrong usage.
    """
    args = sys.argv[1:] if args is None else args
    try:
        _refuse_repeated(args)
        parse(args).run()
    except (DataError, UnmaskError) as error:
        print(f"unmask-lab: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def parse(args: Sequence[str]) -> Command:
    """Parses a command; exits with 2 on wrong usage."""
    command: Command = tyro.extras.subcommand_cli_from_dict(
        COMMANDS,
        prog="unmask-lab",
        description="Attack, train, calibrate and benchmark Unmask's detectors.",
        args=args,
        config=(tyro.conf.OmitArgPrefixes, tyro.conf.FlagCreatePairsOff),
    )
    return command


def _refuse_repeated(args: Sequence[str]) -> None:
    """Exits with 2 if an option is given twice, as the second would silently replace the first."""
    options = [arg.partition("=")[0] for arg in args if arg.startswith("--")]
    if twice := [option for option in options if options.count(option) > 1]:
        print(
            f"unmask-lab: {twice[0]} is given twice; give it once, with all its values after it",
            file=sys.stderr,
        )
        raise SystemExit(2)
