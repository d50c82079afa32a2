# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The settings of Kibana, merged and checked (private to this collection)."""

from __future__ import annotations

from typing import Any

from ansible_collections.barehost.monitoring.plugins.plugin_utils._elasticsearch_config import (
    check_memory,
    check_reach,
    merged,
)
from ansible_collections.barehost.monitoring.plugins.plugin_utils._faults import Faults


def kibana_config(
    settings: Any,
    *,
    extra: Any = None,
    security: Any = False,
    plain_http: Any = False,
    heap: Any = 1024,
    memory_max: Any = "",
) -> dict[str, Any]:
    """Return the settings with dotted names. heap: in megabytes.

    Who reaches Kibana reaches all that Elasticsearch holds.
    """
    faults = Faults()
    found = merged(settings, extra or {}, faults)
    tls = found.get("server.ssl.enabled") is True
    host = found.get("server.host", "localhost")
    if not plain_http:
        check_reach([host], faults, where="host", security=bool(security), tls=tls)
    check_memory(f"{heap}m", memory_max, faults, buffers=1)
    faults.refuse()
    return found
