"""Random integer graphs of the Transformer kind, any odd sizes, for tests of the flow."""

from dataclasses import dataclass, field

import numpy as np

from sw_model.graph import Graph, Node, Tensor
from sw_model.graph_rules import CONV_PADS, CONV_STEPS, conv_reach
from sw_model.ops import check


@dataclass
class GraphMaker:
    """Builds a graph node by node with random constants.

    Entries are scaled by the size of the sums they meet, so that results fill their type without
    saturating everywhere. With `core_form` those of int8 and uint8 results have a form for the
    cores.
    """

    rng: np.random.Generator
    core_form: bool = False
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
        if self.core_form and dtype in ("int8", "uint8"):
            return self.core_entry(size, spread, high - low)
        shift = self.rng.integers(8, 32, size)
        mul = np.clip((high - low) / 4 / spread * 2.0**shift, 1, 2**16 - 1).astype(np.int64)
        sign = self.rng.choice([-1, 1], size)
        middle = (low + high) // 2
        return {
            "mul": mul * sign,
            "add": ((1 << shift) >> 1) + (self.rng.integers(middle - 8, middle + 9) << shift),
            "shift": shift,
        }

    def core_entry(self, size: int, spread: float, steps: int) -> dict[str, np.ndarray]:
        shift = self.rng.integers(8, 32, size)
        mul = np.clip(steps / 4 / spread * 2.0**shift, 1, 2**16 - 1).astype(np.int64)
        bias = self.rng.integers(-int(spread), int(spread) + 1, size)
        zero = self.rng.integers(-20, 60, size)
        return {
            "mul": mul,
            "add": bias * mul + ((1 << shift) >> 1) + (zero << shift),
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
        self,
        name,
        x,
        channels,
        dtype="int8",
        *,
        transposed=False,
        table=False,
        common=False,
        residual=False,
    ) -> str:
        rows, inner = self.tensors[x].shape
        constants = {"weight": self.int8(channels, inner)}
        if dtype != "int32":
            spread = 5000 * inner**0.5
            kind = "int8" if table else dtype
            constants |= self.entry(1 if common else channels, spread, kind)
        if residual:
            constants |= self.residual(constants)
            values = self.rng.integers(-200, 200, (rows, channels))
            constants["residual"] = values.astype(np.int16)
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

    def add(self, name: str, a: str, b: str, dtype: str = "int16") -> str:
        entry = self.residual(self.entry(1, 40000, dtype))
        return self.node(name, "add", [a, b], self.tensors[a].shape, dtype, entry)

    def conv2d(self, name: str, x: str, channels: int, kernel, dtype="int8", **attrs) -> str:
        images, height, width, inputs = self.tensors[x].shape
        attrs = {
            **dict.fromkeys((*CONV_STEPS, "groups"), 1),
            **dict.fromkeys((*CONV_PADS, "pad_value"), 0),
            **attrs,
        }
        inner = inputs // attrs["groups"]
        weight = self.int8(channels, *kernel, inner)
        spread = 5000 * (kernel[0] * kernel[1] * inner) ** 0.5
        constants = {"weight": weight, **self.entry(channels, spread, dtype)}
        reach = conv_reach((images, height, width, inputs), kernel, attrs)
        shape = (images, *reach, channels)
        return self.node(name, "conv2d", [x], shape, dtype, constants, **attrs)

    def reshape(self, name: str, x: str, shape: tuple[int, ...]) -> str:
        return self.node(name, "reshape", [x], shape, self.tensors[x].dtype, {})

    def mean_pool(self, name: str, x: str) -> str:
        rows, columns = self.tensors[x].shape
        entry = self.entry(1, 60 * rows**0.5, "int8")
        return self.node(name, "mean_pool", [x], (1, columns), "int8", entry)

    def finish(self, name: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Graph:
        return Graph(name, self.tensors, tuple(self.nodes), inputs, outputs)


def random_encoder(seed: int, most: int = 24, core_form: bool = False) -> Graph:
    """Return a small pre-norm encoder layer with pooling and a classifier, of random odd sizes."""
    rng = np.random.default_rng(seed)
    make = GraphMaker(rng, core_form)

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


def random_cnn(seed: int) -> Graph:
    """Return a convolution over frames, one over time with a sum around it, and dense layers."""
    rng = np.random.default_rng(seed)
    make = GraphMaker(rng, core_form=True)

    def size(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    frames, height, width = size(1, 4), size(5, 12), size(5, 14)
    x = make.tensor("frames", (frames, height, width, size(1, 3)), "int8")
    kernel = (size(1, 3), size(1, 4))
    x = make.conv2d(
        "conv1",
        x,
        8,
        kernel,
        "uint8",
        pad_top=kernel[0] // 2,
        pad_left=kernel[1] // 2,
        pad_right=size(0, 2),
        pad_value=-128,
        pool_height=size(1, 2),
        pool_width=size(1, 3),
        stride_width=size(1, 2),
    )
    x = make.conv2d("conv2", x, 8, (1, 1), "int8", groups=size(1, 2))
    features = int(np.prod(make.tensors[x].shape[1:]))
    x = make.reshape("features", x, (frames, features))
    x = make.linear("reduce", x, 16, residual=bool(rng.integers(0, 2)))
    y = make.reshape("time", x, (1, 1, frames, 16))
    dilation = size(1, 3)
    y = make.conv2d("tcn", y, 16, (1, 2), dilation_width=dilation, pad_left=dilation)
    y = make.reshape("rows", y, (frames, 16))
    x = make.add("sum", x, y, "int8")
    x = make.linear("dense", x, size(1, 20), "uint8")
    x = make.linear("classify", x, size(1, 11), "int32")
    return make.finish(f"cnn_{seed}", ("frames",), (x,))
