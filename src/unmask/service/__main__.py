"""One process of the service tree: ``python -m unmask.service ROLE PARENT [SOCKET]``.

The supervisor starts these processes.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
from typing import TYPE_CHECKING

from unmask.errors import UsageError
from unmask.sandbox.control import die_with_parent, hide
from unmask.service.settings import ServiceSettings

if TYPE_CHECKING:
    from unmask.service.store.service import Service

log = logging.getLogger("unmask.service")


def main() -> None:
    """Runs the role that the command line names until told to stop.

    It ends with `os.EX_CONFIG` once the tables are too new for this version.
    """
    role, parent = sys.argv[1], int(sys.argv[2])
    die_with_parent(parent)
    hide()
    from unmask.service.processes.logs import configure
    from unmask.service.store.service import Service

    configure()
    service = Service.opened(ServiceSettings.read())
    if role == "http":
        _answer(service, socket.socket(fileno=int(sys.argv[3])))
        return
    from unmask.service.processes.courier import Courier
    from unmask.service.processes.stopping import Stopping
    from unmask.service.processes.worker import Worker

    kind: type[Worker | Courier] = Worker if role == "worker" else Courier
    try:
        kind(service, Stopping()).run()
    except UsageError as error:
        log.critical("%s", error)
        sys.exit(os.EX_CONFIG)


def _answer(service: Service, listening: socket.socket) -> None:
    import uvicorn

    from unmask.service.api.connections import BOUNDED, open_more_files
    from unmask.service.api.live import WEBSOCKETS
    from unmask.service.app import create_app

    open_more_files()
    config = uvicorn.Config(
        create_app(service),
        log_config=None,
        access_log=False,
        server_header=False,
        **WEBSOCKETS,
        **BOUNDED,
        timeout_graceful_shutdown=10,
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
