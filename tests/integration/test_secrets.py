# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets: they arrive intact and are found nowhere else."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

import pytest

from integration.support.claims import converged
from integration.support.fake import Fake
from integration.support.host import Host

# Each character that some layer (systemd, shell, YAML, JSON, Ansible's masking) treats in its own way.
GIVEN = 'S3kret-given % "q" $HOME \\ \'s Grüße %40'
CREDENTIAL = 'S3kret-credential $$ %n "x ü\nsecond line'
PASSWORD = "S3kret-url%40pass"
MARK = "S3kret"


def described(fake: Fake, marker: str = "", **more: Any) -> dict[str, Any]:
    """Describe a deployment with a secret of each kind."""
    return fake.args(
        f"greeting = hello{marker}\nsecret_file = secrets/given\n",
        secrets=[
            {"path": "secrets/given", "content": GIVEN + marker},
            {"path": "secrets/made", "generate": {"length": 40}},
            {"credential": "database", "content": CREDENTIAL + marker},
        ],
        flags=["--password-file={credentials}/database"],
        health={"url_username": "prober", "url_password": PASSWORD},
        **more,
    )


def digest(text: str) -> str:
    """Return what the daemon answers instead of the secret."""
    return hashlib.sha256(text.encode()).hexdigest()


def leaks(host: Host, unit: str) -> dict[str, str]:
    """Look wherever every user of the host can look; return what holds the mark."""
    places = {
        "argv and environ": "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n'",
        "systemctl show": f"for verb in show cat status; do systemctl --no-pager $verb {unit} || true; done",
        "journal": "journalctl --no-pager --output=export -a",
        "world-readable files": "find / -xdev -type f -perm -o=r ! -path '/usr/share/*' ! -path '/usr/lib/*' "
        f"-size -2000k -exec grep -la '{MARK[:4]}[e]t' {{}} + || true",
        "temporary files": f"grep -rla '{MARK[:4]}[e]t' /run /tmp /var/tmp --exclude-dir=credentials "
        "--exclude-dir=journal 2>/dev/null || true",
    }
    found = {}
    for place, script in places.items():
        text = host.sh(script)
        hits = [line for line in text.splitlines() if MARK in line or place.endswith("files")]
        if hits:
            found[place] = "\n".join(hits)
    return found


@pytest.mark.suites("bookworm", "trixie", "bullseye")
def test_planted_secrets_arrive_intact_and_are_found_nowhere(fake: Fake) -> None:
    """First installation, change, no-op, failure with roll-back: outputs and host are searched each time."""
    host = fake.host
    results = [fake.apply(described(fake), diff=True)]
    assert fake.ask("/secret") == {"given": digest(GIVEN)}
    assert fake.ask("/credentials") == {"database": digest(CREDENTIAL)}
    assert leaks(host, fake.unit) == {}
    changed = described(fake, " again")
    results.append(fake.apply(changed, check=True, diff=True))
    results.append(fake.apply(changed, diff=True))
    assert fake.ask("/secret") == {"given": digest(GIVEN + " again")}
    results.append(fake.apply(changed, diff=True))
    assert not results[-1].changed
    broken = described(fake, " broken", version="2.0.0-crash")
    results.append(fake.refuse(broken, diff=True))
    assert results[-1]["rolled_back"] is True
    assert fake.ask("/secret") == {"given": digest(GIVEN + " again")}
    assert leaks(host, fake.unit) == {}
    for result in results:
        told = {key: value for key, value in result.answer.items() if key != "invocation"}
        assert MARK not in json.dumps(told, ensure_ascii=False), str(result)
    fake.apply({**changed, "state": "absent"})
    assert leaks(host, fake.unit) == {}
    everywhere = f"find / -xdev -type f -exec grep -la '{MARK[:4]}[e]t' {{}} + || true"
    assert host.sh(everywhere) == "", "root finds no secret either, once the daemon is gone"


@pytest.mark.suites("bookworm", "bullseye")
def test_secret_files_are_closed_to_others(fake: Fake) -> None:
    """The daemon's group reads a file, only root reads the source of a credential and the records."""
    fake.apply(described(fake))
    host = fake.host
    modes = {
        f"{fake.etc}/secrets/given": f"640 root {fake.name}",
        f"{fake.etc}/secrets/made": f"640 root {fake.name}",
        f"{fake.etc}/credentials/database": "600 root root",
        fake.records: "700 root root",
    }
    for path, wanted in modes.items():
        assert host.out("stat", "-c", "%a %U %G", path) == wanted, path
    readable = host.run(
        "find", fake.etc, fake.records, "-type", "f", "-readable", user="nobody", check=False
    )
    assert readable.stdout == ""


def test_a_mode_that_opens_a_secret_is_refused(fake: Fake) -> None:
    """A world-readable secret is a contradiction in terms."""
    args = fake.args(secrets=[{"path": "secrets/given", "content": GIVEN, "mode": "0644"}])
    result = fake.refuse(args)
    assert "secrets[0]" in result.msg
    assert MARK not in result.msg
    assert not fake.host.exists(fake.etc)


@pytest.mark.suites("bookworm", "bullseye")
def test_a_generated_secret_is_made_once_and_kept(fake: Fake) -> None:
    """Through no-ops, upgrades and reinstallation of the rest it stays the same; hosts differ."""
    secret = {"path": "secrets/made", "generate": {"length": 40}}
    path = f"{fake.etc}/secrets/made"
    fake.deploy(secrets=[secret])
    made = fake.host.read(path)
    assert re.fullmatch(r"[A-Za-z0-9]{40}\n?", made)
    converged(fake, fake.args(secrets=[secret]))
    fake.deploy(version="1.1.0", secrets=[secret])
    assert fake.host.read(path) == made
    fake.refuse(fake.args(version="2.0.0-crash", secrets=[secret]))
    assert fake.host.read(path) == made
    fake.host.sh(f"rm {path}")
    fake.deploy(version="1.1.0", secrets=[secret])
    assert fake.host.read(path) == made, "a lost secret comes back from the recorded state"


def test_secrets_in_a_diff_are_masked_and_public_files_are_not(fake: Fake) -> None:
    """A diff that hides everything helps nobody; one that shows secrets hurts."""
    fake.apply(described(fake))
    result = fake.apply(described(fake, " again"), diff=True)
    diff = json.dumps(result["diff"])
    assert "greeting = hello again" in diff
    assert "secrets/given" in diff
    assert MARK not in diff


def test_the_masking_does_not_eat_ordinary_words(fake: Fake) -> None:
    """Ansible masks a secret wherever it occurs: a checker's words must stay readable."""
    args = fake.args(
        "colour = red\n", secrets=[{"path": "secrets/given", "content": "S3kret-unrelated"}]
    )
    result = fake.refuse(args)
    assert f"{fake.etc}/fakehost.conf:1: unknown key 'colour'" in result.msg
