# Copyright (c) Barehost contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The functions and aggregations of PromQL (private to this collection).

One line of the table is a signature and the functions that have it. Types: v instant vector,
m range vector, s number, t string; `?` may be missing, `*` may come any number of times.
"""

from __future__ import annotations

from dataclasses import dataclass

_TABLE = """
v v : abs absent acos acosh asin asinh atan atanh ceil cos cosh deg exp floor ln log10 log2 rad sgn
v v : sin sinh sort sort_desc sqrt tan tanh timestamp
v v : histogram_avg histogram_count histogram_stddev histogram_stdvar histogram_sum
v v? : day_of_month day_of_week day_of_year days_in_month hour minute month year
v m : absent_over_time avg_over_time changes count_over_time delta deriv first_over_time idelta
v m : increase irate last_over_time mad_over_time max_over_time min_over_time present_over_time rate
v m : resets stddev_over_time stdvar_over_time sum_over_time ts_of_first_over_time
v m : ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time
v m s : predict_linear
v m s s : double_exponential_smoothing holt_winters
v s m : quantile_over_time
v s v : histogram_quantile
v s s v : histogram_fraction
v v s : clamp_max clamp_min
v v s s : clamp
v v s? : round
v v v? : info
v v t t t t : label_replace
v v t t t* : label_join
v v t* : sort_by_label sort_by_label_desc
v s : vector
s v : scalar
s : pi time
"""
_TYPES = {"v": "vector", "m": "range vector", "s": "scalar", "t": "string"}


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes and gives."""

    result: str
    arguments: tuple[str, ...]
    least: int
    endless: bool

    def argument(self, index: int) -> str:
        """Name the type wanted at a position."""
        return self.arguments[min(index, len(self.arguments) - 1)]


def _signature(text: str) -> Signature:
    result, *arguments = text.split()
    return Signature(
        _TYPES[result],
        tuple(_TYPES[argument[0]] for argument in arguments),
        sum(1 for argument in arguments if len(argument) == 1),
        any(argument.endswith("*") for argument in arguments),
    )


FUNCTIONS = {
    name: _signature(left)
    for left, right in (line.split(":") for line in _TABLE.strip().splitlines())
    for name in right.split()
}
KEEP_SERIES = frozenset(("bottomk", "limit_ratio", "limitk", "topk"))
PARAMETRIC = KEEP_SERIES | {"count_values", "quantile"}
KEEP_UNIT = KEEP_SERIES | {"avg", "max", "min", "quantile", "sum"}
AGGREGATIONS = PARAMETRIC | KEEP_UNIT | {"count", "group", "stddev", "stdvar"}
PER_SECOND = frozenset(("irate", "rate"))
OF_COUNTERS = PER_SECOND | {"increase"}
OVER_SAMPLES = OF_COUNTERS | {"changes", "delta", "deriv", "idelta", "predict_linear", "resets"}
COMPARISONS = frozenset(("==", "!=", ">", "<", ">=", "<="))
SETS = frozenset(("and", "or", "unless"))
