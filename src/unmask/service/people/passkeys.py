"""Passkeys of people: keys that a phone, a computer or a security key holds and signs with.

The database has only the public keys, so whoever reads it can sign nothing. A challenge belongs to
one browser's session, can be answered once, and lasts ten minutes.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from unmask.messages import Message
from unmask.service.people import accounts, audit, sessions, webauthn
from unmask.service.people.actor import Actor
from unmask.service.people.webauthn import Ceremony, NewPasskey, RelyingParty, UsedPasskey
from unmask.service.problems import Problem, not_found
from unmask.service.settings import ServiceSettings
from unmask.service.store.database import changes_one, insert_new
from unmask.service.store.database import now as clock
from unmask.service.store.tables import Account, BrowserSession, Passkey, new_id

NAME = "Unmask"
"""Name under which browsers and authenticators list the service."""

LASTS = sessions.PENDING
"""Lifetime of a challenge, s; Web Authentication, 15.1, recommends 300 to 600."""

MOST = 20
"""Maximum number of passkeys of one account."""


def relying_party(settings: ServiceSettings) -> RelyingParty | None:
    """Returns the service as browsers know it: its public address, whatever a request says.

    None where browsers make no passkeys: without such an address, or where it is an IP address or,
    beyond this machine, not https.
    """
    parts = urlsplit(settings.public_url)
    host = parts.hostname or ""
    local = host == "localhost" or host.endswith(".localhost")
    if not host or ":" in host or host.replace(".", "").isdigit():
        return None
    return RelyingParty(host, settings.public_url) if parts.scheme == "https" or local else None


def listing(session: Session, account: str) -> list[Passkey]:
    """Lists an account's passkeys, the oldest first."""
    mine = select(Passkey).where(Passkey.account == account)
    return list(session.scalars(mine.order_by(Passkey.id)))


def own(session: Session, actor: Actor, passkey: str) -> Passkey:
    """Returns one of the actor's passkeys.

    Raises:
        Problem: 404, it is not the actor's; 403, the actor is a program.
    """
    found = session.get(Passkey, passkey)
    if found is None or session.get_one(Account, found.account).tenant != actor.tenant:
        raise not_found("passkey")
    accounts.check_person(actor)
    if found.account != actor.id:
        raise not_found("passkey")
    return found


def to_create(
    session: Session, settings: ServiceSettings, actor: Actor, secret: str
) -> dict[str, Any]:
    """Returns what a browser needs to make a passkey (`PublicKeyCredentialCreationOptionsJSON`).

    Args:
        secret: of the browser's session, to which the challenge is bound.

    Raises:
        Problem: 409, there can be no passkeys here, or no more of this account.
    """
    party, known = _party(settings), listing(session, actor.id)
    if len(known) >= MOST:
        raise Problem(409, "Too many passkeys", Message("refusal.passkeys", {"most": MOST}))
    account = accounts.get(session, actor, actor.id)
    handle = webauthn.base64url(_handle(account.id))
    return {
        "rp": {"id": party.id, "name": NAME},
        "user": {"id": handle, "name": account.email, "displayName": account.name},
        "challenge": _challenge(session, secret, Ceremony.CREATE),
        "pubKeyCredParams": [{"type": "public-key", "alg": one} for one in webauthn.ALGORITHMS],
        "timeout": LASTS * 1000,
        "excludeCredentials": _described(known),
        "authenticatorSelection": {"residentKey": "preferred", "userVerification": "preferred"},
        "attestation": "none",
    }


def to_use(
    session: Session, settings: ServiceSettings, actor: Actor, secret: str
) -> dict[str, Any] | None:
    """Returns what a browser needs to use a passkey (`PublicKeyCredentialRequestOptionsJSON`).

    None where the actor has none.

    Args:
        secret: of the browser's session, to which the challenge is bound.
    """
    known, party = listing(session, actor.id), relying_party(settings)
    if party is None or not known:
        return None
    return {
        "rpId": party.id,
        "challenge": _challenge(session, secret, Ceremony.GET),
        "timeout": LASTS * 1000,
        "allowCredentials": _described(known),
        "userVerification": "preferred",
    }


def take(session: Session, secret: str, ceremony: Ceremony) -> str | None:
    """Takes a session's challenge, so that nobody answers it again; None if there is none."""
    mine = BrowserSession.digest == sessions.digest(secret)
    browser = session.scalar(select(BrowserSession).where(mine).with_for_update())
    if browser is None:
        return None
    kept, asked, until = browser.challenge, browser.ceremony, browser.challenge_expires
    browser.challenge = None
    session.flush()
    return kept if asked == ceremony and (until or 0.0) > clock(session) else None


def add(
    session: Session,
    settings: ServiceSettings,
    actor: Actor,
    secret: str,
    name: str,
    answer: NewPasskey,
) -> bool:
    """Adds the passkey that a browser made; returns False if it is refused.

    It is refused if it does not answer the challenge of the browser's session, if its key is of no
    kind that is accepted, or if an account has it already.

    Raises:
        Problem: 409, there can be no passkeys here.
    """
    challenge, party = take(session, secret, Ceremony.CREATE), _party(settings)
    if challenge is None:
        return False
    try:
        made = webauthn.created(party, challenge, answer)
    except ValueError:
        return False
    row, about = new_id(), {"account": actor.id, "name": name}
    given = {"credential": made.id, "key": made.key, "count": made.count}
    if not insert_new(session, Passkey, id=row, **about, **given):
        return False
    audit.record(session, actor, "passkey.added", row)
    return True


def is_right(
    session: Session, settings: ServiceSettings, actor: Actor, secret: str, answer: UsedPasskey
) -> bool:
    """Tells whether one of the actor's passkeys has signed the session's challenge; notes its use.

    Where the signature is right and the counter has not grown, there may be a copy of the passkey:
    it is refused, and the audit log says so.
    """
    challenge, party = take(session, secret, Ceremony.GET), relying_party(settings)
    mine = Passkey.account == actor.id, Passkey.credential == answer.id
    found = session.scalar(select(Passkey).where(*mine))
    if challenge is None or party is None or found is None:
        return False
    try:
        count = webauthn.signed(party, challenge, found.key, _handle(actor.id), answer)
    except ValueError:
        return False
    grown = Passkey.count < count if count else Passkey.count == 0
    noted = update(Passkey).where(Passkey.id == found.id, grown)
    if changes_one(session, noted.values(count=count, used=clock(session))):
        return True
    audit.record(session, actor, "passkey.copied", found.id)
    return False


def _party(settings: ServiceSettings) -> RelyingParty:
    party = relying_party(settings)
    if party is None:
        raise Problem(409, "No passkeys here", Message("refusal.no_passkeys"))
    return party


def _challenge(session: Session, secret: str, ceremony: Ceremony) -> str:
    """Gives a session a new challenge in place of the one before."""
    made = secrets.token_urlsafe(32)
    values = {"challenge": made, "challenge_expires": clock(session) + LASTS, "ceremony": ceremony}
    mine = BrowserSession.digest == sessions.digest(secret)
    session.execute(update(BrowserSession).where(mine).values(**values))
    return made


def _described(known: list[Passkey]) -> list[dict[str, str]]:
    return [{"type": "public-key", "id": one.credential} for one in known]


def _handle(account: str) -> bytes:
    """Returns an account's name for authenticators, which tells nothing of the person."""
    return account.encode()
