"""The proofs' expectations against the Python model, which was written apart from them."""

import random

import pytest
from amaranth.lib.data import Layout
from amaranth.sim import Simulator

from sw_model.isa.decode import decode
from sw_model.isa.hart import Hart
from sw_model.isa.memory import AccessFault
from verif.formal.core import spec as spec_module
from verif.formal.core.environment import configuration
from verif.formal.core.spec import GROUPS, MAIN_BASE, ROWS, TCDM_BASE, Expected, Row, Spec

CONFIG = configuration("m")
WORD = 0xFFFFFFFF
MIDDLE = TCDM_BASE + 2048
CORNERS = (0, 1, 4, 31, 0x7FFFFFFF, 0x80000000, WORD, TCDM_BASE, MIDDLE, MIDDLE + 2, MAIN_BASE)


class OneWord:
    """Memory that gives the same instruction and value everywhere, within the memory map."""

    def __init__(self, insn: int, value: int):
        self.insn, self.value = insn, value
        self.stored: tuple[int, int, int] | None = None

    def fetch(self, address: int) -> int:
        return self.insn

    def load(self, address: int, size: int) -> int:
        self._check(address)
        return self.value & (1 << 8 * size) - 1

    def store(self, address: int, size: int, value: int) -> None:
        self._check(address)
        self.stored = address, (1 << size) - 1, value & (1 << 8 * size) - 1

    def is_atomic(self, address: int) -> bool:
        return True

    def _check(self, address):
        main = 0 <= address - MAIN_BASE < CONFIG.main_bytes
        devices = 0 <= address - 0x1010_0000 < 1 << 16
        if not (0 <= address - TCDM_BASE < CONFIG.tcdm.bytes or main or devices):
            raise AccessFault


def word_of(row: Row, rng: random.Random) -> int:
    bits = (bit if bit != "-" else rng.choice("01") for bit in row.pattern)
    return int("".join(bits), 2)


def operand(rng: random.Random) -> int:
    return rng.choice((rng.choice(CORNERS), rng.randrange(1 << 32), rng.randrange(64)))


def disagreements(names, count: int, seed: int = 1) -> list[str]:
    """Run words of each instruction through both; return what differs."""
    rng = random.Random(seed)
    dut = Spec(names, config=CONFIG)
    found = []

    async def bench(ctx):
        for name in names:
            for _ in range(count):
                insn, a, b = word_of(ROWS[name], rng), operand(rng), operand(rng)
                pc, loaded = rng.randrange(1 << 30) * 4, operand(rng)
                rs1, rs2 = insn >> 15 & 31, insn >> 20 & 31
                memory = OneWord(insn, loaded)
                hart = Hart(memory, pc, core=CONFIG.core)
                hart.x[rs1], hart.x[rs2] = a, b
                hart.x[0] = 0
                inputs = dict(insn=insn, pc=pc, a=hart.x[rs1], b=hart.x[rs2], loaded=loaded)
                for port, value in inputs.items():
                    ctx.set(getattr(dut, port), value)
                assert ctx.get(dut.known)
                expected = {key: ctx.get(dut.expected[key]) for key, _ in Layout.cast(Expected)}
                event = hart.step() or hart.step()
                if event is not None and (wrong := compare(name, expected, event, memory)):
                    found.append(f"{name} {insn:08x} {inputs}: {wrong}")

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
    return found


def compare(name, expected, event, memory) -> str:
    """Say in which field the two differ."""
    if event.trap or expected["traps"]:
        if bool(event.trap) != bool(expected["traps"]) and not expected["may_trap"]:
            return "traps"
        return "" if event.cause == expected["cause"] else "cause"
    if event.rd_addr != expected["rd"]:
        return "rd"
    open_value = expected["any_rd"] or name in GROUPS["multiply"]
    if event.rd_addr and not open_value and event.rd_wdata != expected["value"]:
        return "value"
    if not expected["any_pc"] and event.next_pc != expected["pc"]:
        return "pc"
    if memory.stored and memory.stored != (
        expected["address"],
        expected["writes"],
        expected["stored"],
    ):
        return "stored"
    if event.mem_rmask != expected["reads"] or event.mem_wmask != expected["writes"]:
        return "masks"
    return ""


@pytest.mark.parametrize("group", GROUPS)
def test_spec_is_the_models(group):
    assert disagreements(GROUPS[group], 60) == []


@pytest.mark.parametrize(
    "name, old, new",
    [
        ("sra", "x.as_signed() >> y[:5]", "x >> y[:5]"),
        ("bge", "~_less(x, y)", "_less(y, x)"),
        ("jalr", "(o.a + o.i)[1:32]", "(o.pc + o.i)[1:32]"),
        ("lh", '"lh": (1, 2, True)', '"lh": (1, 2, False)'),
        ("sw", "STORE_MISALIGNED, STORE_FAULT) |", "LOAD_MISALIGNED, STORE_FAULT) |"),
    ],
)
def test_a_wrong_expectation_is_found(name, old, new, monkeypatch):
    from pathlib import Path

    source = Path(spec_module.__file__).read_text()
    assert source.count(old) == 1
    names = {"__name__": spec_module.__name__}
    exec(compile(source.replace(old, new), "wrong spec", "exec"), names)
    monkeypatch.setitem(ROWS, name, names["ROWS"][name])
    assert disagreements([name], 200)


def test_known_is_what_the_model_knows():
    rng = random.Random(2)
    dut = Spec(tuple(ROWS), config=CONFIG)

    async def bench(ctx):
        words = [rng.randrange(1 << 32) for _ in range(200)]
        words += [word_of(rng.choice(list(ROWS.values())), rng) for _ in range(400)]
        # One bit off: often no instruction any more.
        words += [
            word_of(rng.choice(list(ROWS.values())), rng) ^ 1 << rng.randrange(32)
            for _ in range(1500)
        ]
        seen = set()
        for word in words:
            ctx.set(dut.insn, word)
            decoded = decode(word)
            known = decoded is not None and decoded.row.group in ("i", "m")
            assert bool(ctx.get(dut.known)) == known, f"{word:08x}"
            seen.add(known)
        assert seen == {False, True}

    simulator = Simulator(dut)
    simulator.add_testbench(bench)
    simulator.run()
