"""Bare RV32 programs on both targets: how they start, what they print, how they end."""

import re
import struct
from pathlib import Path

import numpy as np
import pytest

from heed.errors import HeedError
from heed.exec import execute
from heed.simulator import Simulator, read_elf
from heed.simulator.iss import IssSimulator
from heed.targets import TARGETS
from heed.toolchain import compile, symbols
from heed.toolchain.compiler import FLAGS, run_compiler
from hw.config import DEVICE_BASE, TCDM_BASE
from hw.presets import TINY
from hw.regmap import DMA

FIRMWARE = Path(__file__).resolve().parents[2] / "firmware"
PROGRAMS = FIRMWARE / "tests"


def make_simulator(target):
    return Simulator.build(TINY) if target == "rtl" else IssSimulator(TINY)


@pytest.fixture(scope="module", params=TARGETS)
def simulator(request):
    return make_simulator(request.param)


def program(name, **defines):
    return compile([PROGRAMS / f"{name}.c"], config=TINY, defines=defines)


@pytest.mark.parametrize("target", TARGETS)
def test_hello(target):
    """The API behind `heed exec`: console bytes come as they are written."""
    heard = []
    result = execute(
        compile([FIRMWARE / "apps" / "hello.c"], config=TINY),
        config=TINY,
        target=target,
        cores=TINY.harts,
        console=heard.append,
    )
    lines = [f"hello from hart {hart} of {TINY.harts} on tiny\n" for hart in range(TINY.harts)]
    assert result.console.decode() == "".join(lines)
    assert b"".join(heard) == result.console
    assert result.status == 0 and result.exited
    assert len(heard) > 1 or result.seconds < 0.01


@pytest.mark.parametrize("code", [0, 1, 42, 255])
def test_exit_register(simulator, code):
    result = simulator.run(program("exit_code", CODE=code))
    assert (result.status, result.exited) == (code, True)


def test_exit_register_saturates(simulator):
    assert simulator.run(program("exit_code", CODE=1000)).status == 255


@pytest.mark.parametrize(
    ("section", "ender", "code", "status"),
    [
        (".data", 0, 1, 0),
        (".tcdm", 0, 1, 0),
        (".data", 1, 5 << 1 | 1, 5),
        (".tcdm", 1, 300 << 1 | 1, 255),
    ],
)
def test_tohost(simulator, section, ender, code, status):
    """The first whole word with bit 0 set ends the run, from any hart, in either memory."""
    elf = program("tohost", SECTION=f'"{section}"', ENDER=ender, CODE=code)
    result = simulator.run(elf, harts=2, max_cycles=50_000)
    assert result.console == b"still here\n"
    assert (result.status, result.exited) == (status, True)


def test_null_store_does_not_end_a_run_without_tohost(simulator):
    """A trap on the way to address 0 is reported by the runtime, not taken for the end."""
    elf = program("tohost", SECTION='".data"', ENDER=0, CODE=1)
    assert read_elf(elf, TINY).tohost is not None
    result = simulator.run(program("exit_code", CODE="*(volatile int *)0 = 1"))
    assert result.status == 200
    assert b"mcause 0x7," in result.console and b"mtval 0x00000000" in result.console


def test_max_cycles(simulator):
    """A run that does not end: status 124, where each hart was, exactly that many cycles."""
    elf = program("spin")
    result = simulator.run(elf, harts=2, max_cycles=5_000)
    assert (result.status, result.cycles, result.exited) == (124, 5_000, False)
    main = symbols(elf)["main"]
    assert all(main <= pc < main + 256 for pc in result.pcs)
    alone = simulator.run(elf, max_cycles=5_000)
    assert alone.pcs[1] == 0  # hart 1 was not started


def test_barrier(simulator):
    result = simulator.run(program("barrier"), harts=2)
    assert result.console == b"2 harts, 50 rounds\n"
    assert result.status == 0


def test_access_faults(simulator):
    """Every kind of access to nowhere traps with its cause and address.

    The DMA's registers are there on the instruction-set simulator only.
    """
    dma = isinstance(simulator, IssSimulator) and f"load {DEVICE_BASE + DMA.offset:08x}:"
    result = simulator.run(program("faults"))
    lines = result.console.decode().splitlines()
    causes = {"load": 5, "store": 7, "byte": 7, "jump": 1, "good": 0}
    assert len(lines) == 13
    for line in lines:
        what, address, cause, value = re.fullmatch(
            r"(\w+) (\w+): mcause (\d+) mtval (\w+)", line
        ).groups()
        if dma and line.startswith(dma):
            what = "good"
        expected = int(address, 16) if what != "good" else 0
        assert (int(cause), int(value, 16)) == (causes[what], expected), line
    assert result.status == 0


def test_interrupts(simulator):
    result = simulator.run(program("interrupts"), harts=2, max_cycles=100_000)
    assert result.console == b"software 1, timer 1, event 1\n"
    assert result.status == 0


def test_engine(simulator):
    """The engine does a job that a core asked for; the core woke up by its event and checked it."""
    result = simulator.run(program("engine", REPEATS=2), max_cycles=500_000)
    assert re.fullmatch(rb"2 jobs, the last in \d+ cycles\n", result.console)
    assert result.status == 0


def test_mailbox_loads_dumps_and_snapshots(simulator):
    """The host's data goes in, the TCDM at each mark and the results come out."""
    elf = program("mailbox")
    where = symbols(elf)
    given = np.arange(1024, dtype="<u4") * 2654435761
    result = simulator.run(
        elf,
        loads=[(where["given"], given.tobytes())],
        dumps=[(where["result"], 4096), (where["scratchpad"], 4096)],
        snapshots=True,
    )
    assert [value for _, value in result.mailbox] == [7, 0x80000000, 0x80000001, 0x80000002]
    cycles = [cycle for cycle, _ in result.mailbox]
    assert cycles == sorted(cycles) and cycles[-1] < result.cycles
    assert len(result.snapshots) == 3
    offset = where["scratchpad"] - TCDM_BASE
    for number, image in enumerate(result.snapshots):
        assert len(image) == TINY.tcdm.bytes
        words = np.frombuffer(image, "<u4", 1024, offset)
        assert np.array_equal(words, given * np.uint32(number + 1))
    assert np.array_equal(
        np.frombuffer(result.dumps[0], "<u4"), given * 3 + np.arange(1024, dtype="<u4")
    )
    assert result.dumps[1] == (given * 3).tobytes()
    again = simulator.run(elf, loads=[(where["given"], given.tobytes())])
    assert again.cycles == result.cycles and again.snapshots == []


def test_unaligned_loads_and_dumps(simulator):
    """Loads and dumps of any length at any address, in both memories."""
    rng = np.random.default_rng(3)
    places = [(TCDM_BASE + 0x1003, 77), (0x8010_0001, 50), (TCDM_BASE + TINY.tcdm.bytes - 5, 5)]
    data = [rng.bytes(length) for _, length in places]
    result = simulator.run(
        program("exit_code", CODE=0),
        loads=[(address, text) for (address, _), text in zip(places, data, strict=True)],
        dumps=places,
    )
    assert result.dumps == data


@pytest.fixture(scope="module")
def in_tcdm(tmp_path_factory):
    folder = tmp_path_factory.mktemp("in_tcdm")
    sources = [str(PROGRAMS / "in_tcdm.S"), "-T", str(PROGRAMS / "in_tcdm.ld")]
    run_compiler([*FLAGS, *sources, "-o", "in_tcdm.elf"], folder, "in_tcdm.S")
    return folder / "in_tcdm.elf"


def test_program_in_tcdm(simulator, in_tcdm):
    """Code in TCDM runs, and sees its own changes after fence.i."""
    result = simulator.run(in_tcdm, max_cycles=10_000)
    assert result.console == b"from TCDM\n"
    assert result.status == 13


def test_waves(tmp_path):
    """Only the window is in the file, and both viewers' save files name signals that it has."""
    file = tmp_path / "run.vcd"
    result = execute(program("barrier"), config=TINY, cores=2, waves=(file, 400, 450), console=None)
    assert result.status == 0
    text = file.read_text()
    times = [int(line[1:]) for line in text.splitlines() if re.fullmatch(r"#\d+", line)]
    assert times[0] == 2 * 400 and times[-1] == 2 * 450 + 1
    header = text[: text.index("$enddefinitions")]
    declared = set(re.findall(r"\$var \w+ +\d+ \S+ (\S+)", header))
    commands = (tmp_path / "run.sucl").read_text().splitlines()
    shown = [line.split()[1].rsplit(".", 1)[1] for line in commands if "variable_add" in line]
    assert commands[0] == "load_file run.vcd" and len(shown) > 40
    assert set(shown) <= declared
    save = (tmp_path / "run.gtkw").read_text()
    assert '[dumpfile] "run.vcd"' in save
    for title in ("hart 0", "hart 1 data", "engine", "TCDM banks"):
        assert f"-{title}\n" in save and f"divider_add {title}" in commands


def test_second_build_is_from_the_cache():
    said = []
    Simulator.build(TINY, progress=said.append)
    assert said == []


# What cannot run is refused before anything is built or started, with one message.


def elf_header(
    *, data, bits=1, order=1, machine=243, kind=2, flags=0, entry=0x8000_0000, **segment
):
    """Return a small ELF file of one segment."""
    header = struct.pack("<4sBBBBB7x", b"\x7fELF", bits, order, 1, 0, 0)
    size = segment.get("size", len(data))
    address = segment.get("address", 0x8000_0000)
    if order == 2:
        header += struct.pack(
            ">HHIIIIIHHHHHH", kind, machine, 1, entry, 52, 0, flags, 52, 32, 0, 40, 0, 0
        )
        return header + data
    if bits == 2:
        header += struct.pack(
            "<HHIQQQIHHHHHH", kind, machine, 1, entry, 0, 0, flags, 64, 56, 0, 64, 0, 0
        )
        return header + data
    header += struct.pack(
        "<HHIIIIIHHHHHH", kind, machine, 1, entry, 52, 0, flags, 52, 32, 1, 40, 0, 0
    )
    virtual = segment.get("virtual", address)
    header += struct.pack("<IIIIIIII", 1, 84, virtual, address, len(data), size, 5, 4)
    return header + data


CODE = bytes(64)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an ELF file"),
        (b"#!/bin/sh\necho hello\n", "is not an ELF file"),
        (elf_header(data=CODE)[:60], "is not an ELF file|damaged"),
        (elf_header(data=CODE, bits=2), "is an RV64 program, but the cores are RV32"),
        (elf_header(data=CODE, order=2), "is big-endian"),
        (elf_header(data=CODE, machine=40), "is a program for ARM, not for RISC-V"),
        (elf_header(data=CODE, kind=1), "is of type ET_REL, but must be a linked program"),
        (elf_header(data=CODE, flags=1), "compressed instructions"),
        (elf_header(data=CODE, address=0x2000_0000), "segment 0 at 0x20000000, 64 bytes"),
        (elf_header(data=CODE, size=1 << 30), "segment 0 at 0x80000000, 1073741824 bytes"),
        (elf_header(data=CODE, address=0x1001_FFF0), "segment 0 at 0x1001fff0, 64 bytes"),
        (elf_header(data=CODE)[:100], "says 64 bytes, but the file holds 16"),
        (elf_header(data=b"", size=0), "has nothing to load"),
        (elf_header(data=CODE, entry=0), "no usable entry point: 0x00000000"),
        (elf_header(data=CODE, entry=0x8000_0002), "no usable entry point: 0x80000002"),
        (elf_header(data=CODE, entry=0x8000_0040), "no usable entry point: 0x80000040"),
    ],
)
def test_bad_elf(tmp_path, content, message):
    file = tmp_path / "bad.elf"
    file.write_bytes(content)
    with pytest.raises(HeedError, match=message) as caught:
        execute(file, config=TINY)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_good_header_is_accepted(tmp_path):
    """The files above are bad for the one reason that their test names."""
    file = tmp_path / "good.elf"
    file.write_bytes(elf_header(data=CODE))
    assert read_elf(file, TINY).segments == ((0x8000_0000, CODE),)


def test_physical_addresses_count(tmp_path):
    """What a segment is linked for does not matter; what the file does not hold is not loaded."""
    file = tmp_path / "physical.elf"
    file.write_bytes(elf_header(data=CODE, virtual=0x4000_0000, size=4096))
    assert read_elf(file, TINY).segments == ((0x8000_0000, CODE),)


def test_missing_file(tmp_path):
    with pytest.raises(HeedError, match="cannot read .*none.elf: No such file"):
        execute(tmp_path / "none.elf", config=TINY)


def test_bad_targets(tmp_path):
    file = tmp_path / "good.elf"
    file.write_bytes(elf_header(data=CODE))
    with pytest.raises(HeedError, match="target is 'fpga', but must be one of: rtl, iss"):
        execute(file, config=TINY, target="fpga")
    with pytest.raises(HeedError, match="waves need target rtl, but target is iss"):
        execute(file, config=TINY, target="iss", waves=(tmp_path / "x.vcd", None, None))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"harts": 0}, "harts is 0, but preset tiny has 1 to 2"),
        ({"harts": 3}, "harts is 3, but preset tiny has 1 to 2"),
        ({"max_cycles": 0}, "max_cycles is 0"),
        ({"loads": [(0x3000_0000, b"x")]}, "data to load at 0x30000000, 1 bytes"),
        ({"dumps": [(0x1001_FFFF, 2)]}, "data to dump at 0x1001ffff, 2 bytes"),
    ],
)
def test_bad_arguments(simulator, arguments, message):
    with pytest.raises(HeedError, match=message):
        simulator.run(program("exit_code", CODE=0), **arguments)


def test_what_a_simulator_was_built_without():
    simulator = make_simulator("rtl")
    for arguments, message in (
        ({"waves": ("x.vcd", 0, 10)}, "built without waves"),
        ({"trace": print}, "built without tracing"),
    ):
        with pytest.raises(HeedError, match=message):
            simulator.run(program("exit_code", CODE=0), **arguments)
