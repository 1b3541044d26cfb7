"""The audit of one image: what is wrong with it, and its figures."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path

from heed.audit.image import Image, Sizes, read_image
from heed.audit.stack import Bound, StackUse
from heed.toolchain.kernels import KERNELS
from hw.config import CORE_GROUPS, ClusterConfig
from sw_model.isa import decode
from sw_model.isa.disassemble import disassemble


@dataclass(frozen=True)
class Stranger:
    """An instruction that the cores do not have: where it is, and what."""

    address: int
    function: str
    text: str

    def __str__(self) -> str:
        return f"{self.address:#010x} {self.function}: {self.text}"


@dataclass(frozen=True)
class Audit:
    """What was found in an image.

    Parameters
    ----------
    name, config
        The image, and the configuration whose instructions it may use.
    groups
        Extensions that it uses, besides the base.
    strangers
        Instructions that the cores do not have.
    sizes
        Bytes by what they are.
    given
        Stack of a hart in bytes; None when the image does not say.
    worst
        The most that a stack can need; infinite with recursion.
    entries
        The same of `main` and of each kernel, from its call on.
    code
        Bytes of each kernel's function, without those that it calls.
    indirect
        Calls by pointer: address, function, and what they can call.
    recursion
        Functions that call themselves, with those in between.
    problems
        Places where the stack could not be followed.
    """

    name: str
    config: str
    groups: tuple[str, ...]
    strangers: tuple[Stranger, ...]
    sizes: Sizes
    given: int | None
    worst: Bound
    entries: dict[str, float]
    code: dict[str, int]
    indirect: tuple[tuple[int, str, tuple[str, ...]], ...]
    recursion: tuple[tuple[str, ...], ...]
    problems: tuple[str, ...]

    @property
    def faults(self) -> list[str]:
        """What is wrong, a line each."""
        found = [f"not of {self.config}: {stranger}" for stranger in self.strangers]
        found += [f"recursion: {' -> '.join(cycle)}" for cycle in self.recursion]
        found += self.problems
        if not self.recursion and self.given is not None and self.worst.bytes > self.given:
            found.append(
                f"stack: {self.worst.bytes} bytes ({' -> '.join(self.worst.path)}), "
                f"but a hart has {self.given}"
            )
        return [f"{self.name}: {text}" for text in found]

    def as_dict(self) -> dict:
        """Return it as plain values; an infinite bound becomes None."""
        plain = asdict(self) | {"faults": self.faults}
        plain["worst"]["bytes"] = _finite(self.worst.bytes)
        plain["entries"] = {name: _finite(size) for name, size in self.entries.items()}
        return plain


def _finite(size: float) -> int | None:
    return None if math.isinf(size) else int(size)


def _instructions(
    image: Image, executed: set[int], config: ClusterConfig
) -> tuple[set[str], list[Stranger]]:
    """Groups in use, and instructions that the cores do not have.

    Of what is marked as data, only what is executed counts.
    """
    allowed = {"i", *config.core.groups}
    used, strangers = set(), []
    for address, word in sorted(image.code.items()):
        if address in image.inline and address not in executed:
            continue
        i = decode(word)
        if i is not None:
            used.add(i.row.group)
        if i is None or i.row.group not in allowed:
            name = image.name_of(address)
            strangers.append(Stranger(address, name, disassemble(word, address)))
    return used, strangers


def audit(
    elf: Path | str, config: ClusterConfig, name: str | None = None, nowhere: tuple[str, ...] = ()
) -> Audit:
    """Examine an image.

    Parameters
    ----------
    elf
        The linked program.
    config
        The cluster that it is for.
    name
        What it is called; its path when left out.
    nowhere
        Names of functions that call where no code is, to try what traps.

    Raises
    ------
    HeedError
        It is no program for this cluster.
    """
    image = read_image(elf, config)
    stack = StackUse(image, nowhere)
    used, strangers = _instructions(image, stack.executed, config)
    present = {known: address for address, known in image.names.items()}
    entries = {known: stack.of(known) for known in ("main", *KERNELS) if known in present}
    return Audit(
        name=name or str(elf),
        config=config.name,
        groups=tuple(group for group in CORE_GROUPS if group in used),
        strangers=tuple(strangers),
        sizes=image.sizes,
        given=image.stack_bytes,
        worst=stack.worst,
        entries={known: bound.bytes for known, bound in entries.items() if bound},
        code={
            known: image.end_of(present[known]) - present[known]
            for known in KERNELS
            if known in present
        },
        indirect=tuple(stack.indirect),
        recursion=tuple(stack.recursion),
        problems=tuple(stack.problems),
    )
