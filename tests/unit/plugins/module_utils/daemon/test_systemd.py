# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of the product, run as their user; the system bus."""

from __future__ import annotations

import os
import pwd
import socket
from pathlib import Path

import pytest
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon import _systemd
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._errors import DaemonError
from ansible_collections.barehost.monitoring.plugins.module_utils.daemon._systemd import Systemd

NOBODY = pwd.getpwnam("nobody")  # on Debian there is no group of this name


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a setpriv in the place of the real one that tells how it was called."""
    program = tmp_path / "setpriv"
    program.write_text('#!/bin/sh\necho "$@"; exec cat\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")


@pytest.mark.parametrize("user", ["nobody", str(NOBODY.pw_uid)])
@pytest.mark.usefixtures("told")
def test_a_step_runs_with_its_users_own_groups(user: str) -> None:
    code, output = Systemd().run(["keystore", "create"], "secret", user)
    groups = f"--reuid={user} --regid={NOBODY.pw_gid} --init-groups"
    assert (code, output) == (0, f"{groups} keystore create\nsecret")


@pytest.mark.parametrize("user", ["no-such-user", "4294967294", "9" * 30])
@pytest.mark.usefixtures("told")
def test_a_user_who_is_missing_is_named(user: str) -> None:
    with pytest.raises(DaemonError) as caught:
        Systemd().run(["/opt/web/keystore", "create"], "secret", user)
    assert str(caught.value) == f"the user {user}, who is to run keystore, is missing on this host"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_step_of_a_user_without_a_group_of_its_name_runs() -> None:
    code, output = Systemd().run(["/bin/sh", "-c", "id -u; id -g"], "", "nobody")
    assert (code, output.split()) == (0, [str(NOBODY.pw_uid), str(NOBODY.pw_gid)])


def test_a_step_of_nobody_in_particular_runs_as_it_is() -> None:
    assert Systemd().run(["/bin/sh", "-c", "cat; exit 3"], "secret", "") == (3, "secret")


@pytest.mark.parametrize(
    ("bus", "words"),
    [("missing", "install the package dbus"), ("dead", "systemctl start dbus"), ("alive", "")],
)
def test_a_bus_that_does_not_answer_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bus: str, words: str
) -> None:
    monkeypatch.setattr(_systemd, "_BUS", str(tmp_path / "bus"))
    with socket.socket(socket.AF_UNIX) as server:
        if bus != "missing":
            server.bind(str(tmp_path / "bus"))
        if bus == "alive":
            server.listen()
            Systemd().check_bus()
            return
        with pytest.raises(DaemonError, match=words):
            Systemd().check_bus()
