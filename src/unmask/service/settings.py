"""What an operator may set, by command line or by environment variables named ``UNMASK_`` and the setting's name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from unmask.errors import UsageError


@dataclass(frozen=True, slots=True)
class Settings:
    """One service. Several machines share one by the same ``database``, ``storage`` and ``secret``.

    Attributes:
        data: folder of the embedded database and media, made if missing.
        database: ``postgresql://`` address; SQLite in ``data`` if empty.
        storage: ``s3://bucket/prefix``; a folder in ``data`` if empty.
        public_url: address under which people reach the page; cookies are Secure where it begins with ``https://``.
        hosts: more names under which the service may be asked, beside ``public_url``'s and this machine's own.
        metrics_token: what Prometheus sends as a bearer token to read ``/metrics``; nobody can if empty.
        workers: processes on this machine that judge; 0 for a machine that only answers HTTP.
        upload_bytes: most bytes of one file.
        judge_bytes: most memory of the process that decodes and judges one file, bytes.
        judge_seconds: most CPU time of that process, s; most time by the clock is twice that.
        judge_unconfined: judge even where the system offers no way to keep that process off the network.
        attempts: judges that a file may kill before it is given up.
        lease: seconds after which a check whose worker fell silent is given to another.
        keep_days: days after which media and faces are deleted; the result stays. 0 keeps them.
        upload_hours: hours that an upload may take from its first piece to its last.
        fetch_hosts: hosts whose media may be fetched by URL; none if empty.
        fetch_seconds: most time that fetching one file may take, s.
        webhook_private: whether webhooks may lead to private addresses.
        open_cases_for: outcomes that open a case by themselves.
        live_readers: processes on this machine that decode the frames of live checks; 0 for no live checks here.
        live_at_once: most live checks at the same time on this machine.
    """

    data: Path
    database: str = ""
    storage: str = ""
    public_url: str = ""
    hosts: tuple[str, ...] = ()
    metrics_token: str = ""
    workers: int = 2
    upload_bytes: int = 2 << 30
    judge_bytes: int = 3 << 30
    judge_seconds: int = 600
    judge_unconfined: bool = False
    attempts: int = 3
    lease: float = 60.0
    keep_days: int = 30
    upload_hours: int = 24
    fetch_hosts: tuple[str, ...] = ()
    fetch_seconds: float = 300.0
    webhook_private: bool = False
    open_cases_for: tuple[str, ...] = field(default=("changed", "cannot tell"))
    live_readers: int = 1
    live_at_once: int = 100

    @classmethod
    def of_environment(cls, environment: Mapping[str, str] = os.environ, **given: object) -> Settings:
        """Settings as given, else as the environment says, else the defaults.

        Raises:
            UsageError: a variable that should be a number is none.
        """
        values: dict[str, object] = {}
        for one in fields(cls):
            text = environment.get(f"UNMASK_{one.name.upper()}")
            if one.name in given and given[one.name] is not None:
                values[one.name] = given[one.name]
            elif text is not None:
                values[one.name] = _read(f"UNMASK_{one.name.upper()}", text, str(one.type))
        return cls(**values)  # type: ignore[arg-type]

    def environment(self) -> dict[str, str]:
        """The variables from which `of_environment` reads these settings again."""
        return {f"UNMASK_{one.name.upper()}": _written(getattr(self, one.name)) for one in fields(self)}

    @property
    def scratch(self) -> Path:
        """Folder on this machine for files in passing; nothing in it outlives the process that made it."""
        return self.data / "scratch"


def _read(name: str, text: str, kind: str) -> object:
    if kind.startswith("tuple"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    if kind == "Path":
        return Path(text)
    if kind == "bool":
        return text.strip().lower() in {"1", "true", "yes", "on"}
    try:
        return {"int": int, "float": float, "str": str}[kind](text)
    except ValueError:
        raise UsageError(f"{name} must be a number, not {text!r}") from None


def _written(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
