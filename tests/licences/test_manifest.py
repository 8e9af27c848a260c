"""Content credentials on real files, signed by the tests' own authorities; nothing is fetched."""

from __future__ import annotations

import io
import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import c2pa
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tests import clips
from tests.licences import credential_cases
from tests.support.authority import Authority
from unmask.errors import LicenceError
from unmask.licences import manifest
from unmask.licences.identities import identities
from unmask.licences.telling import told
from unmask.types import ContentCredentials, Identity, IdentityState, Labels, Seal

CAPTURE = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture"
SHA256 = "ab" * 32
OURS, THEIRS = Authority.called("Our authority"), Authority.called("Another authority")
STUDIO = OURS.vouches("The studio")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Makes plain files of three kinds, and signs each of them as the studio."""
    folder = tmp_path_factory.mktemp("credentials")
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "plain.jpg")
    Image.fromarray(noise).save(folder / "plain.png")
    clips.write_video(folder / "plain.mp4", [noise] * 5)
    for kind in ("jpg", "png", "mp4"):
        manifest.write(folder / f"plain.{kind}", folder / f"signed.{kind}", STUDIO, [SHA256])
    return folder


def read(raw: bytes, trusted: str = OURS.pem) -> ContentCredentials:
    return manifest.read(io.BytesIO(raw), trusted)


def codes(found: ContentCredentials) -> list[str]:
    return [one.code for one in told(found, Labels())]


@pytest.mark.parametrize("kind", ["jpg", "png", "mp4"])
def test_what_is_written_is_read_by_kind(folder: Path, kind: str) -> None:
    found = manifest.of(folder / f"signed.{kind}", OURS.pem)
    assert (found.seal, found.signer, found.trusted, found.tool) == (
        Seal.INTACT,
        "The studio",
        True,
        "Unmask",
    )
    assert (found.licences, found.source_types, found.declares_ai) == (
        (SHA256,),
        (manifest.SWAP,),
        True,
    )
    assert found.problems == ()
    said = [
        "credentials.intact",
        "credentials.trusted",
        "credentials.declares_ai",
        "credentials.licences",
    ]
    assert codes(found) == said


@pytest.mark.parametrize("trusted", ["", THEIRS.pem], ids=["nobody", "somebody else"])
def test_a_signer_whom_nobody_vouches_for_is_untrusted_and_no_tampering(
    folder: Path, trusted: str
) -> None:
    found = manifest.of(folder / "signed.jpg", trusted)
    assert (found.seal, found.trusted) == (Seal.INTACT, False)
    assert codes(found)[1] == "credentials.untrusted"


@pytest.mark.parametrize("days", [(-20, -10), (10, 20)])
def test_nothing_is_signed_with_a_certificate_out_of_its_time(
    folder: Path, tmp_path: Path, days: tuple[float, float]
) -> None:
    with pytest.raises(LicenceError, match="the certificate was not valid at time of signing"):
        manifest.write(
            folder / "plain.jpg", tmp_path / "out.jpg", OURS.vouches("The late studio", days), []
        )
    assert not list(tmp_path.iterdir())


def test_another_authority_s_list_beside_ours_trusts_both(folder: Path) -> None:
    assert manifest.of(folder / "signed.jpg", THEIRS.pem + OURS.pem).trusted


@pytest.mark.parametrize("kind", ["jpg", "png", "mp4"])
def test_changed_pictures_are_told_from_a_changed_manifest(folder: Path, kind: str) -> None:
    raw = bytearray((folder / f"signed.{kind}").read_bytes())
    at = raw.index(b"mdat") + 200 if kind == "mp4" else len(raw) - 40
    raw[at] ^= 0x55
    pictures = read(bytes(raw))
    assert pictures.seal is Seal.CHANGED
    assert codes(pictures)[0] == "credentials.changed"
    raw = bytearray((folder / f"signed.{kind}").read_bytes())
    raw[raw.index(b"compositeWith")] ^= 1
    assert read(bytes(raw)).seal in (
        {Seal.BROKEN} if kind != "png" else {Seal.BROKEN, Seal.UNKNOWN}
    )


def test_stripped_and_plain_files_carry_none(folder: Path, tmp_path: Path) -> None:
    with Image.open(folder / "signed.jpg") as photo:
        photo.save(tmp_path / "stripped.jpg")
    for path in (tmp_path / "stripped.jpg", *folder.glob("plain.*")):
        found = manifest.of(path, OURS.pem)
        assert found.seal is Seal.NONE
        assert codes(found) == ["credentials.none"]


@pytest.mark.parametrize(
    "raw", [b"", b"hello", bytes(1000), b"\xff\xd8\xff\xe0" + bytes(100), b"RIFF....WEBP"]
)
def test_what_is_no_media_carries_none_that_can_be_verified(raw: bytes) -> None:
    found = read(raw)
    assert found.seal in {Seal.NONE, Seal.UNKNOWN}
    assert not found.trusted


def test_of_two_manifests_the_last_one_counts_and_the_first_one_s_declaration_stays(
    folder: Path, tmp_path: Path
) -> None:
    info = c2pa.C2paSignerInfo(b"es256", *_pems(OURS.vouches("The desk")), None)
    builder = c2pa.Builder({"assertions": []}, manifest._context(""))
    builder.set_intent(c2pa.C2paBuilderIntent.EDIT)
    with (folder / "signed.jpg").open("rb") as given_, (tmp_path / "twice.jpg").open("w+b") as out:
        builder.sign(c2pa.Signer.from_info(info), "image/jpeg", given_, out)
    found = manifest.of(tmp_path / "twice.jpg", OURS.pem)
    assert (found.seal, found.signer, found.manifests, found.declares_ai) == (
        Seal.INTACT,
        "The desk",
        2,
        True,
    )


def test_who_vouches_beside_the_signer_is_told_apart(folder: Path) -> None:
    by_zoe = credential_cases.signed(identity=credential_cases.named("Zoe herself"))
    found = read(by_zoe, credential_cases.OURS.pem)
    assert found.identities == (
        Identity("Zoe herself", "cawg.x509.cose", IdentityState.TRUSTED, own=True),
    )
    (stranger,) = read(by_zoe, THEIRS.pem).identities
    assert (stranger.state, stranger.problems) == (
        IdentityState.UNTRUSTED,
        ("cawg.x509.credential.untrusted",),
    )
    over = credential_cases.signed(by_zoe, credential_cases.DESK, [], over=True)
    (under,) = read(over, credential_cases.OURS.pem).identities
    assert (under.state, under.own) == (IdentityState.TRUSTED, False)
    (odd,) = read(
        credential_cases.signed(
            assertions=[credential_cases.action(), credential_cases.UNKNOWN_IDENTITY]
        )
    ).identities
    assert (odd.name, odd.kind, odd.state) == ("", "cawg.future", IdentityState.UNVERIFIED)
    beside = told(replace(found, identities=(odd,)), Labels())[2]
    assert "somebody without a name" in str(beside)


def test_an_ingredient_cannot_name_itself_so_that_its_identity_counts_as_the_files_own() -> None:
    identity = {"label": "cawg.identity", "data": {"signature_info": {"common_name": "Mallory"}}}
    (found,) = identities(
        {
            "active_manifest": "urn:c2pa:1",
            "manifests": {
                "urn:c2pa:1": {"assertions": []},
                "theirs/urn:c2pa:1/": {"assertions": [identity]},
            },
        }
    )
    assert (found.name, found.own) == ("Mallory", False)


def _pems(signing: manifest.Signing) -> tuple[bytes, bytes]:
    return signing.chain, signing.key


def test_a_file_that_declares_a_camera_declares_no_ai(folder: Path, tmp_path: Path) -> None:
    manifest.write(folder / "plain.jpg", tmp_path / "camera.jpg", STUDIO, [], CAPTURE)
    found = manifest.of(tmp_path / "camera.jpg", OURS.pem)
    assert (found.declares_ai, found.licences) == (False, ())
    assert codes(found)[-1] == "credentials.declares_none"


class Listening(socketserver.BaseRequestHandler):
    """Counter of those who call."""

    def handle(self) -> None:
        CALLS.append(self.client_address)


CALLS: list[object] = []


@pytest.fixture
def address() -> Iterator[str]:
    """Starts a listener on this machine that must not be called."""
    CALLS.clear()
    with socketserver.TCPServer(("127.0.0.1", 0), Listening) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/manifest.c2pa"
        server.shutdown()
        thread.join(5)


def test_credentials_that_lie_elsewhere_are_not_fetched(
    folder: Path, tmp_path: Path, address: str
) -> None:
    builder = c2pa.Builder({"assertions": []}, manifest._context(""))
    builder.set_intent(c2pa.C2paBuilderIntent.CREATE, c2pa.C2paDigitalSourceType.DIGITAL_CAPTURE)
    builder.set_no_embed()
    builder.set_remote_url(address)
    info = c2pa.C2paSignerInfo(b"es256", *_pems(STUDIO), None)
    with (folder / "plain.jpg").open("rb") as given_, (tmp_path / "remote.jpg").open("w+b") as out:
        builder.sign(c2pa.Signer.from_info(info), "image/jpeg", given_, out)
    found = manifest.of(tmp_path / "remote.jpg", OURS.pem)
    assert found.seal is Seal.ELSEWHERE
    assert codes(found) == ["credentials.elsewhere"]
    assert CALLS == []


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_fuzzed_manifests_never_crash_and_never_verify(folder: Path, data: st.DataObject) -> None:
    """After any change, credentials do not verify, or say the same as before.

    They say the same if the change was in their padding.
    """
    raw = bytearray((folder / "signed.jpg").read_bytes())
    begin = raw.index(b"jumb")
    end = begin + raw[begin:].index(bytes(64))
    at = data.draw(st.integers(begin, end - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    found = read(bytes(raw))
    assert found.seal is not Seal.INTACT or found == manifest.of(folder / "signed.jpg", OURS.pem)


@pytest.mark.parametrize("seal", list(Seal))
def test_every_seal_has_its_sentence(seal: Seal) -> None:
    for signer, trusted in (("", False), ("A", False), ("A", True)):
        for one in told(
            ContentCredentials(seal, signer, trusted, problems=("claim.v9",), manifests=1),
            Labels("me"),
        ):
            assert str(one).endswith(".")


def test_a_key_that_does_not_fit_writes_nothing(folder: Path, tmp_path: Path) -> None:
    mixed = manifest.Signing(STUDIO.chain, THEIRS.vouches("Somebody").key)
    with pytest.raises(LicenceError, match="cannot be written into it"):
        manifest.write(folder / "plain.jpg", tmp_path / "out.jpg", mixed, [])
    with pytest.raises(LicenceError, match="cannot be written into it"):
        manifest.write(
            folder / "plain.jpg", tmp_path / "out.jpg", manifest.Signing(b"no", b"key"), []
        )
    assert not list(tmp_path.iterdir())


def test_a_trust_list_without_certificates_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.pem").write_text("nobody")
    with pytest.raises(LicenceError, match="no certificate in PEM"):
        manifest.anchors([tmp_path / "list.pem"])
    (tmp_path / "list.pem").write_text(OURS.pem)
    assert manifest.anchors([tmp_path / "list.pem"]) == OURS.pem


def test_a_stranger_s_names_stay_on_one_line(folder: Path, tmp_path: Path) -> None:
    manifest.write(
        folder / "plain.jpg", tmp_path / "out.jpg", OURS.vouches("Me\nand\x1b[31mred"), []
    )
    found = manifest.of(tmp_path / "out.jpg", OURS.pem)
    assert found.signer.isprintable()
    assert json.dumps(found.problems)
