# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards as code: what stands here becomes roles/grafana/files/dashboards/*.json.

python3 -m dashboards writes them, and checks and draws them against a running Prometheus.
"""
