"""What the simulated engine does when a doorbell rings, and how long that takes."""

from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import DESCRIPTOR, STATUS_WORD, Status
from sw_model.engine.model import EngineModel, JobResult
from sw_model.engine.timing import predict
from sw_model.iss.build import IssError
from sw_model.iss.interface import EngineJob

FAULT_CYCLES = 40
"""From the end of the job before, or the doorbell, to the event of a faulty job."""

NEXT_OFFSET = 4
"""Of a descriptor's field `next`, in bytes."""

EVENT_CYCLES = 4
"""From the cycle that a status word counts to, to the event."""


class Engine:
    """Executes chains of descriptors on the simulator's scratchpad.

    What jobs write is there at once. Their status words are left to the simulator, which writes
    them when the jobs end.
    """

    def __init__(self, config: ClusterConfig):
        self._config = config
        self._model = EngineModel(config)
        self._predicted: dict[bytes, list[tuple[int, int]]] = {}

    def run(self, memory: memoryview, address: int, most: int) -> list[EngineJob]:
        """Execute the chain at `address`; return its jobs with their ends.

        Raises
        ------
        IssError
            It has more than `most` jobs.
        """
        before = bytes(memory)
        try:
            results = self._model.run(memory, address, most_jobs=most)
        except ValueError as error:
            raise IssError(f"engine, doorbell {address:#010x}: {error}") from None
        for result in results:
            if result.status_address:
                offset = result.status_address - TCDM_BASE
                end = offset + STATUS_WORD.bytes
                memory[offset:end] = before[offset:end]
        return [
            EngineJob(
                end=end,
                code=int(result.status),
                cycles=max(end - start - EVENT_CYCLES, 0),
                address=result.address,
                status=result.status_address,
                event_mask=result.event_mask,
            )
            for result, (start, end) in zip(results, self._times(before, results), strict=True)
        ]

    def _times(self, memory: bytes, results: list[JobResult]) -> list[tuple[int, int]]:
        """Return start and end of each job, in cycles from the doorbell."""
        good = [result.address for result in results if result.status == Status.DONE]
        times = list(self._predict(memory, good)) if good else []
        if len(good) < len(results):
            start = times[-1][1] if times else 0
            times.append((start, start + FAULT_CYCLES))
        return times

    def _predict(self, memory: bytes, chain: list[int]) -> list[tuple[int, int]]:
        """The times of a chain of good jobs; they depend on its descriptors only."""
        key = b"".join(
            address.to_bytes(4, "little") + memory[address - TCDM_BASE :][: DESCRIPTOR.bytes]
            for address in chain
        )
        if key not in self._predicted:
            cut = bytearray(memory)
            following = chain[-1] - TCDM_BASE + NEXT_OFFSET
            cut[following : following + 4] = bytes(4)  # nothing behind the last good job
            jobs = predict(self._config, cut, chain[:1]).jobs
            self._predicted[key] = [(job.start, job.end) for job in jobs]
        return self._predicted[key]
