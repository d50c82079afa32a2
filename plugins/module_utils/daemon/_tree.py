# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of a directory that can be written to, whatever links lead out of the directory."""

from __future__ import annotations

import os
import posixpath
import shutil
import stat

from ._errors import DaemonError

_HOPS = 40  # links on one way, as many as the kernel follows


def copy(source: str, target: str) -> None:
    """Copy a directory with owners and modes; links stay links."""
    shutil.copytree(source, target, symlinks=True, copy_function=_copy)
    for directory, _subdirectories, _names in os.walk(source):
        info = os.stat(directory)
        copied = posixpath.normpath(posixpath.join(target, posixpath.relpath(directory, source)))
        os.chown(copied, info.st_uid, info.st_gid)
        os.chmod(copied, info.st_mode & 0o7777)


def _copy(source: str, target: str) -> str:
    info = os.lstat(source)
    if stat.S_ISREG(info.st_mode):  # a pipe or a socket is no configuration
        shutil.copy2(source, target)
        os.chown(target, info.st_uid, info.st_gid)
    return target


def place(live: str, copied: str, inside: str) -> str:
    """Where the path `inside` of the directory `live` has its place in the copy.

    Directories on its way that are reached through links to elsewhere become part of the copy, as
    writing through a link would change what the daemon reads. Links into `live` lead into the copy.
    """
    root, folder = os.path.realpath(live), posixpath.dirname(inside)
    while True:
        found, link = _follow(live, root, copied, folder)
        if _within(found, root):
            return posixpath.join(_moved(found, root, copied), posixpath.basename(inside))
        _include(live, root, copied, link)


def _follow(live: str, root: str, copied: str, folder: str) -> tuple[str, str]:
    """Walk into a folder as if the copy lay at `root`.

    Returns where that ends, free of links, and the last link of the copy on the way.
    """
    at, link, hops = root, "", 0
    ahead = folder.split("/")[::-1]
    while ahead:
        name = ahead.pop()
        if name in ("", "."):
            continue
        if name == "..":
            at = posixpath.dirname(at)
            continue
        path = posixpath.join(at, name)
        real = _moved(path, root, copied)
        if not os.path.islink(real):
            at = path
            continue
        hops += 1
        if hops > _HOPS:
            raise DaemonError(f"{posixpath.join(live, folder)}: links lead in a circle")
        link = path if _within(path, root) else link
        target = os.readlink(real)
        ahead += target.split("/")[::-1]
        at = "/" if target.startswith("/") else at
    real = _moved(at, root, copied)
    if os.path.lexists(real) and not os.path.isdir(real):
        raise _in_the_way(posixpath.join(live, folder))
    return at, link


def _include(live: str, root: str, copied: str, link: str) -> None:
    """Put a copy of the directory that a link points to in the place of the link."""
    inside = posixpath.relpath(link, root)
    name, path = posixpath.join(live, inside), _moved(link, root, copied)
    source, _link = _follow(live, root, copied, inside)
    if not os.path.isdir(source):
        raise _in_the_way(name)
    if _within(os.path.realpath(copied), source):
        raise DaemonError(f"{name} is a link to {source}, which holds the staged set; move it away")
    os.unlink(path)
    copy(source, path)
    for directory, directories, names in os.walk(source):
        for one in (*directories, *names):
            if os.path.islink(posixpath.join(directory, one)):
                again = posixpath.join(path, posixpath.relpath(directory, source), one)
                target = _target(os.readlink(again), directory, source)
                os.unlink(again)
                os.symlink(target, again)


def _target(target: str, directory: str, source: str) -> str:
    """What a link in a directory below source has to say after it was copied to elsewhere."""
    absolute = posixpath.join(directory, target)
    if not _within(posixpath.normpath(absolute), source):
        return absolute
    return posixpath.relpath(target, directory) if target.startswith("/") else target


def _within(path: str, top: str) -> bool:
    return path == top or path.startswith(f"{top.rstrip('/')}/")


def _moved(path: str, root: str, copied: str) -> str:
    """The path in the copy, for one that lies in its original."""
    if not _within(path, root):
        return path
    return posixpath.normpath(posixpath.join(copied, posixpath.relpath(path, root)))


def _in_the_way(path: str) -> DaemonError:
    return DaemonError(f"{path} is in the way: it is no directory; move it away")
