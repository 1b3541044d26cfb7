"""The multiplier: M against Python's integers, all of it against the model of the ISA."""


import pytest

from hw.core.instructions import multiply, xcv_mac
from hw.core.types import Unit
from hw.core.units.multiplier import Multiplier
from hw.verilog import to_verilog
from verif.lib.unit_vectors import CORNERS, results, vectors

M_ROWS = [row for row in multiply.INSTRUCTIONS if row.unit is Unit.MULTIPLY]
ROWS = [*M_ROWS, *xcv_mac.INSTRUCTIONS]


def signed(value: int) -> int:
    return value - (1 << 32) if value >> 31 else value


PRODUCTS = {
    "mul": lambda a, b: a * b,
    "mulh": lambda a, b: signed(a) * signed(b) >> 32,
    "mulhsu": lambda a, b: signed(a) * b >> 32,
    "mulhu": lambda a, b: a * b >> 32,
}


@pytest.mark.parametrize("mac", [False, True])
def test_products(mac):
    given = vectors(M_ROWS, 100)
    given += [(row, row.match, a, b, 5) for row in M_ROWS for a in CORNERS for b in CORNERS]
    for vector, result in zip(given, results(Multiplier(mac=mac), given), strict=True):
        row, _, a, b, _ = vector
        assert result == PRODUCTS[row.name](a, b) & 0xFFFFFFFF, f"{row.name} {a:#x} {b:#x}"


@pytest.mark.parametrize("mac", [False, True])
def test_converts_to_verilog(mac):
    assert "module multiplier" in to_verilog(Multiplier(mac=mac), name="multiplier")
