# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Grafana that the role deploys on a host, and questions to it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.support import role
from integration.support.host import Host

URL = "http://127.0.0.1:3000"
PASSWORD = "/etc/grafana/secrets/admin_password"
# On the host, where Python is all there is: method, address, login, body.
REQUEST = """
import base64, json, sys, urllib.error, urllib.request
method, url, login, body = sys.argv[1:]
request = urllib.request.Request(url, body.encode() or None, method=method)
request.add_header("Content-Type", "application/json")
if login:
    request.add_header("Authorization", "Basic " + base64.b64encode(login.encode()).decode())
try:
    answer = urllib.request.urlopen(request, timeout=10)
except urllib.error.HTTPError as error:
    answer = error
except OSError as error:
    print(json.dumps([0, str(error)]))
    sys.exit()
print(json.dumps([answer.status, answer.read().decode()]))
"""


def dashboard(uid: str, title: str, **more: Any) -> dict[str, Any]:
    """Describe a dashboard."""
    return {"uid": uid, "title": title, "panels": [], **more}


@dataclass
class Grafana:
    """A deployment by the role, on a host of its own."""

    host: Host
    folder: Path

    def run(self, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run the role with these variables beside those of the base."""
        play = {
            "hosts": "target",
            "vars_files": [str(role.VERSIONS)],
            "roles": [{"role": "barehost.monitoring.grafana", "vars": {**self.base, **variables}}],
        }
        target = {**role.CONNECTION, "ansible_host": self.host.container}
        return role.run_role(self.folder, play, {"hosts": {"target": target}}, *options)

    @property
    def base(self) -> dict[str, Any]:
        """Return what every run of this file has: upstream's older address, and little to show."""
        return {"grafana_release_build": "", "grafana_shipped_dashboards": False}

    def apply(self, *options: str, **variables: Any) -> bool:
        """Deploy; tell whether anything changed."""
        return role.changed(self.run(*options, **variables))

    def refuse(self, **variables: Any) -> str:
        """Deploy what must be refused; return what is said."""
        return role.refusal(self.run(**variables))

    def ask(self, path: str, login: str = "", method: str = "GET", body: Any = None) -> Any:
        """Ask over HTTP; return status and text."""
        data = "" if body is None else json.dumps(body)
        return self.host.python(REQUEST, method, URL + path, login, data)

    def lets_in(self, password: str) -> bool:
        """Tell whether the administrator has this password. (Wrong ones are counted.)"""
        return bool(self.ask("/api/user", f"admin:{password}")[0] == 200)

    @property
    def password(self) -> str:
        """The password as root reads it."""
        return self.host.read(PASSWORD)

    @property
    def login(self) -> str:
        """The administrator's login."""
        return f"admin:{self.password}"

    def dashboards(self) -> set[str]:
        """Return the uids of all dashboards."""
        _status, text = self.ask("/api/search?type=dash-db", self.login)
        return {found["uid"] for found in json.loads(text)}

    def state(self) -> tuple[int, str]:
        """Return the process and the digests of all files."""
        return role.state(self.host, "grafana")
