# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The questions that a product is asked beyond its health, chosen by its name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..daemon._spec import Health
from . import _alertmanager, _elasticsearch, _grafana, _prometheus
from ._client import Client, Verdict

PRODUCTS: Mapping[str, Any] = {
    "alertmanager": _alertmanager,
    "elasticsearch": _elasticsearch,
    "grafana": _grafana,
    "prometheus": _prometheus,
}


def verify(
    product: str, raw: Mapping[str, Any], unit: str, version: str, access: Health
) -> Verdict:
    """Ask a service what the inventory says of it.

    raw: the suboptions of the module for this product, its address among them. version: that was
    deployed. access: how one gets in.
    """
    module = PRODUCTS[product]
    given = {
        key: value for key, value in raw.items() if key not in ("url", "host") and value is not None
    }
    wanted = module.Wanted(unit=unit, version=version, **given)
    client = Client(str(raw["url"]).rstrip("/"), access, raw.get("host") or "")
    verdict: Verdict = module.verify(client, wanted)
    return verdict
