"""The model's packed instructions against numpy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sw_model.isa import compute, encode
from sw_model.isa.table import TABLE

ROWS = {row.name: row for row in TABLE if row.group == "xcv_simd"}
CORNERS = (0, 1, 0xFFFFFFFF, 0x80808080, 0x7F7F7F7F, 0x80008000, 0x7FFF7FFF, 0x80000000)
words = st.sampled_from(CORNERS) | st.integers(0, 0xFFFFFFFF)

SIGNED = {"h": np.int16, "b": np.int8}
UNSIGNED = {"h": np.uint16, "b": np.uint8}
BITS = {"h": 16, "b": 8}

ARITHMETIC = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "min": np.minimum,
    "max": np.maximum,
    "minu": np.minimum,
    "maxu": np.maximum,
    "avg": lambda a, b: (a + b) >> 1,
    "avgu": lambda a, b: (a + b) >> 1,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "and": np.bitwise_and,
}
COMPARISONS = {
    "cmpeq": np.equal,
    "cmpne": np.not_equal,
    "cmpgt": np.greater,
    "cmpge": np.greater_equal,
    "cmplt": np.less,
    "cmple": np.less_equal,
}
COMPARISONS |= {f"{name}u": f for name, f in COMPARISONS.items() if name[3] in "gl"}
DOTS = {
    "dotup": (UNSIGNED, UNSIGNED),
    "dotusp": (UNSIGNED, SIGNED),
    "dotsp": (SIGNED, SIGNED),
}


def lanes(value, dtype):
    return np.array([value], np.uint32).view(dtype)


def word(values, dtype):
    return int(np.asarray(values).astype(dtype).view(np.uint32)[0])


def second(form, b, immediate, dtype):
    """The second operand's lanes."""
    if form == "":
        return lanes(b, dtype)
    scalar = lanes(b, dtype)[0] if form == ".sc" else np.array(immediate).astype(dtype)
    return np.full(4 // np.dtype(dtype).itemsize, scalar)


def run(name, form, size, a, b, rd, immediate):
    row = ROWS[f"cv.{name}{form}.{size}"]
    field = {name: immediate for name in ("imm6", "uimm6") if name in row.fields}
    return compute(encode(row, **field), a, b, rd)


def immediates(unsigned):
    return st.integers(0, 63) if unsigned else st.integers(-32, 31)


FORMS = [(form, size) for form in ("", ".sc", ".sci") for size in "hb"]


@pytest.mark.parametrize("name", [*ARITHMETIC, *COMPARISONS])
@settings(max_examples=40)
@given(st.sampled_from(FORMS), words, words, st.data())
def test_lane_by_lane(name, form_size, a, b, data):
    form, size = form_size
    unsigned = name.endswith("u")
    immediate = data.draw(immediates(unsigned))
    dtype = (UNSIGNED if unsigned else SIGNED)[size]
    x, y = lanes(a, dtype), second(form, b, immediate, dtype)
    with np.errstate(over="ignore"):
        if name in ARITHMETIC:
            expected = word(ARITHMETIC[name](x, y), dtype)
        else:
            expected = word(-COMPARISONS[name](x, y).astype(np.int8), SIGNED[size])
    assert run(name, form, size, a, b, 0, immediate) == expected


@pytest.mark.parametrize("name", ["srl", "sra", "sll"])
@given(st.sampled_from(FORMS), words, words, st.integers(0, 63))
def test_shifts(name, form_size, a, b, immediate):
    form, size = form_size
    dtype = (SIGNED if name == "sra" else UNSIGNED)[size]
    amount = second(form, b, immediate, UNSIGNED[size]) & BITS[size] - 1
    wide = lanes(a, dtype).astype(np.int64)
    shifted = wide << amount if name == "sll" else wide >> amount
    assert run(name, form, size, a, b, 0, immediate) == word(shifted, dtype)


@pytest.mark.parametrize("accumulates", [False, True])
@pytest.mark.parametrize("name", DOTS)
@given(st.sampled_from(FORMS), words, words, words, st.data())
def test_dot_products(name, accumulates, form_size, a, b, rd, data):
    form, size = form_size
    first, other = (kind[size] for kind in DOTS[name])
    immediate = data.draw(immediates(name == "dotup"))
    x, y = lanes(a, first).astype(np.int64), second(form, b, immediate, other).astype(np.int64)
    expected = (int(x @ y) + (rd if accumulates else 0)) & 0xFFFFFFFF
    assert run("s" * accumulates + name, form, size, a, b, rd, immediate) == expected


@given(words, st.sampled_from("hb"))
def test_absolute_values(a, size):
    wide = np.abs(lanes(a, SIGNED[size]).astype(np.int64))
    assert run("abs", "", size, a, 0, 0, 0) == word(wide, SIGNED[size])


@given(words, words, words, st.integers(0, 3), st.sampled_from("hb"))
def test_lanes_out_and_in(a, b, rd, index, size):
    index %= 32 // BITS[size]
    assert (
        run("extract", "", size, a, b, rd, index) == int(lanes(a, SIGNED[size])[index]) & 0xFFFFFFFF
    )
    assert run("extractu", "", size, a, b, rd, index) == lanes(a, UNSIGNED[size])[index]
    expected = lanes(rd, UNSIGNED[size]).copy()
    expected[index] = lanes(a, UNSIGNED[size])[0]
    assert run("insert", "", size, a, b, rd, index) == word(expected, UNSIGNED[size])


@given(words, words, words, st.sampled_from("hb"))
def test_shuffles(a, b, rd, size):
    dtype = UNSIGNED[size]
    select, count = lanes(b, dtype), 32 // BITS[size]
    assert run("shuffle", "", size, a, b, rd, 0) == word(lanes(a, dtype)[select % count], dtype)
    both = np.concatenate([lanes(rd, dtype), lanes(a, dtype)])
    assert run("shuffle2", "", size, a, b, rd, 0) == word(both[select % (2 * count)], dtype)


@given(words, st.integers(0, 63), st.integers(0, 3))
def test_shuffles_by_immediate(a, immediate, top):
    row = ROWS[f"cv.shuffleI{top}.sci.b"]
    chosen = [immediate & 3, immediate >> 2 & 3, immediate >> 4, top]
    expected = word(lanes(a, np.uint8)[chosen], np.uint8)
    assert compute(encode(row, uimm6=immediate), a, 0, 0) == expected
    halves = word(lanes(a, np.uint16)[[immediate & 1, immediate >> 1 & 1]], np.uint16)
    assert run("shuffle", ".sci", "h", a, 0, 0, immediate) == halves


@given(words, words, words)
def test_packs(a, b, rd):
    x, y, z = (f"{value:08x}" for value in (a, b, rd))
    expected = {
        "cv.pack": x[4:] + y[4:],
        "cv.pack.h": x[:4] + y[:4],
        "cv.packhi.b": x[6:] + y[6:] + z[4:],
        "cv.packlo.b": z[:4] + x[6:] + y[6:],
    }
    for name, digits in expected.items():
        assert compute(encode(ROWS[name]), a, b, rd) == int(digits, 16)


def number(value):
    real, imaginary = lanes(value, np.int16).astype(np.int64)
    return complex(int(real), int(imaginary))


def halves(real, imaginary):
    return word(np.array([int(real), int(imaginary)], np.int64), np.int16)


@given(words, words, words, st.sampled_from([("", 0), (".div2", 1), (".div4", 2), (".div8", 3)]))
def test_complex_numbers(a, b, rd, division):
    suffix, shift = division
    x, y = number(a), number(b)
    if x != -32768 - 32768j and y != -32768 - 32768j:
        product = x * y
        real, imaginary = int(product.real) >> 15 + shift, int(product.imag) >> 15 + shift
        kept = lanes(rd, np.int16)
        row = ROWS[f"cv.cplxmul.r{suffix}"]
        assert compute(encode(row), a, b, rd) == halves(real, kept[1])
        row = ROWS[f"cv.cplxmul.i{suffix}"]
        assert compute(encode(row), a, b, rd) == halves(kept[0], imaginary)
    assert compute(encode(ROWS["cv.cplxconj"]), a, b, rd) == halves(x.real, -x.imag)
    sums = {"cv.add": x + y, "cv.sub": x - y, "cv.subrotmj": (x - y) * -1j}
    for name, total in sums.items():
        if name + suffix in ROWS:
            cut = lanes(halves(total.real, total.imag), np.int16)
            expected = halves(cut[0] >> shift, cut[1] >> shift)
            assert compute(encode(ROWS[name + suffix]), a, b, rd) == expected


def test_the_largest_complex_product_wraps():
    most = 0x80008000
    row = ROWS["cv.cplxmul.i.div4"]
    assert compute(encode(row), most, most, 0) == 0xC0000000
