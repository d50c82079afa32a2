# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Grafana that the role deploys on a host, and questions to it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from integration.support.host import PROJECT, Host

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
            "gather_facts": False,
            "vars_files": [str(PROJECT / ".cache/mirror/versions.yml")],
            "roles": [{"role": "barehost.monitoring.grafana", "vars": {**self.base, **variables}}],
        }
        (self.folder / "play.json").write_text(json.dumps([play]))
        connection = {
            "ansible_connection": "community.docker.docker",
            "ansible_host": self.host.container,
            "ansible_python_interpreter": "/usr/bin/python3",
            "barehost_mirror": "file:///srv/mirror",
        }
        inventory = {"all": {"hosts": {"target": connection}}}
        (self.folder / "hosts.json").write_text(json.dumps(inventory))
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        places = [f"--inventory={self.folder / 'hosts.json'}", str(self.folder / "play.json")]
        environment = {**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
        environment |= {"ANSIBLE_CONFIG": "ansible.cfg", "ANSIBLE_PIPELINING": "true"}
        return subprocess.run(
            [program, *options, *places],
            cwd=PROJECT, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    @property
    def base(self) -> dict[str, Any]:
        """Return what every run of this file has: upstream's older address, and little to show."""
        return {"grafana_release_build": "", "grafana_shipped_dashboards": False}

    def apply(self, *options: str, **variables: Any) -> bool:
        """Deploy; tell whether anything changed."""
        done = self.run(*options, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return "changed=0" not in done.stdout

    def refuse(self, **variables: Any) -> str:
        """Deploy what must be refused; return what is said."""
        done = self.run(**variables)
        assert done.returncode == 2, done.stdout
        text = done.stdout + done.stderr
        assert "Traceback" not in text
        return text

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
        script = "find /etc/grafana -type f -exec sha256sum {} + | sort"
        return self.host.main_pid("grafana.service"), self.host.sh(script)
