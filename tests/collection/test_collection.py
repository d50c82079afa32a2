# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as its users get it: built and installed elsewhere, or plainly cloned."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
NAME = "barehost.monitoring"
DEMO = CHECKOUT / "inventories" / "demo"
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir() if path.is_dir())
FILTERS = sorted(path.stem for path in (CHECKOUT / "plugins/filter").glob("[!_]*.py"))
MODULES = sorted(path.stem for path in (CHECKOUT / "plugins/modules").glob("[!_]*.py"))
# What users have no use for, and what runs on a developer's machine leave behind.
UNWANTED = {".ac", ".ci", ".config", ".git", "Makefile", "bench", "molecule", "tests"}
LEFT_BEHIND = re.compile(r"(?!cache\.py$).*cache.*|\.venv|\.ansible|\.elk_passwords|\.certificates")
# What a checkout holds after the steps of docs/first_deployment.md and its neighbours.
DEPLOYMENT = (
    *("inventories/single_host/.elk_passwords/deploy", ".elk_passwords/deploy"),
    *("my-inventory/hosts.yml", "my-inventory/.elk_passwords/reader", "prod-inventory/hosts.yml"),
    *("inventories/fleet/.certificates/ca.key", "inventories/fleet/.certificates/logs1.crt"),
    *("inventories/fleet/group_vars/all/vault.yml", "inventories/demo/host.key"),
    *("backups/db1/prometheus.tar", "inventories/backups/db1/prometheus.tar"),
    *("rendered/db1/etc/shadow", "mirror/prometheus/lock.json", "mirror/lock.json"),
)


def run(*argv: str, cwd: Path, **variables: str) -> str:
    """Run a command with no Ansible setting but the given ones."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("ANSIBLE_")}
    done = subprocess.run(
        argv, cwd=cwd, env=inherited | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy what git tracks or would track, as a clone would bring it."""
    target = tmp_path_factory.mktemp("clone")
    listing = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, run(*listing, cwd=CHECKOUT).split("\0")):
        source, copy = CHECKOUT / name, target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            copy.symlink_to(source.readlink())
        elif source.exists():
            copy.write_bytes(source.read_bytes())
    return target


@pytest.fixture(scope="module")
def used(clone: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the clone, and leave in it what deployments leave."""
    target = tmp_path_factory.mktemp("used") / "checkout"
    shutil.copytree(clone, target, symlinks=True)
    for name in DEPLOYMENT:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text("planted")
    return target


def packed(archive: Path) -> set[str]:
    """List what an archive holds."""
    with tarfile.open(archive) as tar:
        return set(tar.getnames())


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the archive from the checkout as it is, caches included."""
    target = tmp_path_factory.mktemp("archive")
    run("ansible-galaxy", "collection", "build", "--output-path", str(target), cwd=CHECKOUT)
    return next(target.glob("barehost-monitoring-*.tar.gz"))


@pytest.fixture(scope="module")
def installed(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the archive into an empty directory."""
    target = tmp_path_factory.mktemp("installed")
    options = ("--offline", "--collections-path", str(target))
    run("ansible-galaxy", "collection", "install", *options, str(archive), cwd=target)
    return target


def test_the_archive_holds_nothing_unwanted(archive: Path) -> None:
    names = [Path(name) for name in packed(archive)]
    assert [name for name in names if UNWANTED.intersection(name.parts)] == []
    assert [name for name in names if any(map(LEFT_BEHIND.fullmatch, name.parts))] == []
    assert Path("roles/prometheus/tasks/main.yml") in names


def test_what_deployments_leave_is_neither_packed_nor_tracked(
    clone: Path, used: Path, tmp_path: Path
) -> None:
    for place in (clone, used):
        target = str(tmp_path / place.name)
        run("ansible-galaxy", "collection", "build", "--output-path", target, cwd=place)
    plain, other = (packed(next((tmp_path / p.name).iterdir())) for p in (clone, used))
    assert other == plain
    ours = {"plugins/modules/mirror.py", "playbooks/mirror.yml", "docs/mirror.md", "docs/backup.md"}
    ours |= {"inventories/fleet/group_vars/all/vault.yml.example"}
    assert ours <= plain
    run("git", "init", "--quiet", cwd=used)
    found = run("git", "ls-files", "--others", "--exclude-standard", cwd=used).splitlines()
    assert set(DEPLOYMENT).difference({"inventories/demo/host.key"}).intersection(found) == set()
    assert ours <= set(found)


def test_the_archive_is_small(archive: Path) -> None:
    assert archive.stat().st_size < 2_000_000


@pytest.mark.parametrize("option", ["--syntax-check", "--list-tasks"])
def test_the_installed_collection_brings_its_site_playbook(installed: Path, option: str) -> None:
    printed = run(
        "ansible-playbook",
        f"--inventory={DEMO}",
        option,
        f"{NAME}.site",
        cwd=installed,
        ANSIBLE_COLLECTIONS_PATH=str(installed),
    )
    assert option == "--syntax-check" or "Deploy Prometheus" in printed


@pytest.mark.parametrize("option", ["--syntax-check", "--list-tasks"])
def test_a_plain_clone_runs_without_make(clone: Path, option: str) -> None:
    inventory = "--inventory=inventories/single_host"
    printed = run("ansible-playbook", inventory, option, "site.yml", cwd=clone)
    assert option == "--syntax-check" or "Deploy Prometheus" in printed


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("role", name) for name in ROLES),
        *(("filter", name) for name in FILTERS),
        *(("module", name) for name in MODULES),
    ],
)
def test_every_plugin_and_role_is_documented(installed: Path, kind: str, name: str) -> None:
    command = ("ansible-doc", "--type", kind, f"{NAME}.{name}")
    printed = run(*command, cwd=installed, ANSIBLE_COLLECTIONS_PATH=str(installed))
    assert f"{NAME}.{name}" in printed
