"""Memory as a hart sees it."""

from typing import Protocol


class AccessFault(Exception):
    """Nothing answers at this address."""


class Memory(Protocol):
    """What a hart needs; sizes are 1, 2 or 4 bytes and addresses are multiples of the size."""

    def fetch(self, address: int) -> int:
        """Return the instruction word there."""

    def load(self, address: int, size: int) -> int:
        """Return an unsigned value, little-endian."""

    def store(self, address: int, size: int, value: int) -> None:
        """Write the low `size` bytes of `value`."""


class FlatMemory:
    """One array of bytes; everything outside raises `AccessFault`.

    Parameters
    ----------
    base
        Address of its first byte.
    data
        Its contents; kept and written, not copied, when it is a bytearray.
    """

    def __init__(self, base: int, data: bytes | bytearray):
        self.base = base
        self.data = data if isinstance(data, bytearray) else bytearray(data)

    def _offset(self, address: int, size: int) -> int:
        offset = address - self.base
        if not 0 <= offset <= len(self.data) - size:
            raise AccessFault(f"{address:#010x}")
        return offset

    def fetch(self, address: int) -> int:
        return self.load(address, 4)

    def load(self, address: int, size: int) -> int:
        offset = self._offset(address, size)
        return int.from_bytes(self.data[offset : offset + size], "little")

    def store(self, address: int, size: int, value: int) -> None:
        offset = self._offset(address, size)
        self.data[offset : offset + size] = (value & (1 << 8 * size) - 1).to_bytes(size, "little")
