"""The whole core: random programs in lockstep with the model, compiled C, broken cores caught."""

import random
from dataclasses import replace

import pytest
from amaranth.hdl import *
from amaranth.lib.memory import Memory

from hw.core import core as core_module
from hw.core import execute as execute_module
from hw.core.core import Core
from hw.core.decode import INSTRUCTIONS, Decoder
from hw.core.units.multiplier import Multiplier
from hw.core.registers import RegisterFile
from hw.core.types import AluOp
from hw.verilog import to_verilog
from sw_model.isa import FlatMemory, Hart
from verif.lib.assembler import BASE, compile_c
from verif.lib.core_machine import MEMORY_BYTES, CoreMachine
from verif.lib.lockstep import Lockstep, check_run
from verif.lib.random_program import RandomProgram


def run_random(seed, *, length=180, stalls=0.0, interrupts=False):
    """Run a random program on a core and compare every event and the memory with the model."""
    program = RandomProgram(seed, length, interrupts=interrupts)
    rng = random.Random(seed)
    level = 0

    def levels(cycle, machine):
        nonlocal level
        if rng.random() < 0.03:
            level = rng.choice((0x8, 0x80, 0x800, 0x888))
        elif rng.random() < 0.2:
            level = 0
        return level

    hart = Hart(FlatMemory(BASE, program.data), BASE)
    machine = CoreMachine(
        Core(retire=True),
        b"",
        stalls=stalls,
        seed=seed,
        interrupts=levels if interrupts else None,
        observe=Lockstep(hart).check,
        memory=FlatMemory(BASE, program.data),
    )
    events = machine.run(until=program.end)
    assert machine.memory.data == hart.memory.data, "memory differs"
    return events


@pytest.mark.parametrize("stalls", [0.0, 0.3, 0.7])
@pytest.mark.parametrize("seed", range(3))
def test_random_programs(seed, stalls):
    events = run_random(seed, stalls=stalls)
    assert any(event.trap for event in events)


@pytest.mark.parametrize("seed", range(100, 104))
def test_random_programs_with_interrupts(seed):
    events = run_random(seed, stalls=0.3, interrupts=True)
    assert any(event.interrupt for event in events)


PROGRAM = """
#include <stdint.h>

static int32_t values[30];
static const char text[] = "123456789";

static void sort(int32_t *v, int n) {
    for (int i = 1; i < n; i++) {
        int32_t x = v[i];
        int j = i;
        for (; j > 0 && v[j - 1] > x; j--)
            v[j] = v[j - 1];
        v[j] = x;
    }
}

static uint32_t crc32(const char *s, int n) {
    uint32_t crc = ~0u;
    for (int i = 0; i < n; i++) {
        crc ^= (uint8_t)s[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return ~crc;
}

struct result {
    uint32_t sorted, crc;
    int64_t quotient, remainder;
} result;

volatile int64_t dividend = -1234567890123456789, divisor = 987654321;

int main(void) {
    uint32_t state = 1;
    for (int i = 0; i < 30; i++) {
        state = state * 1103515245u + 12345u;
        values[i] = (int32_t)state >> (i % 8);
    }
    sort(values, 30);
    result.sorted = 1;
    for (int i = 1; i < 30; i++)
        result.sorted &= values[i - 1] <= values[i];
    result.crc = crc32(text, 9);
    result.quotient = dividend / divisor;
    result.remainder = dividend % divisor;
    return 0;
}
"""


def test_compiled_c():
    image = compile_c(PROGRAM, stack=BASE + MEMORY_BYTES)
    start, end = image.symbols["_start"], image.symbols["_end"]
    machine = CoreMachine(Core(retire=True), image.data, boot_address=start)
    events = machine.run(until=end, cycles=40000)

    at = image.symbols["result"] - BASE
    sorted_, crc = (
        int.from_bytes(machine.memory.data[at + i : at + i + 4], "little") for i in (0, 4)
    )
    quotient, remainder = (
        int.from_bytes(machine.memory.data[at + i : at + i + 8], "little", signed=True)
        for i in (8, 16)
    )
    assert sorted_ == 1
    assert crc == 0xCBF43926, "the check value of CRC-32"
    assert quotient == -(1234567890123456789 // 987654321)
    assert remainder == -(1234567890123456789 % 987654321)

    hart = Hart(FlatMemory(BASE, image.padded(MEMORY_BYTES)), start)
    check_run(events, hart)
    assert machine.memory.data == hart.memory.data, "memory differs"


class StaleRegisters(RegisterFile):
    """A read does not see the write of its cycle: the first user of a load gets the old value."""

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = Memory(shape=32, depth=32, init=[])
        port, first, second = words.write_port(), words.read_port(), words.read_port()
        m.d.comb += [
            Cat(port.en, port.addr, port.data).eq(Cat(self.write, self.rd, self.rd_data)),
            Cat(first.addr, self.rs1_data).eq(Cat(self.rs1, first.data)),
            Cat(second.addr, self.rs2_data).eq(Cat(self.rs2, second.data)),
        ]
        return m


class UnsignedMultiplier(Multiplier):
    """`mulh` treats its operands as unsigned."""

    def elaborate(self, platform):
        m = Module()
        product = self.a * self.b
        m.d.comb += self.result.eq(Mux(self.op == 0, product[:32], product[32:]))
        return m


def decoder_with(name, *, op=None, **format):
    """Return a decoder whose row `name` is changed."""
    rows = [
        replace(row, op=row.op if op is None else op, format=row.format._replace(**format))
        if row.name == name
        else row
        for row in INSTRUCTIONS
    ]
    return lambda: Decoder(rows)


BROKEN = {
    "arithmetic shift": ("Decoder", decoder_with("sra", op=AluOp.SRL)),
    "forwarding to addi": ("Decoder", decoder_with("addi", reads_rs1=False)),
    "forwarding of store data": ("Decoder", decoder_with("sw", reads_rs2=False)),
    "branch sense": ("Decoder", decoder_with("bge", op=4)),
    "load into the register file": ("RegisterFile", StaleRegisters),
    "high products": ("Multiplier", UnsignedMultiplier),
}


@pytest.mark.parametrize("bug", BROKEN)
def test_broken_cores_are_caught(bug, monkeypatch):
    name, component = BROKEN[bug]
    module = core_module if hasattr(core_module, name) else execute_module
    monkeypatch.setattr(module, name, component)
    with pytest.raises(AssertionError, match="expected|memory differs"):
        for seed in range(10):
            run_random(seed, length=300)


@pytest.mark.parametrize("retire", [False, True])
def test_converts_to_verilog(retire):
    text = to_verilog(Core(retire=retire), name="core")
    assert ("retire__valid" in text) == retire
