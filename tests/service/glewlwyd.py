"""A real provider of single sign-on: Glewlwyd, written in C, on a port of this machine."""

from __future__ import annotations

import shutil
import socket
import sqlite3
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
from joserfc.jwk import RSAKey

from tests.service.tree import until

PASSWORD = "eleven green umbrellas"  # noqa: S105 - of a test
PROGRAM = shutil.which("glewlwyd")
TABLES = Path("/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
WEBAPP = Path("/usr/share/glewlwyd/webapp")
PAGE = Path("/usr/share/glewlwyd/templates/config.json")
MISSING = not (PROGRAM and TABLES.is_file() and PAGE.is_file())
KINDS = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
}
"""Files of its page, by the ends of their names, and how they are sent."""

CONFIGURATION = """
port = {port}
bind_address = "127.0.0.1"
external_url = "{url}"
login_url = "login.html"
api_prefix = "api"
static_files_path = "{folder}/webapp/"
static_files_mime_types = ({kinds})
log_mode = "console"
log_level = "WARNING"
cookie_secure = false
session_key = "GLEWLWYD2_SESSION_ID"
admin_scope = "g_admin"
profile_scope = "g_profile"
user_module_path = "/usr/lib/glewlwyd/user"
user_middleware_module_path = "/usr/lib/glewlwyd/user_middleware"
client_module_path = "/usr/lib/glewlwyd/client"
user_auth_scheme_module_path = "/usr/lib/glewlwyd/scheme"
plugin_module_path = "/usr/lib/glewlwyd/plugin"
hash_algorithm = "SHA512"
database = {{ type = "sqlite3" path = "{folder}/glewlwyd.sqlite" }};
"""


class Glewlwyd:
    """The running provider, with groups as a claim and PKCE required.

    Args:
        folder: an empty folder for its database and page.

    Attributes:
        url: under which it is reached.
        issuer: as it names itself in tokens.
    """

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.issuer = f"{self.url}/api/openid"
        self._admin = httpx.Client(base_url=f"{self.url}/api")
        self._install(folder, port)
        with (folder / "log").open("wb") as log:
            command = [str(PROGRAM), "--config-file", str(folder / "glewlwyd.conf")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers)
        self._ask("POST", "/auth/", username="admin", password="password")  # noqa: S106 - its default
        self._offer_openid()
        self._give_people_groups()

    def client(self, name: str, secret: str, back: str) -> None:
        """Registers a client, to which people are sent back at an address."""
        self._ask(
            "POST", "/client/", client_id=name, name=name.title(), client_secret=secret,
            confidential=True, redirect_uri=[back], authorization_type=["code"],
            token_endpoint_auth_method=["client_secret_basic"], scope=[], enabled=True,
        )  # fmt: skip

    def person(self, email: str, *groups: str) -> str:
        """Adds a person, in groups, with the password `PASSWORD`; returns the name to sign in."""
        name = email.partition("@")[0] + email.partition("@")[2].partition(".")[0]
        self._ask(
            "POST", "/user/", username=name, name="Nina Newcomer", email=email, password=PASSWORD,
            scope=["openid", "g_profile"], groups=list(groups), enabled=True,
        )  # fmt: skip
        return name

    def signed_in(self, name: str, client: str) -> httpx.Client:
        """Returns a browser without a page, in which a person has signed in and consented."""
        browser = httpx.Client(base_url=self.url)
        browser.post("/api/auth/", json={"username": name, "password": PASSWORD}).raise_for_status()
        consent = browser.put(f"/api/auth/grant/{client}/", json={"scope": "openid"})
        consent.raise_for_status()
        return browser

    def close(self) -> None:
        self._admin.close()
        self._process.terminate()
        self._process.wait(60)

    def _install(self, folder: Path, port: int) -> None:
        database = sqlite3.connect(folder / "glewlwyd.sqlite")
        database.executescript(TABLES.read_text())
        database.close()
        shutil.copytree(WEBAPP, folder / "webapp", ignore=shutil.ignore_patterns(PAGE.name))
        shutil.copyfile(PAGE, folder / "webapp" / PAGE.name)
        kinds = ", ".join(
            f'{{extension = ".{end}" mime_type = "{kind}"}}' for end, kind in KINDS.items()
        )
        text = CONFIGURATION.format(port=port, url=self.url, folder=folder, kinds=kinds)
        (folder / "glewlwyd.conf").write_text(text)

    def _answers(self) -> bool:
        assert self._process.poll() is None, "glewlwyd ended"
        with suppress(httpx.HTTPError):
            return self._admin.get("/../config/").is_success
        return False

    def _offer_openid(self) -> None:
        key = RSAKey.generate_key(2048)
        private, public = (key.as_pem(private=one).decode() for one in (True, False))
        off = {
            f"auth-type-{kind}-enabled": False
            for kind in ("token", "none", "password", "client", "device", "refresh")
        }
        groups = {"name": "groups", "user-property": "groups", "type": "string", "mandatory": True}
        parameters = off | {
            "iss": self.issuer, "jwt-type": "rsa", "jwt-key-size": "256", "key": private,
            "cert": public, "jwks-show": True, "allowed-scope": ["openid"],
            "access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 600,
            "refresh-token-rolling": False, "allow-non-oidc": False,
            "auth-type-code-enabled": True, "auth-type-id-token-enabled": True,
            "pkce-allowed": True, "pkce-required": True, "secret-type": "pairwise",
            "name-claim": "mandatory", "email-claim": "mandatory", "claims": [groups],
        }  # fmt: skip
        plugin = {"module": "oidc", "name": "openid", "display_name": "OpenID Connect"}
        self._ask("POST", "/mod/plugin/", **plugin, parameters=parameters)

    def _give_people_groups(self) -> None:
        people = self._admin.get("/mod/user/database").json()
        people["parameters"]["data-format"]["groups"] = {
            "multiple": True, "read": True, "write": True,
            "profile-read": False, "profile-write": False,
        }  # fmt: skip
        self._ask("PUT", "/mod/user/database", **people)
        self._ask("PUT", "/mod/user/database/reset")

    def _ask(self, method: str, path: str, **values: Any) -> None:
        self._admin.request(method, path, json=values).raise_for_status()
