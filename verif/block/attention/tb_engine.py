"""Runs inside the simulator: random jobs, queues of them, faults, soft clears, doorbells."""

import os
import random

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles

from hw.config import TCDM_BASE
from hw.regmap import (
    DESCRIPTOR,
    DESCRIPTOR_ALIGN,
    DESCRIPTOR_VERSION,
    HEAD_PARAMETER,
    MAX_CHANNELS,
    MAX_SIZE,
    PARAMETER,
    ElementType,
    Kind,
    MaskMode,
    ParamMode,
    Status,
)
from sw_model.engine import check
from verif.lib.configs import find_config
from verif.lib.engine_bench import CLEAR_CYCLES, EngineBench, compare, event_masks, expected
from verif.lib.engine_chains import random_queue
from verif.lib.engine_hazards import areas
from verif.lib.engine_jobs import GENERATORS, Full, Image, Job, put_head, random_job
from verif.lib.engine_modes import Deck
from verif.lib.engine_rounds import GRANTS, Course, Round, arrange, codes_of
from verif.lib.engine_words import words_of

CONFIG = find_config(os.environ["CONFIG"])
JOBS = int(os.environ["JOBS"])


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


def alone(image: Image, job: Job, number: int) -> Round:
    """Return a round of one job that is not cleared."""
    return arrange(image, [job], number)


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def single(dut):
    """Jobs of each kind alone, of every mode in turn."""
    bench, generator = await begin(dut), rng()
    before = await bench.read("jobs")
    for kind, place in GENERATORS.items():
        deck = Deck(generator)
        for number in range(JOBS):
            image = Image(CONFIG, generator)
            await bench.play(alone(image, place(image, 40, deck.deal(kind)), number))
    assert await bench.read("jobs") == before + JOBS * len(GENERATORS)


@cocotb.test(timeout_time=1000, timeout_unit="ms")
@cocotb.parametrize(linked=(0.0, 0.95))
async def queues(dut, linked):
    """Jobs in chains behind several doorbells: strangers, or such that need one another."""
    bench, generator = await begin(dut), rng()
    for number in range(JOBS // 2):
        image = Image(CONFIG, generator)
        jobs = random_queue(
            image, int(generator.integers(2, 9)), lambda i: random_job(i, 24), linked
        )
        await bench.play(arrange(image, jobs, number))


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def faults(dut):
    """Descriptors with one thing wrong, in the middle of a chain: nothing of them is written."""
    bench, generator = await begin(dut), rng()
    faults = {code for code in Status if code >= Status.DESCRIPTOR_ADDRESS}
    faults.remove(Status.UNSUPPORTED)  # this engine lacks nothing
    seen = set()
    for number in range(10 * JOBS):
        if number >= 2 * JOBS and seen == faults:
            break
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
    """A clear at any cycle: jobs done, then jobs aborted, nothing else written, ready again."""
    bench, generator = await begin(dut), rng()
    jobs = done = several = 0
    for number in range(3 * JOBS):
        image = Image(CONFIG, generator)
        queue = random_queue(image, int(generator.integers(1, 7)), lambda i: random_job(i, 24), 0.4)
        ended = await bench.play(arrange(image, queue, number, cleared=True))
        jobs, done, several = jobs + len(queue), done + ended, several + (0 < ended < len(queue))
        if number % 4 == 0:
            image = Image(CONFIG, generator)
            await bench.play(alone(image, random_job(image), number))
    assert 0.1 * jobs < done < 0.9 * jobs, f"{done} of {jobs}: the clears miss the point"
    assert several > 0.2 * JOBS, f"{several} clears came in the middle of a queue"


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def doorbell_during_clear(dut):
    """A doorbell right behind a clear: its job is served, whatever the clear ends before."""
    bench, generator = await begin(dut), rng()
    for number in range(JOBS // 2):
        image = Image(CONFIG, generator)
        jobs = [random_job(image, 20) for _ in range(3)]
        late = random_job(image, 20)
        for job in (*jobs, late):
            job.fields["status"] = job.fields["status"] or image.place(8)
            job.store()
        before, what = bytes(image.bytes), f"clear {number}"
        course, after = Course(CONFIG, before, jobs), Course(CONFIG, before, [late])
        bench.grant(float(generator.choice(GRANTS)))
        bench.events.clear()
        bench.memory.load(before)
        for job in jobs:
            await bench.write("doorbell", job.address)
        await ClockCycles(dut.clk, int(generator.integers(1, 1000)))
        await bench.write("clear", 1)
        if number % 2:  # again, perhaps while the first one is under way
            await ClockCycles(dut.clk, int(generator.integers(1, 60)))
            await bench.write("clear", 1)
        await bench.write("doorbell", late.address)
        await bench.wait_idle(20_000)
        got = bytearray(bench.memory.dump())
        assert bench.events.pop() == late.fields["event_mask"], what
        assert after.codes(bytes(got)) == [Status.DONE], what
        # What the late job wrote must be right; without it, the rest must be.
        late_areas = areas(late)
        changed = late_areas["y"] | late_areas.get("s", False)
        image_got = np.frombuffer(got, np.uint8)
        want = np.frombuffer(after.last, np.uint8)
        assert np.array_equal(image_got[changed], want[changed]), f"{what}: the late job"
        image_got[changed] = np.frombuffer(before, np.uint8)[changed]
        start = late.fields["status"] - TCDM_BASE
        got[start : start + 8] = before[start : start + 8]
        course.check_cleared(bytes(got), bench.events, [job.address for job in jobs], what)


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def fault_and_clear(dut):
    """A faulty job among good ones, and a clear: before, while or after the fault is found."""
    bench, generator = await begin(dut), rng()
    codes_seen = set()
    for number in range(JOBS):
        image, what = Image(CONFIG, generator), f"fault and clear {number}"
        jobs = [random_job(image, 16) for _ in range(4)]
        bad = int(generator.integers(0, 4))
        jobs[bad].fields["version"] = 2
        for job in jobs:
            job.fields["status"] = job.fields["status"] or image.place(8)
            job.store()
        before = bytes(image.bytes)
        good = Course(CONFIG, before, jobs[:bad] + jobs[bad + 1 :])
        bench.grant(float(generator.choice(GRANTS)))
        bench.events.clear()
        bench.memory.load(before)
        for job in jobs:
            await bench.write("doorbell", job.address)
        await ClockCycles(dut.clk, int(np.exp(generator.uniform(0, np.log(3000)))))
        await bench.write("clear", 1)
        await bench.wait_idle(CLEAR_CYCLES)
        assert bench.events == [job.fields["event_mask"] for job in jobs], what
        got = bench.memory.dump()
        codes = codes_of(jobs, got)
        done = codes.index(next(code for code in codes if code != Status.DONE))
        fault = [Status.BAD_VERSION] if codes[done] == Status.BAD_VERSION else []
        rest = [*fault, *[Status.ABORTED] * (4 - done - len(fault))]
        assert codes[done:] == rest and done <= bad, f"{what}: {codes}"
        told = jobs[bad].fields["status"] - TCDM_BASE
        good.check(got[:told] + before[told : told + 8] + got[told + 8 :], done, what)
        codes_seen.add(codes[bad])
        state = await bench.state()
        assert not state["halted"] and await bench.read("error") == 0, what
    assert codes_seen == {Status.BAD_VERSION, Status.ABORTED}


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


CAUSAL = {"columns": 5, "kv_length": 5, "mask_mode": MaskMode.CAUSAL}
EXTREMES = {
    "rows": (Kind.LINEAR, {"rows": MAX_SIZE}),
    "columns": (Kind.LINEAR, {"columns": MAX_SIZE}),
    "inner": (Kind.LINEAR, {"inner": MAX_SIZE}),
    "heads": (Kind.LINEAR, {"heads": MAX_SIZE}),
    "keys": (Kind.ATTENTION, {"columns": MAX_SIZE, "kv_length": MAX_SIZE}),
    "no key": (Kind.ATTENTION, {"columns": 5, "kv_length": 0}),
    "late queries only": (Kind.ATTENTION, {"rows": MAX_SIZE, **CAUSAL, "mask_offset": -32768}),
    "every key": (Kind.ATTENTION, {"rows": MAX_SIZE, **CAUSAL, "mask_offset": 32767}),
    "channels": (Kind.LAYERNORM, {"rows": 30, "columns": MAX_CHANNELS}),
    "rows of one channel": (Kind.LAYERNORM, {"rows": MAX_SIZE}),
    "elements": (Kind.ELEMENTWISE, {"columns": MAX_SIZE}),
    "rows of one element": (Kind.ELEMENTWISE, {"rows": MAX_SIZE}),
    "bytes of a copy": (Kind.COPY, {"rows": 3, "columns": MAX_SIZE}),
    "copies": (Kind.COPY, {"heads": MAX_SIZE}),
}


@cocotb.test(timeout_time=1000, timeout_unit="ms")
async def extremes(dut):
    """Sizes and offsets at their limits; what is only read has strides of 0, to fit."""
    bench, generator = await begin(dut), rng()
    for what, (kind, sizes) in EXTREMES.items():
        job = extreme(Image(CONFIG, generator), kind, sizes)
        image = job.image.bytes
        want, results = expected(CONFIG, image, job.address)
        assert [r.status for r in results] == [Status.DONE], what
        await bench.write("count_clear", 1)
        got = await bench.run(image, job.address, cycles=10_000_000)
        compare(got, want, results, what)
        await bench.check_counters(what, words_of(CONFIG, job.fields))


def extreme(image: Image, kind: Kind, sizes: dict[str, int]) -> Job:
    """Place a job of size 1 in all but `sizes`."""
    attention = kind == Kind.ATTENTION
    f = {"rows": 1, "columns": 1, "inner": 1, "heads": 1, "kv_length": 0} | sizes
    f |= {"version": DESCRIPTOR_VERSION, "kind": kind, "status": image.place(8)}
    f = {"mask_mode": MaskMode.NONE, "mask_offset": 0, "x_type": 0, "y_type": 0} | f
    f |= {"param_mode": ParamMode.COMMON}
    if attention:
        f |= {"param_mode": ParamMode.HEAD, "blocks": 1}
        f["block_rows"] = min(f["rows"], CONFIG.engine.tile)
        f["s_base"] = image.place(8 * -(-f["columns"] // 8) * f["block_rows"])
        f["s_row_stride"] = 8 * -(-f["columns"] // 8)
        f["s_head_stride"] = 0
    elif kind == Kind.LAYERNORM:
        f["x_type"] = ElementType.INT16
    width = f["inner"] if attention else f["columns"]
    for name in "xwr":
        f[f"{name}_base"] = image.place(16 * -(-max(f["inner"], f["columns"]) // 8))
        f |= {f"{name}_row_stride": 0, f"{name}_head_stride": 0}
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
