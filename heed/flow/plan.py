"""Stage 3: every area gets its address in TCDM, and descriptors get their bytes.

TCDM from its start: descriptors, constants (both in the program's `.tcdm` section, so the loader
fills them), status words, tensors, and at its end the harts' stacks.
"""

from dataclasses import dataclass

from heed.errors import HeedError
from heed.flow.arena import DoesNotFit, Life, place
from heed.flow.layer import Job, Layer, Lowered, Ref, Value
from heed.flow.layout import align
from hw.config import TCDM_BASE, ClusterConfig
from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_ALIGN,
    DESCRIPTOR_VERSION,
    STATUS_WORD,
    Status,
)
from sw_model.engine.check import check

STACK_BYTES = 1024
"""Stack of each hart."""

EVENT_MASK = 1
"""Hart 0 runs the engine."""


@dataclass(frozen=True)
class Plan:
    """A program's memory.

    Parameters
    ----------
    lowered
        The layers.
    config
        The cluster.
    addresses
        Address of every area.
    image
        Contents of TCDM from its start: descriptors and constants.
    constants
        Name, offset in `image` and bytes of each part of it, in order.
    keeps_all
        Whether every tensor keeps its place to the end of an image.
    """

    lowered: Lowered
    config: ClusterConfig
    addresses: dict[str, int]
    image: bytes
    constants: tuple[tuple[str, int, int], ...]
    keeps_all: bool

    @property
    def layers(self) -> tuple[Layer, ...]:
        return self.lowered.layers

    def resolve(self, value: Value) -> int:
        """Return a value with its address filled in."""
        return self.addresses[value.area] + value.offset if isinstance(value, Ref) else int(value)

    def offset(self, area: str) -> int:
        """Return where an area starts, counted from the start of TCDM."""
        return self.addresses[area] - TCDM_BASE

    def read(self, memory, tensor: str):
        """Return a tensor out of an image of the whole TCDM."""
        return self.lowered.layouts[tensor].read(memory, self.offset(tensor))


def jobs_area(layer: Layer) -> str:
    """Name of the area of a layer's descriptors."""
    return f"{layer.name}/jobs"


def status_area(layer: Layer) -> str:
    """Name of the area of a layer's status words."""
    return f"{layer.name}/status"


def _engine_layers(lowered: Lowered) -> list[Layer]:
    return [layer for layer in lowered.layers if layer.where == "engine"]


def _fixed_areas(lowered: Lowered) -> tuple[dict[str, int], dict[str, int]]:
    """Return the sizes of the areas in the program, and of the status words after them."""
    engine = _engine_layers(lowered)
    inside = {jobs_area(layer): DESCRIPTOR.bytes * len(layer.steps) for layer in engine}
    inside |= {name: len(contents) for name, contents in lowered.constants.items()}
    return inside, {status_area(layer): STATUS_WORD.bytes * len(layer.steps) for layer in engine}


def _lives(lowered: Lowered, keep_all: bool) -> list[Life]:
    """Return the life of every tensor and scratch area.

    A view lives in the tensor that it shows. Inputs matter from before the first layer (-1) through
    it, when all are read back; outputs until after the last.
    """
    graph, end = lowered.graph, len(lowered.layers)
    sizes = {name: layout.bytes for name, layout in lowered.layouts.items()} | lowered.scratch
    sizes = {name: size for name, size in sizes.items() if name not in lowered.views}
    uses: dict[str, list[int]] = {name: [] for name in sizes}
    for name in graph.inputs:
        uses[name] += [-1, 0]
    for index, layer in enumerate(lowered.layers):
        for name in layer.refs() | set(layer.writes):
            if (home := lowered.views.get(name, name)) in sizes:
                uses[home].append(index)
    for name in graph.outputs:
        uses[lowered.views.get(name, name)].append(end)
    return [
        Life(name, sizes[name], min(used), end if keep_all else max(used))
        for name, used in uses.items()
        if used
    ]


def _place_all(
    lowered: Lowered, config: ClusterConfig, keep_all: bool
) -> tuple[dict[str, int], tuple[tuple[str, int, int], ...]]:
    """Return the offset of every area, and the parts of the program's image."""
    inside, status = _fixed_areas(lowered)
    for name in lowered.layouts.keys() & (inside | status).keys():
        raise HeedError(f"graph {lowered.graph.name}: rename tensor {name}, a constant's name")
    offsets, at = {}, 0
    for name, size in (inside | status).items():
        offsets[name] = at
        at += align(size)
    limit = config.tcdm.bytes - config.harts * STACK_BYTES
    if at > limit:
        raise HeedError(
            f"graph {lowered.graph.name} does not fit: its constants take {at} bytes, but TCDM of "
            f"preset {config.name} has {limit} beside {config.harts * STACK_BYTES} of stacks"
        )
    try:
        offsets |= place(_lives(lowered, keep_all), at, limit)
    except DoesNotFit as problem:
        raise HeedError(
            f"graph {lowered.graph.name} does not fit: {problem.life.name} needs "
            f"{problem.life.bytes} bytes and would end at {problem.peak}, but TCDM of preset "
            f"{config.name} has {limit} beside {config.harts * STACK_BYTES} of stacks "
            f"({at} hold constants)"
        ) from None
    offsets |= {view: offsets[home] for view, home in lowered.views.items()}
    return offsets, tuple((name, offsets[name], align(size)) for name, size in inside.items())


def _encode(plan: Plan, layer: Layer) -> bytes:
    """Return the descriptors of a layer, chained."""
    first, status = plan.addresses[jobs_area(layer)], plan.addresses[status_area(layer)]
    raw = b""
    for index, job in enumerate(layer.steps):
        assert isinstance(job, Job)
        last = index == len(layer.steps) - 1
        one = DESCRIPTOR.pack(
            version=DESCRIPTOR_VERSION,
            next=0 if last else first + (index + 1) * DESCRIPTOR.bytes,
            status=status + index * STATUS_WORD.bytes,
            event_mask=EVENT_MASK,
            **{name: plan.resolve(value) for name, value in job.fields.items()},
        )
        code = check(plan.config, one)
        if code != Status.DONE:
            raise HeedError(f"node {layer.name}: the engine would refuse job {index}: {code.name}")
        raw += one
    return raw


def make_plan(lowered: Lowered, config: ClusterConfig, *, keep_all: bool = True) -> Plan:
    """Place everything that a program needs in TCDM.

    Parameters
    ----------
    lowered
        The layers and areas.
    config
        The cluster.
    keep_all
        Whether tensors keep their place to the end, instead of making room after their last use.

    Raises
    ------
    HeedError
        If something finds no room (the message names it and the sizes), or if the engine would
        refuse a job.
    """
    offsets, constants = _place_all(lowered, config, keep_all)
    addresses = {name: TCDM_BASE + offset for name, offset in offsets.items()}
    plan = Plan(lowered, config, addresses, b"", constants, keep_all)
    contents = lowered.constants | {
        jobs_area(layer): _encode(plan, layer) for layer in _engine_layers(lowered)
    }
    image = bytearray(max((offset + size for _, offset, size in constants), default=0))
    for name, offset, _ in constants:
        image[offset : offset + len(contents[name])] = contents[name]
    for layer in _engine_layers(lowered):
        assert addresses[jobs_area(layer)] % DESCRIPTOR_ALIGN == 0
    return Plan(lowered, config, addresses, bytes(image), constants, keep_all)
