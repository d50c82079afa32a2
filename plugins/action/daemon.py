# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's part of the module barehost.monitoring.daemon: a look is not cut short by a host that fails.

A deployment stops at a host that can not be reached. Who looks at all hosts wants to hear of it together
with everything else, so with state=verified it becomes a finding. What is left in facts for a later play
says of which run it is.
"""

from __future__ import annotations

from typing import Any

from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.barehost.monitoring.plugins.plugin_utils import _this_run

_UNREACHABLE = "barehost_unreachable"
_TRY = "try 'ansible HOST --become --module-name=ping' with this inventory"


class ActionModule(NormalAction):  # type: ignore[misc]  # ansible-core is not typed
    """Runs the module on the host, as any other one."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run it, and mark the facts that it leaves as those of this run."""
        result = self._run(tmp, task_vars)
        facts = result.get("ansible_facts") or {}
        for name in facts:
            if name.startswith("barehost_"):
                facts[name] = _this_run.marked(facts[name])
        return result

    def _run(self, tmp: Any, task_vars: dict[str, Any] | None) -> dict[str, Any]:
        """With state=verified a failure is a finding of the daemon."""
        if self._task.args.get("state") != "verified":
            result: dict[str, Any] = super().run(tmp, task_vars)
            return result
        name = str(self._task.args.get("name", ""))
        known = (task_vars or {}).get("ansible_facts") or {}
        for told in _this_run.of_this_run(known, _UNREACHABLE).values():
            return _found(name, "host", told["reason"], "reach the host first", again=True)
        try:
            result = super().run(tmp, task_vars)
        except AnsibleConnectionFailure as exc:
            reason = f"the host can not be reached: {exc}"
            found = _found(name, "host", reason, "is it up, and does ssh let you in?")
            found["ansible_facts"][_UNREACHABLE] = {"reason": reason}
            return found
        except AnsibleError as exc:
            return _found(name, "host", f"nothing could be seen: {exc}", _TRY)
        if result.get("failed") or result.get("unreachable"):
            return _found(name, "host", f"nothing could be seen: {_reason(result)}", _TRY)
        return result


def _reason(result: dict[str, Any]) -> str:
    """What was said last where no module could run; else the module's own words."""
    said = str(result.get("module_stderr") or "").strip().splitlines()
    return said[-1] if said else str(result.get("msg") or "no reason is given")


def _found(name: str, check: str, fault: str, remedy: str, again: bool = False) -> dict[str, Any]:
    """Return what the module returns that has found one fault. again: it was told before."""
    finding = {"check": check, "fault": fault, "remedy": remedy, "warning": False}
    verified = {"findings": [] if again else [finding], "seen": {"active": "unknown"}}
    facts: dict[str, Any] = {f"barehost_verified_{name}": verified}
    return {"changed": False, "actions": [], "repaired": [], **verified, "ansible_facts": facts}
