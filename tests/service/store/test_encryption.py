"""Connections to PostgreSQL: encrypted where asked, never with an invalid certificate."""

from __future__ import annotations

import datetime
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.postgresql import Server, server
from unmask.errors import UsageError
from unmask.service.settings import ServiceSettings
from unmask.service.store.database import Database

pytestmark = pytest.mark.slow

DAY = datetime.timedelta(days=1)


def certify(folder: Path, name: str, host: str) -> Path:
    """Makes a self-signed certificate of a host, beside its key."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    kind, form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / f"{name}.key").write_bytes(key.private_bytes(kind, form, plain))
    (folder / f"{name}.key").chmod(0o600)
    (folder / f"{name}.crt").write_bytes(made.public_bytes(kind))
    return folder / f"{name}.crt"


@dataclass(frozen=True)
class Encrypted:
    """A server on a port, for ``localhost``; the authority that certifies it; another authority."""

    address: str
    authority: Path
    another: Path


@pytest.fixture(scope="module")
def encrypted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Encrypted]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = tmp_path_factory.mktemp("authorities")

    def beside(made: Server, folder: Path) -> None:
        authority = certify(folder, "server", "localhost")
        (known / "authority.crt").write_bytes(authority.read_bytes())
        for path in folder.glob("server.*"):
            made.own(path)

    certificate = "-c ssl_cert_file=../server.crt -c ssl_key_file=../server.key"
    with server(f"-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on {certificate}", beside):
        address = f"postgresql://postgres@localhost:{port}/postgres"
        yield Encrypted(address, known / "authority.crt", certify(known, "another", "localhost"))


def connected(tmp_path: Path, address: str) -> bool:
    """Tells whether the connection is encrypted."""
    database = Database(ServiceSettings(data=tmp_path, database=address))
    with database.reading() as session:
        encrypted = bool(
            session.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
        )
    database.close()
    return encrypted


def test_the_connection_is_as_the_address_asks(tmp_path: Path, encrypted: Encrypted) -> None:
    whole = f"{encrypted.address}?sslrootcert={encrypted.authority}&sslmode="
    modes = ("disable", "prefer", "require", "verify-ca", "verify-full")
    assert [connected(tmp_path, whole + mode) for mode in modes] == [False, True, True, True, True]
    assert connected(tmp_path, encrypted.address)


def test_a_server_that_is_not_the_one_is_not_spoken_to(
    tmp_path: Path, encrypted: Encrypted
) -> None:
    elsewhere = encrypted.address.replace("localhost", "127.0.0.1")
    for address in (
        f"{encrypted.address}?sslmode=verify-ca&sslrootcert={encrypted.another}",
        f"{encrypted.address}?sslmode=verify-full",
        f"{elsewhere}?sslmode=verify-full&sslrootcert={encrypted.authority}",
    ):
        with pytest.raises((DBAPIError, OSError)):
            connected(tmp_path, address)
    assert connected(tmp_path, f"{elsewhere}?sslmode=verify-ca&sslrootcert={encrypted.authority}")


@pytest.mark.parametrize("query", ["sslmode=verify", "sslrootcert=/none", "ssl=true"])
def test_what_is_not_understood_of_an_address_is_refused(tmp_path: Path, query: str) -> None:
    with pytest.raises(UsageError, match="UNMASK_DATABASE"):
        ServiceSettings.read(data=tmp_path, database=f"postgresql://unmask@db/unmask?{query}")
