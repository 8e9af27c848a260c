"""Sentences about content credentials and labels: signer, trust, integrity and declarations."""

from __future__ import annotations

from collections.abc import Iterator

from unmask.messages import Message
from unmask.types import ContentCredentials, Identity, IdentityState, Labels, Original, Seal


def told(credentials: ContentCredentials, labels: Labels) -> tuple[Message, ...]:
    """Returns a sentence for each fact to report, the most important first."""
    return (*_credentials(credentials), *_labels(labels))


def stripped(original: Original) -> Message:
    """Says that an original was registered with content credentials, and that the file has none."""
    named = {"original": original.credit}
    if original.seal is not Seal.INTACT:
        return Message("limit.stripped_unfit", named)
    if not original.signer:
        return Message("limit.stripped_unnamed", named)
    return Message("limit.stripped", {**named, "signer": original.signer})


def _credentials(found: ContentCredentials) -> Iterator[Message]:
    if found.seal is Seal.NONE:
        yield Message("credentials.none")
        return
    yield _seal(found)
    if found.seal is Seal.ELSEWHERE or not found.manifests:
        return
    if not found.signer:
        yield Message("credentials.unnamed")
    elif found.trusted:
        yield Message("credentials.trusted", {"signer": found.signer})
    else:
        yield Message("credentials.untrusted", {"signer": found.signer})
    yield from (_identity(one) for one in found.identities if one.own)
    yield (
        Message("credentials.declares_ai")
        if found.declares_ai
        else Message("credentials.declares_none")
    )
    if found.licences:
        yield Message("credentials.licences", {"licences": found.licences})


def _identity(found: Identity) -> Message:
    name = found.name or Message("credentials.nameless")
    if found.state is IdentityState.TRUSTED:
        return Message("credentials.identity_trusted", {"name": name})
    if found.state is IdentityState.UNTRUSTED:
        return Message("credentials.identity_untrusted", {"name": name})
    problem = ", ".join(found.problems)
    return Message("credentials.identity_unverified", {"name": name, "problem": problem})


def _seal(found: ContentCredentials) -> Message:
    if found.seal is Seal.UNKNOWN:
        return Message("credentials.unknown", {"problem": ", ".join(found.problems)})
    sentences = {
        Seal.ELSEWHERE: Message("credentials.elsewhere"),
        Seal.INTACT: Message("credentials.intact"),
        Seal.CHANGED: Message("credentials.changed"),
        Seal.BROKEN: Message("credentials.broken"),
    }
    return sentences[found.seal]


def _labels(found: Labels) -> Iterator[Message]:
    if found.producer:
        yield Message("credentials.label_by", {"producer": found.producer})
    elif found.producer is not None:
        yield Message("credentials.label")
    if Labels(source_types=found.source_types).declares_ai:
        yield Message("credentials.label_iptc")
