# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build a release: the application and its libraries, for hosts that have a Python and nothing more.

    python3 build.py --output DIRECTORY [--python 3.11] [--machine x86_64]

The libraries are installed by pip from the index that it is set up with, without compiling anything.
The same source gives the same bytes: sorted, without times, owners and compiled code.
"""

from __future__ import annotations

import argparse
import ast
import gzip
import hashlib
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE / "src" / "ai_assistant"
LICENSE = HERE.parents[1] / "LICENSE"
NAME = "ai_assistant"
PROGRAM = "ai-assistant"
PYTHONS = ("3.11", "3.13")  # of Debian 12 and 13
GLIBC = ("2_17", "2_28", "2_34")  # wheels for these run on both
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}
SHEBANG = "#!/usr/bin/python3 -I"  # -I keeps modules of users out


def version() -> str:
    """Return the version of the application, without importing it."""
    for node in ast.parse((SOURCE / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__":
            return str(ast.literal_eval(node.value))
    raise SystemExit("error: the application has no __version__")


def build(output: Path, pythons: Sequence[str] = PYTHONS, machine: str = "") -> Path:
    """Write the archive and its digest list, and return the archive."""
    machine = machine or platform.machine()
    asset = f"{NAME}-{version()}.linux-{ARCH.get(machine, machine)}"
    output.mkdir(parents=True, exist_ok=True)
    archive = output / f"{asset}.tar.gz"
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / asset
        folder.mkdir()
        _application(folder)
        for python in pythons:
            _libraries(folder / f"python{python}", python, machine)
        _pack(folder, archive)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    (output / "sha256sums.txt").write_text(f"{digest}  {archive.name}\n")
    return archive


def _application(folder: Path) -> None:
    unwanted = shutil.ignore_patterns("__pycache__")
    shutil.copytree(SOURCE, folder / "application" / NAME, ignore=unwanted)
    shutil.copy(LICENSE, folder / "LICENSE")
    program = folder / PROGRAM
    program.write_text(f"{SHEBANG}\n{(HERE / 'launcher.py').read_text()}")
    program.chmod(0o755)


def _libraries(target: Path, python: str, machine: str) -> None:
    platforms = [f"--platform=manylinux_{glibc}_{machine}" for glibc in GLIBC]
    command = [
        *(sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "install"),
        *("--no-deps", "--no-compile", "--only-binary=:all:", "--implementation=cp"),
        *(f"--python-version={python}", *platforms, f"--platform=manylinux2014_{machine}"),
        *(f"--target={target}", f"--requirement={HERE / 'requirements.txt'}"),
    ]
    subprocess.run(command, check=True)
    # Programs of the libraries, which name the Python of this machine in their first line.
    shutil.rmtree(target / "bin", ignore_errors=True)
    for record in target.glob("*.dist-info/RECORD"):
        record.unlink()  # lists them


def _pack(folder: Path, archive: Path) -> None:
    with (
        archive.open("wb") as stream,
        gzip.GzipFile("", "wb", 6, stream, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for path in (folder, *sorted(folder.rglob("*"))):
            tar.add(path, path.relative_to(folder.parent), recursive=False, filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
    return member


def main() -> None:
    """Read the arguments, build, and print where the archive is."""
    parser = argparse.ArgumentParser(description="Build a release of the example application.")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--python", action="append", help=f"by default {' and '.join(PYTHONS)}")
    parser.add_argument("--machine", default="", help="as uname -m says; by default this one's")
    given = parser.parse_args()
    print(build(given.output, given.python or PYTHONS, given.machine))


if __name__ == "__main__":
    main()
