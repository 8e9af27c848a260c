"""Commands that make data: collected faces, forgeries, changed clips."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from unmask.licences.manifest import Signing
from unmask_lab.cli.options import Collected, Files, Seed, require
from unmask_lab.collect import LookSettings, MediaDeclaration, collect_media, said
from unmask_lab.collect import collect as add_points
from unmask_lab.config import AutoencoderConfig
from unmask_lab.data import BONA_FIDE, Row, read
from unmask_lab.forge import FAMILIES
from unmask_lab.swap import Likeness, Permission, flickering, of_model, of_photo
from unmask_lab.swap import swap as put_in

if TYPE_CHECKING:
    from unmask_lab.forged_set import Maker


@dataclass(frozen=True)
class Collect:
    """Collect aligned faces from photos and videos, or add the five points to Parquet face crops.

    What photos and videos give is one data set, collected.parquet in the folder, so that a person
    is one identity over all of them. Run again, it goes on where it stopped.

    Attributes:
        sources: photos, videos, folders of them; or Parquet files of crops.
        declared: what is to be declared of photos and videos.
        settings: how photos and videos are looked at.
        out: folder, or FILE.parquet.
    """

    sources: Positional[Files]
    declared: MediaDeclaration
    settings: LookSettings
    out: Path = Path("lab/out/faces")

    def __post_init__(self) -> None:
        if not self.sources:
            raise ValueError("name photos, videos, folders of them, or Parquet files of crops")
        if self._media() and not self.declared.licence:
            raise ValueError("say under which licence these faces may be used: --licence TEXT")
        if self.out.suffix == ".parquet" and len(self._crops()) + bool(self._media()) > 1:
            raise ValueError("these sources give several files; name a folder with --out")

    def run(self) -> None:
        for path in self._crops():
            kept, left_out = add_points(path, self._target(path.name))
            print(f"{path.name}: {kept} faces kept, {len(left_out)} left out")
            for line in left_out:
                print(f"  {line}", file=sys.stderr)
        if media := self._media():
            target = self._target("collected.parquet")
            got = collect_media(media, target, self.declared, self.settings)
            kept_from = f"{got.faces} faces of {got.people} people from {got.files} files"
            print(f"{target.name}: {kept_from} kept")
            print(f"left out: {said(got.left_out, got.unreadable)}")

    def _crops(self) -> list[Path]:
        return [path for path in self.sources if path.suffix == ".parquet"]

    def _media(self) -> list[Path]:
        return [path for path in self.sources if path.suffix != ".parquet"]

    def _target(self, name: str) -> Path:
        return self.out if self.out.suffix == ".parquet" else self.out / name


@dataclass(frozen=True)
class Autoencoder:
    """Train the classic face swap, one decoder per person or group, or go on where it stopped.

    Attributes:
        config: what determines the network.
        out: folder for the network and a picture of what it does.
        people: identities with a decoder each; none: groups.
        groups: number of groups of like looks that have a decoder each.
        linear: in closed form, from principal components.
        steps: number of steps in all.
        keep: steps after which a copy is kept.
    """

    data: Collected
    out: Path
    config: AutoencoderConfig
    people: tuple[str, ...] = ()
    groups: int = 6
    linear: bool = False
    steps: int = 3000
    keep: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        require("groups", self.groups, 2)

    def run(self) -> None:
        from unmask_lab.autoencoder import crowd, fit, train

        rows = _bona_fide(self.data)
        named = {name: [row for row in rows if row.identity == name] for name in self.people}
        everyone = named or crowd(rows, self.groups)
        if self.linear:
            fit(everyone, self.config, self.out)
        else:
            train(everyone, self.config, self.out, self.steps, self.keep)
        shown = ", ".join(named) or f"{self.groups} groups"
        print(f"{self.out}: {shown}; faces.png shows what it does")


@dataclass(frozen=True)
class Forge:
    """Write a data set of forgeries with their masks, and of the faces they were made from.

    Attributes:
        out: Parquet file to write.
        families: forgery families.
        pairs: folders of autoencoders: each person that one knows as the next one.
        source: name of the set.
    """

    data: Collected
    out: Path
    families: tuple[str, ...] = ()
    pairs: Files = ()
    source: str = "forged"
    seed: Seed = 1

    def __post_init__(self) -> None:
        if unknown := set(self.families) - set(FAMILIES):
            raise ValueError(f"no family {min(unknown)!r}; there are {', '.join(FAMILIES)}")
        if not self.families and not self.pairs:
            raise ValueError("say how to forge: --families or --pairs")

    def run(self) -> None:
        from unmask_lab.autoencoder import load
        from unmask_lab.forged_set import of_family, of_pair, write

        rows = _bona_fide(self.data)
        makers: list[Maker] = [of_family(name, rows) for name in self.families]
        makers += [of_pair(load(folder)) for folder in self.pairs]
        print(f"{self.out}: {write(rows, makers, self.source, self.out, self.seed)} forgeries")


@dataclass(frozen=True)
class Swap:
    """Put another face into a clip or photo, under a licence.

    Everything written is labelled as changed.

    Attributes:
        footage: clip or photo whose main face is changed.
        out: MP4 for a clip, JPEG or PNG for a photo.
        permission: what allows it.
        model: folder of a trained autoencoder that knows the person.
        to: whose face is put in; needed with a model.
        family: forgery family that puts the donor's face in.
        donor: photo of the face that is put in.
        flicker: let the face jitter from frame to frame.
        certificates: your chain, PEM, to sign content credentials with.
        certificate_key: its private key, PEM, P-256.
    """

    footage: Positional[Path]
    out: Path
    permission: Permission
    model: Path | None = None
    to: str | None = None
    family: str | None = None
    donor: Path | None = None
    flicker: bool = False
    certificates: Path | None = None
    certificate_key: Path | None = None
    seed: Seed = 1

    def __post_init__(self) -> None:
        by_model = self.model and self.to and not (self.family or self.donor)
        by_photo = self.family and self.donor and not self.model
        if not (by_model or by_photo):
            raise ValueError("give either --model and --to, or --family and --donor")
        if (self.certificates is None) is not (self.certificate_key is None):
            raise ValueError("give both --certificates and --certificate-key, or neither")

    def run(self) -> None:
        likeness = flickering(self._likeness(), self.seed) if self.flicker else self._likeness()
        signing = (
            Signing(self.certificates.read_bytes(), self.certificate_key.read_bytes())
            if self.certificates and self.certificate_key
            else None
        )
        frames = put_in(self.footage, self.out, likeness, self.permission, signing=signing)
        print(f"{self.out}: the face was put into {frames} frames, and all are labelled")

    def _likeness(self) -> Likeness:
        if self.family and self.donor:
            return of_photo(self.family, self.donor, self.to, self.seed)
        assert self.model
        assert self.to
        return of_model(self.model, self.to, self.seed)


def _bona_fide(files: Sequence[Path]) -> list[Row]:
    return [row for row in read(files) if row.label == BONA_FIDE]
