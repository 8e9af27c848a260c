"""Settings of an operator: command line, environment variables and files with secrets.

The variables are named ``UNMASK_`` and the setting's name. A secret may lie in a file, which the
variable with ``_FILE`` added to its name points to.
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
"""Variables with the prefix that other commands read."""

PARAMETERS = ("host", "sslmode", "sslrootcert")
MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")
"""Parameters of libpq allowed in a database's address, and the values of ``sslmode``."""

SHORTEST_TOKEN = 16

ROLES = ("viewer", "reviewer", "admin")
"""Roles of people, see `unmask.service.people.actor`."""

LIKE = 0.8
"""Similarity, 0 to 1 (see `difflib`), from which a variable is taken for a misspelt setting."""

LONGEST_SECRET = 4096
"""Maximum size of a file that holds a secret, bytes."""


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
    return address.rstrip("/").lower()


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


def _issuer(address: str) -> str:
    parts = _split(address)
    here = parts.hostname in {"localhost", "127.0.0.1", "::1"}
    if address and (parts.scheme != "https" and not (parts.scheme == "http" and here)):
        raise ValueError("must begin with https://, as the provider names itself")
    if address and (not parts.hostname or parts.query or parts.fragment or parts.username):
        raise ValueError("must be an address alone, such as https://login.example.org")
    return address


def _group(given: str) -> str:
    group, equals, role = given.rpartition("=")
    if not (equals and group and role in ROLES):
        raise ValueError(f"must be group=role, with a role of {', '.join(ROLES)}")
    return given


def _parted(value: object) -> object:
    return (
        [part.strip() for part in value.split(",") if part.strip()]
        if isinstance(value, str)
        else value
    )


Secret = Annotated[str, Field(repr=False)]
"""A setting that is never shown; it may lie in a file."""

Hosts = Annotated[
    tuple[Annotated[str, AfterValidator(_host)], ...], NoDecode, BeforeValidator(_parted)
]
Domains = Annotated[
    tuple[Annotated[str, AfterValidator(_domain)], ...], NoDecode, BeforeValidator(_parted)
]
Groups = Annotated[
    tuple[Annotated[str, AfterValidator(_group)], ...], NoDecode, BeforeValidator(_parted)
]
Outcomes = Annotated[tuple[Outcome, ...], NoDecode, BeforeValidator(_parted)]


class ServiceSettings(BaseSettings):
    """Settings of one service.

    Several machines form one service if they share ``database`` and ``storage``.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    data: Path
    """Folder of the embedded database and media, made if missing."""
    database: Annotated[Secret, AfterValidator(_database)] = ""
    """``postgresql://`` address; SQLite in the data folder if empty."""
    database_password: Secret = ""
    """Password for that address, if the address has none."""
    storage: Annotated[str, AfterValidator(_storage)] = ""
    """``s3://bucket/prefix``; a folder in the data folder if empty."""
    storage_key: Secret = ""
    """Access key of the bucket; taken from AWS's own variables if empty."""
    storage_secret: Secret = ""
    """Secret key of the bucket."""
    public_url: Annotated[str, AfterValidator(_public)] = ""
    """Address under which people reach the page; ``https://`` makes cookies Secure."""
    hosts: Hosts = ()
    """More host names that the service answers to, separated by commas.

    It always answers to the public one and this machine's own.
    """
    metrics_token: Annotated[Secret, AfterValidator(_token)] = ""
    """Bearer token that Prometheus sends to read ``/metrics``; nobody can read it if empty."""
    oidc_issuer: Annotated[str, AfterValidator(_issuer)] = ""
    """Provider of single sign-on (OpenID Connect), exactly as it names itself; none if empty."""
    oidc_client: str = ""
    """Id of this service at the provider."""
    oidc_secret: Secret = ""
    """Secret of this service at the provider."""
    oidc_organisation: str = ""
    """Organisation whose people sign in through the provider."""
    oidc_scope: str = ""
    """Scopes to ask the provider for beyond openid, email and profile."""
    oidc_groups_claim: str = "groups"
    """Claim that has a person's groups."""
    oidc_groups: Groups = ()
    """Groups that may sign in, with the role of a new account, group=role, separated by commas.

    All groups may if empty.
    """
    oidc_make_accounts: bool = False
    """Make accounts for people of these groups who have none."""
    oidc_trust_emails: bool = False
    """Trust addresses of which the provider does not say whether it verified them."""
    oidc_hosts: Domains = ()
    """More hosts of the provider besides the issuer's, separated by commas."""
    workers: Annotated[int, Field(ge=0, le=256)] = 2
    """Judging processes on this machine; 0 for a machine that only answers HTTP."""
    upload_bytes: Annotated[int, Field(ge=1000)] = 2 << 30
    """Maximum size of one file, bytes."""
    judge_bytes: Annotated[int, Field(ge=64 << 20)] = 3 << 30
    """Maximum memory of the process that decodes and judges one file, bytes."""
    judge_seconds: Annotated[int, Field(ge=1, le=86_400)] = 600
    """Maximum CPU time of that process, s; it may run twice as long by the clock."""
    take_seconds: Annotated[int, Field(ge=1, le=93_600)] = 3600
    """Longest video that is judged as one unbroken take, s, at up to 60 pictures a second."""
    judge_unconfined: bool = False
    """Judge even where the system cannot keep that process off the network."""
    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    """Judging processes that a file may crash before it is given up."""
    lease: Annotated[float, Field(ge=3, le=3600)] = 60.0
    """Seconds after which a check whose worker fell silent is given to another worker.

    The worker renews its lease every second.
    """
    keep_days: Annotated[int, Field(ge=0, le=36_500)] = 30
    """Days after which media and faces are deleted; the result stays. 0 keeps them."""
    upload_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """Hours that an upload may take from its first piece to its last."""
    fetch_hosts: Domains = ()
    """Hosts from which media may be fetched by URL, separated by commas; none if empty.

    A leading dot includes all subdomains.
    """
    fetch_seconds: Annotated[float, Field(gt=0, le=3600)] = 300.0
    """Maximum time to fetch one file, s."""
    webhook_private: bool = False
    """Allow webhooks to private addresses."""
    open_cases_for: Outcomes = (Outcome.CHANGED, Outcome.CANNOT_TELL)
    """Outcomes that open a case automatically, separated by commas; none if empty."""
    live_readers: Annotated[int, Field(ge=0, le=64)] = 1
    """Processes on this machine that decode frames of live checks; 0 for no live checks here."""
    live_at_once: Annotated[int, Field(ge=0, le=10_000)] = 100
    """Maximum number of live checks at the same time on this machine."""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if self.database_password and not self.database:
            raise ValueError(
                f"{variable('database_password')} is set, but {variable('database')} is not"
            )
        if bool(self.storage_key) != bool(self.storage_secret):
            raise ValueError(
                f"{variable('storage_key')} and {variable('storage_secret')} are set together"
                " or not at all"
            )
        if self.storage_key and not self.storage:
            raise ValueError(f"{variable('storage_key')} is set, but {variable('storage')} is not")
        needed = {
            variable(name): value
            for name, value in self
            if name in {"oidc_client", "oidc_secret", "oidc_organisation", "public_url"}
        }
        if self.oidc_issuer and (missing := [name for name, value in needed.items() if not value]):
            raise ValueError(f"{variable('oidc_issuer')} is set, but {', '.join(missing)} is not")
        if self.oidc_make_accounts and not self.oidc_groups:
            raise ValueError(
                f"{variable('oidc_make_accounts')} is set, but {variable('oidc_groups')} is not"
            )
        return self

    @classmethod
    def read(cls, **given: Any) -> Self:
        """Reads the settings: first those given, then files and the environment, then the defaults.

        A value given as None counts as not given.

        Raises:
            UsageError: names every wrong value with its variable, the reason and a description of
                the setting.
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
        """Returns environment variables from which `read` restores these settings.

        A secret that lies in a file stays there.
        """
        filed = {name for name in SECRETS if variable(name) + FILE in os.environ}
        return {variable(name): _written(value) for name, value in self if name not in filed}

    @property
    def scratch(self) -> Path:
        """Folder on this machine for temporary files.

        No file in it outlives the process that made it.
        """
        return self.data / "scratch"


SECRETS = frozenset(name for name, one in ServiceSettings.model_fields.items() if not one.repr)


def variable(name: str) -> str:
    """Returns the name of a setting's environment variable."""
    return PREFIX + name.upper()


def shown(settings: ServiceSettings) -> list[str]:
    """Returns a line for each setting with its value; for a secret, only whether it is set."""
    values = {
        name: ("set" if value else "") if name in SECRETS else _written(value)
        for name, value in settings
    }
    return [f"{variable(name)}={value}" for name, value in values.items()]


def unknown(environment: Mapping[str, str]) -> list[str]:
    """Returns a line for each variable that looks like a setting and is none.

    This is no error, because Kubernetes sets such variables, too.
    """
    known = {variable(name) for name in ServiceSettings.model_fields} | {
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
    """Returns the secrets that lie in files, by setting, and what is wrong with the others."""
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name in sorted(SECRETS):
        path = environment.get(variable(name) + FILE)
        if path and environment.get(variable(name)):
            wrong.append(
                f"{variable(name)}: is set twice, here and by {variable(name)}{FILE};"
                " keep one of them"
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
                        f"{variable(name)}{FILE}: {printable(path)} {reason};"
                        " it must hold the secret alone"
                    )
            except (OSError, ValueError) as error:
                reason = getattr(error, "strerror", None) or "it is not text"
                wrong.append(
                    f"{variable(name)}{FILE}: {printable(path)} cannot be read ({reason.lower()})"
                )
    return values, wrong


def _said(where: tuple[int | str, ...], kind: str, reason: str, given: Any) -> str:
    """Describes a wrong value in a line: variable, value, reason, and what the setting is."""
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
        (ServiceSettings.model_fields[name].description or "").replace("``", "").split()
    ).rstrip(".")
    return f"{variable(name)}: {value} {reason}. It says: {about[0].lower()}{about[1:]}"


def _written(value: object) -> str:
    return ",".join(value) if isinstance(value, tuple) else str(value)
