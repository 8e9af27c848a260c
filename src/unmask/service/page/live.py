"""The page of a live check, to which a program sends a person to verify their presence.

It asks nothing of the server but the page itself. The id and ticket of the check stand behind the
``#`` of the address, which browsers do not send. So they are in no log, and a program that previews
links uses nothing up.
"""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from unmask.service.page.rendering import PageRoute, render

router = APIRouter(route_class=PageRoute)

PERMISSIONS = "camera=(self), microphone=(), geolocation=(), payment=(), usb=()"
"""Permissions Policy (W3C) of this page; no other may ask for the camera."""


@router.get("/live")
def live(request: Request) -> Response:
    response = render(request, "live.html.j2")
    response.headers["Permissions-Policy"] = PERMISSIONS
    return response
