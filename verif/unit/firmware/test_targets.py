"""Kernels from Python: memory, jobs, what runs them, and what they say of mistakes."""

import re
from pathlib import Path

import numpy as np
import pytest

from heed.errors import HeedError
from heed.kernels import Cluster, Job, Memory, check, compute, run_on_host
from heed.kernels.attention import attention
from heed.kernels.convolution import conv2d
from heed.kernels.linear import linear
from heed.kernels.memory import GUARD
from heed.kernels.targets import MOST_STEPS
from heed.simulator.iss import IssSimulator
from heed.toolchain.kernels import CoreEntries
from hw.presets import TINY
from sw_model import ops
from verif.lib.kernel_check import cluster
from verif.unit.firmware import test_attention as attention_cases

DOCS = Path(__file__).resolve().parents[3] / "docs" / "reference"


def layer(seed=0, rows=6, columns=8, inner=12):
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, (rows, inner)).astype(np.int8)
    weight = rng.integers(-128, 128, (columns, inner)).astype(np.int8)
    entries = CoreEntries(
        bias=rng.integers(-99, 100, columns),
        mul=rng.integers(1 << 14, 1 << 15, columns),
        shift=np.full(columns, 24),
        zero=rng.integers(-9, 10, columns),
    )
    return x, weight, entries


@pytest.mark.parametrize("target", ["host", "iss"])
def test_results_by_name(target):
    x, weight, entries = layer()
    on = None if target == "host" else cluster("iss")
    found = compute(linear, x, weight, entries, "uint8", harts=2, cluster=on)
    assert list(found) == ["y"]
    assert np.array_equal(found["y"], ops.linear(x, weight, entries.entry, "uint8"))


def test_arrays_and_places_are_operands_alike():
    memory, job, wanted = attention_cases.make(3, "attention", 5, 6, 8, 2)
    rng = np.random.default_rng(1)
    q, k = (rng.integers(-128, 128, (2, 5, 8)).astype(np.int8) for _ in range(2))
    vt = rng.integers(-128, 128, (16, 5)).astype(np.int8)
    heads = attention_cases.random_heads(rng, 2, 8)
    mask = attention_cases.Mask(5)
    one = compute(attention, q, k, vt, heads, mask, harts=1)["y"]
    memory = Memory()
    places = [memory.put(array) for array in (q, k, vt)]
    job = attention(memory, *places, heads, mask, harts=1)
    assert np.array_equal(one, job.results["y"].view(run_on_host(memory.image(), [job]).memory))


def test_jobs_one_after_the_other():
    """The second one reads what the first one wrote; cycles are counted to the end of each."""
    x, weight, entries = layer()
    memory = Memory()
    first = linear(memory, x, weight, entries)
    second = linear(memory, first.results["y"], weight[:, :8], entries)
    y = ops.linear(x, weight, entries.entry)
    done = [(first, {"y": y}), (second, {"y": ops.linear(y, weight[:, :8], entries.entry)})]
    image = memory.image()
    check(image, run_on_host(image, [first, second], 3).memory, done)
    run = cluster("iss").run(image, [first, second], 2)
    check(image, run.memory, done)
    assert 0 < run.ends[0] < run.ends[1] == run.cycles


def test_memory_has_guards_and_rows_at_multiples_of_4():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        memory = Memory(rng)
        arrays = [
            np.arange(np.prod(shape)).astype(dtype).reshape(shape)
            for shape, dtype in (((3, 5), "int8"), ((2, 3, 3), "int16"), ((7,), "int32"))
        ]
        places = [memory.put(array) for array in arrays]
        room = memory.room((4, 3), "uint8")
        image = memory.image()
        assert all(np.array_equal(p.view(image), a) for p, a in zip(places, arrays, strict=True))
        assert np.all(room.view(image) == GUARD)
        assert all(place.offset % 4 == 0 for place in (*places, room))
        assert all(stride % 4 == 0 for place in (*places, room) for stride in place.strides[:-1])


def spoiled(offset, value=1):
    x, weight, entries = layer()
    memory = Memory()
    job = linear(memory, x, weight, entries)
    image = memory.image()
    after = bytearray(run_on_host(image, [job]).memory)
    after[offset(job, image)] ^= value
    return image, bytes(after), [(job, {"y": ops.linear(x, weight, entries.entry)})]


def test_a_wrong_element_is_named():
    place = lambda job, image: job.results["y"].offset + 8 + 3  # noqa: E731
    with pytest.raises(HeedError, match=r"heed_linear: 1 elements of y are wrong; y\[1, 3\] is"):
        check(*spoiled(place))


def test_a_stray_byte_is_named():
    with pytest.raises(HeedError, match="heed_linear: 1 bytes outside the results"):
        check(*spoiled(lambda job, image: 2))


def test_a_result_of_another_shape_is_named():
    image, after, [(job, wanted)] = spoiled(lambda job, image: 0, 0)
    with pytest.raises(HeedError, match=r"y has shape \(6, 8\), not \(8, 6\)"):
        check(image, after, [(job, {"y": wanted["y"].T})])


def test_operands_that_do_not_fit():
    room = cluster("iss").room
    with pytest.raises(HeedError, match=f"the operands take {room + 8} bytes, but tiny has {room}"):
        cluster("iss").run(np.zeros(room + 8, np.uint8), [])


@pytest.mark.parametrize("count", [0, MOST_STEPS + 1])
def test_too_many_or_no_jobs(count):
    job = Job("heed_linear", {}, {})
    with pytest.raises(HeedError, match=f"{count} jobs; a program has 1 to {MOST_STEPS}"):
        cluster("iss").run(np.zeros(8, np.uint8), [job] * count)


def test_a_program_that_does_not_end():
    x, weight, entries = layer()
    memory = Memory()
    job = linear(memory, x, weight, entries)
    with pytest.raises(HeedError, match="did not end within 100 cycles"):
        cluster("iss").run(memory.image(), [job], max_cycles=100)


def test_a_program_that_traps():
    """A job with addresses of nothing: what the program did is in the message."""
    x, weight, entries = layer()
    memory = Memory()
    job = linear(memory, x, weight, entries)
    broken = Job(job.kernel, {**job.values, "x": None}, job.results)
    with pytest.raises(HeedError, match="exit status 200"):
        cluster("iss").run(memory.image(), [broken])


def test_the_example_of_the_page(capsys):
    code = re.search(r"```python\n(.*?)```", (DOCS / "kernels.md").read_text(), re.DOTALL)[1]
    exec(compile(code, "kernels.md", "exec"), {})
    assert re.fullmatch(r"True\n\(\d+, \d+\)\n", capsys.readouterr().out)


@pytest.mark.parametrize("harts", [1, 3])
def test_those_with_scratch_hear_of_the_team(harts):
    rng = np.random.default_rng(2)
    x = rng.integers(-128, 128, (1, 5, 6, 4)).astype(np.int8)
    weight = rng.integers(-128, 128, (8, 3, 3, 4)).astype(np.int8)
    _, _, entries = layer()
    found = compute(conv2d, x, weight, entries, harts=harts)["y"]
    assert np.array_equal(found, ops.conv2d(x, weight, entries.entry))
    q, k, vt = (
        rng.integers(-128, 128, shape).astype(np.int8) for shape in ((5, 8), (6, 8), (8, 6))
    )
    heads = attention_cases.random_heads(rng, 2, 4)
    y = compute(attention, q, k, vt, heads, attention_cases.Mask(6), harts=harts)["y"]
    form = {"heads": 2, "j": heads.j, "g": heads.g}
    assert np.array_equal(y, ops.attention(q, k, vt, heads.logit.entry, **form)[0])


@pytest.mark.parametrize(
    "words, options, message",
    [
        ({"weight": (8, 11)}, {}, r"x \[6, 12\] and weight \[8, 11\] do not have one inner size"),
        ({"entries": 7}, {}, "7 entries for 8 channels"),
        ({}, {"heads": 3}, "8 channels do not split into 3 heads"),
        ({}, {"heads": 2, "transposed": True}, "a transposed result has one head, not 2"),
    ],
)
def test_linear_layers_that_do_not_fit(words, options, message):
    x, weight, entries = layer()
    if "weight" in words:
        weight = np.zeros(words["weight"], np.int8)
    if "entries" in words:
        entries = layer(columns=words["entries"])[2]
    with pytest.raises(ValueError, match=message):
        compute(linear, x, weight, entries, **options)


@pytest.mark.parametrize(
    "q, k, vt, keys, message",
    [
        ((5, 8), (6, 8), (8, 7), 6, r"vt is \[8, 7\], but \[8, 6\] is needed"),
        ((5, 8), (6, 16), (8, 6), 6, r"q is \[5, 8\], but k \[6, 16\]"),
        ((5, 8), (6, 8), (8, 6), 7, "a mask of 7 keys; there are 6"),
        ((5, 6), (6, 6), (6, 6), 6, "6 columns are 2 heads of 3 side by side; multiples of 4, or"),
    ],
)
def test_attention_that_does_not_fit(q, k, vt, keys, message):
    rng = np.random.default_rng(0)
    arrays = [np.zeros(shape, np.int8) for shape in (q, k, vt)]
    heads = attention_cases.random_heads(rng, 2, 4)
    with pytest.raises(ValueError, match=message):
        compute(attention, *arrays, heads, attention_cases.Mask(keys))


def test_a_kernel_that_is_not_in_the_program():
    memory = Memory()
    job = linear(memory, *layer())
    few = Cluster(IssSimulator(TINY), kernels=["heed_mean_pool"])
    with pytest.raises(HeedError, match="heed_linear is not in this program: heed_mean_pool"):
        few.run(memory.image(), [job])
