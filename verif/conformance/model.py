"""Runs conformance programs on the Python model."""

from hw.config import DEVICE_BASE, MAIN_BASE, TCDM_BASE, CoreConfig
from sw_model.isa import FlatMemory, Hart, MemoryMap, csr
from verif.conformance.interrupts import offset
from verif.conformance.program import Program

MAIN_BYTES, TCDM_BYTES = 1 << 20, 128 << 10
LIMIT = 5_000_000
"""Instructions after which a program is taken to hang."""


class EventUnit(FlatMemory):
    """As much of the event unit as raises interrupts of hart 0."""

    def __init__(self):
        super().__init__(DEVICE_BASE, bytes(0x1000), atomic=False)
        for name in ("mtimecmp_low", "mtimecmp_high"):
            super().store(offset(name), 4, 0xFFFFFFFF)

    def store(self, address: int, size: int, value: int) -> None:
        if address == offset("event_set"):
            self._pending(self._read("event_pending") | (value & 1) << 2)
        elif address == offset("event_pending"):
            self._pending(self._read("event_pending") & ~value)
        else:
            super().store(address, size, value)

    def _read(self, name: str) -> int:
        return self.load(offset(name), 4)

    def _pending(self, value: int) -> None:
        super().store(offset("event_pending"), 4, value)

    @property
    def levels(self) -> int:
        """Interrupts, as in `mip`; time is always later than 0 and earlier than all else."""
        software = self._read("msip") & 1
        timer = self._read("mtimecmp_low") == self._read("mtimecmp_high") == 0
        external = self._read("event_pending") & self._read("event_enable") != 0
        return software << csr.SOFTWARE | timer << csr.TIMER | external << csr.EXTERNAL


def run_on_model(program: Program, core: CoreConfig | None = None) -> bytes:
    """Run a program and return its signature.

    Raises
    ------
    RuntimeError
        When it does not end.
    """
    events = EventUnit()
    main, tcdm = (
        FlatMemory(base, bytes(size))
        for base, size in ((MAIN_BASE, MAIN_BYTES), (TCDM_BASE, TCDM_BYTES))
    )
    for address, contents in program.segments:
        region = main if main.holds(address) else tcdm
        start = address - region.base
        if start + len(contents) > len(region.data):
            raise RuntimeError(f"{program.name} does not fit into memory")
        region.data[start : start + len(contents)] = contents
    hart = Hart(MemoryMap(main, tcdm, events), program.entry, core=core)
    for _ in range(LIMIT):
        step = hart.step(events.levels)
        if step is None:
            raise RuntimeError(f"{program.name} sleeps at {hart.pc:#x}, and nothing wakes it")
        if step.mem_addr == program.tohost:
            break
    else:
        raise RuntimeError(f"{program.name} did not end after {LIMIT} instructions")
    region = main if main.holds(program.signature) else tcdm
    start = program.signature - region.base
    return bytes(region.data[start : start + 4 * len(program.expected)])
