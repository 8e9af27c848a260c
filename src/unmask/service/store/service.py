"""The settings, the database and the storage of one service, which every request and job needs."""

from __future__ import annotations

from dataclasses import dataclass

from unmask.service.settings import ServiceSettings
from unmask.service.store import storage
from unmask.service.store.database import Database
from unmask.storage import Storage


@dataclass(frozen=True, slots=True)
class Service:
    """The settings, database and storage of one process."""

    settings: ServiceSettings
    database: Database
    storage: Storage

    @classmethod
    def opened(cls, settings: ServiceSettings) -> Service:
        return cls(settings, Database(settings), storage.open_storage(settings))
