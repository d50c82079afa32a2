# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the boards with live data, for people who have no Grafana at hand.

They are drawn from the same JSON that Grafana gets: places, queries, units, colours, thresholds. It is
a preview and says so; Grafana draws finer.
"""
