"""Products and the tile steps that they are cut into, as far as time depends on them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from hw.config import WORD_BYTES
from hw.regmap import PARAMETER, ParamMode
from sw_model.engine.timing_streams import Area, Elements, Gate


class Phase(Enum):
    """What a product is: a matrix product, attention's two, LayerNorm's first, or a direct one."""

    LINEAR = auto()
    LOGITS = auto()
    VALUES = auto()
    STATISTICS = auto()
    DIRECT = auto()


class Load(Enum):
    """What is fetched for a product's outputs (masses are not fetched, but need a bank)."""

    NONE = auto()
    ENTRIES = auto()
    HEAD = auto()
    MASSES = auto()
    TABLE = auto()


@dataclass(frozen=True)
class Product:
    """A product of one row block; see the gateware's `steps.Product`.

    Parameters
    ----------
    phase, rows, columns, inner
    areas, gates
        Of the operands x, w, r and y; gates also of parameters, p.
    sizes
        Bytes of an element of x, r and y.
    joins
        Whether R goes with the outputs.
    load, load_word, load_count, each_tile, param_mode
        Where entries come from, and which of them an output takes.
    raw
        Whether outputs need no entry.
    table
        Bank of the activation table, or None.
    table_release
        Whether nobody needs the table after this product.
    """

    phase: Phase
    rows: int
    columns: int
    inner: int
    areas: dict[str, Area]
    gates: dict[str, Gate]
    sizes: dict[str, int]
    joins: bool
    load: Load
    load_word: int
    load_count: int
    each_tile: bool
    param_mode: ParamMode
    raw: bool
    normalise: bool
    table: int | None
    table_release: bool

    @property
    def is_matrix(self) -> bool:
        return self.phase in (Phase.LINEAR, Phase.LOGITS, Phase.VALUES)

    @property
    def writes(self) -> bool:
        """Whether it has outputs."""
        return self.phase != Phase.STATISTICS and self.load != Load.TABLE

    def steps(self, tile: int) -> Iterator["Step"]:
        """Return its tile steps, in order."""
        if not self.writes:
            yield Step(self, 0, self.columns, 0, 0, True, True, True)
            return
        for column in range(0, self.columns, tile):
            columns = min(tile, self.columns - column)
            last_column = column + tile >= self.columns
            inner = self.inner if self.is_matrix else 1
            for start in range(0, inner, tile):
                lanes = min(tile, inner - start)
                last = start + tile >= inner
                yield Step(self, column, columns, start, lanes, start == 0, last, last_column)


@dataclass
class Step:
    """A tile step: columns from `column` on, inner elements from `inner` on.

    Attributes
    ----------
    first, last
        Of its column tile.
    there : int
        Cycle from which units have it.
    bank : int
        Where its entries are.
    """

    product: Product
    column: int
    columns: int
    inner: int
    lanes: int
    first: bool
    last: bool
    last_column: bool
    there: int = field(default=0, init=False)
    bank: int = field(default=0, init=False)
    y: Area = field(init=False)

    def __post_init__(self):
        self.y = self._part("y")

    def _part(self, name: str) -> Area:
        """Return where the columns of an operand with as many columns as Y begin."""
        area = self.product.areas[name]
        return Area(area.word + self.column * self.product.sizes[name] // WORD_BYTES, area.stride)

    @property
    def x(self) -> Area:
        area = self.product.areas["x"]
        return Area(area.word + self.inner // WORD_BYTES, area.stride)

    @property
    def w(self) -> Area:
        area = self.product.areas["w"]
        return Area(area.word + self.column * area.stride + self.inner // WORD_BYTES, area.stride)

    @property
    def words(self) -> int:
        """Words of a row of its input and weight tiles."""
        return -(-self.lanes // WORD_BYTES)

    @property
    def _one_inner(self) -> bool:
        return self.first and self.last

    @property
    def has_outputs(self) -> bool:
        """Whether the outputs' units get a step: the first of a column tile."""
        return self.first and self.product.writes

    @property
    def loads(self) -> bool:
        """Whether the parameter unit gets a step."""
        product = self.product
        if product.load == Load.TABLE:
            return True
        first = self.column == 0 or product.each_tile
        return self.has_outputs and product.load != Load.NONE and first

    @property
    def load_word(self) -> int:
        product = self.product
        return product.load_word + PARAMETER.words * self.column * product.each_tile

    @property
    def load_count(self) -> int:
        return self.columns if self.product.each_tile else self.product.load_count

    @property
    def fetches_input(self) -> bool:
        """Whether an input tile is fetched: it is kept where there is only one."""
        return self.product.is_matrix and (self.column == 0 or not self._one_inner)

    @property
    def keeps_input(self) -> bool:
        return self._one_inner and not self.last_column

    @property
    def sums_up(self) -> bool:
        """Whether the masses of softmax are whole after its input tile."""
        return self.product.phase == Phase.VALUES and self.column == 0 and self.last

    @property
    def releases(self) -> bool:
        """Whether nobody needs its bank of entries after its outputs."""
        product = self.product
        has_bank = product.writes and product.load != Load.NONE
        return has_bank and (product.each_tile or self.last_column)

    def elements(self, name: str) -> Elements:
        """Return what is fetched of R or, past the array, of X."""
        product = self.product
        by_row = not product.is_matrix
        return Elements(
            self._part(name),
            product.rows,
            self.columns,
            product.sizes[name],
            by_row,
            product.gates[name],
        )
