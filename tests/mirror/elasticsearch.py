# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Elasticsearch's releases: a given archive (BAREHOST_ELASTICSEARCH), else upstream's, else repacked.

Maven Central has the distribution that Elastic's own integration tests run on: the real engine, with
few modules and without a Java runtime. The runtime is linked from Debian's JDK. Both together make
an archive in the layout of upstream's.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shutil
import tarfile
import urllib.request
import zipfile
from pathlib import Path

import yaml

from hosts.packages import install
from hosts.shell import CACHE, CHECKOUT, give_up, run, say
from mirror.archives import digest, pack
from mirror.debian import Debian

GIVEN = "BAREHOST_ELASTICSEARCH"
UPSTREAM = "https://artifacts.elastic.co"
DEFAULTS = CHECKOUT / "roles" / "elk" / "defaults" / "main" / "main.yml"
LATER = "8.19.0"  # where upgrades lead to
STORE = CACHE / "elasticsearch"
MACHINE = platform.machine()

# SHA-512 of what Maven Central has.
ENGINES = {
    "8.5.0": "8be3e45c93acd628935baf5c78dae41735639dfbf3e001e836996848d585071916c76566370462dd2a3ff4ef1a34f9dd"
    "65ddd42ebdcb5e0fab80091c43f368ce",
    "8.19.0": "bd600df798d23d2683c999e19299164a2b3af265bc09b43fb86e1f5fbc0ccb14e8b2ac12b36631d835bcabc0eda2a050"
    "e06696e9f9ac283a309be6a6612a8017",
}
ARTIFACT = "org.elasticsearch.distribution.integ-test-zip:elasticsearch:{version}:zip"

JAVA_SUITE = "bookworm"
JAVA = ("openjdk-17-jre-headless", "openjdk-17-jdk-headless")
# jdk.management is needed to start, jdk.attach and jdk.management.agent from 8.18 on.
MODULES = (
    "java.se,jdk.unsupported,jdk.net,jdk.management,jdk.zipfs,jdk.crypto.ec,jdk.crypto.cryptoki,"
    "jdk.security.auth,jdk.security.jgss,jdk.httpserver,jdk.attach,jdk.jcmd,jdk.localedata,"
    "jdk.management.agent"
)
LINK = "--strip-debug --no-header-files --no-man-pages --compress=2 --include-locales=en"
NOTE = """\
Repacked for the tests of barehost.monitoring: Elasticsearch as Elastic's own integration tests use it
(org.elasticsearch.distribution.integ-test-zip), with a Java runtime linked from Debian's OpenJDK 17.
Modules are few: no ILM, no ingest processors, no data stream API, no native users.
"""


def recipe() -> str:
    """Digest what the releases are made of, so that a change is noticed."""
    given = os.environ.get(GIVEN, "")
    parts = [given, digest(Path(given)) if given else "", default(), _repack_recipe()]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _repack_recipe() -> str:
    return repr((LATER, ENGINES, JAVA_SUITE, JAVA, MODULES, LINK, NOTE, MACHINE))


def default() -> str:
    """Return the version that the role deploys."""
    return str(yaml.safe_load(DEFAULTS.read_text())["elk_version"])


def address(version: str) -> str:
    """Return where upstream keeps a release."""
    return f"downloads/elasticsearch/elasticsearch-{version}-linux-{MACHINE}.tar.gz"


def add(mirror: Path) -> list[str]:
    """Put both releases below the mirror; return a role's variables."""
    given = os.environ.get(GIVEN)
    if given:
        version, real = _version(Path(given)), True
        _place(Path(given), mirror / address(version))
    else:
        version = default()
        real = _add(version, mirror)
    if version != LATER:
        _add(LATER, mirror)
    say(f"elasticsearch {version}" + ("" if real else ", repacked with a Java runtime"))
    lines = [f'elk_elasticsearch_version: "{version}"\n']
    # The engine that was repacked knows no life cycles of indices.
    return lines if real else [*lines, "elk_elasticsearch_ilm: false\n"]


def _add(version: str, mirror: Path) -> bool:
    """Tell whether it is upstream's own."""
    target = mirror / address(version)
    target.parent.mkdir(parents=True, exist_ok=True)
    if _download(f"{UPSTREAM}/{address(version)}.sha512", STORE / "listed"):
        listed = (STORE / "listed").read_text().split()[0]
        archive = STORE / "upstream" / target.name
        if not (archive.exists() and sha512(archive) == listed):
            say(f"downloading elasticsearch {version}")
            if not _download(f"{UPSTREAM}/{address(version)}", archive):
                give_up(f"upstream names elasticsearch {version}, but does not hand it out")
        if sha512(archive) != listed:
            give_up(f"{archive.name} has another digest than upstream says")
        _place(archive, target)
        return True
    _place(_repacked(version), target)
    return False


def _place(archive: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(archive, target)
    except OSError:  # on another file system
        shutil.copy(archive, target)
    Path(f"{target}.sha512").write_text(f"{sha512(target)}  {target.name}\n")


def sha512(path: Path) -> str:
    """Return the SHA-512 of a file in hex, which is what Elastic publishes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha512").hexdigest()


def _version(archive: Path) -> str:
    with tarfile.open(archive) as tar:
        top = (tar.next() or tarfile.TarInfo()).name.removeprefix("./").partition("/")[0]
    found = re.fullmatch(r"elasticsearch-(\d.*)", top)
    if not found:
        give_up(f"{archive} is no release of Elasticsearch: it holds {top}")
    return found[1]


def _download(url: str, path: Path) -> bool:
    """Tell whether it could be had; upstream need not be reachable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(url, timeout=5) as answer, path.open("wb") as file:
            shutil.copyfileobj(answer, file, 1 << 20)
    except OSError:
        return False
    return True


def _repacked(version: str) -> Path:
    """Return the archive, made unless it is there from an earlier time."""
    made_from = hashlib.sha256(_repack_recipe().encode()).hexdigest()[:16]
    archive = STORE / made_from / f"elasticsearch-{version}.tar.gz"
    if archive.exists():
        return archive
    folder = archive.parent / f"elasticsearch-{version}"
    shutil.rmtree(folder, ignore_errors=True)
    runtime = _runtime(archive.parent)
    say(f"elasticsearch {version}: packing the engine with a Java runtime")
    _unpack(_engine(version), folder.parent)
    shutil.copytree(runtime, folder / "jdk", symlinks=True)
    (folder / "REPACKED.txt").write_text(NOTE)
    part = archive.with_suffix(".part")
    pack(folder, part)
    part.rename(archive)
    shutil.rmtree(folder)
    return archive


def _engine(version: str) -> Path:
    """Let Maven bring the distribution, from wherever it is set up to look."""
    if version not in ENGINES:
        give_up(f"no digest is known of elasticsearch {version}; give an archive ({GIVEN})")
    path = STORE / f"elasticsearch-{version}.zip"
    if path.exists() and sha512(path) == ENGINES[version]:
        return path
    if not shutil.which("mvn"):
        install("maven", why="Elasticsearch comes from Maven Central")
    say(f"elasticsearch {version}: from Maven Central")
    artifact = ARTIFACT.format(version=version)
    run("mvn", "-B", "-q", "dependency:get", f"-Dartifact={artifact}", "-Dtransitive=false")
    run(
        "mvn", "-B", "-q", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={STORE}"
    )
    if sha512(path) != ENGINES[version]:
        give_up(f"{path.name} has another digest than the one that is known of it")
    return path


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack with modes, which zipfile alone would lose."""
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            path = Path(file.extract(member, folder))
            path.chmod(0o755 if member.is_dir() else (member.external_attr >> 16) & 0o777 or 0o644)


def _runtime(folder: Path) -> Path:
    """Link the modules that are needed out of Debian's JDK."""
    runtime = folder / "jdk"
    if (runtime / "release").exists():
        return runtime
    say("a Java runtime: linking it out of Debian's JDK")
    debian = Debian(STORE / "apt", [JAVA_SUITE])
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    for package in JAVA:
        path = debian.fetch(package, JAVA_SUITE, {})
        run("dpkg-deb", "--extract", str(path), str(root))
    (home,) = (root / "usr/lib/jvm").glob("java-17-openjdk-*")
    for link in home.rglob("*"):  # to the host's /etc, where nothing is
        if link.is_symlink() and str(link.readlink()).startswith("/etc/"):
            target = root / str(link.readlink()).lstrip("/")
            link.unlink()
            if target.exists():
                shutil.copy(target, link)
    part = folder / "jdk.part"
    shutil.rmtree(part, ignore_errors=True)
    arguments = [f"--add-modules={MODULES}", f"--output={part}", *LINK.split()]
    run(str(home / "bin/jlink"), *arguments)
    for path in part.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    part.rename(runtime)
    shutil.rmtree(root)
    return runtime
