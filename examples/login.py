"""A login that asks for a live check: `python examples/login.py`, then http://127.0.0.1:8080.

It needs a running service and one of its API keys with the scope ``live:write``:

    unmask serve --data service    # http://127.0.0.1:8000; make a key on its page
    UNMASK_KEY=um_... python examples/login.py

Your own login has to do this as well, for these reasons:

- Make the check in the backend, for the account that is signing in, and keep its id in the
  backend's own session. An id sent by the browser could belong to anybody's check.
- Ask the service for the result. The return of the browser proves nothing.
- Compare the code with which the browser came back. Otherwise another person elsewhere could do
  the check.
- Accept only `live`, only for the same account, only fresh, only once.
- Lock nobody out: a person who does not pass tries again, or uses your other way to sign in.
  A live check says that a person is there, not who it is; the password, or a comparison of faces,
  says that.
"""

from __future__ import annotations

import html
import os
import secrets
import time
from dataclasses import dataclass
from typing import Annotated

import httpx
import uvicorn
from fastapi import Cookie, FastAPI, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

OWN = os.environ.get("LOGIN_URL", "http://127.0.0.1:8080")
"""Address at which people reach this login."""

ACCOUNTS = {"ann": "violet tram under nine moons"}
"""Names and passwords; a real login keeps hashes."""

FRESH = 120.0
"""s for which a result is valid."""

FORM = """<form method="post"><p><label>Name <input name="name" autocomplete="username"></label></p>
<p><label>Password <input name="password" type="password" autocomplete="current-password">\
</label></p>
<p><button>Sign in</button></p></form>"""


@dataclass(slots=True)
class Visit:
    """State that the backend keeps for a browser.

    It holds whose password was right, the check made for them, and whether they are signed in.
    """

    name: str
    check: str | None
    signed_in: bool = False


app = FastAPI()
visits: dict[str, Visit] = {}
unmask = httpx.Client(
    base_url=os.environ.get("UNMASK_URL", "http://127.0.0.1:8000"),
    headers={"Authorization": f"Bearer {os.environ['UNMASK_KEY']}"},
    timeout=30,
)
Known = Annotated[str, Cookie(alias="visit")]


@app.get("/")
def ask() -> Response:
    return page("Sign in", FORM)


@app.post("/")
def check_password(name: Annotated[str, Form()], password: Annotated[str, Form()]) -> Response:
    if not secrets.compare_digest(
        ACCOUNTS.get(name, secrets.token_hex()).encode(), password.encode()
    ):
        return page("Sign in", f"<p>That is not right.</p>{FORM}")
    return send_to_check(name)


@app.get("/again")
def again(visit: Known = "") -> Response:
    known = visits.pop(visit, None)
    return send_to_check(known.name) if known else RedirectResponse("/", 303)


@app.get("/back")
def back(visit: Known = "", code: str = "") -> Response:
    known = visits.get(visit)
    if known is None or known.check is None:
        return RedirectResponse("/", 303)
    check = unmask.get(f"/api/v1/live/{known.check}").raise_for_status().json()
    known.check = None  # valid once, whatever the result
    same = check["subject"] == known.name and secrets.compare_digest(
        check["code"].encode(), code.encode()
    )
    if check["result"] != "live" or not same or check["finished"] < time.time() - FRESH:
        return page(
            "Not signed in",
            '<p><a href="/again">Try again</a>, or call us: there is another way.</p>',
        )
    known.signed_in = True
    return RedirectResponse("/account", 303)


@app.get("/account")
def account(visit: Known = "") -> Response:
    known = visits.get(visit)
    if known is None or not known.signed_in:
        return RedirectResponse("/", 303)
    return page("Your account", f"<p>Signed in as {html.escape(known.name)}.</p>")


def send_to_check(name: str) -> Response:
    """Makes a live check for an account and sends the browser there."""
    made = (
        unmask.post("/api/v1/live", json={"subject": name, "back": f"{OWN}/back"})
        .raise_for_status()
        .json()
    )
    visit = secrets.token_urlsafe(32)
    visits[visit] = Visit(name, made["id"])
    response = RedirectResponse(made["url"], 303)
    response.set_cookie(
        "visit", visit, httponly=True, samesite="lax", secure=OWN.startswith("https://")
    )
    return response


def page(title: str, body: str) -> Response:
    head = (
        '<meta name="viewport" content="width=device-width">'
        f'<link rel="icon" href="data:,"><title>{title}</title>'
    )
    return HTMLResponse(f'<!doctype html><html lang="en">{head}<h1>{title}</h1>{body}</html>')


if __name__ == "__main__":
    uvicorn.run(app, port=int(OWN.rpartition(":")[2]), log_level="warning")
