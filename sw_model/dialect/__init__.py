"""Operators of the QuantLib/Deeploy integer dialect, each the definition of its arithmetic.

All work on integers in their logical domain. Within the ranges that they accept, 32- and 64-bit C
computes the same exactly; whatever would overflow is refused. `docs/reference/dialect.md` has them
in one table.
"""

from sw_model.dialect.activation import i_gelu, i_hardswish
from sw_model.dialect.division import integer_div, integer_mean
from sw_model.dialect.ita import ita_max, ita_partial_max
from sw_model.dialect.norm import i_layernorm, i_nonorm, i_rmsnorm
from sw_model.dialect.requant_shift import requant_shift
from sw_model.dialect.softmax import i_softmax

__all__ = [
    "i_gelu",
    "i_hardswish",
    "i_layernorm",
    "i_nonorm",
    "i_rmsnorm",
    "i_softmax",
    "integer_div",
    "integer_mean",
    "ita_max",
    "ita_partial_max",
    "requant_shift",
]
