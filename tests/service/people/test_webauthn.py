"""Answers of authenticators: what is accepted, what is not, and that a second verifier agrees."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from webauthn import verify_authentication_response, verify_registration_response

from tests.support.authenticator import ATTESTED, VERIFIED, Authenticator, decoded, encoded
from unmask.service.people import webauthn
from unmask.service.people.webauthn import NewPasskey, RelyingParty, UsedPasskey

PARTY = RelyingParty("unmask.example.org", "https://unmask.example.org")
CHALLENGE, HANDLE = encoded(b"a challenge of 32 random bytes.."), b"an account's id"
TO_CREATE: dict[str, Any] = {
    "rp": {"id": PARTY.id},
    "user": {"id": encoded(HANDLE)},
    "challenge": CHALLENGE,
    "pubKeyCredParams": [{"alg": one} for one in webauthn.ALGORITHMS],
    "attestation": "none",
}
TO_USE = {"rpId": PARTY.id, "challenge": CHALLENGE}


def create(answer: dict[str, Any]) -> webauthn.Credential:
    return webauthn.created(PARTY, CHALLENGE, NewPasskey.model_validate(answer))


def use(key: str, answer: dict[str, Any]) -> int:
    return webauthn.signed(PARTY, CHALLENGE, key, HANDLE, UsedPasskey.model_validate(answer))


@pytest.mark.parametrize("algorithm", webauthn.ALGORITHMS)
def test_two_verifiers_accept_what_the_authenticator_answers(algorithm: int) -> None:
    phone = Authenticator(PARTY.origin, algorithm)
    made, used = phone.create(TO_CREATE), phone.get(TO_USE)
    found = create(made)
    assert found.id == encoded(phone.credential)
    assert use(found.key, used) == 1
    common: dict[str, Any] = {
        "expected_challenge": decoded(CHALLENGE),
        "expected_rp_id": PARTY.id,
        "expected_origin": PARTY.origin,
    }
    other = verify_registration_response(credential=made, **common)
    assert (encoded(other.credential_id), other.fmt) == (found.id, "none")
    key = other.credential_public_key
    known = {"credential_public_key": key, "credential_current_sign_count": 0}
    assert verify_authentication_response(credential=used, **common, **known).new_sign_count == 1


def altered(part: str, change: Callable[[bytes], bytes]) -> Callable[[dict[str, Any]], None]:
    def alter(answer: dict[str, Any]) -> None:
        answer["response"][part] = encoded(change(decoded(answer["response"][part])))

    return alter


def told(**more: Any) -> Callable[[dict[str, Any]], None]:
    return altered("clientDataJSON", lambda raw: json.dumps(json.loads(raw) | more).encode())


WRONG = {
    "another page": told(origin="https://unmask.example.org.evil.example"),
    "another port": told(origin="https://unmask.example.org:8443"),
    "within another site's page": told(crossOrigin=True),
    "another challenge": told(challenge=encoded(b"another")),
    "no challenge": told(challenge=""),
    "another request": told(type="payment.get"),
    "not JSON": altered("clientDataJSON", lambda _: b"\xff{"),
    "deep JSON": altered("clientDataJSON", lambda _: b"[" * 5000),
    "a list": altered("clientDataJSON", lambda _: b"[]"),
    "not base64": lambda answer: answer["response"].update(clientDataJSON="a"),
    "not ASCII": lambda answer: answer["response"].update(authenticatorData="é" * 60),
    "another service": altered("authenticatorData", lambda raw: bytes(32) + raw[32:]),
    "nobody there": altered("authenticatorData", lambda raw: raw[:32] + b"\x40" + raw[33:]),
    "nothing": altered("authenticatorData", lambda _: b""),
    "too little": altered("authenticatorData", lambda raw: raw[:36]),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_what_answers_something_else_is_refused(wrong: Callable[[dict[str, Any]], None]) -> None:
    phone = Authenticator(PARTY.origin)
    made = phone.create(TO_CREATE)
    key = create(made).key
    used = phone.get(TO_USE)
    wrong(made)
    wrong(used)
    with pytest.raises(ValueError, match=re.compile(".")):
        create(made)
    with pytest.raises(ValueError, match=re.compile(".")):
        use(key, used)


def test_one_request_s_answer_is_not_the_other_s() -> None:
    phone = Authenticator(PARTY.origin)
    key = create(phone.create(TO_CREATE)).key
    with pytest.raises(ValueError, match="another request"):
        create(phone.create(TO_CREATE, kind="webauthn.get"))
    with pytest.raises(ValueError, match="another request"):
        use(key, phone.get(TO_USE, kind="webauthn.create"))


def test_a_signature_is_of_this_key_over_this_very_data() -> None:
    phone, other = Authenticator(PARTY.origin), Authenticator(PARTY.origin)
    key, others = create(phone.create(TO_CREATE)).key, create(other.create(TO_CREATE)).key
    good = phone.get(TO_USE)
    for wrong in (
        altered("signature", lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])),
        altered("signature", lambda _: b""),
        altered("authenticatorData", lambda raw: raw[:33] + b"\xff\xff\xff\xff"),
        told(note="added"),
    ):
        bad = json.loads(json.dumps(good))
        wrong(bad)
        with pytest.raises(ValueError, match="another key's"):
            use(key, bad)
    with pytest.raises(ValueError, match="another key's"):
        use(others, good)
    phone.handle = b"somebody else"
    with pytest.raises(ValueError, match="another person's"):
        use(key, phone.get(TO_USE))
    phone.handle = b""
    assert use(key, phone.get(TO_USE)) == 3, "not every authenticator returns it"


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 1024)],  # noqa: S505
    ids=["P-384", "short RSA"],
)
def test_other_kinds_of_keys_are_refused(key: Any) -> None:
    made = Authenticator(PARTY.origin).create(TO_CREATE)
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    made["response"]["publicKey"] = encoded(der)
    with pytest.raises(ValueError, match="kind"):
        create(made)
    made["response"]["publicKey"] = encoded(b"0\x82")
    with pytest.raises(ValueError, match=re.compile(".")):
        create(made)


def test_a_new_credential_is_described_whole() -> None:
    phone = Authenticator(PARTY.origin)
    for cut in (37, 53, 55, 86):
        made = phone.create(TO_CREATE)
        altered("authenticatorData", lambda raw, cut=cut: raw[:cut])(made)
        with pytest.raises(ValueError, match="no id"):
            create(made)
    made = phone.create(TO_CREATE)
    only = bytes([phone.flags & ~ATTESTED])
    altered("authenticatorData", lambda raw: raw[:32] + only + raw[33:])(made)
    with pytest.raises(ValueError, match="no credential"):
        create(made)


def test_nothing_is_larger_than_it_need_be() -> None:
    used = Authenticator(PARTY.origin).get(TO_USE)
    used["response"]["signature"] = "A" * (webauthn.LONGEST + 1)
    with pytest.raises(ValueError, match="signature"):
        UsedPasskey.model_validate(used)


def test_who_is_verified_need_not_be_known() -> None:
    phone = Authenticator(PARTY.origin)
    key = create(phone.create(TO_CREATE)).key
    unlocked = replace(phone, flags=phone.flags & ~VERIFIED)
    assert use(key, unlocked.get(TO_USE)) == 1, "the password is the other factor"


def test_base64url_is_that_of_browsers() -> None:
    for content in (b"", b"a", b"\xff\xfe", bytes(range(256))):
        text = webauthn.base64url(content)
        assert text == base64.urlsafe_b64encode(content).decode().rstrip("=")
