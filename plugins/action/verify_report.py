# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action barehost.monitoring.verify_report: it runs on the controller alone."""

from __future__ import annotations

import json
import os
import tempfile
from datetime import UTC, datetime
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _verify_report as core
from ansible_collections.barehost.monitoring.plugins.plugin_utils._plain import plain


class ActionModule(ActionBase):  # type: ignore[misc]  # ansible-core is not typed
    """Shows what all hosts have said, writes it down, and fails when something is wrong."""

    BYPASS_HOST_LOOP = True  # one report of all hosts
    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset(("path", "strict"))

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read the facts of all hosts of the play."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        _checked, given = self.validate_argument_spec(
            {"path": {"type": "path", "default": ""}, "strict": {"type": "bool", "default": False}}
        )
        variables = task_vars or {}
        names = variables.get("ansible_play_hosts_all") or []
        facts = {
            name: plain(variables["hostvars"][name].get("ansible_facts") or {}) for name in names
        }
        made = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            **core.report(facts),
        }
        if not made["daemons"]:
            raise AnsibleActionFail(
                "nothing was verified: no host of the inventory has a daemon of this collection"
            )
        Display().display("\n" + core.table(made) + "\n")
        if given["path"]:
            _write(given["path"], json.dumps(made, indent=2) + "\n")
        wrong = made["faults"] or given["strict"] and made["warnings"]
        return {
            **result,
            "changed": False,
            "failed": bool(wrong),
            "msg": core.summary(made),
        }


def _write(path: str, text: str) -> None:
    """Put a file in its place in one step, so that nobody reads half of it."""
    directory = os.path.dirname(os.path.abspath(path))
    try:
        os.makedirs(directory, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=directory, delete=False, encoding="utf-8"
        ) as file:
            file.write(text)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError as exc:
        raise AnsibleActionFail(f"the report can not be written to {path}: {exc.strerror}") from exc
