"""When the sequencer offers each product of a job."""

from dataclasses import dataclass, replace

from hw.config import TCDM_BASE, WORD_BYTES, ClusterConfig
from hw.regmap import HEAD_PARAMETER, PARAMETER, ElementType, Kind, MaskMode, ParamMode
from sw_model.engine.check import ELEMENT_BYTES
from sw_model.engine.timing_latency import NORM_ROWS
from sw_model.engine.timing_pipeline import Pipeline
from sw_model.engine.timing_steps import Load, Phase, Product
from sw_model.engine.timing_streams import Area, Gate


@dataclass(frozen=True)
class _Before:
    """What is known of the job before: its Y, and where its last product's outputs begin."""

    y: tuple[int, int]
    rows: int
    block_rows: int
    last_start: int


class Sequencer:
    """Cuts jobs into products, as the gateware's `Sequencer` does, a cycle for each of its states.

    Parameters
    ----------
    config : ClusterConfig
    pipeline : Pipeline
        Takes the products.

    Attributes
    ----------
    position : int
        Output rows of all products so far.
    """

    def __init__(self, config: ClusterConfig, pipeline: Pipeline):
        self.position = 0
        self._config = config
        self._pipeline = pipeline
        self._table = 0
        self._before: _Before | None = None
        self._last_start = 0  # of the last product with outputs
        self._start = 0  # of the job
        self._after_logits = 0
        self._scratch_turn = 0

    def run(self, f: dict[str, int], cycle: int) -> int:
        """Offer the products of a job that is taken in `cycle`; return when the last is out."""
        attention, norm = f["kind"] == Kind.ATTENTION, f["kind"] == Kind.LAYERNORM
        interleaved = norm or f["blocks"] == 2
        self._table ^= f["use_table"]
        self._start = self.position
        self._scratch_turn = 0
        block_rows, cycle = self._block_rows(f, cycle)
        if f["use_table"]:
            cycle = self._offer(self._table_product(f), cycle) + 1
        follows = self._x_follows(f, block_rows)
        second = None
        for head in range(f["heads"]):
            cycle += 1  # HEAD
            if f["s_head_stride"]:
                self._scratch_turn = 0
            for row in range(0, f["rows"], block_rows):
                rows = min(block_rows, f["rows"] - row)
                last_block = row + rows == f["rows"]
                last = last_block and head == f["heads"] - 1
                cycle += 2 * attention  # LOOK, SEE
                first = self._first(f, head, row, rows, last, last_block and follows, follows)
                cycle = self._offer(first, cycle)
                self._after_logits = self.position
                if attention or norm:
                    if second:
                        cycle = self._offer(second, cycle + 1)
                    second = self._second(f, head, row, first, last)
                    cycle += 1  # SAVE
                    self._scratch_turn ^= 1
                    if last or not interleaved:
                        cycle = self._offer(second, cycle + 1)
                        second = None
                cycle += 1  # NEXT
                if not last:
                    cycle += 1
        self._before = None
        if f["kind"] in (Kind.ATTENTION, Kind.LINEAR):
            y = f["y_base"], f["y_row_stride"]
            self._before = _Before(y, f["rows"], block_rows, self._last_start)
        return cycle

    def _offer(self, product: Product, cycle: int) -> int:
        """Offer a product from `cycle` on; return when it is taken."""
        if product.writes:
            self._last_start = self.position
            groups = -(-product.columns // self._config.engine.units)
            self.position += product.rows * groups
        return self._pipeline.walk(product, cycle)

    def _block_rows(self, f: dict[str, int], cycle: int) -> tuple[int, int]:
        """Return the rows of a block, and the cycle before the first product's or head's state."""
        tile = self._config.engine.tile
        cycle += 2  # PREPARE
        if f["kind"] == Kind.ATTENTION:
            return f["block_rows"], cycle
        if f["kind"] == Kind.LAYERNORM:
            return min(NORM_ROWS, tile), cycle
        if f["rows"] <= tile:
            return f["rows"], cycle
        blocks = -(-f["rows"] // tile)
        return tile - (blocks * tile - f["rows"]) // blocks, cycle + tile.bit_length()

    def _x_follows(self, f: dict[str, int], block_rows: int) -> bool:
        """Whether X is Y of the job before, row by row."""
        before = self._before
        return (
            before is not None
            and f["kind"] == Kind.LINEAR
            and bool(f["wait_x"])
            and f["heads"] == 1
            and (f["x_base"], f["x_row_stride"]) == before.y
            and f["inner"] <= f["x_row_stride"]
            and (f["rows"], block_rows) == (before.rows, before.block_rows)
        )

    def _base(self, f: dict[str, int], head: int, row: int, rows: int) -> Product:
        """Return what the products of a block have in common."""
        mode = ParamMode(f["param_mode"])
        raw = f["kind"] == Kind.COPY or f["y_type"] == ElementType.INT32
        joins = bool(f["use_residual"] or f["accumulate"]) and f["kind"] != Kind.COPY
        areas = {n: self._area(f, n, head, 0 if n == "w" else row) for n in "xwry"}
        gates = {n: Gate(self._start if f[f"wait_{n}"] else 0) for n in "xwrp"}
        first_entry = {
            ParamMode.COMMON: 0,
            ParamMode.COLUMN: head * f["columns"],
            ParamMode.ROW: head * f["rows"] + row,
            ParamMode.HEAD: head,
        }[mode]
        return Product(
            phase=Phase.DIRECT,
            rows=rows,
            columns=f["columns"],
            inner=f["inner"],
            areas=areas,
            gates=gates,
            sizes={n: ELEMENT_BYTES[ElementType(f[f"{n}_type"])] for n in "xry"},
            joins=joins,
            load=Load.NONE if raw else Load.ENTRIES,
            load_word=self._word(f["param_base"]) + PARAMETER.words * first_entry,
            load_count=rows if mode == ParamMode.ROW else 1,
            each_tile=mode == ParamMode.COLUMN,
            param_mode=mode,
            raw=raw,
            normalise=f["kind"] == Kind.LAYERNORM,
            table=self._table if f["use_table"] else None,
            table_release=False,
        )

    def _first(
        self,
        f: dict[str, int],
        head: int,
        row: int,
        rows: int,
        last: bool,
        by_row: bool,
        follows: bool,
    ) -> Product:
        """Return a block's first product, or its only one."""
        base = self._base(f, head, row, rows)
        base = replace(base, table_release=bool(f["use_table"] and last))
        if f["kind"] == Kind.LAYERNORM:
            return replace(base, phase=Phase.STATISTICS, load=Load.NONE, table_release=False)
        if f["kind"] == Kind.ATTENTION:
            keys = f["kv_length"]
            if f["mask_mode"] == MaskMode.CAUSAL:
                keys = min(keys, row + rows + f["mask_offset"])
            return replace(
                base,
                phase=Phase.LOGITS,
                columns=max(keys, 1),
                areas=base.areas | {"y": self._scratch(f, head)},
                load=Load.HEAD,
                load_word=self._word(f["param_base"]) + HEAD_PARAMETER.words * head,
            )
        if f["kind"] == Kind.LINEAR:
            gates = base.gates
            if by_row:
                gates = gates | {"x": Gate(self._start - rows, by_row=True)}
            elif follows:
                gates = gates | {"x": Gate(self._before.last_start)}
            return replace(base, phase=Phase.LINEAR, gates=gates)
        return base

    def _second(
        self, f: dict[str, int], head: int, row: int, first: Product, last: bool
    ) -> Product:
        """Return a block's second product."""
        base = self._base(f, head, row, first.rows)
        if f["kind"] == Kind.LAYERNORM:
            return replace(base, table_release=bool(f["use_table"] and last))
        logits = Gate(self._after_logits - first.rows, by_row=True)
        return replace(
            base,
            phase=Phase.VALUES,
            columns=f["inner"],
            inner=first.columns,
            areas=base.areas | {"x": first.areas["y"], "w": self._area(f, "r", head, 0)},
            gates=base.gates | {"x": logits, "w": base.gates["r"]},
            load=Load.MASSES,
            load_count=first.rows,
            param_mode=ParamMode.ROW,
        )

    def _table_product(self, f: dict[str, int]) -> Product:
        base = self._base(f, 0, 0, 1)
        return replace(base, load=Load.TABLE, load_word=self._word(f["table_base"]))

    def _scratch(self, f: dict[str, int], head: int) -> Area:
        """Return the scratch block of the logits that come next."""
        area = self._area(f, "s", head, 0)
        skipped = f["block_rows"] * (f["blocks"] == 2) * self._scratch_turn
        return Area(area.word + skipped * area.stride, area.stride)

    def _word(self, address: int) -> int:
        return (address - TCDM_BASE) // WORD_BYTES

    def _area(self, f: dict[str, int], name: str, head: int, row: int) -> Area:
        stride = f[f"{name}_row_stride"]
        base = f[f"{name}_base"] + head * f[f"{name}_head_stride"] + row * stride
        return Area(self._word(base), stride // WORD_BYTES)
