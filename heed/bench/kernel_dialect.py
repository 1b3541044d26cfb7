"""The dialect's integer operators, as `heed bench kernels` measures them: 32 x 64 elements each."""

from collections.abc import Callable

import numpy as np

from heed.bench.kernel_items import Item, Work
from heed.kernels import Memory
from heed.kernels import dialect as jobs
from sw_model import dialect

SHAPE = (32, 64)
STEP = 1 / 40
"""Real size of a step of logits: sets iSoftmax's coefficients."""


def _item(name: str, operator: str, operands: Callable[[np.random.Generator], tuple], **values):
    """Return an item that gives the kernel and the definition of an operator the same arguments."""

    def build() -> Work:
        arrays = operands(np.random.default_rng(0))
        memory = Memory()
        job = getattr(jobs, operator)(memory, *arrays, **values)
        result = getattr(dialect, operator)(*arrays, **values)
        ((result_name, place),) = job.results.items()
        return Work(memory.image(), ((job, {result_name: result.reshape(place.shape)}),))

    return Item(name=name, build=build, elements=SHAPE[0] * SHAPE[1])


def _int8(rng: np.random.Generator) -> np.ndarray:
    return rng.integers(-128, 128, SHAPE).astype(np.int8)


def _int32(rng: np.random.Generator, size: int | tuple[int, ...], low: int, high: int):
    return rng.integers(low, high, size).astype(np.int32)


def _wide(rng: np.random.Generator) -> np.ndarray:
    return _int32(rng, SHAPE, -30000, 30001)


DIALECT_ITEMS = (
    _item(
        "requant-shift-rq",
        "requant_shift",
        lambda rng: (_wide(rng), np.int32(70), np.int32(3 << 14)),
        div=1 << 14,
        n_levels=256,
        signed=True,
    ),
    _item(
        "requant-shift",
        "requant_shift",
        lambda rng: (_wide(rng), _int32(rng, 64, 30, 90), _int32(rng, 64, -9999, 9999)),
        div=1 << 14,
        n_levels=256,
        signed=True,
    ),
    _item(
        "i-softmax",
        "i_softmax",
        lambda rng: (_int8(rng),),
        coeff_a=1,
        coeff_b=int(1.353 / STEP),
        coeff_c=int(0.96 / STEP**2),
        log2=int(0.6931 / STEP),
        n_levels=256,
    ),
    _item("ita-max", "ita_max", lambda rng: (_int8(rng),)),
    _item("ita-partial-max", "ita_partial_max", lambda rng: (_int8(rng),)),
    _item(
        "i-layernorm",
        "i_layernorm",
        lambda rng: (_int8(rng), _int32(rng, 64, 500, 900), _int32(rng, 64, -500, 501)),
        d=1 << 5,
    ),
    _item(
        "i-rmsnorm",
        "i_rmsnorm",
        lambda rng: (_int8(rng), _int32(rng, 64, 500, 900)),
        d=1 << 4,
        n_levels=256,
        signed=True,
    ),
    _item(
        "i-nonorm",
        "i_nonorm",
        lambda rng: (_int8(rng), _int32(rng, 64, 50, 90), _int32(rng, 64, -500, 501)),
        mul=1 << 6,
        d=1 << 13,
    ),
    _item("i-gelu", "i_gelu", lambda rng: (_int8(rng),), b=-90, one=9000),
    _item(
        "i-hardswish",
        "i_hardswish",
        lambda rng: (_int8(rng),),
        three=60,
        six=120,
        one_over_six=9,
    ),
    _item(
        "integer-div",
        "integer_div",
        lambda rng: (_int8(rng), _int32(rng, (SHAPE[0], 1), 50, 90)),
        delta=200,
        eps=1,
        eta=3,
    ),
    _item("integer-mean", "integer_mean", lambda rng: (_int8(rng),)),
)
