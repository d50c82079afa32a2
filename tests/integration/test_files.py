# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files: what the product's checker refuses, what a change causes, what is repaired and pruned."""

from __future__ import annotations

from typing import Any

import pytest

from integration.support.claims import converged, refused
from integration.support.fake import Fake


def file(path: str, content: str, **more: Any) -> dict[str, Any]:
    """Describe a file whose change needs a reload."""
    return {"path": path, "content": content, "on_change": "reload", **more}


RULES = "greeting = hello\nrules = rules/*.rules\n"


@pytest.fixture
def running(fake: Fake) -> Fake:
    """Return a running deployment with one rule file."""
    fake.deploy(RULES, files=[file("rules/a.rules", "rule one\n")])
    return fake


@pytest.mark.suites("bookworm", "trixie", "bullseye")
@pytest.mark.parametrize(
    ("config", "rules", "message"),
    [
        (
            "greeting = hello\ncolour = red\n",
            "rule one\n",
            r"/etc/{name}/fakehost\.conf:2: unknown key 'colour'",
        ),
        (RULES, "rule one\nroole two\n", r"/etc/{name}/rules/a\.rules:2: not a rule: 'roole two'"),
    ],
)
def test_the_checkers_own_words_refuse_an_invalid_file(
    running: Fake, config: str, rules: str, message: str
) -> None:
    """The error names file and line as the product does, with the path it will have."""
    args = running.args(config, files=[file("rules/a.rules", rules)])
    refused(running, args, message.format(name=running.name))


def test_output_can_refuse_where_the_exit_status_does_not(running: Fake) -> None:
    """Checkers that return 0 with a warning are judged by their words."""
    check = {
        "argv": ["{release}/fakehost", "check", "{config}/fakehost.conf"],
        "refuse": "(?i)warning",
    }
    refused(running, running.args("greeting = dubious\n", checks=[check]), "SUCCESS with warnings")


@pytest.mark.suites("bookworm", "bullseye")
def test_the_check_runs_as_the_daemons_user_on_the_staged_set(running: Fake) -> None:
    """Relative and absolute paths lead to the new files, and what only root can read is missed."""
    staged = file("new.txt", "new\n", mode="0640")
    script = (
        "cat {config}/new.txt; cd {config} && cat new.txt; id -un; "
        "grep -c two rules/a.rules; touch {config}/x || echo cannot write; exit 7"
    )
    args = running.args(
        RULES,
        files=[file("rules/a.rules", "rule two\n"), staged],
        checks=[{"argv": ["/bin/sh", "-c", script]}],
    )
    result = refused(running, args)
    for words in ("new\nnew\n", f"{running.name}\n1\n", "cannot write"):
        assert words in result.msg, result.msg


def test_everything_that_is_required_and_missing_is_named_at_once(running: Fake) -> None:
    """Certificates and the like: absent ones and those the daemon's user cannot read."""
    host = running.host
    host.put({f"/srv/{running.name}/root.pem": b"for root\n"}, mode=0o600)
    args = running.args(
        requires=[
            "tls/cert.pem",
            f"/srv/{running.name}/root.pem",
            "/srv/nowhere/ca.pem",
            "fakehost.conf",
        ]
    )
    result = refused(
        running, args, r"tls/cert\.pem", rf"/srv/{running.name}/root\.pem", "/srv/nowhere/ca.pem"
    )
    assert "fakehost.conf" not in result.msg
    host.sh(f"chmod 644 /srv/{running.name}/root.pem")
    running.apply(
        running.args(
            files=[file("tls/cert.pem", "certificate\n")],
            requires=["tls/cert.pem", f"/srv/{running.name}/root.pem", "fakehost.conf"],
        )
    )


@pytest.mark.parametrize(
    ("on_change", "reloaded", "restarted"),
    [("none", False, False), ("reload", True, False), ("restart", False, True)],
)
def test_a_changed_file_causes_just_what_it_needs(
    fake: Fake, on_change: str, reloaded: bool, restarted: bool
) -> None:
    """Neither too little nor too much happens to the process."""
    fake.deploy(files=[file("extra.txt", "old\n", on_change=on_change)])
    pid, loaded = fake.pid, reload_time(fake)
    args = fake.args(files=[file("extra.txt", "new\n", on_change=on_change)])
    assert fake.apply(args).changed
    assert (fake.pid != pid) is restarted
    assert (reload_time(fake) != loaded) is (reloaded or restarted)
    assert fake.host.read(f"{fake.etc}/extra.txt") == "new\n"
    converged(fake, args)


def reload_time(fake: Fake) -> str:
    """Return when the daemon last read its files, as it says itself."""
    lines = fake.get("/metrics")[1].splitlines()
    return next(line for line in lines if "timestamp" in line)


@pytest.mark.suites("bookworm", "bullseye")
def test_a_file_no_longer_wanted_disappears_and_the_daemon_reloads(running: Fake) -> None:
    """A rule removed from the inventory is gone from disk and from the daemon's memory."""
    two = [
        file("rules/a.rules", "rule one\n"),
        file("rules/deep/b.rules", "rule two\nrule three\n"),
    ]
    running.deploy("greeting = hello\nrules = rules/**/*.rules\n", files=two)
    assert running.ask("/rules") == {"b.rules": 2}
    pid = running.pid
    args = running.args("greeting = hello\nrules = rules/**/*.rules\n", files=two[:1])
    assert running.apply(args).changed
    assert running.ask("/rules") == {}
    assert running.pid == pid
    assert not running.host.exists(f"{running.etc}/rules/deep")
    assert running.host.exists(f"{running.etc}/rules/a.rules")
    converged(running, args)


def test_files_that_were_never_ours_stay(running: Fake) -> None:
    """Pruning touches what the module once wrote and nothing else."""
    running.host.put({f"{running.etc}/rules/local.rules": b"rule local\n"})
    args = running.args()
    assert running.apply(args).changed
    assert running.host.exists(f"{running.etc}/rules/local.rules")
    assert not running.host.exists(f"{running.etc}/rules/a.rules")
    converged(running, args)


DRIFT = {
    "edited": ("echo 'colour = red' >> /etc/{name}/fakehost.conf", "fakehost.conf"),
    "deleted": ("rm /etc/{name}/fakehost.conf", "fakehost.conf"),
    "opened to all": ("chmod 666 /etc/{name}/fakehost.conf", "fakehost.conf"),
    "given away": ("chown nobody /etc/{name}/fakehost.conf", "fakehost.conf"),
    "replaced by a link": ("ln -sf /etc/hostname /etc/{name}/fakehost.conf", "fakehost.conf"),
    "unit edited": (
        "sed -i s/NoNewPrivileges=yes/NoNewPrivileges=no/ /etc/systemd/system/{name}.service",
        "{name}.service",
    ),
    "unit deleted": ("rm /etc/systemd/system/{name}.service", "{name}.service"),
    "sysusers deleted": ("rm /etc/sysusers.d/barehost-{name}.conf", "sysusers.d"),
    "stopped": ("systemctl stop {name}.service", "not running|stopped|inactive"),
    "disabled": ("systemctl disable -q {name}.service", "disabled|enabled"),
    "masked": (
        "systemctl stop {name}.service; ln -sf /dev/null /etc/systemd/system/{name}.service;"
        " systemctl daemon-reload",
        "{name}.service",
    ),
    "link moved": ("ln -sfn /nowhere /opt/{name}/current", "/opt/{name}/current"),
    "link removed": ("rm /opt/{name}/current", "/opt/{name}/current"),
    "binary link removed": ("rm /usr/local/bin/fakehost", "/usr/local/bin/fakehost"),
}


@pytest.mark.parametrize("case", DRIFT)
def test_what_was_changed_by_hand_is_repaired_and_named(fake: Fake, case: str) -> None:
    """The run says what it found, mends it, and the next one finds nothing."""
    command, named = DRIFT[case]
    args = fake.args(release={"binaries": ["fakehost"]})
    fake.apply(args)
    fake.host.sh(command.format(name=fake.name))
    check = fake.apply(args, check=True)
    result = fake.apply(args)
    assert result.changed
    import re

    assert re.search(named.format(name=fake.name), "\n".join(result["repaired"])), str(result)
    assert check["repaired"] == result["repaired"]
    assert fake.healthy()
    assert fake.host.out("systemctl", "is-enabled", fake.unit) == "enabled"
    converged(fake, args)


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_a_stopped_service_is_started_again(running: Fake) -> None:
    """Also when it was killed in a way systemd takes for a wish."""
    args = running.args(RULES, files=[file("rules/a.rules", "rule one\n")])
    running.host.run("systemctl", "stop", running.unit)
    result = running.apply(args)
    assert result.changed
    assert result["repaired"]
    converged(running, args)


@pytest.mark.suites("bookworm", "bullseye")
def test_content_beyond_ascii_arrives_intact(fake: Fake) -> None:
    """In content, in names of files, and in the diff; also with the C locale of the host."""
    text = "greeting = Grüße, 世界 🎉 – \u201enaïve\u201c\n"
    args = fake.args(text, files=[file("übersicht/Straße.txt", text)])
    fake.apply(args, diff=True, env={"LC_ALL": "C"})
    assert fake.host.read(f"{fake.etc}/fakehost.conf") == text
    assert fake.host.read(f"{fake.etc}/übersicht/Straße.txt") == text
    assert fake.ask("/config")["greeting"] == text.strip().partition(" = ")[2]
    converged(fake, args)


def test_five_megabytes_of_rule_files_are_ordinary(fake: Fake) -> None:
    """A hundred files of 50 kB deploy, change nothing the second time, and the time for that is short."""
    line = "rule " + "x" * 94 + "\n"
    files = [file(f"rules/{number:03}.rules", line * 520) for number in range(100)]
    args = fake.args(RULES, files=files)
    fake.apply(args, diff=True)
    assert sum(fake.ask("/rules").values()) == 52_000
    again = fake.apply(args)
    assert not again.changed
    assert again.seconds < 5


def test_something_else_in_a_files_place_is_named(fake: Fake) -> None:
    """A directory where a file belongs is not removed, it is told."""
    fake.host.sh(f"mkdir -p {fake.etc}/fakehost.conf/precious")
    result = fake.refuse(fake.args())
    assert f"{fake.etc}/fakehost.conf" in result.msg
    assert fake.host.exists(f"{fake.etc}/fakehost.conf/precious")
    assert not fake.host.exists(f"/etc/systemd/system/{fake.unit}")


def test_files_outside_the_configuration_directory_are_managed_too(fake: Fake) -> None:
    """An absolute path is written where it says, and removed when no longer wanted."""
    path = f"/etc/tmpfiles.d/{fake.name}.conf"
    fake.deploy(files=[file(path, f"d /run/{fake.name}\n", mode="0644", group="root")])
    assert fake.host.out("stat", "-c", "%a %U %G", path) == "644 root root"
    fake.deploy()
    assert not fake.host.exists(path)
    assert fake.host.exists("/etc/tmpfiles.d")


def test_files_are_readable_by_the_daemon_and_by_nobody_else(running: Fake) -> None:
    """The default owner is root, the group the daemon's, others see nothing."""
    host = running.host
    owner = host.out("stat", "-c", "%a %U %G", f"{running.etc}/fakehost.conf")
    assert owner == f"640 root {running.name}"
    assert host.run("cat", f"{running.etc}/fakehost.conf", user="nobody", check=False).returncode
