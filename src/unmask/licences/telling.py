"""Sentences about content credentials and labels: signer, trust, integrity and declarations."""

from __future__ import annotations

from collections.abc import Iterator

from unmask.messages import Message
from unmask.types import ContentCredentials, Labels, Seal


def told(credentials: ContentCredentials, labels: Labels) -> tuple[Message, ...]:
    """Returns a sentence for each fact to report, the most important first."""
    return (*_credentials(credentials), *_labels(labels))


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
    yield (
        Message("credentials.declares_ai")
        if found.declares_ai
        else Message("credentials.declares_none")
    )
    if found.licences:
        yield Message("credentials.licences", {"licences": found.licences})


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
