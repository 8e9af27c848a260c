"""A portrait's owner for tests: a key, a list of revocations, and licences on request."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from unmask.licences import keys, licence
from unmask.licences.keys import Owners
from unmask.licences.status import StatusList

PASSWORD = "correct horse"  # noqa: S105  of keys that are made for one test


@dataclass(frozen=True)
class Owner:
    """The signer: the folder has ``key``, ``key.pub``, ``list.json`` and the licences."""

    folder: Path
    name: str
    key: Ed25519PrivateKey

    @classmethod
    def in_folder(cls, folder: Path, name: str = "Zoë 张") -> Owner:
        """Makes a key in a folder."""
        folder.mkdir(exist_ok=True)
        keys.keygen(folder / "key", [name], PASSWORD)
        return cls(folder, name, keys.private_key(folder / "key", PASSWORD))

    @property
    def owners(self) -> Owners:
        """The public key."""
        return keys.owners([self.folder / "key.pub"])

    @property
    def lists(self) -> tuple[StatusList, ...]:
        """The list of revocations as it stands."""
        return (StatusList.of(self.folder / "list.json"),)

    def grants(self, out: str, days: tuple[float, float] = (-1, 30), **replaced: Any) -> Path:
        """Writes a licence by this name, in force between these days from now.

        ``replaced`` are fields with other values.
        """
        values: dict[str, Any] = {
            "name": self.name,
            "portraits": ["ab" * 32],
            "part": licence.Part.PUT_IN,
            "licensee": "The studio",
            "role": "Anna",
            "purpose": "one film",
            "territory": "anywhere",
            "works": [],
            "files": [],
        }
        begin, end = (datetime.now(UTC) + timedelta(days=day) for day in days)
        portrait = licence.Portrait(**(values | replaced))
        path = self.folder / out
        licence.grant(portrait, self.name, begin, end, self.key, self.folder / "list.json", path)
        return path
