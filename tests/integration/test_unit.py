# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The systemd unit: exact arguments and environment, credentials, sandbox, account."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from integration.support.claims import converged, refused
from integration.support.fake import Fake

AWKWARD = [
    "--plain=two words",
    '--double="quoted" a"b"c',
    "--single='quoted' it's",
    "--percent=100%",
    "--specifier=%H %n %%",
    "--user=p%40ss",
    "--dollar=$HOME ${USER} $$ ($) $",
    "$HOME",
    "${HOME}",
    r"--backslash=back\slash \d+ \x41 C:\\",
    ";",
    "--semicolon=a;b ;",
    "",
    " ",
    "--tab=a\tb",
    "--newline=a\nb",
    r"--braces={notours} {{ jinja }} \{0,2\}",
    "--hash=# no comment",
    "--glob=* ? [a-z] ~ ! & | < > ( )",
    "--unicode=Größe 世界 🎉",
    "-",
    "@+!:-",
    "--regex=^/(sys|proc|dev|run/k3s)($|/)",
    r"--trailing=backslash\\"[:-1],
]


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_every_argument_arrives_exactly(fake: Fake) -> None:
    """Byte for byte in /proc/PID/cmdline, whatever systemd's quoting makes of it."""
    args = fake.args(flags=AWKWARD)
    fake.apply(args)
    script = "import json,sys;print(json.dumps(open('/proc/%s/cmdline' % sys.argv[1]).read().split('\\0')[:-1]))"
    seen = fake.host.python(script, str(fake.pid))
    # /usr/bin/python3, the script, serve, --config, --listen
    assert seen[5:] == AWKWARD
    converged(fake, args)


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_every_variable_arrives_exactly(fake: Fake) -> None:
    """The same for the environment, which systemd quotes by other rules."""
    wanted = {f"AWKWARD_{number}": text for number, text in enumerate(AWKWARD)}
    args = fake.args(environment=wanted)
    fake.apply(args)
    seen = fake.ask("/environ")
    assert {key: seen.get(key) for key in wanted} == wanted
    converged(fake, args)


def test_a_changed_variable_restarts(fake: Fake) -> None:
    """The environment is read at the start only."""
    fake.deploy(environment={"COLOUR": "red"})
    pid = fake.pid
    fake.deploy(environment={"COLOUR": "blue"})
    assert fake.pid != pid
    assert fake.ask("/environ")["COLOUR"] == "blue"


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_credentials_reach_the_daemon_and_a_change_restarts(fake: Fake) -> None:
    """LoadCredential=: readable below CREDENTIALS_DIRECTORY; systemd copies it at the start only."""
    first, second = 'Grüße % $ "quoted" \\', "another"

    def digest(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    secret = {"credential": "db_password", "content": first}
    fake.deploy(secrets=[secret], flags=["--password-file={credentials}/db_password"])
    assert fake.ask("/credentials") == {"db_password": digest(first)}
    named = fake.ask("/argv")[-1].partition("=")[2]
    assert named == f"{fake.ask('/environ')['CREDENTIALS_DIRECTORY']}/db_password"
    pid = fake.pid
    args = fake.args(
        secrets=[{**secret, "content": second}], flags=["--password-file={credentials}/db_password"]
    )
    fake.apply(args)
    assert fake.ask("/credentials") == {"db_password": digest(second)}
    assert fake.pid != pid
    converged(fake, args)


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_the_sandbox_is_strict_and_silent(fake: Fake) -> None:
    """systemd's own judgement of the unit is at most 2.0, and it has nothing to complain about."""
    fake.deploy(environment={"PERCENT": "%40"})
    verdict = fake.host.run("systemd-analyze", "security", "--no-pager", fake.unit).stdout
    score = re.search(r"exposure level for \S+: ([0-9.]+)", verdict)
    assert score and float(score[1]) <= 2.0, verdict
    verified = fake.host.run("systemd-analyze", "verify", f"/etc/systemd/system/{fake.unit}")
    assert verified.stdout + verified.stderr == ""


def test_single_keys_of_the_sandbox_can_be_relaxed_added_and_removed(fake: Fake) -> None:
    """A value replaces the baseline's, a list is repeated keys, null removes the key."""
    service = {
        "ProcSubset": "all",
        "ProtectHostname": None,
        "ReadOnlyPaths": ["/usr", "-/opt/none"],
        "LimitNOFILE": 4096,
        "PrivateTmp": False,
    }
    fake.deploy(unit={"Service": service, "Unit": {"Documentation": "https://example.com/%%"}})
    text = fake.host.read(f"/etc/systemd/system/{fake.unit}").splitlines()
    assert "ProcSubset=all" in text and "ProcSubset=pid" not in text
    assert not [line for line in text if line.startswith("ProtectHostname")]
    assert [line for line in text if line.startswith("ReadOnlyPaths")] == [
        "ReadOnlyPaths=/usr",
        "ReadOnlyPaths=-/opt/none",
    ]
    shown = fake.host.show(fake.unit, "PrivateTmp", "LimitNOFILE", "ProtectHostname")
    assert shown == {"PrivateTmp": "no", "LimitNOFILE": "4096", "ProtectHostname": "no"}


WRONG_UNITS: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"Service": {"NoSuchKey": "1"}}, "NoSuchKey"),
    "bad value": ({"Service": {"ProtectSystem": "very"}}, "(?i)protect.?system"),
    "bad specifier": ({"Service": {"ExecStartPost": "/bin/echo %4"}}, "ExecStartPost|specifier"),
    "missing program": ({"Service": {"ExecStartPre": "/nowhere/program"}}, "/nowhere/program"),
}


@pytest.mark.suites("bookworm", "trixie", "bullseye")
@pytest.mark.parametrize("case", WRONG_UNITS)
def test_a_unit_that_systemd_would_ignore_in_part_is_refused(fake: Fake, case: str) -> None:
    """systemd-analyze says it and returns 0; we take its words for a failure."""
    unit, words = WRONG_UNITS[case]
    fake.deploy()
    refused(fake, fake.args(unit=unit), words)


@pytest.mark.suites("bookworm", "bullseye")
def test_a_missing_program_is_refused_before_the_commit(fake: Fake) -> None:
    """A command that cannot be executed never replaces one that can."""
    fake.deploy()
    args = fake.args()
    args["command"][0] = "{release}/nosuch"
    refused(fake, args, "nosuch")


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_a_first_installation_starts_once(fake: Fake) -> None:
    """One start of the service, not one per task as with handlers."""
    fake.deploy()
    journal = fake.host.out("journalctl", "--unit", fake.unit, "--output=cat", "--no-pager")
    assert len(re.findall("listening on", journal)) == 1, journal
    assert fake.host.show(fake.unit, "NRestarts") == {"NRestarts": "0"}


@pytest.mark.suites("bookworm", "bullseye")
def test_the_account_is_made_with_its_groups(fake: Fake) -> None:
    """The daemon runs as the described user, in the described extra groups."""
    host = fake.host
    host.sh("getent group barehost-extra >/dev/null || groupadd --system barehost-extra")
    account = {"user": f"{fake.name}-u", "group": f"{fake.name}-g", "groups": ["barehost-extra"]}
    args = fake.args(account={**account, "comment": 'A fake daemon\'s "user" 100%'})
    fake.apply(args)
    status = host.read(f"/proc/{fake.pid}/status")
    ids = {
        key: host.out("getent", database, name).split(":")[2]
        for key, database, name in (
            ("Uid", "passwd", account["user"]),
            ("Gid", "group", account["group"]),
            ("Groups", "group", "barehost-extra"),
        )
    }
    for key, number in ids.items():
        line = next(line for line in status.splitlines() if line.startswith(f"{key}:"))
        assert number in line.split()[1:], status
    assert host.out("stat", "-c", "%U:%G %a", f"/var/lib/{fake.name}") == (
        f"{account['user']}:{account['group']} 750"
    )
    converged(fake, args)


def test_the_process_tells_from_which_state_it_was_started(fake: Fake) -> None:
    """A restart that was lost is found by that: here unit and process are made to differ."""
    fake.deploy()
    state = fake.ask("/environ")["BAREHOST_STATE"]
    assert re.fullmatch("[0-9a-f]{16}", state)
    unit = fake.host.read(f"/etc/systemd/system/{fake.unit}")
    assert f"BAREHOST_STATE={state}" in unit
    fake.deploy(flags=["--new"])
    assert fake.ask("/environ")["BAREHOST_STATE"] != state
