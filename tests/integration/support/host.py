# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A test host: a container with systemd, the tests' tools in it, and the module run on it."""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ansible.module_utils

from hosts.container import Host as Container

PROJECT = Path(__file__).resolve().parents[3]
TOOLS = "/usr/local/lib/barehost-tests"
ON_HOST = f"{TOOLS}/on_host.py"


@dataclass(frozen=True)
class Result:
    """The module's answer, with what the observer saw."""

    answer: dict[str, Any]
    stderr: str
    seconds: float

    def __getitem__(self, key: str) -> Any:
        return self.answer[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return one value of the answer."""
        return self.answer.get(key, default)

    @property
    def failed(self) -> bool:
        """Whether the run failed."""
        return bool(self.answer.get("failed"))

    @property
    def changed(self) -> bool:
        """Whether the run changed the host."""
        return bool(self.answer.get("changed"))

    @property
    def msg(self) -> str:
        """The error."""
        return str(self.answer.get("msg", ""))

    @property
    def points(self) -> list[str]:
        """The points of the transaction that the run passed."""
        return [line[6:] for line in self.stderr.splitlines() if line.startswith("point ")]

    @property
    def audit(self) -> dict[str, list[Any]]:
        """What the run did to the host."""
        line = next(line for line in self.stderr.splitlines() if line.startswith("audit "))
        found: dict[str, list[Any]] = json.loads(line[6:])
        return found

    def __str__(self) -> str:
        told = {key: value for key, value in self.answer.items() if key != "invocation"}
        return json.dumps(told, indent=1, ensure_ascii=False) + "\n" + self.stderr


@dataclass
class Host:
    """A running container."""

    container: str
    suite: str
    _arch: str = field(default="", repr=False)

    def start(
        self, *argv: str, user: str = "", env: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command on the host."""
        options = [f"--env={key}={value}" for key, value in (env or {}).items()]
        options += [f"--user={user}"] if user else []
        return subprocess.Popen(
            ["docker", "exec", "--interactive", *options, self.container, *argv],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def run(
        self,
        *argv: str,
        check: bool = True,
        stdin: bytes = b"",
        user: str = "",
        env: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command on the host."""
        process = self.start(*argv, user=user, env=env)
        try:
            out, err = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        done = subprocess.CompletedProcess(
            argv, process.returncode, out.decode(errors="replace"), err.decode(errors="replace")
        )
        if check and done.returncode:
            raise AssertionError(f"{argv} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def out(self, *argv: str, check: bool = True, user: str = "") -> str:
        """Run a command and return what it printed, stripped."""
        return self.run(*argv, check=check, user=user).stdout.strip()

    def sh(self, script: str, check: bool = True) -> str:
        """Run a shell script and return what it printed, stripped."""
        return self.out("/bin/sh", "-euc", script, check=check)

    def python(self, script: str, *argv: str) -> Any:
        """Run Python on the host; it prints JSON."""
        return json.loads(self.out("/usr/bin/python3", "-c", script, *argv))

    def exists(self, path: str) -> bool:
        """Tell whether a path exists; a dangling link does."""
        return (
            self.run("/bin/sh", "-c", '[ -e "$0" ] || [ -L "$0" ]', path, check=False).returncode
            == 0
        )

    def read(self, path: str) -> str:
        """Read a text file."""
        return self.run("cat", path).stdout

    def put(self, files: Mapping[str, bytes], mode: int = 0o644) -> None:
        """Write files, with their directories."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path, content in files.items():
                member = tarfile.TarInfo(path.lstrip("/"))
                member.size, member.mode, member.mtime = len(content), mode, int(time.time())
                tar.addfile(member, io.BytesIO(content))
        self.run("tar", "-C", "/", "--no-overwrite-dir", "-xf", "-", stdin=buffer.getvalue())

    @property
    def arch(self) -> str:
        """The architecture as releases call it."""
        if not self._arch:
            names = {"x86_64": "amd64", "aarch64": "arm64"}
            machine = self.out("uname", "-m")
            self._arch = names.get(machine, machine)
        return self._arch

    def show(self, unit: str, *properties: str) -> dict[str, str]:
        """Ask systemd for properties of a unit."""
        lines = self.out("systemctl", "show", f"--property={','.join(properties)}", unit)
        return dict(line.split("=", 1) for line in lines.splitlines())

    def main_pid(self, unit: str) -> int:
        """Return the main process of a unit, 0 for none."""
        return int(self.show(unit, "MainPID")["MainPID"])

    def http(self, url: str) -> tuple[int, str]:
        """Ask a service on the host; status 0: nobody answers."""
        script = (
            "import http.client as c,json,sys,urllib.request as r,urllib.error as e\n"
            "try:\n a=r.urlopen(sys.argv[1],timeout=5); x=(a.status,a.read().decode())\n"
            "except e.HTTPError as h: x=(h.code,h.read().decode())\n"
            "except (OSError,c.HTTPException) as o: x=(0,str(o))\n"
            "print(json.dumps(x))"
        )
        status, text = self.python(script, url)
        return status, text

    def module(
        self,
        args: Mapping[str, Any],
        *options: str,
        check: bool = False,
        diff: bool = False,
        user: str = "",
        env: Mapping[str, str] | None = None,
    ) -> Result:
        """Run the daemon module; a run that was killed answers `{}`."""
        process = self.start_module(args, *options, check=check, diff=diff, user=user, env=env)
        return self.finish_module(process)

    def start_module(
        self,
        args: Mapping[str, Any],
        *options: str,
        check: bool = False,
        diff: bool = False,
        user: str = "",
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start the daemon module and return while it runs."""
        given = {
            **args,
            "_ansible_check_mode": check,
            "_ansible_diff": diff,
            "_ansible_no_log": False,
        }
        process = self.start("/usr/bin/python3", ON_HOST, *options, user=user, env=env)
        assert process.stdin is not None
        process.stdin.write(json.dumps(given).encode())
        process.stdin.close()
        process.stdin = None
        return process

    @staticmethod
    def finish_module(process: subprocess.Popen[bytes], timeout: float = 300) -> Result:
        """Wait for a started run."""
        begin = time.monotonic()
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        text = out.decode().strip()
        answer = json.loads(text[text.index("{") :]) if "{" in text else {}
        result = Result(answer, err.decode(errors="replace"), time.monotonic() - begin)
        assert "Traceback" not in f"{result.stderr}{answer.get('exception', '')}", str(result)
        return result


def poll(question: Callable[[], Any], seconds: float = 15, what: str = "") -> Any:
    """Ask until the answer is true."""
    end = time.monotonic() + seconds
    while not (answer := question()):
        if time.monotonic() > end:
            raise AssertionError(f"did not happen within {seconds} s: {what or question}")
        time.sleep(0.05)
    return answer


def tools_archive() -> bytes:
    """Pack what a test host needs to run the module without Ansible."""
    module_utils = Path(ansible.module_utils.__file__).parent
    parts = {
        module_utils: "ansible/module_utils",
        PROJECT / "plugins/modules": "ansible_collections/barehost/monitoring/plugins/modules",
        PROJECT
        / "plugins/module_utils": "ansible_collections/barehost/monitoring/plugins/module_utils",
        Path(__file__).with_name("on_host.py"): "on_host.py",
        Path(__file__).with_name("web.py"): "web.py",
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for source, name in parts.items():
            tar.add(source, name, filter=lambda m: None if "__pycache__" in m.name else m)
        tar.addfile(tarfile.TarInfo("ansible/__init__.py"))
    return buffer.getvalue()


def install_tools(host: Host) -> None:
    """Put the module and what runs it on the host, compiled, so that no run has to write."""
    host.run("mkdir", "-p", TOOLS)
    host.run("tar", "-C", TOOLS, "--no-same-owner", "-xf", "-", stdin=tools_archive())
    host.sh(f"python3 -m compileall -q {TOOLS} || true")


@contextmanager
def booted(name: str, suite: str, network_of: Host | None = None) -> Iterator[Host]:
    """Boot a host with the tests' tools and remove it afterwards.

    network_of: the host whose addresses it shares, loopback included.
    """
    own = "--sysctl=net.ipv6.conf.all.disable_ipv6=0"
    network = f"--network=container:{network_of.container}" if network_of else own
    container = Container(name).boot(suite, network)
    try:
        host = Host(container.name, suite)
        install_tools(host)
        yield host
    finally:
        container.remove()
