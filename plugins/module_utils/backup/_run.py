# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One backup or one restore of one daemon, under the lock that a deployment of it takes too."""

from __future__ import annotations

import os
import posixpath
import shutil
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from ..daemon import _files
from ..daemon._errors import DaemonError
from . import _catalog, _copies, _manifest, _pack
from ._catalog import Catalog
from ._manifest import Manifest
from ._product import Daemon, Product

_MARKER = "restored.json"  # the identity of the backup that this host's data came from
_ABSENT = "it is not deployed on this host: run site.yml first"


@dataclass
class Outcome:
    """What a run did, or in check mode would do."""

    actions: list[str]
    changed: bool = True
    manifest: Manifest | None = None
    path: str = ""
    sha256: str = ""  # of the archive
    removed: Sequence[str] = ()
    warnings: list[str] = field(default_factory=list)
    skipped: bool = False


@contextmanager
def _held(daemon: Daemon, timeout: float, check_mode: bool) -> Iterator[None]:
    daemon.host.systemd.preflight()
    if not os.path.isdir(daemon.store.directory):
        raise DaemonError(_ABSENT)
    with daemon.store.locked(timeout, create=not check_mode):
        if daemon.store.transaction() is not None:
            raise DaemonError("its last deployment did not finish: run site.yml first")
        if not os.path.exists(daemon.note):  # a restore exchanges Grafana's record, too
            _deployed(daemon)
        yield


def _deployed(daemon: Daemon) -> None:
    if daemon.store.record() is None:
        cut_off = "a restore was cut off here: run restore.yml without --check, which takes it back"
        raise DaemonError(cut_off if os.path.exists(daemon.note) else _ABSENT)


def _refuse(faults: Sequence[str]) -> None:
    if len(faults) == 1:
        raise DaemonError(f"{faults[0]}. Nothing was touched")
    if faults:
        lines = [f"{number}. {fault}" for number, fault in enumerate(faults, 1)]
        raise DaemonError("\n".join([*lines, "Nothing was touched"]))


def words(exc: BaseException) -> str:
    """What went wrong, for the operator."""
    if isinstance(exc, OSError) and exc.filename:
        return f"{exc.filename}: {exc.strerror}"
    return str(exc)


def _installed(daemon: Daemon) -> str:
    record = daemon.store.record()
    return record.version if record else ""


def _skipped(daemon: Daemon, product: Product, what: str) -> Outcome:
    words = f"{daemon.name} {product.stateless}: there is nothing to {what}, and it is skipped"
    return Outcome([], False, warnings=[words], skipped=True)


# -- save -----------------------------------------------------------------------


def save(
    daemon: Daemon,
    product: Product,
    catalog: Catalog,
    keep: int,
    archive: str,
    check_mode: bool,
    timeout: float,
) -> Outcome:
    """Make a backup. archive: where to pack it too, empty for not at all."""
    if product.stateless:
        return _skipped(daemon, product, "save")
    _refuse(product.misplaced(catalog.directory))
    with _held(daemon, timeout, check_mode):
        if product.cut_off(daemon):
            raise DaemonError(
                "a restore was cut off here, and what there was before is still kept: run restore.yml "
                "again, which takes it back first"
            )
        actions, faults, size = product.plan_save(daemon, catalog.directory, _last(catalog))
        faults += _copies.room(catalog.directory, size, f"a backup of {daemon.name}")
        _refuse(faults)
        name = _catalog.now()
        actions.append(f"write {catalog.path(name)}")
        if check_mode:
            actions += [f"remove {catalog.path(one)}" for one in catalog.surplus(keep, coming=1)]
            return Outcome(actions)
        catalog.clean()
        product.clean(daemon)
        manifest = _write(daemon, product, catalog, name)
        outcome = Outcome(actions, manifest=manifest, path=catalog.path(name))
        outcome.removed = [catalog.path(one) for one in catalog.surplus(keep)]
        for one in catalog.surplus(keep):  # also where the archive finds no room, day after day
            catalog.remove(one)
        outcome.actions += [f"remove {path}" for path in outcome.removed]
        if archive:
            outcome.sha256 = _packed(outcome.path, manifest, archive)
        return outcome


def _last(catalog: Catalog) -> str:
    """The data of the newest backup."""
    names = catalog.names()
    return posixpath.join(catalog.path(names[-1]), _manifest.DATA) if names else ""


def _write(daemon: Daemon, product: Product, catalog: Catalog, name: str) -> Manifest:
    if os.path.exists(catalog.path(name)):
        raise DaemonError(f"{catalog.path(name)} is there already: one backup a second is enough")
    partial, began = catalog.begin(name), time.time()
    data = posixpath.join(partial, _manifest.DATA)
    try:
        seen = product.save(daemon, data, name, _last(catalog))
        manifest = Manifest(
            product=product.kind,
            daemon=daemon.name,
            version=_installed(daemon),
            host=socket.gethostname(),
            time=name,
            files=_manifest.digests(data),
            seen={"time": began, **seen},
        )
        catalog.complete(partial, manifest)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        with suppress(DaemonError, OSError):  # the first fault is the one to tell
            product.clean(daemon)
        raise
    return manifest


def _packed(backup: str, manifest: Manifest, archive: str) -> str:
    where = posixpath.dirname(archive)
    _pack.sweep(where)
    faults = _copies.room(where, _archived(manifest), f"the archive of {backup} on its way")
    if faults:
        raise DaemonError(f"{faults[0]}. The backup itself is complete: {backup}")
    return _pack.pack(backup, archive)


def _archived(manifest: Manifest) -> int:
    """About the size of the archive: each file has a head, and whole blocks."""
    return manifest.size + 2048 * (len(manifest.files) + 16)


# -- restore --------------------------------------------------------------------


def restore(
    daemon: Daemon,
    product: Product,
    catalog: Catalog,
    name: str,
    archive: str,
    check_mode: bool,
    timeout: float,
) -> Outcome:
    """Restore a backup. name: empty for the newest. archive: one that was brought here, or empty."""
    if product.stateless:
        return _skipped(daemon, product, "restore")
    _refuse(product.misplaced(catalog.directory))
    with _held(daemon, timeout, check_mode):
        cut_off = product.cut_off(daemon)
        if cut_off and not check_mode:
            product.recover(daemon)
        _deployed(daemon)
        with _source(catalog, name, archive, check_mode) as path:
            outcome = _restore(daemon, product, path, check_mode)
            if outcome.manifest:  # in check mode it was looked at elsewhere
                outcome.path = catalog.path(outcome.manifest.time)
        if cut_off:
            outcome.actions.insert(0, "take back a restore that was cut off")
            outcome.changed = True
        return outcome


@contextmanager
def _source(catalog: Catalog, name: str, archive: str, check_mode: bool) -> Iterator[str]:
    """The directory of the backup. One that was brought as an archive joins those of this host."""
    if not archive:
        yield catalog.path(catalog.choose(name))
        return
    manifest = _pack.described(archive)
    if manifest.time in catalog.names():
        if _same(catalog.path(manifest.time), manifest):
            yield catalog.path(manifest.time)
            return
        raise DaemonError(
            f"{archive} is the backup {manifest.identity}, and {catalog.path(manifest.time)} is another "
            "one that was made in the same second: move that directory out of "
            f"{catalog.directory}, then run again. Nothing was touched"
        )
    if check_mode:
        yield from _looked_at(manifest, archive)
        return
    _pack.sweep(posixpath.dirname(archive))
    _refuse(_copies.room(catalog.directory, manifest.size, f"the backup in {archive}"))
    catalog.clean()
    partial = catalog.begin(manifest.time)
    try:
        _pack.unpack(archive, partial)
        _refuse(_manifest.faults(partial, manifest))
        path = catalog.complete(partial, manifest)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    yield path


def _looked_at(manifest: Manifest, archive: str) -> Iterator[str]:
    """For check mode: unpacked beside the archive for a moment.

    It is of root, in a directory of who has logged in, who could not remove it with the archive.
    """
    beside = posixpath.dirname(archive)
    _refuse(_copies.room(beside, manifest.size, f"a look into {archive}"))
    path = posixpath.join(beside, _pack.LOOK)
    os.mkdir(path, 0o700)
    try:
        _pack.unpack(archive, path)
        _files.write(posixpath.join(path, _manifest.NAME), manifest.to_json().encode(), 0o600)
        yield path
    finally:
        shutil.rmtree(path)


def _same(path: str, manifest: Manifest) -> bool:
    return _manifest.read(path) == manifest


def _restore(daemon: Daemon, product: Product, path: str, check_mode: bool) -> Outcome:
    manifest = _manifest.read(path)
    marker = _marker(daemon)
    if marker == manifest.identity and not daemon.replace:
        words = (
            f"{daemon.name} has the data of {manifest.identity} already: nothing to restore. If it was "
            "lost or changed since, give -e barehost_restore_replace=true to restore it once more"
        )
        return Outcome([], False, manifest, path, warnings=[words])
    faults = _unfit(daemon, product, manifest, path)
    _refuse(faults)
    data = posixpath.join(path, _manifest.DATA)
    found = product.check(daemon, manifest, data)
    _refuse(found.faults)
    outcome = Outcome(found.actions, True, manifest, path, warnings=found.warnings)
    if found.nothing:
        outcome.changed = False
    if check_mode:
        return outcome
    if not found.nothing:
        with _unmarked(daemon, product, marker):
            outcome.warnings += product.restore(daemon, manifest, data)
    _mark(daemon, manifest.identity)
    return outcome


def _unfit(daemon: Daemon, product: Product, manifest: Manifest, path: str) -> list[str]:
    installed = _installed(daemon)
    if manifest.product != product.kind:
        return [f"{path} is a backup of {manifest.product}, not of {product.kind}"]
    faults = []
    if _manifest.newer(manifest.version, installed):
        faults.append(
            f"{path} was made by {manifest.product} {manifest.version}, and {installed} is deployed "
            "here, which is older: deploy that version or a later one first"
        )
    return faults + _manifest.faults(path, manifest)


# -- what was restored ----------------------------------------------------------


def _marker_path(daemon: Daemon) -> str:
    return posixpath.join(daemon.store.directory, _MARKER)


def _marker(daemon: Daemon) -> str:
    """The identity of the backup that the data came from; nothing when that is not known."""
    path = _marker_path(daemon)
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read().strip()
        reason = "" if _manifest.IDENTITY.fullmatch(text) else "that is no name of a backup"
    except FileNotFoundError:
        return ""
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "strerror", "") or "it is no text"
    if not reason:
        return text
    daemon.warn(
        f"{path} is to say which backup the data of {daemon.name} came from, and cannot be read: "
        f"{reason}. The data is taken for its own, and is not replaced unless asked. The next "
        "restore writes that file anew"
    )
    return ""


@contextmanager
def _unmarked(daemon: Daemon, product: Product, marker: str) -> Iterator[None]:
    """Let nothing be said about the data while it is exchanged: the run may end anywhere."""
    with suppress(OSError):  # what cannot be removed was told of, or is told of afterwards
        _files.remove(_marker_path(daemon))
        _files.sync_directory(daemon.store.directory)
    try:
        yield
    except BaseException:
        if marker and not product.cut_off(daemon):  # the data that it tells of is back
            _mark(daemon, marker)
        raise


def _mark(daemon: Daemon, identity: str) -> None:
    path = _marker_path(daemon)
    try:
        _files.write(path, f"{identity}\n".encode(), 0o600)
    except OSError as exc:
        daemon.warn(
            f"{path} cannot be written: {exc.strerror}. It is to say that the data of {daemon.name} "
            f"is that of {identity}; the restore itself is done. Move away what is in the way"
        )
