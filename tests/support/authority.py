"""A certificate authority for tests: it certifies signers of content credentials."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from unmask.licences.manifest import Signing

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Authority:
    """Root key and certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @classmethod
    def called(cls, name: str) -> Authority:
        """Makes an authority of this name."""
        key = ec.generate_private_key(ec.SECP256R1())
        return cls(
            key,
            _builder(name, name, key.public_key(), (-900, 900), root=True).sign(
                key, hashes.SHA256()
            ),
        )

    @property
    def pem(self) -> str:
        """The certificate, for a trust list."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    def vouches(self, name: str, days: tuple[float, float] = (-1, 300)) -> Signing:
        """Certifies a new key of somebody; it is valid between these days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        certificate = _builder(name, str(issuer), key.public_key(), days, root=False).add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
            critical=False,
        )
        chain = (
            certificate.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)
            + self.pem.encode()
        )
        return Signing(chain, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _builder(
    name: str, issuer: str, key: ec.EllipticCurvePublicKey, days: tuple[float, float], *, root: bool
) -> x509.CertificateBuilder:
    begin, end = (NOW + timedelta(days=day) for day in days)
    usage = {
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "encipher_only",
        "decipher_only",
    }
    flags = {
        **dict.fromkeys(usage, False),
        "digital_signature": not root,
        "key_cert_sign": root,
        "crl_sign": root,
    }
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(_named(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**flags), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )
    if root:
        return builder
    return builder.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
    )


def _named(name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, name),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, name),
        ]
    )
