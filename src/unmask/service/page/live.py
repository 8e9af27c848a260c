"""The page of a live check: for whoever was sent here by a program that wants to know that a person
is there.

It asks nothing of the server but the page itself. Which check it is, and the ticket for it, stand
behind the ``#`` of the address, which browsers do not send: so they are in no log, and whoever
looks at a link in advance uses nothing up.
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
