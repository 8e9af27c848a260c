"""Identities in content credentials (CAWG Identity Assertion 1.1): who vouches, beside the signer.

Such a person or organisation signs some of the assertions in a manifest. Their own certificate, or
a service that verified their accounts, says who they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from unmask.licences.text import one_line
from unmask.types import Identity, IdentityState

LABEL = "cawg.identity"
MOST = 20
"""Most identities that are told."""

SIGNED = frozenset({"cawg.x509.signature.validated", "cawg.ica.untrusted_issuer"})
"""Status codes of an identity whose signature fits; the second is of a service nobody trusts."""
TRUSTED = frozenset({"cawg.x509.credential.trusted", "cawg.ica.credential_valid"})
"""Status codes of an identity for which an authority of the user's list vouches."""
OF_TRUST = "cawg.x509.credential."
"""Beginning of the status codes for a certificate that must not be relied on."""


def identities(store: Mapping[str, Any]) -> tuple[Identity, ...]:
    """Returns the identities in a manifest store, as the reader's JSON: the file's own first."""
    active = str(store.get("active_manifest"))
    manifests = store.get("manifests") or {}
    own = {active: manifests[active]} if active in manifests else {}
    found = [
        (data, url, label)
        for label, manifest in (own | manifests).items()
        for data, url in _of(manifest, label)
    ]
    codes = [(code, url) for code, url in _codes(store) if f"/{LABEL}" in url]
    return tuple(
        _identity(data, [code for code, at in codes if at == url], label == active)
        for data, url, label in found[:MOST]
    )


def _of(manifest: Mapping[str, Any], label: str) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Yields the identities of a manifest, each with its address in the reader's status."""
    asserted = [
        one for one in manifest.get("assertions") or () if re.fullmatch(LABEL, one["label"])
    ]
    for number, one in enumerate(asserted):
        suffix = f"__{number}" if number else ""
        data = one.get("data")
        yield (
            data if isinstance(data, dict) else {},
            f"self#jumbf=/c2pa/{label}/c2pa.assertions/{LABEL}{suffix}",
        )


def _codes(store: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yields all status codes, failures marked by an exclamation mark in front."""
    results = store.get("validation_results") or {}
    deltas = [one.get("validationDeltas") or {} for one in results.get("ingredientDeltas") or ()]
    for part in (results.get("activeManifest") or {}, *deltas):
        for kind in ("success", "informational", "failure"):
            mark = "!" if kind == "failure" else ""
            yield from ((mark + one["code"], one.get("url") or "") for one in part.get(kind) or ())


def _identity(data: Mapping[str, Any], codes: Sequence[str], own: bool) -> Identity:
    failures = tuple(dict.fromkeys(one_line(code[1:]) for code in codes if code.startswith("!")))
    payload = data.get("signer_payload") or data.get("c2paAsset") or {}
    fits = bool((SIGNED | TRUSTED) & set(codes))
    if fits and not failures and TRUSTED & set(codes):
        state = IdentityState.TRUSTED
    elif fits and all(code.startswith(OF_TRUST) for code in failures):
        state = IdentityState.UNTRUSTED
    else:
        state = IdentityState.UNVERIFIED
    return Identity(_name(data), one_line(payload.get("sig_type") or ""), state, own, failures)


def _name(data: Mapping[str, Any]) -> str:
    """Returns the name on the certificate, or the names that a service verified, each with it."""
    signature = data.get("signature_info") or {}
    named = [signature.get("common_name") or signature.get("issuer") or ""]
    for one in data.get("verifiedIdentities") or ():
        name = one.get("name") or one.get("username") or ""
        provider = (one.get("provider") or {}).get("name") or ""
        named.append(f"{name} ({provider})" if name and provider else name)
    return one_line(", ".join(dict.fromkeys(name for name in map(str, named) if name)))
