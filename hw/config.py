"""The configuration of a Heed cluster: frozen, validated, every derived size a property."""

import hashlib
import json
from dataclasses import asdict, dataclass, field

WORD_BYTES = 8
"""Width of a TCDM word in bytes; fixed, every port and bank builds on it."""

TCDM_BASE = 0x1000_0000
DEVICE_BASE = 0x1010_0000
MAIN_BASE = 0x8000_0000


class ConfigError(ValueError):
    """A configuration that cannot be built; names the field, its value and what is allowed."""


def _check_range(name, value, low, high):
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise ConfigError(f"{name} is {value!r}, but must be an integer from {low} to {high}")


def _check_power(name, value, low, high):
    _check_range(name, value, low, high)
    if value & (value - 1):
        raise ConfigError(f"{name} is {value}, but must be a power of two from {low} to {high}")


@dataclass(frozen=True, kw_only=True)
class TcdmConfig:
    """The scratchpad.

    Parameters
    ----------
    banks : int
        Number of 64-bit wide banks, a power of two, 2 to 128.
    bank_bytes : int
        Bytes a bank, a power of two, 512 to 2 MiB; 4 KiB to 4 MiB in all. Up to 1 MiB fits a
        cluster, below its devices; more is for benches of the engine alone.
    """

    banks: int = 32
    bank_bytes: int = 4096

    def __post_init__(self):
        _check_power("tcdm.banks", self.banks, 2, 128)
        _check_power("tcdm.bank_bytes", self.bank_bytes, 512, 2 << 20)
        _check_power("tcdm.banks * tcdm.bank_bytes", self.bytes, 4096, 4 << 20)

    @property
    def bytes(self):
        """Bytes in all."""
        return self.banks * self.bank_bytes

    @property
    def addr_width(self):
        """Width of a byte offset into the TCDM."""
        return self.bytes.bit_length() - 1

    @property
    def bank_depth(self):
        """64-bit words a bank."""
        return self.bank_bytes // WORD_BYTES

    @property
    def bank_bits(self):
        return self.banks.bit_length() - 1

    @property
    def row_bits(self):
        """Width of a word index within a bank."""
        return self.bank_depth.bit_length() - 1


@dataclass(frozen=True, kw_only=True)
class CoreConfig:
    """What a core can do beyond RV32I_Zicsr_Zifencei: switches of its extensions.

    Parameters
    ----------
    m, a : bool
        Multiplication and division; atomics.
    xcv_alu, xcv_bi, xcv_bitmanip, xcv_hwlp, xcv_mac, xcv_mem, xcv_simd : bool
        Groups of CORE-V's XCV instructions.
    xheed : bool
        Heed's own requantisation, `heed.rq`.
    event_counters : int
        Performance counters from `mhpmcounter3` on, 0 to 8.
    """

    m: bool = True
    a: bool = True
    xcv_alu: bool = True
    xcv_bi: bool = True
    xcv_bitmanip: bool = True
    xcv_hwlp: bool = True
    xcv_mac: bool = True
    xcv_mem: bool = True
    xcv_simd: bool = True
    xheed: bool = True
    event_counters: int = 4

    def __post_init__(self):
        for name in CORE_GROUPS:
            if not isinstance(getattr(self, name), bool):
                raise ConfigError(f"core.{name} is {getattr(self, name)!r}, but must be a bool")
        _check_range("core.event_counters", self.event_counters, 0, 8)

    @property
    def groups(self):
        """Names of the extensions that are there, of `CORE_GROUPS`."""
        return tuple(name for name in CORE_GROUPS if getattr(self, name))

    @property
    def xcv(self):
        """Whether any group of XCV is there."""
        return any(name.startswith("xcv") for name in self.groups)

    @classmethod
    def of(cls, *groups, **others):
        """A core with just these extensions."""
        unknown = set(groups) - set(CORE_GROUPS)
        if unknown:
            raise ConfigError(
                f"no extension is called {', '.join(sorted(unknown))}; "
                f"there are: {', '.join(CORE_GROUPS)}"
            )
        return cls(**{name: name in groups for name in CORE_GROUPS}, **others)


CORE_GROUPS = (
    "m",
    "a",
    "xcv_alu",
    "xcv_bi",
    "xcv_bitmanip",
    "xcv_hwlp",
    "xcv_mac",
    "xcv_mem",
    "xcv_simd",
    "xheed",
)
"""Extensions of a core that can be left out."""


@dataclass(frozen=True, kw_only=True)
class EngineConfig:
    """The attention engine.

    Parameters
    ----------
    units : int
        Dot-product units N (columns computed at once), a power of two, 2 to 64, at most `lanes`.
    lanes : int
        Multipliers a unit M, a power of two, 16 to 64; also the tile size T.
    queue_depth : int
        Doorbells that can wait, a power of two, 4 to 16.
    """

    units: int = 16
    lanes: int = 64
    queue_depth: int = 4

    def __post_init__(self):
        _check_power("engine.lanes", self.lanes, 16, 64)
        _check_power("engine.units", self.units, 2, 64)
        if self.units > self.lanes:
            raise ConfigError(
                f"engine.units is {self.units}, but must not exceed engine.lanes ({self.lanes})"
            )
        _check_power("engine.queue_depth", self.queue_depth, 4, 16)

    @property
    def tile(self):
        """Tile size T: rows, columns and inner elements of one step."""
        return self.lanes

    @property
    def groups(self):
        """Column groups of `units` columns in a tile."""
        return self.tile // self.units

    @property
    def row_words(self):
        """64-bit words in one tile row of int8 elements."""
        return self.lanes // WORD_BYTES

    @property
    def ports(self):
        """64-bit TCDM ports: one set of `row_words` for X, one for W and outputs."""
        return 2 * self.row_words

    @property
    def macs(self):
        """Multiply-accumulates a cycle."""
        return self.units * self.lanes


@dataclass(frozen=True, kw_only=True)
class ClusterConfig:
    """A whole cluster.

    Parameters
    ----------
    name : str
        Preset's name, used in messages and build folders.
    workers : int
        Worker cores, 1 to 16 with the control core. Harts 0 to workers - 1.
    control_core : bool
        Whether one more core of the same kind (hart `workers`) is there.
    tcdm, engine, core
        Their own configurations; `core` is that of every core.
    main_bytes : int
        Bytes of main memory in simulation, a power of two, 1 MiB to 256 MiB.
    """

    name: str = "custom"
    workers: int = 8
    control_core: bool = True
    tcdm: TcdmConfig = field(default_factory=TcdmConfig)
    engine: EngineConfig = field(default_factory=EngineConfig)
    core: CoreConfig = field(default_factory=CoreConfig)
    main_bytes: int = 64 << 20

    def __post_init__(self):
        if not (isinstance(self.name, str) and self.name.isidentifier()):
            raise ConfigError(f"name is {self.name!r}, but must be a word of letters and digits")
        _check_range("workers", self.workers, 1, 16)
        _check_range("workers + control_core", self.harts, 1, 16)
        _check_power("main_bytes", self.main_bytes, 1 << 20, 256 << 20)
        for name, kind in (("tcdm", TcdmConfig), ("engine", EngineConfig), ("core", CoreConfig)):
            if not isinstance(getattr(self, name), kind):
                raise ConfigError(
                    f"{name} is {getattr(self, name)!r}, but must be a {kind.__name__}"
                )

    @property
    def harts(self):
        """Cores in all."""
        return self.workers + bool(self.control_core)

    def as_dict(self):
        """Every field, nested, as plain values."""
        return asdict(self)

    @property
    def hash(self):
        """32-bit hash of everything but the name: the identification register's value."""
        fields = self.as_dict()
        del fields["name"]
        text = json.dumps(fields, sort_keys=True)
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "little")
