"""What an operator may set: by command line, by environment variables named ``UNMASK_`` and the
setting's name, or, secrets,
by files that such a variable with ``_FILE`` behind its name names.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from unmask.errors import UsageError, printable
from unmask.types import Outcome

PREFIX, FILE = "UNMASK_", "_FILE"

OTHERS = frozenset({"URL", "KEY", "KEY_PASSWORD", "LANGUAGE", "MODELS", "LICENCES", "ORIGINALS"})
"""Variables that other commands read, without the prefix."""

PARAMETERS = ("host", "sslmode", "sslrootcert")
MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
"""What of libpq's parameters may stand in a database's address, and the values of the second."""

SHORTEST_TOKEN = 16

LIKE = 0.8
"""How alike a misspelt variable and the one that is meant must be, 0 to 1, see `difflib`."""

LONGEST_SECRET = 4096
"""bytes of a file that holds a secret."""


def _split(address: str) -> SplitResult:
    parts = urlsplit(address)
    if parts.port == 0:  # raises ValueError itself where it is no number
        raise ValueError("has the port 0")
    return parts


def _database(address: str) -> str:
    parts = _split(address)
    query = parse_qs(parts.query)
    if address and parts.scheme != "postgresql":
        raise ValueError("must begin with postgresql://, or be empty for SQLite")
    if address and not (parts.hostname or "host" in query):
        raise ValueError("names no server: postgresql://user@server:5432/database")
    if address and not parts.path.strip("/"):
        raise ValueError("names no database: postgresql://user@server:5432/database")
    if strange := query.keys() - set(PARAMETERS):
        raise ValueError(
            f"has a parameter {min(strange)!r}; understood are {', '.join(PARAMETERS)}"
        )
    if (mode := query.get("sslmode", ["prefer"])[0]) not in MODES:
        raise ValueError(f"has sslmode={mode}; understood are {', '.join(MODES)}")
    authorities = query.get("sslrootcert", ["system"])[0]
    if authorities != "system" and not Path(authorities).is_file():
        raise ValueError("has a sslrootcert that is no file")
    return address


def _storage(address: str) -> str:
    if address and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[^?#]*)?", address):
        raise ValueError("must be s3://bucket/prefix, or be empty for a folder")
    return address


def _public(address: str) -> str:
    parts = _split(address)
    if address and (parts.scheme not in {"http", "https"} or not parts.hostname):
        raise ValueError(
            "must be an address as browsers show it, such as https://unmask.example.org"
        )
    if parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise ValueError(
            "must end after the name: the page stands at the root of a name of its own"
        )
    return address.rstrip("/")


def _host(name: str) -> str:
    if not re.fullmatch(r"[\w-]+(\.[\w-]+)*|[0-9A-Fa-f:.]+", name, re.ASCII):
        raise ValueError(
            "must be a name alone, such as unmask.example.org, without scheme, port or path"
        )
    return name


def _domain(name: str) -> str:
    return f".{_host(name[1:])}" if name.startswith(".") else _host(name)


def _token(token: str) -> str:
    if token and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise ValueError(
            f"must be {SHORTEST_TOKEN} characters or more, of ASCII: openssl rand -hex 32"
        )
    return token


def _parted(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


Secret = Annotated[str, Field(repr=False)]
"""Never shown; may lie in a file."""

Hosts = Annotated[
    tuple[Annotated[str, AfterValidator(_host)], ...], NoDecode, BeforeValidator(_parted)
]
Domains = Annotated[
    tuple[Annotated[str, AfterValidator(_domain)], ...], NoDecode, BeforeValidator(_parted)
]
Outcomes = Annotated[tuple[Outcome, ...], NoDecode, BeforeValidator(_parted)]


class Settings(BaseSettings):
    """One service. Several machines share one by the same ``database`` and ``storage``."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    data: Path
    """Folder of the embedded database and media, made if missing."""
    database: Annotated[Secret, AfterValidator(_database)] = ""
    """``postgresql://`` address; SQLite in the data folder if empty."""
    database_password: Secret = ""
    """Password for that address, where it is not in it."""
    storage: Annotated[str, AfterValidator(_storage)] = ""
    """``s3://bucket/prefix``; a folder in the data folder if empty."""
    storage_key: Secret = ""
    """Access key of the bucket; as AWS's variables say if empty."""
    storage_secret: Secret = ""
    """Secret key of the bucket."""
    public_url: Annotated[str, AfterValidator(_public)] = ""
    """Address under which people reach the page; cookies are Secure where it begins with
    ``https://``.
    """
    hosts: Hosts = ()
    """More names under which the service may be asked, beside the public one and this machine's
    own, parted by commas.
    """
    metrics_token: Annotated[Secret, AfterValidator(_token)] = ""
    """What Prometheus sends as a bearer token to read ``/metrics``; nobody can if empty."""
    workers: Annotated[int, Field(ge=0, le=256)] = 2
    """Processes on this machine that judge; 0 for a machine that only answers HTTP."""
    upload_bytes: Annotated[int, Field(ge=1000)] = 2 << 30
    """Most bytes of one file."""
    judge_bytes: Annotated[int, Field(ge=64 << 20)] = 3 << 30
    """Most memory of the process that decodes and judges one file, bytes."""
    judge_seconds: Annotated[int, Field(ge=1, le=86_400)] = 600
    """Most CPU time of that process, s; most time by the clock is twice that."""
    judge_unconfined: bool = False
    """Whether to judge even where the system offers no way to keep that process off the network."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    """Judges that a file may kill before it is given up."""
    lease: Annotated[float, Field(ge=3, le=3600)] = 60.0
    """Seconds after which a check whose worker fell silent is given to another; it is renewed every
    second.
    """
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """Days after which media and faces are deleted; the result stays. 0 keeps them."""
    upload_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """Hours that an upload may take from its first piece to its last."""
    fetch_hosts: Domains = ()
    """Hosts whose media may be fetched by URL, parted by commas, a dot in front for all below; none
    if empty.
    """
    fetch_seconds: Annotated[float, Field(gt=0, le=3600)] = 300.0
    """Most time that fetching one file may take, s."""
    webhook_private: bool = False
    """Whether webhooks may lead to private addresses."""
    open_cases_for: Outcomes = (Outcome.CHANGED, Outcome.CANNOT_TELL)
    """Outcomes that open a case by themselves, parted by commas; none if empty."""
    live_readers: Annotated[int, Field(ge=0, le=64)] = 1
    """Processes on this machine that decode the frames of live checks; 0 for no live checks here.
    """
    live_at_once: Annotated[int, Field(ge=0, le=10_000)] = 100
    """Most live checks at the same time on this machine."""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.database_password and not self.database:
            raise ValueError(
                f"{variable('database_password')} is set, but {variable('database')} is not"
            )
        if bool(self.storage_key) != bool(self.storage_secret):
            raise ValueError(
                f"{variable('storage_key')} and {variable('storage_secret')} are set together or not at all"
            )
        if self.storage_key and not self.storage:
            raise ValueError(f"{variable('storage_key')} is set, but {variable('storage')} is not")
        return self

    @classmethod
    def read(cls, **given: Any) -> Self:
        """Settings as given, else as files and the environment say, else the defaults; what is
        given as None is not given.

        Raises:
            UsageError: names every value that is wrong, with its variable, the reason and what it
                should be.
        """
        values, wrong = _from_files(os.environ)
        try:
            made = cls(
                **values | {name: value for name, value in given.items() if value is not None}
            )
        except ValidationError as error:
            wrong += [
                _said(one["loc"], one["type"], one["msg"], one["input"]) for one in error.errors()
            ]
        if wrong:
            count = "a setting is wrong" if len(wrong) == 1 else f"{len(wrong)} settings are wrong"
            raise UsageError("\n".join([f"{count}:", *(f"  {one}" for one in wrong)]))
        return made

    def environment(self) -> dict[str, str]:
        """The variables from which `read` reads these settings again; what lies in a file is left
        there.
        """
        filed = {name for name in SECRETS if variable(name) + FILE in os.environ}
        return {variable(name): _written(value) for name, value in self if name not in filed}

    @property
    def scratch(self) -> Path:
        """Folder on this machine for files in passing; nothing in it outlives the process that made
        it.
        """
        return self.data / "scratch"


SECRETS = frozenset(name for name, one in Settings.model_fields.items() if not one.repr)


def variable(name: str) -> str:
    """Name of the environment variable of a setting."""
    return PREFIX + name.upper()


def shown(settings: Settings) -> list[str]:
    """Each setting with its value, a line each; of a secret only whether there is one."""
    values = {
        name: ("set" if value else "") if name in SECRETS else _written(value)
        for name, value in settings
    }
    return [f"{variable(name)}={value}" for name, value in values.items()]


def unknown(environment: Mapping[str, str]) -> list[str]:
    """A line about each variable that looks like a setting and is none; no error, because
    Kubernetes makes such, too.
    """
    known = {variable(name) for name in Settings.model_fields} | {
        variable(name) + FILE for name in SECRETS
    }
    ours = {
        name
        for name in environment
        if name.startswith(PREFIX) and name.removeprefix(PREFIX) not in OTHERS
    }
    meant = {name: get_close_matches(name, known, 1, LIKE) for name in sorted(ours - known)}
    return [
        f"{name} is no setting" + (f"; {like[0]} may be meant" if like else "")
        for name, like in meant.items()
    ]


def _from_files(environment: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Secrets that lie in files, by setting; and what is wrong with the others."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name in sorted(SECRETS):
        path = environment.get(variable(name) + FILE)
        if path and environment.get(variable(name)):
            wrong.append(
                f"{variable(name)}: is set twice, here and by {variable(name)}{FILE}; keep one of them"
            )
        elif path:
            try:
                with Path(path).open("rb") as file:
                    content = file.read(LONGEST_SECRET + 1)
                values[name] = content.decode().strip()
                if not values[name] or len(content) > LONGEST_SECRET:
                    reason = (
                        f"is longer than {LONGEST_SECRET} bytes" if values[name] else "is empty"
                    )
                    wrong.append(
                        f"{variable(name)}{FILE}: {printable(path)} {reason}; it must hold the secret alone"
                    )
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "it is not text"
                wrong.append(
                    f"{variable(name)}{FILE}: {printable(path)} cannot be read ({reason.lower()})"
                )
    return values, wrong


def _said(where: tuple[int | str, ...], kind: str, reason: str, given: Any) -> str:
    """One wrong value, in a line: variable, value, reason, and what the setting is."""
    if not where:
        return reason.removeprefix("Value error, ")
    name = str(where[0])
    value = "the value" if name in SECRETS else repr(printable(str(given)))
    reason = (
        "must be given"
        if kind == "missing"
        else reason.removeprefix("Value error, ").removeprefix("Input ")
    )
    about = " ".join(
        (Settings.model_fields[name].description or "").replace("``", "").split()
    ).rstrip(".")
    return f"{variable(name)}: {value} {reason}. It says: {about[0].lower()}{about[1:]}"


def _written(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
