"""A register of licences: a folder with everything that its keeper relies on.

``*.pub`` are public keys that the keeper vouches for, ``*.pem`` authorities trusted to certify
content credentials, ``*.json`` licences and lists of revocations. A licence may come from anybody;
keys and authorities are the keeper's own choice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from unmask.errors import LicenceError, UsageError, printable
from unmask.licences import keys, manifest, signed
from unmask.licences.licence import Licence, Part
from unmask.licences.moments import shown
from unmask.licences.status import StatusList
from unmask.messages import Message
from unmask.types import Declared, HeldLicence, Labels, Mark

MOST = 10_000
"""Most files in a register."""


def declared(
    path: str, sha256: str, labels: Labels, folder: Path, at: datetime | None = None
) -> Declared:
    """Returns a file's declarations, and the licences of a register for a film or for this file.

    Args:
        path, sha256: of the file.
        labels: labels that it carries.
        at: the moment at which licences must hold; now, if None.

    Args:
        path, sha256: of the file.
        labels: that it carries.
        at: the moment at which licences must hold; now, if None.

    Raises:
        UsageError: there is no such folder, or it holds too much.
        LicenceError: a key or authority in it, or the file, cannot be read.
    """
    if not folder.is_dir():
        raise UsageError(
            f"{printable(str(folder))}: no such folder of licences; make it, or name another one"
        )
    files = sorted(folder.iterdir())
    if len(files) > MOST:
        raise UsageError(
            f"{printable(str(folder))}: over {MOST:,} files; part them by what they are for"
        )
    owners = keys.owners(file for file in files if file.suffix == ".pub")
    trusted = manifest.anchors(file for file in files if file.suffix == ".pem")
    credentials = manifest.of(path, trusted)
    read = [one for file in files if file.suffix == ".json" if (one := _signed(file)) is not None]
    lists = tuple(one for one in read if isinstance(one, StatusList))
    now = at or datetime.now(UTC)
    held = [
        _held(one, one.refusal(owners, lists, now) or _other_producer(one, labels), sha256)
        for one in read
        if isinstance(one, Licence)
    ]
    return Declared(credentials, labels, tuple(held))


def _signed(file: Path) -> Licence | StatusList | None:
    """Reads a licence or list as its issuer signed it; None for anything else."""
    types = signed.kind(file)
    try:
        if "PortraitLicence" in types:
            return Licence.of(file)
        return StatusList.of(file) if "BitstringStatusListCredential" in types else None
    except LicenceError:
        return None


def _other_producer(licence: Licence, labels: Labels) -> Message | None:
    """Tells why a licence is not for the maker of this file, if a label names one."""
    if not labels.producer or labels.producer == licence.subject.licensee:
        return None
    return Message(
        "licence.other_licensee", {"granted": licence.subject.licensee, "wanted": labels.producer}
    )


def _held(licence: Licence, refused: Message | None, sha256: str) -> HeldLicence:
    allowed = licence.subject
    return HeldLicence(
        sha256=licence.sha256,
        subject=allowed.name,
        licensee=allowed.licensee,
        role=allowed.role,
        part=allowed.part.named,
        puts_in=allowed.part is Part.PUT_IN,
        until=shown(licence.valid_until),
        marks=tuple(
            Mark(work.original, mark.time, mark.x, mark.y)
            for work in allowed.works
            for mark in work.marks
        ),
        names_file=sha256 in allowed.files,
        refused=refused,
    )
