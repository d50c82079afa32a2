# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's side of barehost.monitoring.backup: archives on their way from and to hosts.

They pass as files of who has logged in, in parts: the action plugins of Ansible would take a file of
root's into memory as a whole, and twice.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._catalog import (
    refuse_relative,
)
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._manifest import TIME
from ansible_collections.barehost.monitoring.plugins.module_utils.backup._pack import ARCHIVE, LEFT
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError

_PART = 1024 * 1024
_OURS = re.compile(rf"{TIME}\.tar")
_PARTIAL = re.compile(rf"\.{_OURS.pattern}\.partial")


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core is not typed
    """Runs the module, with what has to go before and after."""

    _supports_check_mode = True

    def run(
        self, tmp: str | None = None, task_vars: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        """Bring an archive to the host, run the module there, and fetch one."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        del tmp
        host = str((task_vars or {}).get("inventory_hostname", "host"))
        arguments = dict(self._task.args)
        fetch, source = arguments.get("fetch"), arguments.get("source")
        saves = arguments.get("state") == "saved"
        if boolean((arguments.get("prometheus") or {}).get("agent", False), strict=False):
            fetch = source = None  # it has nothing to save
        _refuse_relative(arguments, host)
        try:
            if saves and fetch and not self._task.check_mode:
                arguments["archive"] = self._place()
            if not saves and source:
                found = _archive(source, arguments.get("origin") or host, arguments)
                arguments["archive"] = self._transfer_file(str(found), self._place())
            answer = self._execute_module(
                module_name="barehost.monitoring.backup",
                module_args=arguments,
                task_vars=task_vars,
                persist_files=True,
            )
            result.update(answer)
            if saves and arguments.get("archive") and not result.get("failed"):
                target = (
                    Path(str(fetch)).expanduser()
                    / host
                    / arguments["name"]
                    / f"{result['backup']}.tar"
                )
                self._fetch(arguments["archive"], target, result.pop("archive_sha256"))
                result["fetched"] = str(target)
                keep = arguments.get("fetch_keep")
                keep = arguments.get("keep", 3) if keep in (None, "") else keep
                removed = _prune(target.parent, int(keep))
                result["actions"] += [f"remove {path} on the controller" for path in removed]
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _place(self) -> str:
        """Return a path in a directory of who has logged in, which goes away afterwards."""
        if self._connection._shell.tmpdir is None:
            self._make_tmp_path()
        path: str = self._connection._shell.join_path(self._connection._shell.tmpdir, ARCHIVE)
        return path

    def _fetch(self, remote: str, target: Path, wanted: str) -> None:
        """Fetch as a stream; whole, and for its owner alone, or not at all."""
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        partial.unlink(missing_ok=True)
        partial.touch(mode=0o600)
        try:
            self._connection.fetch_file(remote, str(partial))
            partial.chmod(0o600)
            total = hashlib.sha256()
            with partial.open("rb") as file:
                while part := file.read(_PART):
                    total.update(part)
                os.fsync(file.fileno())
            if total.hexdigest() != wanted:
                raise AnsibleActionFail(f"{target}: what arrived is not what was sent; try again")
            partial.rename(target)
        finally:
            partial.unlink(missing_ok=True)


def _prune(folder: Path, keep: int) -> list[Path]:
    """Leave the newest archives of a daemon, and nothing of fetches that were killed; 0 keeps all.

    What bears another name than ours is somebody else's.
    """
    found = sorted(path for path in folder.iterdir() if _OURS.fullmatch(path.name))
    surplus = found[: max(0, len(found) - keep)] if keep > 0 else []
    for path in surplus:
        path.unlink(missing_ok=True)
    for path in folder.iterdir():
        if _PARTIAL.fullmatch(path.name) and path.stat().st_mtime < time.time() - LEFT:
            path.unlink(missing_ok=True)
    return surplus


def _refuse_relative(arguments: dict[str, Any], host: str) -> None:
    directory = str(arguments.get("directory", "/"))
    try:
        if not directory.startswith(("~", "$")):  # what these stand for, the host knows
            refuse_relative(directory, host)
    except DaemonError as exc:
        raise AnsibleActionFail(f"{arguments['name']}: {exc}") from None


def _archive(source: str, host: str, arguments: dict[str, Any]) -> Path:
    """Return the wanted archive of a host, by default the newest."""
    folder: Path = Path(source).expanduser() / host / arguments["name"]
    wanted = arguments.get("backup")
    found: list[Path] = sorted(folder.glob("*.tar"))
    chosen = [path for path in found if path.stem == wanted] if wanted else found
    if chosen:
        return chosen[-1]
    if not found:
        raise AnsibleActionFail(
            f"there is no backup in {folder} on the controller; the backups of another host than "
            f"{host} are restored with -e barehost_restore_origin=HOST"
        )
    names = ", ".join(path.stem for path in found)
    raise AnsibleActionFail(f"there is no backup {wanted} in {folder}; there are: {names}")
