"""Byte lanes of loads and stores, all sizes and offsets."""

import random

from hw.core.align import LoadAlign, StoreAlign
from hw.verilog import to_verilog
from verif.lib.combinational import evaluate


def test_stores():
    rng = random.Random(4)
    cases = [(size, address, rng.getrandbits(32)) for size in range(3) for address in range(4)]
    inputs = [dict(size=size, address=address, value=value) for size, address, value in cases]
    results = evaluate(StoreAlign(), inputs, ["data", "strobe", "misaligned"])
    for (size, address, value), (data, strobe, misaligned) in zip(cases, results, strict=True):
        count = 1 << size
        assert misaligned == (address % count != 0)
        if misaligned:
            continue
        assert strobe == (1 << count) - 1 << address
        mask = (1 << 8 * count) - 1
        assert data >> 8 * address & mask == value & mask


def test_loads():
    rng = random.Random(5)
    cases = []
    for op in (0, 1, 2, 4, 5):
        for address in range(0, 4, 1 << (op & 3)):
            cases += [(op, address, word) for word in (0, 0xFFFFFFFF, 0x80808080, 0x7F7F7F7F)]
            cases += [(op, address, rng.getrandbits(32)) for _ in range(8)]
    inputs = [dict(op=op, address=address, data=data) for op, address, data in cases]
    for case, (value,) in zip(cases, evaluate(LoadAlign(), inputs, ["value"]), strict=True):
        op, address, data = case
        count = 1 << (op & 3)
        part = data.to_bytes(4, "little")[address : address + count]
        expected = int.from_bytes(part, "little", signed=not op & 4)
        assert value == expected & 0xFFFFFFFF, case


def test_convert_to_verilog():
    assert "module store" in to_verilog(StoreAlign(), name="store")
    assert "module load" in to_verilog(LoadAlign(), name="load")
