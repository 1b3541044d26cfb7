import numpy as np
import pytest

from hw.attention.streams.loader import InputLoader
from hw.verilog import to_verilog
from verif.lib.configs import find_config
from verif.lib.row_memory import RowMemory, is_reached
from verif.lib.streams import Item, send, simulate

START = (1 << 24) - 20


def visible(step, row, lane):
    """Whether a lane of a row of a step counts, said as in the arithmetic's definition."""
    if lane >= step["lanes"]:
        return False
    if not step["softmax"]:
        return True
    mask = step["mask"]
    key, query = step["key"] + lane, step["row"] + row
    return key < mask["kv_length"] and (not mask["causal"] or key <= query + mask["offset"])


def random_step(rng, tile, *, softmax=None, waits=0.0):
    row = int(rng.choice([0, 5, 50, 65_535 - tile]))
    key = int(rng.choice([0, tile, 3 * tile, 65_520 // tile * tile]))
    near = key + int(rng.integers(-tile, 2 * tile))
    return {
        "word": int(rng.integers(0, 1000)),
        "stride": int(rng.integers(0, 20)),
        "rows": int(rng.integers(1, tile + 1)),
        "lanes": int(rng.integers(1, tile + 1)),
        "gate": {
            "wait": int(rng.random() < waits),
            "by_row": int(rng.integers(0, 2)),
            "position": 0,
        },
        "softmax": int(rng.integers(0, 2)) if softmax is None else softmax,
        "accumulate": int(rng.integers(0, 2)),
        "first_sum": int(rng.integers(0, 2)),
        "sums_up": int(rng.integers(0, 2)),
        "turn": int(rng.integers(0, 4)),
        "row": row,
        "key": key,
        "mask": {
            "kv_length": int(np.clip(near, 0, 65_535)),
            "causal": int(rng.integers(0, 2)),
            "offset": int(np.clip(rng.choice([near - row, 0, -32_768, 32_767]), -32_768, 32_767)),
        },
    }


def needed(step, row):
    """Return the position whose writes a row waits for, or None."""
    gate = step["gate"]
    return gate["position"] + (row + 1 if gate["by_row"] else 0) if gate["wait"] else None


def run(
    config,
    steps,
    rng,
    *,
    chance=1.0,
    masses=1.0,
    limit=10**6,
    pace=0.0,
    release=0.2,
    deadline=20_000,
):
    """Load `steps`; check every command and row. Return cycles, the memory, rows' cycles."""
    lanes, row_words = config.engine.lanes, config.engine.row_words
    dut = InputLoader(config=config)
    words = rng.integers(0, 1 << 64, 1 << 11, dtype=np.uint64)
    memory = RowMemory(dut, words, row_words, rng, chance, position=START, pace=pace, limit=limit)
    rows = [(step, row) for step in steps for row in range(step["rows"])]
    came = []
    begun_sums = taken_sums = 0

    async def stepper(ctx):
        await send(ctx, dut, dut.step, [Item(step) for step in steps], rng, chance)

    async def surroundings(ctx):
        nonlocal begun_sums, taken_sums
        ended = released = 0
        flags = ("softmax", "accumulate", "first_sum", "sums_up", "turn")
        while len(came) < len(rows):
            free_one = ended > released and rng.random() < release
            masses_open = rng.random() < masses
            ctx.set(dut.release, free_one)
            ctx.set(dut.masses_open, masses_open)
            o = dut.o
            sample = await ctx.tick().sample(
                o.valid,
                dut.row.valid,
                o.payload.row,
                o.payload.data.as_value(),
                dut.keep,
                dut.step.valid & dut.step.ready,
                dut.step.payload.sums_up,
                dut.masses_take,
                *(getattr(dut, name) for name in flags),
            )
            sent, answered, row, data, keep, begun, sums, take, *got = sample[-8 - len(flags) :]
            released += free_one
            begun_sums += begun and sums
            taken_sums += take
            assert take == (begun and sums)
            assert masses_open or not take
            assert sent == answered
            assert len({id(step) for step, _ in rows[: len(memory.asked)]}) <= released + 2
            if sent:
                step, number = rows[len(came)]
                want = words[(step["word"] + number * step["stride"] + np.arange(row_words)) % 2048]
                bits = int.from_bytes(want.tobytes(), "little")
                bits_asked = 64 * -(-step["lanes"] // 8)
                assert row == number
                assert (data ^ bits) % (1 << bits_asked) == 0
                sight = [visible(step, row, lane) for lane in range(lanes)]
                assert [keep >> lane & 1 for lane in range(lanes)] == sight
                assert got == [step[name] for name in flags]
                ended += number + 1 == step["rows"]
                came.append(memory.cycle)

    cycles = simulate(dut, stepper, surroundings, background=(memory.serve,), deadline=deadline)
    for asked, (step, row) in zip(memory.asked, rows, strict=True):
        assert asked.word == step["word"] + row * step["stride"]
        assert asked.count == -(-step["lanes"] // 8)
        position = needed(step, row)
        assert position is None or is_reached(position, asked.performed)
    assert begun_sums == taken_sums == sum(step["sums_up"] for step in steps)
    return cycles, memory, came


@pytest.mark.parametrize("name", ["tiny", "half"])
@pytest.mark.parametrize("chance", [1, 0.5])
@pytest.mark.parametrize("softmax", [0, 1, None])
def test_rows_and_lanes(name, chance, softmax):
    config = find_config(name)
    rng = np.random.default_rng(6)
    steps = [random_step(rng, config.engine.tile, softmax=softmax) for _ in range(30)]
    run(config, steps, rng, chance=chance, masses=chance)


@pytest.mark.parametrize("chance", [1, 0.6])
def test_gates(chance):
    """No row is asked for before what it waits for is performed, also where positions wrap."""
    config = find_config("tiny")
    rng = np.random.default_rng(7)
    steps = [random_step(rng, config.engine.tile, waits=0.8) for _ in range(30)]
    position = START
    for step in steps:
        step["gate"]["position"] = position % (1 << 24)
        position += step["rows"]
    _, memory, _ = run(config, steps, rng, chance=chance, pace=0.3)
    assert memory.held_back > 100


def test_row_is_asked_for_in_the_cycle_in_which_its_gate_opens():
    config = find_config("tiny")
    rng = np.random.default_rng(8)
    step = random_step(rng, 16) | {"rows": 16, "sums_up": 0}
    step["gate"] = {"wait": 1, "by_row": 1, "position": START}
    _, memory, _ = run(config, [step], rng, pace=0.2)
    for row, asked in enumerate(memory.asked):
        assert asked.performed == (START + row + 1) % (1 << 24) or (
            memory.asked[row - 1].cycle == asked.cycle - 1
        )


def test_a_closed_gate_holds():
    """What the other tests rely on: a gate that never opens lets nothing through."""
    config = find_config("tiny")
    rng = np.random.default_rng(9)
    step = random_step(rng, 16) | {"rows": 16}
    step["gate"] = {"wait": 1, "by_row": 1, "position": START}
    with pytest.raises(AssertionError, match="not finished"):
        run(config, [step], rng, pace=1, limit=15, deadline=500)


def test_a_row_a_cycle_across_tiles():
    config = find_config("tiny")
    rng = np.random.default_rng(10)
    steps = [random_step(rng, 16) | {"rows": 16} for _ in range(12)]
    _, memory, came = run(config, steps, rng, release=1)
    cycles = [asked.cycle for asked in memory.asked]
    assert cycles[31] - cycles[0] == 31, "two tiles, two buffers"
    assert came[-1] - came[0] <= 12 * 16 + 5 * 10, "then as fast as the buffers are released"


@pytest.mark.parametrize("name", ["tiny", "narrow", "square", "half", "paper"])
def test_converts(name):
    assert "module loader" in to_verilog(InputLoader(config=find_config(name)), name="loader")
