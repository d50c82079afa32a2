# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The contract of each role is the same in defaults, argument_specs, README and tasks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

CHECKOUT = Path(__file__).parents[3]
ROLES = sorted((CHECKOUT / "roles").iterdir())
DAEMONS = {"elk": 4}  # Elasticsearch, Kibana, Logstash, Filebeat
SCENARIOS = sorted(path.parent for path in CHECKOUT.glob("molecule/*/molecule.yml"))

role_of_the_collection = pytest.mark.parametrize("role", ROLES, ids=lambda path: str(path.name))


class Loader(yaml.SafeLoader):
    """Reads !unsafe as the text that it marks."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(path: Path) -> Any:
    """Read a YAML file of a role."""
    return yaml.load(path.read_text(), Loader)  # noqa: S506


def defaults(role: Path) -> dict[str, Any]:
    """Merge the files below defaults/main."""
    files = sorted((role / "defaults" / "main").iterdir())
    return {name: value for path in files for name, value in load(path).items()}


def options(role: Path) -> dict[str, Any]:
    """Return the options of the role's main entry point, which has those of the others too."""
    specs = load(role / "meta" / "argument_specs.yml")["argument_specs"]
    assert list(specs) == [path.stem for path in entry_points(role)]
    found: dict[str, Any] = specs["main"]["options"]
    for name, spec in specs.items():
        assert spec["options"].items() <= found.items() or name == "main"
    return found


def entry_points(role: Path) -> list[Path]:
    """List the files of tasks, main first."""
    return sorted((role / "tasks").glob("*.yml"), key=lambda path: (path.stem != "main", path.stem))


@role_of_the_collection
def test_defaults_and_specification_name_the_same_variables(role: Path) -> None:
    assert set(defaults(role)) == set(options(role))


@role_of_the_collection
def test_defaults_and_specification_have_the_same_values(role: Path) -> None:
    """A default too long for a table is left out of the specification, which then says so."""
    actual = defaults(role)
    stated = {
        name: option["default"] for name, option in options(role).items() if "default" in option
    }
    assert {name: fallback(actual[name], options(role)[name]) for name in stated} == stated


def fallback(value: Any, option: dict[str, Any]) -> Any:
    """Of a collection-wide switch, the specification states what counts without it."""
    found = re.fullmatch(r"\{\{ barehost_\w+ \| default\((true|false), true\) \}\}", str(value))
    return found[1] == "true" if found and option["type"] == "bool" else value


@role_of_the_collection
def test_only_the_alerts_have_no_default_in_the_specification(role: Path) -> None:
    without = {name for name, option in options(role).items() if "default" not in option}
    content = ("prometheus_alerts", "prometheus_recording_rules_", "prometheus_slos")
    assert [name for name in without if not name.startswith(content)] == []


@role_of_the_collection
def test_public_variables_have_the_roles_prefix_and_a_description(role: Path) -> None:
    for name, option in options(role).items():
        assert name.startswith(f"{role.name}_")
        assert option["description"]


@role_of_the_collection
def test_values_have_the_specified_type(role: Path) -> None:
    kinds = {"str": str, "list": list, "dict": dict, "int": int, "bool": bool}
    for name, value in defaults(role).items():
        wanted = options(role)[name]["type"]
        template = isinstance(value, str) and value.startswith("{{")
        assert wanted == "raw" or template or isinstance(value, kinds[wanted]), name


@role_of_the_collection
def test_every_variable_is_used(role: Path) -> None:
    own = [*(role / "vars").rglob("*.yml")]
    files = [*entry_points(role), *own, *(role / "templates").glob("*.j2")]
    files += (role / "defaults" / "main").iterdir()
    text = "\n".join(path.read_text() for path in files)
    names = [*defaults(role), *(name for path in own for name in load(path))]
    unused = [name for name in names if len(re.findall(rf"\b{name}\b", text)) < 2]
    assert unused == []


@role_of_the_collection
def test_no_secret_has_a_default(role: Path) -> None:
    values = {name: value for name, value in defaults(role).items() if "secret" in name}
    assert all(value in ([], None) for value in values.values()), values


@role_of_the_collection
def test_no_inventory_group_is_named_in_a_role(role: Path) -> None:
    for path in role.rglob("*.yml"):
        assert "groups[" not in path.read_text(), path


@role_of_the_collection
def test_there_is_one_task_a_daemon_of_at_most_thirty_lines(role: Path) -> None:
    path = role / "tasks" / "main.yml"
    daemons = DAEMONS.get(role.name, 1)
    assert [list(task)[1] for task in load(path)] == ["barehost.monitoring.daemon"] * daemons
    assert len(path.read_text().splitlines()) <= 30 * daemons


@role_of_the_collection
def test_saving_and_restoring_are_one_task_each(role: Path) -> None:
    for path in entry_points(role)[1:]:
        # A drill shows on the controller what its one task on the host has seen.
        if (role.name, path.stem) == ("fire_drill", "drill"):
            continue
        assert [list(task)[1] for task in load(path)] == ["barehost.monitoring.backup"]


@role_of_the_collection
def test_the_table_in_the_readme_is_fresh(role: Path) -> None:
    program = Path(sys.executable).with_name("aar-doc")
    command = [program, "--output-mode", "inject", role, "markdown"]
    before = (role / "README.md").read_text()
    try:
        subprocess.run(command, check=True, capture_output=True, cwd=CHECKOUT)
        assert (role / "README.md").read_text() == before
    finally:
        (role / "README.md").write_text(before)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: str(path.name))
def test_every_scenario_has_tests(scenario: Path) -> None:
    files = list((scenario / "tests").glob("test_*.py"))
    assert any("def test_" in path.read_text() for path in files)


def test_every_role_has_a_scenario() -> None:
    assert {role.name for role in ROLES} <= {scenario.name for scenario in SCENARIOS}


@pytest.mark.parametrize("filter_", ["union", "difference", "intersect", "symmetric_difference"])
def test_no_inventory_and_no_role_puts_lists_in_an_order_of_chance(filter_: str) -> None:
    """These make sets of lists: the next run has another order, and deploys what has not changed."""
    files = [
        path
        for name in ("inventories", "roles", "playbooks")
        for path in (CHECKOUT / name).rglob("*")
    ]
    texts = [path for path in files if path.suffix in (".yml", ".j2", ".md")]
    used = [path for path in texts if f"{filter_}(" in path.read_text()]
    assert used == []
