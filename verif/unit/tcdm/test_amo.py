"""The arithmetic of AMOs, against numpy's 32-bit integers."""

import random

import numpy as np
import pytest
from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.tcdm.amo import Amo, is_amo
from hw.tcdm.bus import TcdmOp
from hw.verilog import to_verilog
from verif.lib.combinational import evaluate
from verif.lib.planted import plant
from verif.lib.tcdm_atomics import AMOS, amo

CORNERS = [0, 1, 2, 0x7FFFFFFF, 0x80000000, 0x80000001, 0xFFFFFFFE, 0xFFFFFFFF, 0x12345678]


def pairs():
    rng = random.Random(1)
    random_pairs = [(rng.getrandbits(32), rng.getrandbits(32)) for _ in range(200)]
    return [(old, operand) for old in CORNERS for operand in CORNERS] + random_pairs


def by_numpy(op, old, operand):
    """A second definition, without Python's big integers."""
    a, b = np.uint32(old), np.uint32(operand)
    signed_a, signed_b = a.view(np.int32), b.view(np.int32)
    with np.errstate(over="ignore"):
        found = {
            TcdmOp.AMO_SWAP: b,
            TcdmOp.AMO_ADD: a + b,
            TcdmOp.AMO_XOR: a ^ b,
            TcdmOp.AMO_AND: a & b,
            TcdmOp.AMO_OR: a | b,
            TcdmOp.AMO_MIN: np.minimum(signed_a, signed_b).view(np.uint32),
            TcdmOp.AMO_MAX: np.maximum(signed_a, signed_b).view(np.uint32),
            TcdmOp.AMO_MINU: np.minimum(a, b),
            TcdmOp.AMO_MAXU: np.maximum(a, b),
        }
    return int(found[op])


def differences(op):
    """Operands for which gateware and numpy disagree."""
    inputs = [{"op": op.value, "old": old, "operand": operand} for old, operand in pairs()]
    results = evaluate(Amo(), inputs, ["result"])
    return [
        given
        for given, (result,) in zip(inputs, results, strict=True)
        if result != by_numpy(op, given["old"], given["operand"])
    ]


@pytest.mark.parametrize("op", AMOS, ids=lambda op: op.name)
def test_results(op):
    assert not differences(op)
    assert all(amo(op, old, operand) == by_numpy(op, old, operand) for old, operand in pairs())


def test_which_operations_are_amos():
    assert len(AMOS) == 9
    for op in TcdmOp:
        assert evaluate(IsAmo(), [{"op": op.value}], ["amo"]) == [(op in AMOS,)]


@pytest.mark.parametrize(
    "op, right, wrong",
    [
        (TcdmOp.AMO_MIN, "(self.op == TcdmOp.AMO_MIN) |", ""),
        (TcdmOp.AMO_MAXU, "(self.op == TcdmOp.AMO_MAX)", "(self.op == TcdmOp.AMO_MAXU)"),
        (TcdmOp.AMO_ADD, "self.old + self.operand", "self.old | self.operand"),
        (TcdmOp.AMO_MINU, "AMO_MIN, TcdmOp.AMO_MINU", "AMO_MIN, TcdmOp.AMO_SWAP"),
    ],
)
def test_planted(monkeypatch, op, right, wrong):
    plant(monkeypatch, Amo, "elaborate", right, wrong)
    assert differences(op)


def test_converts():
    assert "module amo" in to_verilog(Amo(), name="amo")


class IsAmo(wiring.Component):
    """Shows what `is_amo` says of an operation."""

    op: In(TcdmOp)
    amo: Out(1)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.amo.eq(is_amo(self.op))
        return m
