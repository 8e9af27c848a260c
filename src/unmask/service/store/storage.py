"""The service's storage, and what is called how in it.

incoming/...                      on their way in; what lies there for days is nobody's
TENANT/SHA256/media               a file as it was uploaded, once per tenant
TENANT/SHA256/altered-...         what lay there instead of it, for whoever finds out why
TENANT/SHA256/CHECK.html, .zip    the report of a check of it, and its pictures; they show faces and
go with it TENANT/originals/REGISTRATION     hashes and thumbnails of a known original, an SQLite
file
"""

from __future__ import annotations

from unmask.service.settings import Settings
from unmask.service.store.folders import private
from unmask.service.store.tables import new_id
from unmask.storage import Storage


def opened(settings: Settings) -> Storage:
    """The folder or bucket that the settings name; what is in passing lies in the data folder,
    which is made private.
    """
    scratch = private(settings.data) / settings.scratch.name
    keys = (settings.storage_key, settings.storage_secret) if settings.storage_key else None
    return Storage(settings.storage or settings.data / "media", scratch, keys)


def folder(tenant: str, sha256: str) -> str:
    """Where all that shows a file's content lies; what is to be deleted is deleted by this name."""
    return f"{tenant}/{sha256}/"


def media(tenant: str, sha256: str) -> str:
    return f"{folder(tenant, sha256)}media"


def report(tenant: str, sha256: str, check: str) -> str:
    return f"{folder(tenant, sha256)}{check}.html"


def pictures(tenant: str, sha256: str, check: str) -> str:
    return f"{folder(tenant, sha256)}{check}.zip"


def altered(tenant: str, sha256: str) -> str:
    """A new name for bytes that lay where the file should."""
    return f"{folder(tenant, sha256)}altered-{new_id()}"


def original(tenant: str, registration: str) -> str:
    return f"{tenant}/originals/{registration}"


def incoming() -> str:
    """A new name for bytes on their way in."""
    return f"incoming/{new_id()}"
