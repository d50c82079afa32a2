# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the description of a daemon to the text of its systemd unit.

Pure functions. The baseline is the strictest sandbox in which an ordinary network daemon runs; a
role relaxes single directives and says why beside them. Only directives that systemd 247 knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from ._spec import Spec

STATE_VARIABLE = "BAREHOST_STATE"

_BANNER = """\
# Written by barehost.monitoring.daemon; the next run undoes changes made here.
# Settings of your own belong into a drop-in: systemctl edit {name}
"""

_ADDITIVE = ("Environment", "LoadCredential")

_SANDBOX: dict[str, Any] = {
    "NoNewPrivileges": True,
    "CapabilityBoundingSet": "",
    "AmbientCapabilities": "",
    "PrivateDevices": True,
    "PrivateTmp": True,
    "PrivateUsers": True,
    "ProtectSystem": "strict",
    "ProtectHome": True,
    "ProtectProc": "invisible",
    "ProcSubset": "pid",
    "ProtectClock": True,
    "ProtectHostname": True,
    "ProtectControlGroups": True,
    "ProtectKernelLogs": True,
    "ProtectKernelModules": True,
    "ProtectKernelTunables": True,
    "LockPersonality": True,
    "MemoryDenyWriteExecute": True,
    "RemoveIPC": True,
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces": True,
    "RestrictRealtime": True,
    "RestrictSUIDSGID": True,
    "SystemCallArchitectures": "native",
    "SystemCallFilter": ["@system-service", "~@privileged @resources"],
    "SystemCallErrorNumber": "EPERM",
    "DevicePolicy": "closed",
    "KeyringMode": "private",
    "UMask": "0077",
}


def render(spec: Spec, state: str, release: str) -> str:
    """Return the unit's text.

    state: the activation digest; it ends up in the process' environment, where the next run reads
    from which state the process was started. release: the directory that {release} stands for.
    """
    sections = {name: dict(keys) for name, keys in _baseline(spec, state, release).items()}
    for name, keys in spec.unit.items():
        for key, given in keys.items():
            value = _expanded(given, spec, release)
            # These carry what the module itself needs; a role adds to them.
            kept = sections[name].get(key) if key in _ADDITIVE else None
            sections[name][key] = [*kept, *_list(value)] if kept else value
    if spec.timer and sections["Install"] == {"WantedBy": None}:
        del sections["Install"]
    return _written(spec.name, sections)


def render_timer(spec: Spec) -> str:
    """Return the text of the timer that starts a job."""
    sections: dict[str, Mapping[str, Any]] = {
        "Unit": {"Description": f"Timer: {_specifiers(spec.account.comment)}"},
        "Timer": {key: _expanded(given, spec, "") for key, given in spec.timer.items()},
        "Install": {"WantedBy": "timers.target"},
    }
    if description := spec.unit.get("Unit", {}).get("Description"):
        sections["Unit"] = {"Description": f"Timer: {description}"}
    return _written(spec.timer_name, sections)


def _written(name: str, sections: Mapping[str, Mapping[str, Any]]) -> str:
    parts = [_BANNER.format(name=name)]
    for name, keys in sections.items():
        lines = [line for key, value in keys.items() for line in _lines(key, value)]
        parts.append(f"[{name}]\n" + "".join(f"{line}\n" for line in lines))
    return "\n".join(parts)


def _baseline(spec: Spec, state: str, release: str) -> dict[str, dict[str, Any]]:
    account = spec.account
    service: dict[str, Any] = {
        # exec, unlike simple, makes "systemctl start" fail when the binary or the user is missing.
        "Type": "exec",
        "User": account.user,
        "Group": account.group,
        "SupplementaryGroups": " ".join(account.groups) or None,
        "ExecStart": command_line(spec, spec.command, release),
        # A monitor must come back by itself, even long after its disk was full: no start limit.
        "Restart": "always",
        "RestartSec": 5,
        "Environment": _environment(spec, state),
        "LoadCredential": [f"{f.credential}:{f.path}" for f in spec.files if f.credential] or None,
        "StateDirectory": spec.name,
        "StateDirectoryMode": "0750",
        **_SANDBOX,
    }
    if spec.timer:
        # A job ends by itself; its next turn is the timer's business.
        service |= {"Type": "oneshot", "Restart": None, "RestartSec": None}
    return {
        "Unit": {
            "Description": _specifiers(account.comment),
            "Wants": "network-online.target",
            "After": "network-online.target",
            "StartLimitIntervalSec": 0,
        },
        "Service": service,
        "Install": {"WantedBy": None if spec.timer else "multi-user.target"},
    }


def _environment(spec: Spec, state: str) -> list[str]:
    own = {**spec.environment, STATE_VARIABLE: state}
    # No "$" escape here: systemd expands only specifiers in Environment=.
    return [_word(_specifiers(f"{key}={value}")) for key, value in own.items()]


def command_line(spec: Spec, argv: Iterable[str], release: str) -> str:
    """Return argv as ExecStart= takes it: each argument arrives exactly as given."""
    return " \\\n  ".join(_argument(spec.expand(arg, release)) for arg in argv)


def _argument(text: str) -> str:
    # The credentials directory is known to systemd alone, so this one variable is left to it
    # (the specifier %d would need systemd 250).
    plain = [_specifiers(part).replace("$", "$$") for part in text.split("{credentials}")]
    return _word("\0".join(plain)).replace("\0", "${CREDENTIALS_DIRECTORY}")


def _specifiers(text: str) -> str:
    return text.replace("%", "%%")


def _word(text: str) -> str:
    """Quote one word where systemd would split it, unquote it or take it for a comment."""
    if text and text[0] not in "#;" and not re.search(r"""[\s"'\\\x01-\x1f\x7f]""", text):
        return text
    escaped = re.sub(r'["\\]', r"\\\g<0>", text)
    # Raw control characters could end the line.
    escaped = re.sub(r"[\x01-\x1f\x7f]", lambda match: f"\\x{ord(match.group()):02x}", escaped)
    return f'"{escaped}"'


def _expanded(value: Any, spec: Spec, release: str) -> Any:
    if isinstance(value, (list, tuple)):
        return [_expanded(each, spec, release) for each in value]
    return spec.expand(value, release) if isinstance(value, str) else value


def _lines(key: str, value: Any) -> list[str]:
    """One line for a value, one for each element of a list, none for null."""
    if value is None:
        return []
    return [f"{key}={_text(v)}".rstrip() for v in _list(value)]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def directives(unit: Mapping[str, Any], key: str) -> list[str]:
    """The words of a space-separated directive of [Service], e.g. LogsDirectory."""
    value = (unit.get("Service") or {}).get(key)
    return [word for v in _list(value) if v for word in str(v).split()]
