"""Retired instructions as the simulator of the RTL sends them."""

import os
import struct
import threading
from collections.abc import Callable

from sw_model.iss.iss import Retired

_FRAME = struct.Struct("<Q2Q8I8B")
"""The hart, then the record."""


class RecordPipe:
    """A pipe that a simulator writes records to while a thread of its own hands them on.

    Use it as a context manager around the run, and call `started` once the simulator has the
    pipe's end; leaving waits for the last record. When `receive` raises, the simulator loses its
    pipe and stops, and leaving raises that error.

    Parameters
    ----------
    receive
        Gets hart and record of each instruction, in order.
    """

    def __init__(self, receive: Callable[[int, Retired], None]):
        self._receive = receive
        self._error: BaseException | None = None

    def __enter__(self) -> "RecordPipe":
        self._reader, self.end = os.pipe()
        self._open = True
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        return self

    def started(self) -> None:
        """Give up our copy of the end that the simulator writes to."""
        if self._open:
            self._open = False
            os.close(self.end)

    def __exit__(self, *_: object) -> None:
        self.started()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _read(self) -> None:
        try:
            with open(self._reader, "rb", buffering=1 << 20) as file:
                while len(data := file.read(_FRAME.size)) == _FRAME.size:
                    hart, *fields = _FRAME.unpack(data)
                    self._receive(hart, Retired._make(fields))
        except BaseException as error:
            self._error = error
