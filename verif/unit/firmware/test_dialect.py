"""Kernels of the integer dialect on this computer, the simulator core and the RTL."""

import ctypes
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heed.errors import HeedError
from heed.kernels import Cluster, Memory
from heed.kernels import dialect as builders
from heed.kernels import targets as kernel_targets
from heed.simulator.iss import IssSimulator
from heed.toolchain import compiler, host
from hw.config import CoreConfig
from hw.presets import TINY
from sw_model import dialect
from sw_model.ops.check import LIMITS
from verif.lib import kernel_check
from verif.lib.kernel_check import agree

BYTES = ("int8", "uint8")
ANY = (*BYTES, "int32")


def number(rng, bits):
    """A signed number of at most `bits` bits and a sign, of any length."""
    return int(rng.integers(-(2**bits), 2**bits) >> rng.integers(0, bits + 1))


def numbers(rng, shape, bits):
    return (rng.integers(-(2**bits), 2**bits, shape) >> rng.integers(0, bits + 1)).astype(np.int32)


def draw(rng, shape, dtypes=ANY, bits=31):
    """Elements of one of the types, int32 ones of at most `bits` bits; some only extremes."""
    dtype = rng.choice(dtypes)
    low, high = LIMITS[dtype]
    if dtype == "int32":
        low, high = -(2**bits), 2**bits - 1
    if rng.random() < 0.2:
        return rng.choice([low, high], shape).astype(dtype)
    low, high = low >> (start := rng.integers(0, 7)), high >> start
    return rng.integers(low, high + 1, shape).astype(dtype)


def levels(rng):
    return {
        "n_levels": int(rng.choice([2, 16, 255, 256, 4096, 2**31])),
        "signed": bool(rng.integers(0, 2)),
    }


def spread(rng, shape, bits):
    """Multipliers: one, a value a column, a row or an element."""
    shapes = ((), shape[-1:], (*shape[:-1], 1), shape)
    return numbers(rng, shapes[rng.integers(0, 4)], bits)


def requant_shift(rng, rows, columns):
    x = draw(rng, (rows, columns))
    bits = int(rng.integers(1, 32))
    fit = max(0, min(31, int(np.abs(x.astype(np.int64)).max()).bit_length() + bits - 8))
    shift = fit if rng.integers(0, 2) else rng.integers(0, 32)
    if rng.random() < 0.3:  # what one instruction does, or nearly
        shape = [(), (rows, 1)][rng.integers(0, 2)]
        mul = rng.integers(0, 2**17, shape) >> rng.integers(0, 17)
        add = rng.integers(-128, 128, shape) << min(shift, 20) >> rng.integers(0, 2)
        keys = {"n_levels": 256, "signed": bool(rng.integers(0, 2))}
        return (x, mul.astype(np.int32), add.astype(np.int32)), {"div": 1 << int(shift)} | keys
    mul, add = spread(rng, x.shape, bits), spread(rng, x.shape, 31)
    return (x, mul, add), {"div": 1 << int(shift)} | levels(rng)


def i_softmax(rng, rows, columns):
    x = draw(rng, (rows, columns), bits=14)
    if rng.integers(0, 3):
        step = 2.0 ** -rng.choice([rng.uniform(1, 12), 12])
        values = {
            "coeff_a": 1,
            "coeff_b": int(1.353 / step),
            "coeff_c": int(0.96 / step**2),
            "log2": int(0.6931 / step),
        }
    else:
        values = {
            "coeff_a": int(rng.integers(0, 4)),
            "coeff_b": number(rng, 9),
            "coeff_c": int(rng.integers(1, 1000)),
            "log2": int(rng.integers(1, 300)),
        }
    return (x,), values | {"n_levels": int(rng.choice([2, 100, 256]))}


def ita_max(rng, rows, columns):
    return (draw(rng, (rows, columns), BYTES),), {"n_levels": int(rng.choice([2, 16, 255, 256]))}


def ita_partial_max(rng, rows, columns):
    x = draw(rng, (rows, columns), BYTES)
    if rng.integers(0, 2):
        x = np.sort(x, axis=-1)  # the maximum rises from group to group
    return (x,), {
        "n_levels": int(rng.choice([2, 16, 254, 256])),
        "group": int(rng.choice([1, 3, 16, 64])),
    }


def i_layernorm(rng, rows, columns):
    x = draw(rng, (rows, columns), bits=27)
    dtype, shift = str(rng.choice(ANY)), int(rng.integers(0, 32))
    # What is divided reaches less than 2 (sqrt(columns) + 1) times w: it fits the type with b.
    bits = {"int8": 6, "uint8": 6, "int32": 30}[dtype] + shift
    steepness = 2 * math.isqrt(columns) + 4
    w = numbers(rng, columns, 31).astype(np.int64)
    while np.abs(w).max() * steepness >= 2**bits:
        w >>= 1
        w += w < 0  # -1 becomes 0
    b = numbers(rng, columns, min(bits, 30))
    if dtype == "uint8":
        b, shift = np.abs(b) // 2 + (2 ** min(bits, 29)), min(shift, 22)
        w = w * 0 if bits > 28 else w
    return (x, w.astype(np.int32), b), {"d": 1 << shift, "dtype": dtype}


def i_rmsnorm(rng, rows, columns):
    x = draw(rng, (rows, columns), bits=28)
    w = numbers(rng, columns if rng.integers(0, 2) else (), 31)
    return (x, w), {"d": 1 << int(rng.integers(0, 32))} | levels(rng)


def i_nonorm(rng, rows, columns):
    x = draw(rng, (rows, columns), bits=20)
    bits = 30 - int(np.abs(x.astype(np.int64)).max()).bit_length()
    w, b = numbers(rng, columns, bits), numbers(rng, columns, 30)
    values = {"mul": number(rng, 31), "d": 1 << int(rng.integers(0, 32))}
    return (x, w, b), values | levels(rng)


def i_gelu(rng, rows, columns):
    x = draw(rng, (rows, columns), bits=18)
    bits = 29 - int(np.abs(x.astype(np.int64)).max()).bit_length()
    if rng.integers(0, 2):
        return (x,), {
            "b": -1 - abs(number(rng, 7)),
            "one": int(2**bits - 2**16) if bits > 16 else 9,
        }
    return (x,), {"b": -1 - abs(number(rng, bits // 2 - 1)), "one": number(rng, bits - 1)}


def i_hardswish(rng, rows, columns):
    x = draw(rng, (rows, columns), bits=12)
    values = {"three": number(rng, 10), "six": abs(number(rng, 10))}
    return (x,), values | {"one_over_six": number(rng, 7)}


def integer_div(rng, rows, columns):
    x = draw(rng, (rows, columns))
    shape = [(rows, columns), (rows, 1), (1, columns), (columns,)][rng.integers(0, 4)]
    y = draw(rng, shape)
    values = {name: number(rng, 31) for name in ("delta", "eps", "eta")}
    while not (y.astype(np.int64) * values["eta"] + values["eps"]).all():
        values["eps"] += 1
    numerator, divisor = np.abs(x.astype(np.int64)), y.astype(np.int64) * values["eta"]
    limits = int(numerator.max()) * abs(values["eta"]), int(np.abs(divisor + values["eps"]).min())
    while limits[0] * abs(values["delta"]) >= min(2**63, 2**30 * limits[1]):
        values["delta"] = int(values["delta"] / 2)
    return (x, y), values


def integer_mean(rng, rows, columns):
    if rng.integers(0, 2):
        x, axis = draw(rng, (rows, columns)), -1
    else:
        x, axis = draw(rng, (int(rng.integers(1, 4)), rows, columns)), 1
    return (x,), {"axis": axis, "dtype": str(rng.choice([x.dtype.name, "int32"]))}


CASES = {
    function.__name__: function
    for function in (
        requant_shift,
        i_softmax,
        ita_max,
        ita_partial_max,
        i_layernorm,
        i_rmsnorm,
        i_nonorm,
        i_gelu,
        i_hardswish,
        integer_div,
        integer_mean,
    )
}


def case(name, seed, rows, columns):
    """Memory, job and result of a random case, arrays and rows at random distances."""
    rng = np.random.default_rng(seed)
    arguments, values = CASES[name](rng, rows, columns)
    memory = Memory(rng)
    align = int(rng.choice([1, 4]))
    job = getattr(builders, name)(memory, *arguments, **values, row_align=align)
    wanted = getattr(dialect, name)(*arguments, **values)
    return memory, job, {"y": wanted.reshape(job.results["y"].shape)}


def run(target, name, seed, rows, columns, harts):
    return agree(target, *case(name, seed, rows, columns), harts)


kernels = pytest.mark.parametrize("name", CASES)
seeds = st.integers(0, 2**32 - 1)
rows_ = st.integers(1, 12)
columns_ = st.integers(1, 40)


@kernels
@settings(deadline=None)
@given(seed=seeds, rows=rows_, columns=columns_, harts=st.integers(1, 9))
def test_on_this_computer(name, seed, rows, columns, harts):
    run("host", name, seed, rows, columns, harts)


@kernels
@settings(deadline=None, max_examples=15)
@given(seed=seeds, rows=rows_, columns=columns_, harts=st.integers(1, 2))
def test_on_the_simulator(name, seed, rows, columns, harts):
    run("iss", name, seed, rows, columns, harts)


@kernels
@pytest.mark.parametrize(("rows", "columns", "harts"), [(1, 7, 2), (3, 13, 1), (5, 5, 2)])
def test_on_the_rtl(name, rows, columns, harts):
    run("rtl", name, 100 * rows + columns, rows, columns, harts)


@pytest.fixture(scope="module")
def plain():
    """A cluster whose cores have no extension but M."""
    return Cluster(IssSimulator(replace(TINY, core=CoreConfig.of("m"))))


@kernels
def test_on_plain_cores(plain, monkeypatch, name):
    monkeypatch.setattr(kernel_check, "cluster", lambda target: plain)
    for seed in range(6):
        run("iss", name, seed, 1 + seed, 3 + 2 * seed, 1 + seed % 2)


@pytest.mark.parametrize("columns", [2**16, 2**16 + 1, 70000])
@pytest.mark.parametrize("name", ["i_layernorm", "i_rmsnorm"])
def test_sums_of_long_rows(name, columns):
    """Squares of uint8 that need 32 bits and more."""
    x = np.full((1, columns), 255, np.uint8)
    x[0, ::2] = 0 if name == "i_layernorm" else 255
    w = np.full(columns, 2**20)
    arguments = (x, w, w) if name == "i_layernorm" else (x, w)
    memory = Memory()
    job = getattr(builders, name)(memory, *arguments, d=2**14)
    agree("host", memory, job, {"y": getattr(dialect, name)(*arguments, d=2**14)}, 3)


def test_the_longest_mean():
    x = np.full((1, 2**23), 255, np.uint8)
    memory = Memory()
    job = builders.integer_mean(memory, x, dtype="uint8")
    agree("host", memory, job, {"y": dialect.integer_mean(x, dtype="uint8")})


def test_leading_dimensions_and_channels():
    """A value a channel, of a matrix and of a 1-D convolution's result."""
    rng = np.random.default_rng(1)
    x = rng.integers(-1000, 1000, (2, 3, 5)).astype(np.int32)
    keys = {"div": 256, "n_levels": 256, "signed": True}
    for shape in ((5,), (3, 1), (3, 1, 1), (2, 1, 1), (2, 3, 1), (1, 1, 5)):
        mul, add = rng.integers(-99, 99, shape), rng.integers(-9999, 9999, shape)
        memory = Memory(rng)
        job = builders.requant_shift(memory, x, mul, add, **keys)
        wanted = dialect.requant_shift(x, mul, add, **keys).reshape(6, 5)
        agree("host", memory, job, {"y": wanted}, 4)


BUGS = {
    "no rounding": ("requant_shift", "(1u << shift) >> 1", "(1u << shift) >> 2"),
    "the first column's multiplier": (
        "requant_shift",
        "mul = ROW(mul, at.first, job->mul_column);",
        "",
    ),
    "a fraction of the zero point": (
        "requant_shift",
        "(uint32_t)zero << job->shift == (uint32_t)add && ",
        "",
    ),
    "a wide multiplier": ("requant_shift", "mul == (uint16_t)mul", "mul >= 0"),
    "an octave less": ("i_softmax", "MOST_OCTAVES = 31", "MOST_OCTAVES = 7"),
    "wide exponentials": ("i_softmax", "largest <= UINT32_MAX / one", "largest | one"),
    "halves of an octave": ("ita_max", "distance + 16", "distance + 15"),
    "one more": ("ita_max", "(job->n_levels - 1) * ONE", "job->n_levels * ONE"),
    "the sum when the maximum rises": (
        "ita_partial_max",
        "sum >>= octaves(group - maximum)",
        "sum >>= 1",
    ),
    "the last group": ("ita_partial_max", "left < job->group ? left : job->group", "left"),
    "the square of the mean": ("i_layernorm", "+\n                ", "-\n                "),
    "the bias": ("i_layernorm", "+ b[c]", "+ b[0]"),
    "the weight": ("i_rmsnorm", "w[c]", "w[0]"),
    "clipping": ("i_rmsnorm", "limit(shift_right(scaled, shift), low, high)", "scaled >> shift"),
    "a narrow product": ("i_nonorm", "product(sum, mul)", "sum * mul"),
    "the sign": ("i_gelu", "x < 0 ? -error", "x < -1 ? -error"),
    "the lower end": ("i_hardswish", "three, 0, six", "three, -1, six"),
    "the next divisor": ("integer_div", "by = ROW(by, 1, by_column);", ""),
    "a row's divisor": ("integer_div", "by_column || c == at.first", "c == at.first"),
    "halves": ("integer_mean", "sum < 0 ? sum - half : sum + half", "sum + half"),
    "a share's first element": ("i_nonorm", "share.first - row * columns", "0"),
    "harts of a row": ("ita_max", "team.index - harts.first", "0"),
    "wide quotients": ("i_rmsnorm", "a == (int32_t)a && b <= INT32_MAX", "b <= INT32_MAX"),
    "the root": ("i_layernorm", "square_root(mean + 1)", "square_root(mean | 1)"),
}
"""Kernel, right and wrong text in its source or in a header that it includes."""


def planted_source(number, bug):
    """A kernel's source, its headers of the dialect in it, with a bug and its function renamed."""
    kernel, right, wrong = BUGS[bug]
    text = (compiler.KERNELS / "dialect" / f"{kernel}.c").read_text()
    while found := re.search(r'#include "(dialect/(?:elements|octaves)\.h)"', text):
        text = text.replace(found[0], (compiler.KERNELS / found[1]).read_text())
    assert text.count(right) == 1, bug
    text = text.replace(right, wrong)
    return re.sub(rf"void heed_{kernel}\(", f"void bug_{number}(", text)


class Planted:
    """Stands for the kernels of this computer, but has one only."""

    def __init__(self, function):
        self.function = function

    def call(self, kernel, fields, harts):
        job = host._structure(kernel)(**fields)
        for index in range(harts):
            self.function(ctypes.byref(job), host.Team(index, harts))


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    """All bugs, a function each."""
    folder = tmp_path_factory.mktemp("planted")
    sources = [folder / f"{number}.c" for number, _ in enumerate(BUGS)]
    for number, (path, bug) in enumerate(zip(sources, BUGS, strict=True)):
        path.write_text(planted_source(number, bug))
    includes = [f"-I{path}" for path in (compiler.INCLUDE, compiler.KERNELS)]
    flags = [flag for flag in host.FLAGS if flag not in ("-O2", "-Werror", "-Wall", "-Wextra")]
    compiler.run_compiler(
        [*flags, "-O1", *includes, *map(str, sources), "-o", "planted.so"], folder, "planted bugs"
    )
    return ctypes.CDLL(str(folder / "planted.so"))


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_found(library, monkeypatch, bug):
    function = getattr(library, f"bug_{list(BUGS).index(bug)}")
    function.argtypes, function.restype = (ctypes.c_void_p, host.Team), None
    monkeypatch.setattr(kernel_targets, "host_kernels", lambda: Planted(function))
    found = 0
    for seed in range(60):
        rows, columns = 1 + seed % 7, 1 + 5 * seed % 38
        try:
            run("host", BUGS[bug][0], seed, rows, columns, 1 + seed % 9)
        except HeedError:
            found += 1
    assert found
