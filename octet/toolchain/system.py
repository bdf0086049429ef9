# SPDX-License-Identifier: Apache-2.0
"""What octet needs from the operating system, and how to get it. Standard library only.

On Debian 12 as root what is missing is installed; anywhere else one message lists all of it.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from octet.errors import OctetError
from octet.toolchain import process
from octet.web.chromium import has_chromium

LLVM = "22"
"""The LLVM that Debian's Emscripten is made to use; the first there with final relaxed SIMD."""

NODE_MAJOR = 18

VENV_PYTHON = Path(__file__).resolve().parents[2] / ".venv/bin/python"


@dataclass(frozen=True)
class Requirement:
    """Something that must be there.

    Attributes:
        name: what the message calls it.
        packages: the Debian 12 packages that bring it.
        elsewhere: how to get it on other systems.
        commands: the commands of build.py that need it.
        is_met: whether it is there.
    """

    name: str
    packages: tuple[str, ...]
    elsewhere: str
    commands: tuple[str, ...]
    is_met: Callable[[], bool]


def on_path(*names: str) -> Callable[[], bool]:
    """Return a check that all of ``names`` are executables on PATH."""
    return lambda: all(shutil.which(name) for name in names)


def debian_emcc() -> bool:
    """Return whether the emcc on PATH is the one of Debian's package."""
    found = shutil.which("emcc")
    return found is not None and "/usr/share/emscripten" in str(Path(found).resolve())


def _has_node() -> bool:
    if not shutil.which("node"):
        return False
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    major = re.match(r"v(\d+)\.", version.stdout)
    return major is not None and int(major[1]) >= NODE_MAJOR


def _has_llvm() -> bool:
    """Only Debian's Emscripten needs one beside its own; if emcc is missing, that is to come."""
    if shutil.which("emcc") and not debian_emcc():
        return True
    return on_path(f"clang-{LLVM}", f"wasm-ld-{LLVM}", f"llvm-readobj-{LLVM}")()


REQUIREMENTS = (
    Requirement(
        "Python's venv module",
        ("python3-venv",),
        "the venv and ensurepip modules of your Python",
        ("build", "test", "bench", "native", "check", "serve"),
        lambda: VENV_PYTHON.exists() or importlib.util.find_spec("ensurepip") is not None,
    ),
    Requirement(
        "TLS certificates",
        ("ca-certificates",),
        "your system's root certificates",
        ("build", "test", "bench", "check"),
        lambda: not is_debian_12() or Path("/etc/ssl/certs/ca-certificates.crt").exists(),
    ),
    Requirement(
        f"Node.js {NODE_MAJOR} or newer",
        ("nodejs",),
        "https://nodejs.org/en/download",
        ("build", "test", "bench", "check"),
        _has_node,
    ),
    Requirement(
        "npm", ("npm",), "comes with Node.js", ("build", "test", "bench", "check"), on_path("npm")
    ),
    Requirement(
        "Emscripten (emcc)",
        ("emscripten",),
        "https://emscripten.org/docs/getting_started/downloads.html",
        ("build", "test", "bench"),
        on_path("emcc"),
    ),
    Requirement(
        f"LLVM {LLVM} for Debian's Emscripten",
        (f"clang-{LLVM}", f"lld-{LLVM}", f"llvm-{LLVM}"),
        "comes with the Emscripten SDK",
        ("build", "test", "bench"),
        _has_llvm,
    ),
    Requirement(
        "gcc", ("gcc", "libc6-dev"), "https://gcc.gnu.org", ("test", "native"), on_path("gcc")
    ),
    Requirement(
        "Chromium",
        ("chromium",),
        "any Chromium or Chrome; OCTET_CHROMIUM may name its executable",
        ("test", "bench"),
        has_chromium,
    ),
)


def is_debian_12() -> bool:
    """Return whether this system is Debian 12, the one whose packages octet knows."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return False
    return release.get("ID") == "debian" and release.get("VERSION_ID") == "12"


def ensure(command: str) -> None:
    """Make sure that what ``command`` needs is there; as root on Debian 12 install all of it.

    Raises:
        OctetError: listing everything that is missing and how to get it.
    """
    missing = [requirement for requirement in REQUIREMENTS if not requirement.is_met()]
    if not missing:
        return
    if is_debian_12() and os.geteuid() == 0 and shutil.which("apt-get"):
        install(packages_of(missing))
        missing = [requirement for requirement in missing if not requirement.is_met()]
    if any(command in requirement.commands for requirement in missing):
        raise OctetError(missing_message(command, missing, debian=is_debian_12()))


def packages_of(requirements: Iterable[Requirement]) -> list[str]:
    """Return the Debian packages that bring ``requirements``."""
    return [package for requirement in requirements for package in requirement.packages]


def install(packages: Sequence[str]) -> None:
    """Install Debian packages without asking. Raises CommandError when apt-get fails."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    process.watch("apt-get update", ["apt-get", "update"], env=quiet)
    process.watch(
        f"apt-get install ({len(packages)} packages and what they need)",
        ["apt-get", "install", "-y", "--no-install-recommends", *packages],
        env=quiet,
    )


def missing_message(command: str, missing: Sequence[Requirement], *, debian: bool) -> str:
    """Return the message that lists every missing requirement and how to get it."""
    width = max(len(requirement.name) for requirement in missing)
    lines = ["octet needs what this machine lacks:"]
    for requirement in missing:
        how = f"apt: {' '.join(requirement.packages)}" if debian else requirement.elsewhere
        later = command not in requirement.commands
        note = f"  (only for: {', '.join(requirement.commands)})" if later else ""
        lines.append(f"  {requirement.name:{width}}  {how}{note}")
    if debian:
        words = ["apt-get", "install", "--no-install-recommends", *packages_of(missing)]
        lines += ["build.py installs it by itself when root runs it. Or, as root:"]
        lines += [f"  {' '.join(words)}"]
    else:
        lines.append("On Debian 12 build.py installs all of it by itself when root runs it.")
    return "\n".join(lines)
