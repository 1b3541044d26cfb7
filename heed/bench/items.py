"""The work items that the engine's bench measures."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from heed.bench.image import SPREAD, WEIGHT_SPREAD, pad
from heed.bench.program import Program, Work
from hw.config import ClusterConfig

ATTENTION_SPREAD = 28
GELU_SPREAD = 30
"""Root mean square of what attention and GELU give, when their inputs are spread by SPREAD."""

GELU_STEP = 1 / 32


@dataclass(frozen=True)
class Shape:
    """Sizes of an encoder layer: tokens S, embedding E, head size P, hidden size F."""

    tokens: int
    embedding: int
    head: int
    hidden: int

    def __str__(self) -> str:
        return f"{self.tokens},{self.embedding},{self.head},{self.hidden}"


@dataclass(frozen=True)
class Case:
    """A work item and how it is run.

    Parameters
    ----------
    item
        Name of the work item.
    make
        Returns it for a configuration and a seed.
    grant
        Probability with which the engine's requests get through in a cycle.
    traffic
        Whether other masters share the scratchpad.
    """

    item: str
    make: Callable[[ClusterConfig, int], Work]
    grant: float = 1.0
    traffic: bool = False

    @property
    def name(self) -> str:
        """The item's name and what is special about the run."""
        grant = "" if self.grant == 1 else f"@grant{self.grant:g}"
        return self.item + grant + "@traffic" * self.traffic


def encoder(config: ClusterConfig, seed: int, shape: Shape, heads: int = 1) -> Work:
    """Return Q, K, V, attention, output projection, F1 with GELU and F2 of some heads.

    V is computed transposed: its weights are streamed and x is stationary. Between heads lie
    gaps where P is not a multiple of 8; the weights that meet them are 0.
    """
    s, e, p, f = shape.tokens, shape.embedding, shape.head, shape.hidden
    wide = heads * pad(p)
    in_head = np.arange(wide) % pad(p) < p
    program = Program(config, seed)
    x = program.matrix(program.random(s, e))
    uniform = {"spread": WEIGHT_SPREAD}
    key, query = program.space(s, wide), program.space(s, wide)
    for name, y in (("K", key), ("Q", query)):
        w = program.matrix(program.random(wide, e) * in_head[:, None])
        program.linear(name, x=x, w=w, y=y, sizes=(s, wide, e), macs=s * heads * p * e, **uniform)
    value = program.space(heads * p, s)
    w = program.matrix(program.random(heads * p, e))
    program.linear("V", x=w, w=x, y=value, sizes=(heads * p, s, e), by_row=True, **uniform)
    attended = program.space(s, wide)
    program.attention(
        "attention",
        q=query,
        k=key,
        vt=value,
        y=attended,
        tokens=s,
        heads=heads,
        head=p,
        spread=SPREAD,
        wait="xwr",
    )
    projected, expanded = program.space(s, e), program.space(s, f)
    w = program.matrix(program.random(e, wide) * in_head)
    program.linear(
        "O",
        x=attended,
        w=w,
        y=projected,
        sizes=(s, e, wide),
        macs=s * e * heads * p,
        spread=ATTENTION_SPREAD,
        wait="x",
    )
    table = program.put(gelu_table().tobytes())
    w = program.matrix(program.random(f, e))
    program.linear(
        "F1", x=projected, w=w, y=expanded, sizes=(s, f, e), spread=SPREAD, table=table, wait="x"
    )
    w, y = program.matrix(program.random(e, f)), program.space(s, e)
    program.linear("F2", x=expanded, w=w, y=y, sizes=(s, e, f), spread=GELU_SPREAD, wait="x")
    return program.finish()


def gelu_table() -> np.ndarray:
    """Return GELU as an activation table: int8 in steps of GELU_STEP, in and out."""
    x = np.arange(-128, 128) * GELU_STEP
    gelu = [value * (1 + math.erf(value / math.sqrt(2))) / 2 for value in x]
    return np.round(np.array(gelu) / GELU_STEP).clip(-128, 127).astype(np.int8)


def attention(config: ClusterConfig, seed: int, heads: int, tokens: int, head: int) -> Work:
    """Return attention alone."""
    program = Program(config, seed)
    wide = heads * pad(head)
    program.attention(
        "attention",
        q=program.matrix(program.random(tokens, wide)),
        k=program.matrix(program.random(tokens, wide)),
        vt=program.matrix(program.random(heads * head, tokens)),
        y=program.space(tokens, wide),
        tokens=tokens,
        heads=heads,
        head=head,
        spread=WEIGHT_SPREAD,
    )
    return program.finish()


def layernorm(config: ClusterConfig, seed: int, rows: int, columns: int) -> Work:
    """Return a LayerNorm of int16 rows, each with a mean and a deviation of its own."""
    program = Program(config, seed)
    rng = program.rng
    mean, deviation = rng.normal(0, 4000, (rows, 1)), rng.uniform(10, 9000, (rows, 1))
    x = rng.normal(mean, deviation, (rows, columns)).clip(-32768, 32767).astype("<i2")
    program.layernorm(
        "layernorm",
        x=program.matrix(x),
        y=program.space(rows, columns),
        rows=rows,
        columns=columns,
    )
    return program.finish()


def linear(
    config: ClusterConfig, seed: int, rows: int, columns: int, inner: int, residual: bool = False
) -> Work:
    """Return a linear layer, with or without an int8 residual."""
    program = Program(config, seed)
    program.linear(
        "linear",
        x=program.matrix(program.random(rows, inner)),
        w=program.matrix(program.random(columns, inner)),
        y=program.space(rows, columns),
        sizes=(rows, columns, inner),
        spread=WEIGHT_SPREAD,
        residual=program.matrix(program.random(rows, columns)) if residual else None,
    )
    return program.finish()


def encoder_case(shape: Shape, heads: int = 1, grant: float = 1.0, traffic: bool = False) -> Case:
    """Return a case of an encoder layer."""
    name = str(shape) + (f" H={heads}" if heads > 1 else "")
    return Case(name, lambda config, seed: encoder(config, seed, shape, heads), grant, traffic)


def attention_case(heads: int, tokens: int, head: int) -> Case:
    """Return a case of attention alone."""
    name = f"attention H={heads} S={tokens} P={head}"
    return Case(name, lambda config, seed: attention(config, seed, heads, tokens, head))


def layernorm_case(rows: int, columns: int) -> Case:
    """Return a case of a LayerNorm."""
    name = f"layernorm {rows}x{columns}"
    return Case(name, lambda config, seed: layernorm(config, seed, rows, columns))


def linear_case(rows: int, columns: int, inner: int, residual: bool = False) -> Case:
    """Return a case of a linear layer."""
    name = f"linear {rows}x{columns}x{inner}" + " +residual" * residual
    return Case(name, lambda config, seed: linear(config, seed, rows, columns, inner, residual))


SHAPES = (
    Shape(64, 64, 64, 64),
    Shape(128, 128, 64, 512),
    Shape(256, 256, 64, 256),
    Shape(512, 512, 64, 512),
)

CASES = (
    *(encoder_case(shape) for shape in SHAPES),
    *(encoder_case(shape, grant=grant) for grant in (0.9, 0.5) for shape in SHAPES[1:]),
    encoder_case(SHAPES[1], traffic=True),
    attention_case(6, 197, 64),
    attention_case(6, 241, 64),
    attention_case(12, 128, 32),
    layernorm_case(128, 384),
    linear_case(128, 384, 384),
    linear_case(128, 384, 384, residual=True),
)
"""What `heed bench engine` measures when no shape is named."""

PUBLISHED = {
    "64,64,64,64": "83.0",
    "128,128,64,512": "88.8",
    "256,256,64,256": "89.5",
    "512,512,64,512": "91.2",
    **{f"{shape}@grant0.9": "85-87" for shape in SHAPES[1:]},
    **{f"{shape}@grant0.5": "57-61" for shape in SHAPES[1:]},
}
"""Utilisation of ITA in per cent, by case: measured on its RTL behind its TCDM wrapper."""
