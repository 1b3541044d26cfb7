"""Random integer graphs of the Transformer kind, any odd sizes, for tests of the flow."""

from dataclasses import dataclass, field

import numpy as np

from sw_model.graph import Graph, Node, Tensor
from sw_model.ops import check


@dataclass
class GraphMaker:
    """Builds a graph node by node with random constants.

    Entries are scaled by the size of the sums they meet, so that results fill their type without
    saturating everywhere.
    """

    rng: np.random.Generator
    tensors: dict[str, Tensor] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)

    def tensor(self, name: str, shape: tuple[int, ...], dtype: str) -> str:
        self.tensors[name] = Tensor(name, shape, dtype)
        return name

    def node(self, name, op, inputs, shape, dtype, constants, **attrs) -> str:
        self.tensor(name, shape, dtype)
        self.nodes.append(Node(name, op, tuple(inputs), (name,), constants, attrs))
        return name

    def entry(self, size: int, spread: float, dtype: str) -> dict[str, np.ndarray]:
        """Entries that bring sums of about `spread` to the range of a type."""
        low, high = check.LIMITS[dtype]
        shift = self.rng.integers(8, 32, size)
        mul = np.clip((high - low) / 4 / spread * 2.0**shift, 1, 2**16 - 1).astype(np.int64)
        sign = self.rng.choice([-1, 1], size)
        middle = (low + high) // 2
        return {
            "mul": mul * sign,
            "add": ((1 << shift) >> 1) + (self.rng.integers(middle - 8, middle + 9) << shift),
            "shift": shift,
        }

    def residual(self, entry: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        size = len(entry["mul"])
        return entry | {
            "rmul": self.rng.integers(-3, 4, size),
            "rsh": np.maximum(entry["shift"] - self.rng.integers(0, 4, size), 0),
        }

    def int8(self, *shape: int) -> np.ndarray:
        return self.rng.integers(-127, 128, shape).astype(np.int8)

    def patch_embed(self, name: str, x: str, patch: int, channels: int) -> str:
        height, width = self.tensors[x].shape
        tokens = height * width // patch**2
        constants = {
            "weight": self.int8(channels, patch * patch),
            "position": self.rng.integers(-9000, 9000, (tokens, channels)).astype(np.int16),
            **self.residual(self.entry(channels, 6000 * patch, "int16")),
        }
        shape = (tokens, channels)
        return self.node(name, "patch_embed", [x], shape, "int16", constants, patch=patch)

    def layernorm(self, name: str, x: str) -> str:
        shape = self.tensors[x].shape
        entry = self.entry(shape[1], 1024, "int8")
        return self.node(name, "layernorm", [x], shape, "int8", entry)

    def linear(
        self, name, x, channels, dtype="int8", *, transposed=False, table=False, common=False
    ) -> str:
        rows, inner = self.tensors[x].shape
        constants = {"weight": self.int8(channels, inner)}
        if dtype != "int32":
            spread = 5000 * inner**0.5
            kind = "int8" if table else dtype
            constants |= self.entry(1 if common else channels, spread, kind)
        if table:
            constants["table"] = self.int8(256)
        shape = (channels, rows) if transposed else (rows, channels)
        return self.node(name, "linear", [x], shape, dtype, constants, transposed=int(transposed))

    def attention(self, name, q, k, vt, heads, *, kv_len=None, causal=False, offset=0) -> str:
        shape, keys = self.tensors[q].shape, self.tensors[k].shape[0]
        size = shape[1] // heads
        constants = {
            **self.entry(heads, 3000 * size**0.5, "int8"),
            "j": self.rng.integers(1, 6, heads),
            "g": self.rng.integers(0, 2, heads),
        }
        return self.node(
            name,
            "attention",
            [q, k, vt],
            shape,
            "int8",
            constants,
            heads=heads,
            head_dim=size,
            kv_len=keys if kv_len is None else kv_len,
            mask="causal" if causal else "none",
            mask_offset=offset,
        )

    def add(self, name: str, a: str, b: str) -> str:
        entry = self.residual(self.entry(1, 40000, "int16"))
        return self.node(name, "add", [a, b], self.tensors[a].shape, "int16", entry)

    def mean_pool(self, name: str, x: str) -> str:
        rows, columns = self.tensors[x].shape
        entry = self.entry(1, 60 * rows**0.5, "int8")
        return self.node(name, "mean_pool", [x], (1, columns), "int8", entry)

    def finish(self, name: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Graph:
        return Graph(name, self.tensors, tuple(self.nodes), inputs, outputs)


def random_encoder(seed: int, most: int = 24) -> Graph:
    """Return a small pre-norm encoder layer with pooling and a classifier, of random odd sizes."""
    rng = np.random.default_rng(seed)
    make = GraphMaker(rng)

    def size(limit: int = most) -> int:
        return int(rng.integers(1, limit + 1))

    def yes() -> bool:
        return bool(rng.integers(0, 2))

    patch, heads, head = size(3), size(4), size(20)
    height, width = patch * size(7), patch * size(7)
    image = make.tensor("image", (height, width), "int8")
    x = make.patch_embed("embed", image, patch, size())
    y = make.layernorm("norm1", x)
    q = make.linear("query", y, heads * head, common=yes())
    k = make.linear("key", y, heads * head)
    vt = make.linear("value", y, heads * head, transposed=True, common=yes())
    tokens = make.tensors[x].shape[0]
    a = make.attention(
        "attention",
        q,
        k,
        vt,
        heads,
        kv_len=int(rng.integers(0, tokens + 1)),
        causal=yes(),
        offset=int(rng.integers(-2, 4)),
    )
    channels = make.tensors[x].shape[1]
    p = make.linear("project", a, channels, "int16" if yes() else "int8")
    x = make.add("sum1", x, p)
    y = make.layernorm("norm2", x)
    table = yes()
    f = make.linear("expand", y, size(40), "uint8" if yes() else "int8", table=table)
    f = make.linear("reduce", f, channels, "int16")
    x = make.add("sum2", x, f)
    y = make.layernorm("norm3", x)
    z = make.mean_pool("pool", y if yes() else a)
    c = make.linear("classify", z, size(12), "int32")
    return make.finish(f"random_{seed}", ("image",), (c,))
