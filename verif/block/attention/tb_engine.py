"""Runs inside the simulator: random jobs, chains, faults, soft clears, doorbells."""

import os
import random

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_ALIGN,
    DESCRIPTOR_VERSION,
    HEAD_PARAMETER,
    MAX_SIZE,
    PARAMETER,
    Kind,
    MaskMode,
    ParamMode,
    Status,
)
from sw_model.engine import check
from verif.lib.configs import find_config
from verif.lib.engine_bench import EngineBench, compare, event_masks, expected
from verif.lib.engine_jobs import (
    Full,
    Image,
    Job,
    put_head,
    random_attention,
    random_job,
    random_linear,
)

CONFIG = find_config(os.environ["CONFIG"])
JOBS = int(os.environ["JOBS"])
GRANTS = (1.0, 1.0, 0.9, 0.7, 0.5)


def rng() -> np.random.Generator:
    return np.random.default_rng(random.getrandbits(32))


async def begin(dut) -> EngineBench:
    bench = EngineBench(dut, CONFIG, "top")
    await bench.start()
    return bench


def jobs_of(generator, count: int, **sizes: int):
    """Return an image with up to `count` jobs from `generator`, and these."""
    image, jobs = Image(CONFIG, generator), []
    try:
        while len(jobs) < count:
            jobs.append(random_job(image, **sizes))
    except Full:
        pass
    return image, jobs


async def run_and_compare(bench, generator, place, number) -> None:
    image = Image(CONFIG, generator)
    job = place(image)
    chance = float(generator.choice(GRANTS))
    bench.grant(chance)
    want, results = expected(CONFIG, image.bytes, job.address)
    assert [r.status for r in results] == [Status.DONE]
    got = await bench.run(image.bytes, job.address)
    compare(got, want, results, f"job {number}, granted {chance}: {job.fields}", bench.cycles)
    assert bench.events == event_masks(results)


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def linear(dut):
    bench, generator = await begin(dut), rng()
    before = await bench.read("jobs")
    for number in range(JOBS):
        await run_and_compare(bench, generator, random_linear, number)
    assert await bench.read("jobs") == before + JOBS


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def attention(dut):
    bench, generator = await begin(dut), rng()
    for number in range(JOBS):
        await run_and_compare(bench, generator, random_attention, number)


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def chains_and_doorbells(dut):
    """Jobs in chains of random lengths behind several doorbells, in order."""
    bench, generator = await begin(dut), rng()
    for number in range(JOBS // 4):
        image, jobs = jobs_of(generator, int(generator.integers(2, 8)), largest=24)
        doorbells, chained = [], False
        for job, following in zip(jobs, [*jobs[1:], None], strict=True):
            if not chained:
                doorbells.append(job.address)
            chained = following is not None and (
                len(doorbells) == CONFIG.engine.queue_depth or generator.random() < 0.5
            )
            job.fields["next"] = following.address if chained else 0
            job.store()
        bench.grant(float(generator.choice(GRANTS)))
        want, results = expected(CONFIG, image.bytes, *doorbells)
        assert len(results) == len(jobs)
        got = await bench.run(image.bytes, *doorbells)
        compare(got, want, results, f"chain {number}", bench.cycles)
        assert bench.events == event_masks(results)


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def faults(dut):
    """Descriptors with one thing wrong, in the middle of a chain: nothing of them is written."""
    bench, generator = await begin(dut), rng()
    seen = set()
    for number in range(2 * JOBS):
        image, jobs = jobs_of(generator, 3, largest=12)
        good, bad, never = jobs
        bad.fields["next"] = never.address
        bad.store()
        what = corrupt(generator, bad)
        good.fields["next"] = bad.fields.pop("address", bad.address)
        good.store()
        want, results = expected(CONFIG, image.bytes, good.address)
        status = results[-1].status
        if status == Status.DONE or len(results) == 1:
            continue
        seen.add(status)
        bench.grant(float(generator.choice(GRANTS)))
        got = await bench.run(image.bytes, good.address)
        compare(got, want, results, f"fault {number}, {what}, {status.name}", bench.cycles)
        assert bench.events == event_masks(results)
        state = await bench.state()
        assert state["halted"] and not state["busy"]
        assert await bench.read("error") == status
        assert await bench.read("error_address") == results[-1].address
        # Later doorbells wait; a clear marks their jobs and resumes the queue.
        await bench.write("doorbell", never.address)
        await ClockCycles(dut.clk, 50)
        assert (await bench.state())["busy"] and len(bench.events) == 2
        await bench.write("clear", 1)
        await bench.wait_idle(2000)
        assert bench.events[2:] == [never.fields["event_mask"]]
        assert await bench.read("error") == 0 and not (await bench.state())["halted"]
    faults = {code for code in Status if code >= Status.DESCRIPTOR_ADDRESS}
    faults.remove(Status.UNSUPPORTED)  # this engine lacks nothing
    assert seen == faults, f"not reached: {faults - seen}"


def corrupt(generator, job) -> str:
    """Put one fault (most of the time) into a stored descriptor; return what it is."""
    choice = generator.random()
    if choice < 0.05:
        job.fields["address"] = int(
            generator.choice((job.address + 8, job.address ^ 0x8000_0000, 0x1000_0000 - 64, 64))
        )
        return "address"
    if choice < 0.1 and job.fields["kind"] == Kind.ATTENTION:
        head = int(generator.integers(0, job.fields["heads"]))
        put_head(job, head, j=int(generator.choice((0, 6, 7))))
        return f"step of head {head}"
    if choice < 0.2:
        raw = bytearray(DESCRIPTOR.pack(**job.fields))
        word = int(generator.integers(0, DESCRIPTOR.words))
        mask = DESCRIPTOR.reserved_mask(word)
        bits = [bit for bit in range(32) if mask >> bit & 1]
        if not bits:
            return "nothing"
        bit = 32 * word + int(generator.choice(bits))
        raw[bit // 8] |= 1 << bit % 8
        job.image.put(job.address, raw)
        return f"reserved bit {bit}"
    if choice < 0.25:
        job.fields["kind"] = int(generator.integers(0, 16))
        job.store()
        return f"kind = {job.fields['kind']}"
    if choice < 0.3:
        name = str(generator.choice(("rows", "columns", "inner", "heads")))
        job.fields[name] = 0
        job.store()
        return f"{name} = 0"
    _, chosen = DESCRIPTOR.fields[int(generator.integers(0, len(DESCRIPTOR.fields)))]
    if chosen.name in ("next", "event_mask"):
        return "nothing"
    largest = (1 << chosen.width) - 1
    value = job.fields.get(chosen.name, 0) & largest
    tries = (0, 1, 3, 17, largest, largest >> 1, 65535, 65536, value + 1, value ^ 4, value * 2)
    tries += (value + (1 << 17), int(generator.integers(0, largest + 1)), 0x1001_FFF8, 0x1002_0000)
    value = int(generator.choice(tries)) & largest
    if chosen.signed and value >> (chosen.width - 1):
        value -= 1 << chosen.width
    job.fields[chosen.name] = value
    job.store()
    raw = DESCRIPTOR.pack(**job.fields)
    if check(CONFIG, raw) == Status.DONE:
        # Still good, but perhaps endless or overlapping: not what this test is about.
        job.fields["version"] = 2
        job.store()
    return f"{chosen.name} = {value:#x}"


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def soft_clear(dut):
    """A clear at any cycle: every job done or aborted, nothing else written, then ready again."""
    bench, generator = await begin(dut), rng()
    aborted = 0
    for number in range(2 * JOBS):
        image, jobs = jobs_of(generator, 3, largest=20)
        for job in jobs:
            job.fields["status"] = job.fields["status"] or image.place(8)
            job.store()
        doorbells = [job.address for job in jobs]
        bench.grant(float(generator.choice(GRANTS)))
        bench.events.clear()
        bench.memory.load(bytes(image.bytes))
        for address in doorbells:
            await bench.write("doorbell", address)
        await ClockCycles(dut.clk, int(generator.integers(1, 100 if number % 2 else 4000)))
        await bench.write("clear", 1)
        await bench.wait_idle(2000)
        got = bench.memory.dump()
        assert bench.events == [job.fields["event_mask"] for job in jobs], f"clear {number}"
        aborted += check_cleared(bytes(image.bytes), got, jobs, f"clear {number}")
        state = await bench.state()
        assert state == {
            "busy": 0,
            "halted": 0,
            "overflow": 0,
            "free": CONFIG.engine.queue_depth,
        }
        if number % 4 == 0:
            await run_and_compare(bench, generator, random_job, f"after clear {number}")
    assert JOBS < aborted < 6 * JOBS, f"{aborted} jobs were aborted: the clears miss the point"


def check_cleared(before: bytes, got: bytes, jobs, what: str) -> int:
    """Check an image after a clear; return how many jobs were aborted."""
    codes = []
    for job in jobs:
        start = job.fields["status"] - 0x1000_0000
        codes.append(int.from_bytes(got[start : start + 4], "little"))
    done = codes.index(Status.ABORTED) if Status.ABORTED in codes else len(codes)
    assert codes == [Status.DONE] * done + [Status.ABORTED] * (len(jobs) - done), f"{what}: {codes}"
    after = [np.frombuffer(before, np.uint8)]
    for job in jobs[: done + 1]:
        memory, _ = expected(CONFIG, after[-1].tobytes(), job.address)
        after.append(np.frombuffer(bytes(memory), np.uint8))
    image = np.frombuffer(got, np.uint8)
    free = np.zeros(len(image), bool)  # bytes that are not compared
    for job in jobs:
        start = job.fields["status"] - 0x1000_0000
        free[start : start + 8] = True
    if done < len(jobs) and jobs[done].fields["kind"] == Kind.ATTENTION:
        # The aborted job's blocks share their scratch area: logits of any of them may be there.
        area = jobs[done].fields
        for head in range(area["heads"]):
            start = area["s_base"] - 0x1000_0000 + head * area["s_head_stride"]
            for row in range(area["block_rows"] * area["blocks"]):
                first = start + row * area["s_row_stride"]
                free[first : first + area["columns"]] = True
    # Of the aborted job's result, any part may be there.
    fits = (image == after[done]) | (image == after[-1]) | free
    assert fits.all(), f"{what}: stray write at {int(np.flatnonzero(~fits)[0]):#x}"
    return len(jobs) - done


@cocotb.test(timeout_time=10, timeout_unit="ms")
async def overflow(dut):
    """A doorbell too many is dropped and told; those that fit are served."""
    bench, generator = await begin(dut), rng()
    depth = CONFIG.engine.queue_depth
    image, jobs = jobs_of(generator, depth + 8, largest=16)
    bench.memory.load(bytes(image.bytes))
    served = []
    for job in jobs:  # faster than they end: some are fetched ahead, the rest wait
        await bench.write("doorbell", job.address)
        state = await bench.state()
        if state["overflow"]:
            break
        served.append(job.address)
    assert state == {"busy": 1, "halted": 0, "overflow": 1, "free": 0}
    assert len(served) > depth
    await bench.wait_idle(100_000)
    want, results = expected(CONFIG, image.bytes, *served)
    compare(bench.memory.dump(), want, results, "served")
    assert bench.events == event_masks(results)
    assert (await bench.state())["overflow"]
    await bench.write("clear", 1)
    assert not (await bench.state())["overflow"]


CAUSAL = {"rows": MAX_SIZE, "columns": 5, "kv_length": 5, "mask_mode": MaskMode.CAUSAL}
EXTREMES = {
    "rows": {"rows": MAX_SIZE},
    "columns": {"columns": MAX_SIZE},
    "inner": {"inner": MAX_SIZE},
    "heads": {"heads": MAX_SIZE},
    "keys": {"columns": MAX_SIZE, "kv_length": MAX_SIZE},
    "no key": {"columns": 5, "kv_length": 0},
    "late queries only": CAUSAL | {"mask_offset": -32768},
    "every key": CAUSAL | {"mask_offset": 32767},
}


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def extremes(dut):
    """Sizes and offsets at their limits; what is only read has strides of 0, to fit."""
    bench, generator = await begin(dut), rng()
    for what, sizes in EXTREMES.items():
        job = extreme(Image(CONFIG, generator), sizes)
        image = job.image.bytes
        want, results = expected(CONFIG, image, job.address)
        assert [r.status for r in results] == [Status.DONE], what
        got = await bench.run(image, job.address, cycles=10_000_000)
        compare(got, want, results, what)


def extreme(image: Image, sizes: dict[str, int]) -> Job:
    """Place a job of size 1 in all but `sizes`; with a key length it is attention."""
    attention = "kv_length" in sizes
    f = {"rows": 1, "columns": 1, "inner": 1, "heads": 1} | sizes
    f |= {"version": DESCRIPTOR_VERSION, "kind": Kind.LINEAR, "status": image.place(8)}
    if attention:
        f |= {"kind": Kind.ATTENTION, "param_mode": ParamMode.HEAD, "blocks": 1}
        f["block_rows"] = min(f["rows"], CONFIG.engine.tile)
        f["s_base"] = image.place(8 * -(-f["columns"] // 8) * f["block_rows"])
        f["s_row_stride"] = 8 * -(-f["columns"] // 8)
    width = f["inner"] if attention else f["columns"]
    for name in "xwr":
        f[f"{name}_base"] = image.place(8 * -(-max(f["inner"], f["columns"]) // 8))
    f["y_row_stride"] = 8 * -(-width // 8)
    f["y_head_stride"] = f["y_row_stride"] * f["rows"]
    f["y_base"] = image.place(f["y_head_stride"] * f["heads"])
    entry = {"mul": 3, "add": 1 << 7, "shift": 8}
    record = HEAD_PARAMETER.pack(**entry, j=4) if attention else PARAMETER.pack(**entry)
    f["param_base"] = image.place(len(record))
    image.put(f["param_base"], record)
    job = Job(image, f, image.place(DESCRIPTOR.bytes, DESCRIPTOR_ALIGN))
    job.store()
    return job


@cocotb.test(timeout_time=1, timeout_unit="ms")
async def registers(dut):
    bench = await begin(dut)
    engine = CONFIG.engine
    assert await bench.read("id") == 0x4EED_0001
    sizes = (engine.units, engine.lanes, engine.ports, engine.queue_depth)
    assert await bench.read("sizes") == int.from_bytes(bytes(sizes), "little")
    assert await bench.read("config_hash") == CONFIG.hash
    assert (await bench.state())["free"] == engine.queue_depth
    for register in ("doorbell", "clear", "error", "error_address"):
        assert await bench.read(register) == 0
