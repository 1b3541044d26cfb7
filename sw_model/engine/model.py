"""Executes descriptors on an image of the TCDM: what the engine does, without its time."""

from dataclasses import dataclass, field

from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import ALL_HARTS, DESCRIPTOR, STATUS_WORD, Kind, Status
from sw_model.engine.attention import head_parameters_good, run_attention
from sw_model.engine.check import check, check_address
from sw_model.engine.copy import run_copy
from sw_model.engine.elementwise import run_elementwise
from sw_model.engine.layernorm import run_layernorm
from sw_model.engine.linear import run_linear

EXECUTORS = {
    Kind.LINEAR: run_linear,
    Kind.ATTENTION: run_attention,
    Kind.LAYERNORM: run_layernorm,
    Kind.ELEMENTWISE: run_elementwise,
    Kind.COPY: run_copy,
}
"""What executes a checked job of each kind: f(memory, fields) gives the shapes written."""


@dataclass(frozen=True)
class JobResult:
    """How a job ended.

    Parameters
    ----------
    address : int
        Of its descriptor.
    status : Status
    event_mask : int
        Of the event that it raised; every hart when no descriptor could be read.
    status_address : int
        Where the status word was written; 0 for nowhere.
    written : dict
        Shape [heads, rows, columns] of each operand written: "y", and "s" of attention.
    """

    address: int
    status: Status
    event_mask: int
    status_address: int = 0
    written: dict[str, tuple[int, ...]] = field(default_factory=dict)


class EngineModel:
    """The engine as a function on memory: jobs one after the other.

    The hardware overlaps jobs. It leaves the same bytes when these rules are kept:

    - Within a job, what is written (Y, scratch) overlaps neither other operands nor its own rows.
      Heads may share one scratch area. R may be Y itself, element for element (same base, strides
      and size of elements): each element is read before it is written.
    - What an earlier job writes is read only with the operand's WAIT flag (`wait_p` for entries
      and table), unless that job is known to have ended.
    - Bytes that two jobs write need a WAIT between them: a flag of the later job, or of one in
      between, on an operand that its outputs need. (Entries of raw outputs are not fetched: there
      `wait_p` orders nothing. Attention's logits need Q, K and entries, only its Y needs V.)
    - What an earlier job reads may be overwritten freely: its reads come before later writes.
    - Descriptors are fetched early: no job may write one, or a status word, that is still to be
      used.

    Parameters
    ----------
    config : ClusterConfig
        TCDM size and tile size matter.
    """

    def __init__(self, config: ClusterConfig):
        self.config = config

    def run(self, memory: bytearray, address: int, *, most_jobs: int = 4096) -> list[JobResult]:
        """Execute the chain of descriptors that starts at `address`; return a result for each.

        An error ends the chain. The status word's cycles, which a model without time does not
        know, are written as 0: comparisons with hardware leave that half out.

        Parameters
        ----------
        memory : bytearray
            The whole TCDM, offset 0 at TCDM_BASE; changed in place.
        address : int
            Absolute address of the first descriptor: what goes to the doorbell.
        most_jobs : int
            Longest chain taken; a chain that bites its tail would never end.

        Raises
        ------
        ValueError
            When the image does not have the TCDM's size or the chain is longer than `most_jobs`.
        """
        size = self.config.tcdm.bytes
        if len(memory) != size:
            raise ValueError(f"the memory image has {len(memory)} bytes, but must have {size}")
        results = []
        while True:
            if len(results) == most_jobs:
                raise ValueError(f"the chain has more than {most_jobs} descriptors")
            result, following = self._job(memory, address)
            results.append(result)
            if not following or result.status != Status.DONE:
                return results
            address = following

    def _job(self, memory: bytearray, address: int) -> tuple[JobResult, int]:
        """Execute one job; return its result and the address of the next descriptor or 0."""
        status = check_address(self.config, address)
        if status != Status.DONE:
            return JobResult(address, status, ALL_HARTS), 0
        offset = address - TCDM_BASE
        raw = bytes(memory[offset : offset + DESCRIPTOR.bytes])
        f = DESCRIPTOR.unpack(raw)
        status = check(self.config, raw)
        if status == Status.DONE and f["kind"] == Kind.ATTENTION:
            status = status if head_parameters_good(memory, f) else Status.BAD_PARAMETER
        written = {}
        if status == Status.DONE:
            written = EXECUTORS[f["kind"]](memory, f)
        where = 0 if status == Status.STATUS_ADDRESS else f["status"]
        if where:
            offset = where - TCDM_BASE
            memory[offset : offset + STATUS_WORD.bytes] = STATUS_WORD.pack(code=status)
        return JobResult(address, status, f["event_mask"], where, written), f["next"]
