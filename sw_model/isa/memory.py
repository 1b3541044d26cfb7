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

    def is_atomic(self, address: int) -> bool:
        """Whether atomic instructions work there."""


class FlatMemory:
    """One array of bytes; everything outside raises `AccessFault`.

    Parameters
    ----------
    base
        Address of its first byte.
    data
        Its contents; kept and written, not copied, when it is a bytearray.
    atomic
        Whether atomic instructions work in it; they do not on devices.
    """

    def __init__(self, base: int, data: bytes | bytearray, *, atomic: bool = True):
        self.base = base
        self.data = data if isinstance(data, bytearray) else bytearray(data)
        self._atomic = atomic

    def holds(self, address: int) -> bool:
        """Whether the address lies in it."""
        return 0 <= address - self.base < len(self.data)

    def is_atomic(self, address: int) -> bool:
        return self._atomic and self.holds(address)

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


class MemoryMap:
    """Several memories, each where it says; what lies in none raises `AccessFault`.

    Parameters
    ----------
    *regions
        Memories with a method `holds`.
    """

    def __init__(self, *regions: FlatMemory):
        self.regions = regions

    def _region(self, address: int) -> FlatMemory:
        for region in self.regions:
            if region.holds(address):
                return region
        raise AccessFault(f"{address:#010x}")

    def fetch(self, address: int) -> int:
        return self._region(address).fetch(address)

    def load(self, address: int, size: int) -> int:
        return self._region(address).load(address, size)

    def store(self, address: int, size: int, value: int) -> None:
        self._region(address).store(address, size, value)

    def is_atomic(self, address: int) -> bool:
        return any(region.is_atomic(address) for region in self.regions)
