# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How everything is downloaded here."""

from __future__ import annotations

from typing import IO

from ansible.module_utils.urls import open_url

from ._digests import Opener


def opener(timeout: int) -> Opener:
    """Download as Ansible does: proxies and certificates of the environment hold."""

    def open_release(url: str) -> IO[bytes]:
        # Without decompress=False an archive served with a Content-Encoding arrives unpacked.
        agent = "barehost.monitoring"
        response: IO[bytes] = open_url(url, timeout=timeout, http_agent=agent, decompress=False)
        return response

    return open_release
