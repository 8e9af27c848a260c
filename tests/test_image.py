"""The container file is built, and its image serves and judges as docs/running.md starts it.

There is no image registry here: the base is a Debian that mmdebstrap makes. There may be no
container runtime either: root, user, capabilities and mounts are set as `podman run` sets them with
the options of the docs, by unshare, chroot and setpriv.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.service.tree import clip, processes_of, until

PROGRAMS = ("buildah", "mmdebstrap", "unshare")
MISSING = [one for one in PROGRAMS if not shutil.which(one)]
FOLDER = os.environ.get("UNMASK_TEST_IMAGE")
"""Folder of the images; it is kept, because the base takes minutes and the network to make."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not FOLDER, reason="builds an image for ten minutes: make image"),
    pytest.mark.skipif(
        bool(MISSING), reason="needs buildah; on Debian: apt-get install buildah mmdebstrap"
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for chroot"),
]

ROOT = Path(__file__).parents[1]
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""Authorities that this machine trusts; a proxy before the registry of packages may need them."""

EMAIL, PASSWORD = "you@example.org", "violet tram under nine moons"

LIKE_PODMAN = """
root=$1 data=$2 user=$3; shift 3
mount --make-rprivate /
mount --bind "$root" "$root"
mount -o remount,bind,ro "$root"
mount -t tmpfs tmpfs "$root/tmp"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind "$data" "$root/data"
exec chroot "$root" setpriv --reuid "$user" --regid "$user" --clear-groups \
    --bounding-set=-all --inh-caps=-all --no-new-privs env --ignore-environment "$@"
"""


class Image:
    """The built image, and its root in this file system.

    Args:
        folder: of the images.

    Attributes:
        config: what it says about user, environment and commands.
        root: folder.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        if "localhost/base" not in self._buildah("images", "--format", "{{.Name}}").split():
            self._make_base()
        self._buildah(
            "bud", "--layers", "--format", "docker", "--pull-never", "--tag", "unmask",
            "--build-arg", "BASE=localhost/base", "--file", "deploy/Containerfile", ".",
        )  # fmt: skip
        self._container = self._buildah("from", "--pull-never", "localhost/unmask").strip()
        self.root = Path(self._buildah("mount", self._container).strip())
        said = self._buildah("inspect", "--type", "image", "localhost/unmask")
        self.config: dict[str, Any] = json.loads(said)["Docker"]["config"]

    def command(self, data: Path, *arguments: str) -> list[str]:
        """Returns the command that runs something in the image.

        Read-only but for /tmp and /data, by the image's user, without capabilities.
        """
        changes = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-eu", "-c"]
        given = [LIKE_PODMAN, "sh", str(self.root), str(data), self.config["User"]]
        return [*changes, *given, *self.config["Env"], "UNMASK_WORKERS=1", *arguments]

    def run(self, data: Path, *arguments: str, typed: str = "") -> str:
        """Runs something in the image to its end; returns what it printed."""
        done = subprocess.run(
            self.command(data, *arguments), input=typed, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def serving(self, data: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
        """Yields the address of the service that the image starts by itself, and its process."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        started = [*self.config["Entrypoint"], *self.config["Cmd"], "--port", str(port)]
        process = subprocess.Popen(self.command(data, *started))
        try:
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()
            process.wait()

    def close(self) -> None:
        self._buildah("umount", self._container)
        self._buildah("rm", self._container)

    def _make_base(self) -> None:
        """Makes the base: a small Debian with Python, as old as the oldest that the file allows."""
        archive, trust = self._folder / "base.tar", f"SSL_CERT_FILE={CERTIFICATES}"
        if not archive.exists():
            part = archive.with_name("part.tar")
            packages = "--include=python3,python3-venv,ca-certificates"
            made = ["mmdebstrap", "--variant=minbase", packages, "bookworm", str(part)]
            subprocess.run(made, check=True, capture_output=True)
            part.rename(archive)
        container = self._buildah("from", "scratch").strip()
        self._buildah("add", container, str(archive), "/")
        self._buildah("copy", container, str(CERTIFICATES), str(CERTIFICATES))
        self._buildah("config", "--env", trust, "--env", f"PIP_CERT={CERTIFICATES}", container)
        self._buildah("commit", "--rm", container, "base")

    def _buildah(self, *arguments: str) -> str:
        """Runs buildah; returns what it printed."""
        places = ["--root", str(self._folder / "images"), "--runroot", str(self._folder / "run")]
        overlay = "overlay" in Path("/proc/filesystems").read_text().split()
        how = {"BUILDAH_ISOLATION": "chroot", "STORAGE_DRIVER": "overlay" if overlay else "vfs"}
        done = subprocess.run(
            ["buildah", *places, *arguments], cwd=ROOT, env=os.environ | how,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    with closing(Image(Path(str(FOLDER)).resolve())) as made:
        yield made


@pytest.fixture
def data(tmp_path: Path, image: Image) -> Path:
    """Returns a volume for the image's user."""
    volume = tmp_path / "data"
    volume.mkdir()
    os.chown(volume, int(image.config["User"]), -1)
    for folder in [tmp_path, *tmp_path.parents][:3]:
        folder.chmod(0o755)
    return volume


def test_a_new_user_comes_from_the_image_to_a_verdict(
    image: Image, data: Path, tmp_path: Path
) -> None:
    with image.serving(data) as (url, process), httpx.Client(base_url=url, timeout=60) as browser:
        until(lambda: _is_healthy(browser))
        adding = ["unmask", "accounts", "add", EMAIL, "--role", "admin"]
        image.run(data, *adding, typed=f"{PASSWORD}\n")
        assert browser.get("/readyz").json() == {"status": "ok"}
        ask = " ".join(image.config["Healthcheck"]["Test"][-1:])
        image.run(data, "python3", "-c", ask.replace(":8000", f":{urlsplit(url).port}"))
        browser.headers["Origin"] = url
        signed_in = browser.post("/api/v1/session", json={"email": EMAIL, "password": PASSWORD})
        browser.headers["X-CSRF-Token"] = signed_in.json()["csrf"]
        content = clip(tmp_path / "clip.mp4").read_bytes()
        check = browser.post("/api/v1/checks?name=clip.mp4", content=content).json()["id"]
        until(lambda: browser.get(f"/api/v1/checks/{check}").json()["finished"])
        result = browser.get(f"/api/v1/checks/{check}/result").json()
        assert (result["error"], len(result["people"])) == (None, 1)
        assert stat.S_IMODE((data / "unmask.sqlite").stat().st_mode) == 0o600
        (service,) = processes_of(process.pid, "unmask")
        os.kill(service, signal.SIGTERM)
        assert process.wait(60) == 0, "it stops when told to, though it is process 1"


def test_it_writes_nowhere_else_and_has_every_wall(image: Image, data: Path) -> None:
    tried = "import os; open('/opt/unmask/x', 'w')"
    refused = subprocess.run(
        image.command(data, "python3", "-c", tried), capture_output=True, text=True, check=False
    )
    assert "Read-only file system" in refused.stderr
    status = image.run(data, "cat", "/proc/self/status")
    assert re.search(r"^Uid:\t10001\t10001\t10001\t10001$", status, re.MULTILINE)
    assert re.search(r"^CapBnd:\t0+$", status, re.MULTILINE)
    said = image.run(data, "unmask", "doctor")
    assert "Nothing is wrong." in said
    assert "an allow list (seccomp)" in said


def _is_healthy(browser: httpx.Client) -> bool:
    with suppress(httpx.HTTPError):
        return browser.get("/healthz").json() == {"status": "ok"}
    return False
