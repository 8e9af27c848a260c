"""The service's storage, and the names of its objects.

incoming/...                     uploads under way; after days, nobody needs them any more
TENANT/SHA256/media              a file as it was uploaded, once per tenant
TENANT/SHA256/altered-...        bytes found in its place, kept for an investigation
TENANT/SHA256/CHECK.html, .zip   report and pictures of a check; they show faces and are
                                 deleted with the file
TENANT/SHA256/take.LANGUAGE.html the page on the file as one unbroken take, deleted likewise
TENANT/originals/REGISTRATION    hashes and thumbnails of a known original, an SQLite file
"""

from __future__ import annotations

from unmask.service.settings import ServiceSettings
from unmask.service.store.folders import private
from unmask.service.store.tables import new_id
from unmask.storage import Storage


def open_storage(settings: ServiceSettings) -> Storage:
    """Opens the folder or bucket that the settings name.

    Temporary files are in the data folder, which is made private.

    Raises:
        UsageError: the data folder cannot be written to.
    """
    scratch = private(private(settings.data) / settings.scratch.name)
    keys = (settings.storage_key, settings.storage_secret) if settings.storage_key else None
    return Storage(settings.storage or private(settings.data / "media"), scratch, keys)


def folder(tenant: str, sha256: str) -> str:
    """Returns the place of all that shows a file's content; deletion uses this name."""
    return f"{tenant}/{sha256}/"


def media(tenant: str, sha256: str) -> str:
    return f"{folder(tenant, sha256)}media"


def report(tenant: str, sha256: str, check: str) -> str:
    return f"{folder(tenant, sha256)}{check}.html"


def pictures(tenant: str, sha256: str, check: str) -> str:
    return f"{folder(tenant, sha256)}{check}.zip"


def take(tenant: str, sha256: str, language: str) -> str:
    return f"{folder(tenant, sha256)}take.{language}.html"


def altered(tenant: str, sha256: str) -> str:
    """Returns a new name for bytes found in place of the file."""
    return f"{folder(tenant, sha256)}altered-{new_id()}"


def original(tenant: str, registration: str) -> str:
    return f"{tenant}/originals/{registration}"


def incoming() -> str:
    """Returns a new name for an upload under way."""
    return f"incoming/{new_id()}"
