# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mirror is made of: upstream's names, and a recipe that notices changes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from mirror import __main__ as mirror
from mirror import products
from mirror.debian import Debian
from mirror.products import ARCH, PRODUCTS, Product

CHECKOUT = Path(__file__).parents[2]
BY_NAME = {product.name: product for product in PRODUCTS}
BARE = [product for product in PRODUCTS if product.bare]


@pytest.mark.parametrize(
    ("name", "folder", "asset"),
    [
        (
            "node_exporter",
            f"node_exporter-1.0.linux-{ARCH}",
            f"node_exporter-1.0.linux-{ARCH}.tar.gz",
        ),
        (
            "redis_exporter",
            f"redis_exporter-v1.0.linux-{ARCH}",
            f"redis_exporter-v1.0.linux-{ARCH}.tar.gz",
        ),
        ("cadvisor", f"cadvisor-v1.0-linux-{ARCH}", f"cadvisor-v1.0-linux-{ARCH}"),
    ],
)
def test_names_are_those_of_upstream(name: str, folder: str, asset: str) -> None:
    product = BY_NAME[name]
    assert (product.folder("1.0"), product.asset("1.0")) == (folder, asset)


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: str(product.name))
def test_the_default_of_the_role_is_what_upstream_would_bring(product: Product) -> None:
    text = (CHECKOUT / "roles" / product.name / "defaults/main/main.yml").read_text()
    assert yaml.safe_load(text)[f"{product.name}_version"] == product.version


@pytest.mark.parametrize("product", BARE, ids=lambda product: str(product.name))
def test_the_role_knows_the_same_digests_of_a_bare_program(product: Product) -> None:
    table = yaml.safe_load((CHECKOUT / "roles" / product.name / "vars/main.yml").read_text())
    known = table[f"__{product.name}_digests"][product.version]
    assert known == {arch: f"sha256:{value}" for arch, value in product.digests.items()}


def test_a_bare_program_is_copied_as_it_is(tmp_path: Path) -> None:
    program = tmp_path / "root" / "usr/bin/cadvisor"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"program")
    Debian._pack(BY_NAME["cadvisor"], "1.0", tmp_path / "root", tmp_path / "release")
    (released,) = (tmp_path / "release").iterdir()
    assert released.name == BY_NAME["cadvisor"].asset("1.0")
    assert released.read_bytes() == b"program"


def test_a_mirror_of_another_recipe_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tools" / "previous").mkdir(parents=True)
    for name, path in (("MIRROR", "mirror"), ("LOCK", "lock.json"), ("TOOLS", "tools")):
        monkeypatch.setattr(mirror, name, tmp_path / path)
    (tmp_path / "lock.json").write_text(json.dumps({"recipe": mirror.recipes(), "files": {}}))
    assert mirror._intact()
    monkeypatch.setattr(products, "PRODUCTS", PRODUCTS[1:])
    assert not mirror._intact()
