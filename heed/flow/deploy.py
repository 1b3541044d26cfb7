"""From an integer graph to an ELF for a preset."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from heed.doctor import build_folder
from heed.errors import HeedError
from heed.flow.codegen import generate_source
from heed.flow.layout import choose_layouts
from heed.flow.lower import lower
from heed.flow.marks import MAX_LAYERS
from heed.flow.plan import STACK_BYTES, Plan, make_plan
from heed.toolchain import compile, symbols
from heed.toolchain.compiler import kernel_sources
from hw.config import TCDM_BASE, ClusterConfig
from sw_model.graph import Graph


@dataclass(frozen=True)
class Program:
    """A network ready to run.

    Parameters
    ----------
    plan
        Its memory.
    elf, source
        The program and the C that it was made from.
    io_address
        Where the host writes `struct network_io`.
    free_address
        Start of the main memory that the program leaves free.
    """

    plan: Plan
    elf: Path
    source: Path
    io_address: int
    free_address: int


def plan_graph(graph: Graph, config: ClusterConfig, engine: bool = True) -> Plan:
    """Plan a graph so that as much as possible can be compared afterwards.

    First every tensor and all attention logits keep their place; if that does not fit, tensors
    make room after their last use; at last, attention heads share the room for logits.

    Parameters
    ----------
    graph, config
    engine
        Whether linear layers and attention run on the engine, else on the cores.

    Raises
    ------
    HeedError
        If it does not fit even so, or cannot be lowered.
    """
    if len(graph.nodes) > MAX_LAYERS:
        raise HeedError(f"graph {graph.name} has {len(graph.nodes)} nodes; at most {MAX_LAYERS}")
    layouts = choose_layouts(graph)
    shown = lower(graph, layouts, config, engine=engine)
    try:
        return make_plan(shown, config)
    except HeedError:
        pass
    try:
        return make_plan(shown, config, keep_all=False)
    except HeedError:
        hidden = lower(graph, layouts, config, show_logits=False, engine=engine)
        return make_plan(hidden, config, keep_all=False)


def deploy(graph: Graph, config: ClusterConfig, engine: bool = True) -> Program:
    """Make the program of a graph; compiled only if no equal one was compiled before.

    Parameters
    ----------
    graph, config, engine
        As for `plan_graph`.

    Raises
    ------
    HeedError
        If the graph does not fit the cluster, or the compiler is missing.
    """
    plan = plan_graph(graph, config, engine)
    text = generate_source(plan)
    folder = build_folder() / "networks"
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(text.encode()).hexdigest()[:16]
    source = folder / f"{config.name}-{key}.c"
    if not source.is_file() or source.read_text() != text:
        source.write_text(text)
    elf = compile(
        [source, *kernel_sources()],
        config=config,
        stack_bytes=STACK_BYTES,
        flags=["-Wframe-larger-than=640"],
    )
    found = symbols(elf)
    if found["constants"] != TCDM_BASE:
        raise HeedError(
            f"the program's constants lie at {found['constants']:#x}, not at {TCDM_BASE:#x}"
        )
    return Program(plan, elf, source, found["network_io"], found["__main_free"])
