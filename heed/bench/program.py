"""Chains of engine jobs with random operands, in an image of a scratchpad."""

import dataclasses
from dataclasses import dataclass

from heed.bench.image import WEIGHT_SPREAD, Image, Matrix, pad
from heed.errors import HeedError
from hw.bench.traffic import DMA_BYTES
from hw.config import ClusterConfig, TcdmConfig
from hw.regmap import DESCRIPTOR, DESCRIPTOR_VERSION, STATUS_WORD, ElementType, Kind, ParamMode

SIZES = (2 << 20, 4 << 20)
"""Bytes of scratchpads that programs run in: the first one that is large enough."""


def product_bound(config: ClusterConfig, rows: int, columns: int, inner: int) -> int:
    """Return the cycles in which the array can do a product, if it never waits.

    A step of one inner tile and one column group takes as many cycles as its block has rows, but
    no fewer than its weights take at 64 bytes a cycle.
    """
    engine = config.engine
    blocks = -(-rows // engine.tile)
    fetch = engine.units * engine.lanes // 64
    block_rows = [rows // blocks + (block < rows % blocks) for block in range(blocks)]
    steps = -(-columns // engine.units) * -(-inner // engine.lanes)
    return steps * sum(max(count, fetch) for count in block_rows)


@dataclass(frozen=True)
class Work:
    """A chain of jobs, ready to run.

    Parameters
    ----------
    config
        With the scratchpad that it takes.
    image
        The whole scratchpad.
    doorbell
        Address of the first descriptor.
    jobs
        Their names, in order.
    macs
        Multiply-accumulates in all.
    bound
        Cycles that the datapath takes, if it never waits.
    """

    config: ClusterConfig
    image: bytes
    doorbell: int
    jobs: tuple[str, ...]
    macs: int
    bound: int


class Program(Image):
    """An image with jobs; `finish` links them to a chain.

    Parameters
    ----------
    config
        The engine's; the scratchpad gets as deep as it takes.
    seed
        Of all values.
    """

    def __init__(self, config: ClusterConfig, seed: int):
        super().__init__(SIZES[-1], seed)
        self.config = config
        self._jobs: list[tuple[str, int, dict[str, int]]] = []
        self._macs = 0
        self._bound = 0

    def linear(
        self,
        name: str,
        *,
        x: Matrix,
        w: Matrix,
        y: Matrix,
        sizes: tuple[int, int, int],
        spread: float,
        by_row: bool = False,
        table: int = 0,
        residual: Matrix | None = None,
        wait: str = "",
        macs: int | None = None,
    ) -> None:
        """Add a linear job: int8 in, int8 out.

        Parameters
        ----------
        name, x, w, y
            What it is called, and its operands.
        sizes
            Rows, columns, inner.
        spread
            Standard deviation of the elements of x.
        by_row
            Whether there is a parameter entry for each row, else for each column.
        table
            Address of an activation table, or 0.
        residual
            An int8 operand R.
        wait
            Operands that an earlier job writes.
        macs
            Those that count; all when left out.
        """
        rows, columns, inner = sizes
        fields = {
            "kind": Kind.LINEAR,
            "param_mode": ParamMode.ROW if by_row else ParamMode.COLUMN,
            "use_table": int(bool(table)),
            "table_base": table,
            "rows": rows,
            "columns": columns,
            "inner": inner,
            "heads": 1,
            "param_base": self.entries(
                rows if by_row else columns,
                spread * WEIGHT_SPREAD * inner**0.5,
                residual=residual is not None,
            ),
            **x.fields("x"),
            **w.fields("w"),
            **y.fields("y"),
        }
        if residual:
            fields |= {"use_residual": 1, "r_type": ElementType.INT8, **residual.fields("r")}
        self._add(name, fields, wait)
        self._macs += rows * columns * inner if macs is None else macs
        self._bound += product_bound(self.config, rows, columns, inner)

    def attention(
        self,
        name: str,
        *,
        q: Matrix,
        k: Matrix,
        vt: Matrix,
        y: Matrix,
        tokens: int,
        heads: int,
        head: int,
        spread: float,
        wait: str = "",
    ) -> None:
        """Add self-attention of all heads: q, k and y have them side by side, vt below each other.

        Parameters
        ----------
        name, q, k, vt, y
            What it is called, and its operands.
        tokens, heads, head
            Sizes S, H and P.
        spread
            Standard deviation of the elements of q and k.
        wait
            Operands that an earlier job writes.
        """
        blocks = -(-tokens // self.config.engine.tile)
        block_rows = -(-tokens // blocks)
        area = self.space(2 * block_rows, tokens)
        fields = {
            "kind": Kind.ATTENTION,
            "param_mode": ParamMode.HEAD,
            "rows": tokens,
            "columns": tokens,
            "inner": head,
            "heads": heads,
            "kv_length": tokens,
            "block_rows": block_rows,
            "blocks": 2,
            "param_base": self.head_entries(heads, spread * spread * head**0.5),
            **q.fields("x", pad(head)),
            **k.fields("w", pad(head)),
            **vt.fields("r", head * vt.stride),
            **y.fields("y", pad(head)),
            **area.fields("s"),
        }
        self._add(name, fields, wait)
        self._macs += 2 * heads * tokens * tokens * head
        self._bound += heads * product_bound(self.config, tokens, tokens, head)
        self._bound += heads * product_bound(self.config, tokens, head, tokens)

    def layernorm(self, name: str, *, x: Matrix, y: Matrix, rows: int, columns: int) -> None:
        """Add a LayerNorm: int16 in, int8 out, an entry a column. It has no MACs."""
        fields = {
            "kind": Kind.LAYERNORM,
            "x_type": ElementType.INT16,
            "param_mode": ParamMode.COLUMN,
            "rows": rows,
            "columns": columns,
            "heads": 1,
            "param_base": self.entries(columns, 1 << 10),
            **x.fields("x"),
            **y.fields("y"),
        }
        self._add(name, fields, "")
        self._bound += rows * max(-(-columns // self.config.engine.units), 16)

    def _add(self, name: str, fields: dict[str, int], wait: str) -> None:
        fields |= {
            "version": DESCRIPTOR_VERSION,
            "y_type": ElementType.INT8,
            "event_mask": 1,
            "status": self.put(bytes(STATUS_WORD.bytes)),
            **{f"wait_{operand}": 1 for operand in wait},
        }
        self._jobs.append((name, self.place(DESCRIPTOR.bytes), fields))

    def finish(self) -> Work:
        """Return the chain of all jobs.

        Raises
        ------
        HeedError
            It takes more than the largest scratchpad.
        """
        needed = self.used + DMA_BYTES
        if needed > SIZES[-1]:
            raise HeedError(
                f"the work takes {needed >> 10} KiB of scratchpad, but the largest has "
                f"{SIZES[-1] >> 10} KiB",
                status=2,
            )
        size = next(size for size in SIZES if size >= needed)
        addresses = [address for _, address, _ in self._jobs]
        for (_, address, fields), following in zip(self._jobs, [*addresses[1:], 0], strict=True):
            self.store(address, DESCRIPTOR.pack(**fields, next=following))
        banks = self.config.tcdm.banks
        tcdm = TcdmConfig(banks=banks, bank_bytes=size // banks)
        return Work(
            config=dataclasses.replace(self.config, tcdm=tcdm),
            image=bytes(self.bytes[:size]),
            doorbell=addresses[0],
            jobs=tuple(name for name, _, _ in self._jobs),
            macs=self._macs,
            bound=self._bound,
        )
