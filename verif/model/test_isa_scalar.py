"""The model's scalar extensions against their definitions, written another way."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sw_model.isa import compute, encode
from sw_model.isa.table import TABLE
from sw_model.ops.requantise import Entry, requantise

ROWS = {row.name: row for row in TABLE if row.compute}
MASK = 0xFFFFFFFF
CORNERS = (0, 1, MASK, 0x80000000, 0x7FFFFFFF, 0x8000, 0x7FFF, 0xFFFF8000, 0x80, 0x7F)
words = st.sampled_from(CORNERS) | st.integers(0, MASK)
small = st.integers(0, 31)


def run(name, a=0, b=0, rd=0, **operands):
    return compute(encode(ROWS[name], **operands), a, b, rd)


def signed(value, bits=32):
    return (value & (1 << bits) - 1 ^ 1 << bits - 1) - (1 << bits - 1)


@pytest.mark.parametrize("word", [0x00000073, 0x00002003, 0x0000006F, 0])
def test_only_computations_are_computed(word):
    with pytest.raises(ValueError):
        compute(word, 0, 0, 0)


@given(words, words)
def test_orders(a, b):
    assert run("cv.sle", a, b) == (signed(a) <= signed(b))
    assert run("cv.sleu", a, b) == (a <= b)
    assert {run("cv.min", a, b), run("cv.max", a, b)} == {a, b}
    assert signed(run("cv.min", a, b)) <= signed(run("cv.max", a, b))
    assert {run("cv.minu", a, b), run("cv.maxu", a, b)} == {a, b}
    assert run("cv.minu", a, b) <= run("cv.maxu", a, b)
    assert run("cv.abs", a) == (a if a < 1 << 31 else (1 << 32) - a)


@given(words)
def test_extensions(a):
    assert run("cv.exths", a) == int(np.uint32(a).astype(np.int16)) & MASK
    assert run("cv.extbs", a) == int(np.uint32(a).astype(np.int8)) & MASK
    assert (run("cv.exthz", a), run("cv.extbz", a)) == (a % 65536, a % 256)


@given(words, words, small)
def test_clips(a, b, bits):
    limit = (1 << bits) // 2 - 1 if bits else 0
    assert signed(run("cv.clip", a, is2=bits)) == np.clip(signed(a), -limit - 1, limit)
    assert run("cv.clipu", a, is2=bits) == np.clip(signed(a), 0, limit)
    limit = b % (1 << 31)
    assert signed(run("cv.clipr", a, b)) == np.clip(signed(a), -limit - 1, limit)
    assert run("cv.clipur", a, b) == np.clip(signed(a), 0, limit)


def shifted(total, amount, unsigned, rounds):
    """Cut, round and shift, by division."""
    half = 2**amount // 2 if rounds else 0
    cut = (total + half) & MASK
    return (cut if unsigned else signed(cut)) // 2**amount & MASK


@pytest.mark.parametrize("rounds", ["", "R"])
@pytest.mark.parametrize("unsigned", ["", "u"])
@given(words, words, words, small)
def test_sums_with_shift(unsigned, rounds, a, b, rd, amount):
    for name, total, accumulated in (("add", a + b, rd + a), ("sub", a - b, rd - a)):
        name = f"cv.{name}{unsigned}{rounds}N"
        assert run(name, a, b, is3=amount) == shifted(total, amount, unsigned, rounds)
        expected = shifted(accumulated, b % 32, unsigned, rounds)
        assert run(name + "r", a, b, rd) == expected


@pytest.mark.parametrize("rounds", ["", "R"])
@pytest.mark.parametrize("sign", "su")
@pytest.mark.parametrize("high", ["", "hh"])
@given(words, words, words, small)
def test_products_of_halves(high, sign, rounds, a, b, rd, amount):
    dtype = np.int16 if sign == "s" else np.uint16
    x, y = (int(np.array([v], np.uint32).view(dtype)[len(high) // 2]) for v in (a, b))
    expected = shifted(x * y, amount, sign == "u", rounds)
    assert run(f"cv.mul{high}{sign}{rounds}N", a, b, rd, is3=amount) == expected
    expected = shifted(x * y + rd, amount, sign == "u", rounds)
    assert run(f"cv.mac{high}{sign}{rounds}N", a, b, rd, is3=amount) == expected


@given(words, words, words)
def test_products(a, b, rd):
    assert run("cv.mac", a, b, rd) == (rd + a * b) % 2**32
    assert run("cv.msu", a, b, rd) == (rd - a * b) % 2**32


@given(words, words, small, small)
def test_bit_fields(a, rd, size, low):
    high = min(size + low, 31)
    bits = f"{a:032b}"[31 - high : 32 - low]
    expected = {
        "cv.extractu": int(bits, 2),
        "cv.extract": int(bits[0] * 32 + bits, 2) & MASK,
        "cv.insert": int(
            f"{rd:032b}"[: 31 - high] + f"{a:032b}"[31 - high + low :] + f"{rd:032b}"[32 - low :], 2
        ),
        "cv.bclr": int(f"{a:032b}"[: 31 - high] + "0" * len(bits) + f"{a:032b}"[32 - low :], 2),
        "cv.bset": int(f"{a:032b}"[: 31 - high] + "1" * len(bits) + f"{a:032b}"[32 - low :], 2),
    }
    for name, value in expected.items():
        assert run(name, a, 0, rd, is3=size, is2=low) == value, name
        assert (
            run(
                name.replace("u", "") + ("ur" if name[-1] == "u" else "r"),
                a,
                0xABCD << 10 | size << 5 | low,
                rd,
            )
            == value
        ), name


@given(words, words)
def test_counting_bits(a, b):
    bits = f"{a:032b}"
    assert run("cv.cnt", a) == bits.count("1")
    assert run("cv.ff1", a) == (31 - bits.rindex("1") if a else 32)
    assert run("cv.fl1", a) == (31 - bits.index("1") if a else 32)
    run_length = len(bits) - len(bits.lstrip(bits[0]))
    assert run("cv.clb", a) == (run_length - 1 if a else 0)
    turned = bits[32 - b % 32 :] + bits[: 32 - b % 32]
    assert run("cv.ror", a, b) == int(turned, 2)


@pytest.mark.parametrize("group, expected", [(0, 0x0CC9A526), (1, 0x0CC65A19), (2, 0x216B244B)])
def test_the_manuals_bit_reversals(group, expected):
    assert run("cv.bitrev", 0xC64A5933, group=group, is2=4) == expected


@given(words, small)
def test_bit_reversals(a, drop):
    bits = f"{a << drop & MASK:032b}"
    assert run("cv.bitrev", a, group=0, is2=drop) == int(bits[::-1], 2)
    assert run("cv.bitrev", a, group=3, is2=drop) == int(bits[::-1], 2)
    groups = [bits[n : n + 3] for n in range(0, 30, 3)]
    assert run("cv.bitrev", a, group=2, is2=drop) == int("".join(groups[::-1]), 2)


@given(words, words, small, st.integers(0, 65535), st.integers(-128, 127), st.integers(0, 3))
def test_requantisation_is_the_engines(acc, rd, shift, mul, zero_point, lane):
    parameters = (zero_point & 255) << 24 | shift << 16 | mul
    half = (1 << shift) >> 1
    entry = Entry(np.array([mul]), np.array([half + (zero_point << shift)]), np.array([shift]))
    for clip, dtype in ((0, "int8"), (1, "uint8")):
        element = requantise(np.array([signed(acc)], np.int64), entry, dtype).view(np.uint8)
        expected = bytearray(rd.to_bytes(4, "little"))
        expected[lane] = element[0]
        result = run("heed.rq", acc, parameters, rd, lane=lane, clip=clip)
        assert result.to_bytes(4, "little") == expected
        assert run("heed.rq", acc, parameters | 7 << 21, rd, lane=lane, clip=clip) == result


@given(st.integers(-(2**20), 2**20), st.integers(-(2**20), 2**20), small, st.integers(0, 65535))
def test_requantisation_with_a_bias_in_the_accumulator(acc, bias, shift, mul):
    half = (1 << shift) >> 1
    entry = Entry(np.array([mul]), np.array([bias * mul + half + (3 << shift)]), np.array([shift]))
    expected = requantise(np.array([acc]), entry, "int8").view(np.uint8)[0]
    parameters = 3 << 24 | shift << 16 | mul
    assert run("heed.rq", (acc + bias) & MASK, parameters, lane=0, clip=0) == expected
