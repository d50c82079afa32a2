# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private: release directories below /opt: installed completely or not at all."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from . import _build, _digests
from ._digests import Opener, ReleaseError

__all__ = [
    "Opener",
    "ReleaseError",
    "ReleaseSpec",
    "architecture",
    "current_link",
    "directory",
    "fault",
    "install",
    "installed_versions",
    "prune",
    "remove",
]

WORK = ".barehost-"  # prefix of everything unfinished in /opt/<name>

_ARCHITECTURES = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "armv7",
    "armv6l": "armv6",
    "i386": "386",
    "i586": "386",
    "i686": "386",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
_NAME = re.compile(r"(?!current(-|$))[A-Za-z0-9][\w.+~-]*", re.ASCII)


@dataclass(frozen=True)
class ReleaseSpec:
    """A version of a product, where to get it and what it has to hold."""

    name: str
    version: str
    url: str
    checksum: str | Mapping[str, str]
    format: str  # archive, binary, or empty: by the ending of the url
    arch_names: Mapping[str, str]
    binaries: tuple[str, ...]
    strip: int
    keep: int
    root: str = "/opt"
    data_from: str = ""  # the oldest version whose data it takes over, which none goes back from


def architecture(machine: str, renames: Mapping[str, str]) -> str:
    """Return what upstream calls the machine that `uname -m` names."""
    arch = _ARCHITECTURES.get(machine, machine)
    if arch not in renames and machine not in _ARCHITECTURES:
        known = ", ".join(sorted({*_ARCHITECTURES, *renames}))
        raise ReleaseError(f"unsupported architecture {machine} (known are: {known})")
    return renames.get(arch, arch)


def directory(spec: ReleaseSpec) -> str:
    """Return where the version is installed."""
    return os.path.join(_base(spec), _safe(spec.version, "version"))


def current_link(spec: ReleaseSpec) -> str:
    """Return the link to the version in use; instances may have more, `current-<instance>`."""
    return os.path.join(_base(spec), "current")


def fault(spec: ReleaseSpec, machine: str) -> str | None:
    """Return why the version has to be installed, None when it is; by stat alone."""
    arch, path = architecture(machine, spec.arch_names), directory(spec)
    wanted = _digests.pinned(_checksum(spec, arch))
    if not os.path.isdir(path):
        return "not installed"
    marker = _marker(path)
    if marker is None:
        return "not installed completely"
    if wanted and marker["digest"] != str(wanted):
        return f"digest of the release is {marker['digest']}, but {wanted} is wanted"
    for name in spec.binaries:
        if name not in marker["files"]:
            return f"{name} is not part of the installation"
        size, changed = marker["files"][name]
        try:
            found = os.stat(os.path.join(path, name))
        except OSError:
            return f"{name} is missing"
        if found.st_size != size:
            return f"{name} is {found.st_size} bytes, was {size}"
        if found.st_mtime_ns != changed:
            return f"{name} was changed after its installation"
        if stat.S_IMODE(found.st_mode) != 0o755:
            return f"{name} has mode {stat.S_IMODE(found.st_mode):04o}, not 0755"
    return None


def install(spec: ReleaseSpec, machine: str, open_url: Opener) -> str:
    """Install the version and return its directory; an error leaves nothing behind."""
    path, base = directory(spec), _base(spec)
    arch = architecture(machine, spec.arch_names)
    url, checksum = _filled(spec, spec.url, arch), _filled(spec, _checksum(spec, arch), arch)
    with _locked(spec):
        if fault(spec, machine) is None:  # another run did it
            return path
        work, free = base, 0
        try:
            _build.make_directory(base)
            _clear(base)
            free = shutil.disk_usage(base).free
            work = tempfile.mkdtemp(prefix=WORK, dir=base)
            _build.build(spec, url, checksum, open_url, work, free)
            _build.swap(os.path.join(work, "tree"), path, os.path.join(work, "old"))
        except OSError as exc:
            raise ReleaseError(_build.disk_fault(spec, exc, work, free)) from exc
        finally:
            if work != base:
                shutil.rmtree(work, ignore_errors=True)
    return path


def installed_versions(spec: ReleaseSpec) -> list[str]:
    """Return the completely installed versions, the one installed first at first."""
    base, times = _base(spec), []
    for name in _listing(base):
        path = os.path.join(base, name)
        if _NAME.fullmatch(name) and not os.path.islink(path) and _marker(path):
            times.append((os.stat(os.path.join(path, _build.MARKER)).st_mtime_ns, name))
    return [name for _time, name in sorted(times)]


def prune(spec: ReleaseSpec, in_use: Iterable[str]) -> list[str]:
    """Remove old versions beyond `keep`; `in_use` are versions or their directories."""
    used = {os.path.basename(item.rstrip("/")) for item in in_use}
    paths = [os.path.join(_base(spec), name) for name in _listing(_base(spec))]
    targets = (os.path.realpath(path) for path in paths if os.path.islink(path))
    wanted = {spec.version, *map(os.path.basename, targets)}
    others = [name for name in reversed(installed_versions(spec)) if name not in wanted]
    others.sort(key=lambda name: name not in used)  # stable: the used ones count first
    removed = [name for name in others[max(spec.keep, 0) :] if name not in used]
    for name in removed:
        remove(spec, name)
    with _locked(spec):
        _clear(_base(spec))
    return removed


def remove(spec: ReleaseSpec, version: str) -> None:
    """Remove a version, so that a half removed one is never taken for installed."""
    base = _base(spec)
    path = os.path.join(base, _safe(version, "version"))
    with _locked(spec):
        try:
            if os.path.lexists(path):
                os.rename(path, os.path.join(tempfile.mkdtemp(prefix=WORK, dir=base), "old"))
            _clear(base)
        except OSError as exc:
            raise ReleaseError(f"cannot remove {path}: {exc.strerror or exc}") from exc


@contextmanager
def _locked(spec: ReleaseSpec) -> Iterator[None]:
    """Keep runs apart: daemons with locks of their own may share a product."""
    try:
        _build.make_directory(spec.root)
        handle = os.open(spec.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as exc:
        raise ReleaseError(f"cannot use {spec.root}: {exc.strerror}") from exc
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        with suppress(OSError):
            os.rmdir(_base(spec))  # only if it is empty
        os.close(handle)


def _clear(base: str) -> None:
    """Remove what killed runs have left; the lock proves that nobody works on it."""
    for name in _listing(base):
        if name.startswith(WORK):
            shutil.rmtree(os.path.join(base, name))


def _listing(base: str) -> list[str]:
    return os.listdir(base) if os.path.isdir(base) else []


def _marker(path: str) -> dict[str, Any] | None:
    """Return the record of a complete installation, None if there is none."""
    try:
        with open(os.path.join(path, _build.MARKER), encoding="utf-8") as file:
            found = json.load(file)
        sizes = {name: (int(size), int(time)) for name, (size, time) in found["files"].items()}
        marker = {"version": found["version"], "digest": found["digest"], "files": sizes}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None
    return marker if marker["version"] == os.path.basename(path) else None


def _base(spec: ReleaseSpec) -> str:
    return os.path.join(spec.root, _safe(spec.name, "name"))


def _safe(name: str, what: str) -> str:
    if not _NAME.fullmatch(name):
        raise ReleaseError(f"{name!r} cannot be the {what} of a release")
    return name


def _checksum(spec: ReleaseSpec, arch: str) -> str:
    return _digests.for_arch(spec.checksum, arch)


def _filled(spec: ReleaseSpec, address: str, arch: str) -> str:
    return address.replace("{version}", spec.version).replace("{arch}", arch)
