"""The service over HTTP: the API and the page in one application."""

from __future__ import annotations

from fastapi import FastAPI

from unmask.service.api.routes import create_api
from unmask.service.page import routes as page
from unmask.service.store.service import Service


def create_app(service: Service) -> FastAPI:
    """Builds the API and the page as one application.

    Args:
        service: whose settings, database and storage the routes use, as
            ``request.app.state.service``.
    """
    app = create_api(service)
    page.install(app)
    return app
