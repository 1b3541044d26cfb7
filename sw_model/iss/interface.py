"""The C interface of the library: structures and signatures as in its headers."""

import ctypes
from ctypes import POINTER, c_int, c_uint8, c_uint32, c_uint64, c_void_p

from hw.config import CORE_GROUPS, ClusterConfig
from hw.regmap import DESCRIPTOR_VERSION, ENGINE_MAGIC


class Config(ctypes.Structure):
    """heed_config"""

    _fields_ = [
        (name, c_uint32)
        for name in (
            *("tcdm_bytes", "main_bytes", "harts", "groups", "event_counters", "dma"),
            *("engine_sizes", "engine_id", "engine_hash", "engine_queue"),
        )
    ]

    @classmethod
    def of(cls, config: ClusterConfig, dma: bool) -> "Config":
        """Describe a cluster to the library."""
        engine = config.engine
        sizes = (engine.units, engine.lanes, engine.ports, engine.queue_depth)
        return cls(
            tcdm_bytes=config.tcdm.bytes,
            main_bytes=config.main_bytes,
            harts=config.harts,
            groups=sum(1 << CORE_GROUPS.index(name) for name in config.core.groups),
            event_counters=config.core.event_counters,
            dma=dma,
            engine_sizes=int.from_bytes(bytes(sizes), "little"),
            engine_id=DESCRIPTOR_VERSION | ENGINE_MAGIC << 16,
            engine_hash=config.hash,
            engine_queue=engine.queue_depth,
        )


class Record(ctypes.Structure):
    """heed_retire"""

    _fields_ = [
        *((name, c_uint64) for name in ("time", "mem_time")),
        *((name, c_uint32) for name in ("pc", "next_pc", "insn", "rd_wdata", "rd2_wdata")),
        *((name, c_uint32) for name in ("mem_addr", "mem_rdata", "mem_wdata")),
        *((name, c_uint8) for name in ("rd_addr", "rd2_addr", "mem_rmask", "mem_wmask")),
        *((name, c_uint8) for name in ("trap", "cause", "irq", "irq_cause")),
    ]


class EngineJob(ctypes.Structure):
    """heed_engine_job"""

    _fields_ = [
        ("end", c_uint64),
        *((name, c_uint32) for name in ("code", "cycles", "address", "status", "event_mask")),
    ]


ENGINE = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, POINTER(EngineJob), c_int)
CONSOLE = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint8)
MAILBOX = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint64, c_uint32)
TRACE = ctypes.CFUNCTYPE(c_int, c_void_p, c_uint32, POINTER(Record))


class Run(ctypes.Structure):
    """heed_run"""

    _fields_ = [
        *((name, c_uint32) for name in ("entry", "harts", "tohost")),
        ("max_cycles", c_uint64),
        ("engine", ENGINE),
        ("console", CONSOLE),
        ("mailbox", MAILBOX),
        ("trace", TRACE),
        ("user", c_void_p),
    ]


EXITED, TIMED_OUT, UNHANDLED_TRAP, STOPPED, PAUSED = range(5)
"""heed_end"""


class Outcome(ctypes.Structure):
    """heed_outcome"""

    _fields_ = [
        *((name, c_uint32) for name in ("end", "exit_word")),
        ("cycles", c_uint64),
        ("instructions", c_uint64 * 16),
        ("pcs", c_uint32 * 16),
        *((f"trap_{name}", c_uint32) for name in ("hart", "cause", "pc", "insn", "value")),
    ]


def declare(library: ctypes.CDLL) -> None:
    """Tell ctypes the signatures of the library's functions."""
    library.heed_iss_new.argtypes = [POINTER(Config)]
    library.heed_iss_new.restype = c_void_p
    library.heed_iss_free.argtypes = [c_void_p]
    library.heed_iss_free.restype = None
    library.heed_iss_tcdm.argtypes = [c_void_p]
    library.heed_iss_tcdm.restype = c_void_p
    for function in (library.heed_iss_write, library.heed_iss_read):
        function.argtypes = [c_void_p, c_uint32, ctypes.c_char_p, c_uint32]
        function.restype = c_int
    library.heed_iss_start.argtypes = [c_void_p, POINTER(Run)]
    library.heed_iss_start.restype = None
    library.heed_iss_run.argtypes = [c_void_p, POINTER(Outcome)]
    library.heed_iss_run.restype = None
    library.heed_iss_execute.argtypes = [c_void_p, c_uint32, POINTER(c_uint32), POINTER(Record)]
    library.heed_iss_execute.restype = None
