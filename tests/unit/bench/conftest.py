# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The package bench stands at the top of the checkout."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))
