"""The command line: options are the fields of the dataclasses, and wrong usage is told."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from unmask_lab.cli import COMMANDS, main, parse
from unmask_lab.cli.making import Autoencoder, Collect
from unmask_lab.cli.training import Train
from unmask_lab.collect import LookSettings, MediaDeclaration
from unmask_lab.config import AutoencoderConfig, Config


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit, match="0"):
        main([*command, "--help"])
    return capsys.readouterr().out


def test_help_needs_no_pytorch() -> None:
    script = (
        "import sys\n"
        "from contextlib import suppress\n"
        "from unmask_lab.cli import main\n"
        "for command in ([], ['train'], ['autoencoder']):\n"
        "    with suppress(SystemExit): main([*command, '--help'])\n"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.count("usage: unmask-lab") == 3
    assert done.stdout.endswith("False\n")


def test_all_commands_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    listed = help_of(capsys)
    assert all(f"• {name}" in listed for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_is(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Between two options stands more than their default."""
    text = re.sub(r"[│\s]+", " ", help_of(capsys, command))
    _usage, _, text = text.partition("show this help message and exit")
    options = re.split(r" (?=--[a-z])", text)[1:]
    assert options
    for option in options:
        said = re.sub(r"^--[a-z-]+ ([A-Z\[\].{}|]|None|\s)*|\((default|required)\b.*", "", option)
        assert len(said) > 8, option


def test_the_options_of_a_training_are_the_fields_of_its_config() -> None:
    assert parse(["train", "--train", "a.parquet", "b.parquet", "--dev"]) == Train(
        Config(("a.parquet", "b.parquet"), ())
    )
    given = ["--families", "regenerate", "regenerate", "--trunk-rate", "1e-4", "--given"]
    command = parse(["train", "--train", "a", "--dev", "b", *given, "--every", "7"])
    config = Config(
        ("a",), ("b",), families=("regenerate", "regenerate"), trunk_rate=1e-4, given=True
    )
    assert command == Train(config, every=7)
    attacks = ["--attacks", "self_blend", "JPEG 30", "regenerate", "as it is"]
    command = parse(["train", "--train", "a", "--dev", "b", *attacks])
    assert isinstance(command, Train)
    assert command.config.attacks == (("self_blend", "JPEG 30"), ("regenerate", "as it is"))


def test_weights_that_have_learned_already_are_moved_as_fast_as_is_said() -> None:
    """The rates of a start are those of the config; nothing halves them behind one's back."""
    command = parse(["train", "--train", "a", "--dev", "b", "--start", "lab/out/learned"])
    assert command == Train(Config(("a",), ("b",), start="lab/out/learned"))


def test_other_configs_are_options_too() -> None:
    assert parse(["autoencoder", "--data", "a", "--out", "b", "--people", "ann", "bea"]) == (
        Autoencoder((Path("a"),), Path("b"), AutoencoderConfig(), people=("ann", "bea"))
    )
    collect = ["collect", "clip.mp4", "--licence", "mine", "--size-px", "90", "--at-most", "1"]
    assert parse(collect) == Collect(
        (Path("clip.mp4"),), MediaDeclaration("mine"), LookSettings(size_px=90, at_most=1)
    )


def test_a_checkpoint_knows_its_config_by_these_names() -> None:
    """A training is resumed only if these are equal, so a new name breaks every checkpoint."""
    assert [field.name for field in fields(Config)] == [
        "train",
        "dev",
        "net",
        "start",
        "families",
        "given",
        "attacks",
        "pairs",
        "batch",
        "rate",
        "trunk_rate",
        "decay",
        "where",
        "looks",
        "average",
        "seed",
    ]


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        (["train", "--train", "a", "--train", "b", "--dev", "c"], "--train is given twice"),
        (["train", "--train", "a", "--dev", "b", "--batch", "0"], "--batch must be at least 1"),
        (["train", "--train", "a"], "--dev"),
        (["collect"], "name photos, videos"),
        (["collect", "a.mp4", "b.parquet", "--licence", "x", "--out", "c.parquet"], "--out"),
        (["forge", "--data", "a", "--out", "b"], "--families or --pairs"),
        (["forge", "--data", "a", "--out", "b", "--families", "none"], "no family 'none'"),
        (["autoencoder", "--data", "a", "--out", "b", "--groups", "1"], "--groups must be"),
        (["footage", "--portraits", "a", "--trained-on", "b", "--each", "7"], "1 to 6, not 7"),
        (["learn"], "learn"),
        ([], "subcommand"),
    ],
)
def test_wrong_usage_is_told(
    wrong: list[str], because: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(wrong)
    assert because in re.sub(r"[│\s]+", " ", capsys.readouterr().err)


def test_unusable_data_are_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["fit-lines", "--data", str(tmp_path / "none.parquet")])
    told = capsys.readouterr().err
    assert "none.parquet: no such file" in told
    assert told.startswith("unmask-lab: ")
    assert told.count("\n") == 1


def test_a_label_is_zero_or_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="1"):
        main(["collect", str(tmp_path), "--licence", "mine", "--label", "2"])
    assert "label must be 0" in capsys.readouterr().err
