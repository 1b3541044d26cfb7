"""Every status code, from the model: nothing but the status word is written."""

import numpy as np
import pytest

from hw.config import TCDM_BASE
from hw.presets import TINY
from hw.regmap import ALL_HARTS, DESCRIPTOR, HEAD_PARAMETER, STATUS_WORD, Kind, Status
from sw_model.engine import EngineModel, check
from verif.lib.jobs import Image, attention_job, linear_job

MODEL = EngineModel(TINY)
END = TCDM_BASE + TINY.tcdm.bytes


def linear(image):
    return linear_job(image, heads=2, rows=5, columns=6, inner=7)


def attention(image):
    return attention_job(image, heads=2, rows=5, columns=6, inner=7, block_rows=4, blocks=2)


LAYERNORM, ELEMENTWISE, COPY = (
    {"kind": kind} for kind in (Kind.LAYERNORM, Kind.ELEMENTWISE, Kind.COPY)
)

FAULTS = [
    (linear, Status.STATUS_ADDRESS, {"status": TCDM_BASE + 4}),
    (linear, Status.STATUS_ADDRESS, {"status": END}),
    (linear, Status.BAD_VERSION, {"version": 2}),
    (linear, Status.BAD_KIND, {"kind": 0}),
    (linear, Status.BAD_KIND, {"kind": 9}),
    (linear, Status.INVALID, {"x_type": 2}),
    (linear, Status.INVALID, {"y_type": 2, "use_table": 1}),
    (linear, Status.INVALID, {"use_residual": 1, "accumulate": 1}),
    (attention, Status.INVALID, {"param_mode": 1}),
    (attention, Status.INVALID, {"mask_mode": 2}),
    (attention, Status.INVALID, {"y_type": 1}),
    (attention, Status.INVALID, {"use_residual": 1}),
    (linear, Status.INVALID, {"x_type": 3}),
    (linear, Status.INVALID, {"use_residual": 1, "r_type": 3}),
    (linear, Status.INVALID, {"use_residual": 1, "y_type": 3}),
    (linear, Status.INVALID, {"accumulate": 1, "r_type": 2}),
    (linear, Status.INVALID, LAYERNORM | {"x_type": 3}),
    (linear, Status.INVALID, LAYERNORM | {"y_type": 3}),
    (linear, Status.INVALID, LAYERNORM | {"use_residual": 1}),
    (linear, Status.INVALID, LAYERNORM | {"accumulate": 1, "r_type": 3}),
    (linear, Status.INVALID, ELEMENTWISE | {"use_residual": 1, "r_type": 3}),
    (linear, Status.INVALID, ELEMENTWISE | {"use_residual": 1, "y_type": 3}),
    (linear, Status.INVALID, ELEMENTWISE | {"accumulate": 1}),
    (linear, Status.INVALID, ELEMENTWISE | {"y_type": 2, "use_table": 1}),
    (linear, Status.INVALID, COPY | {"y_type": 1}),
    (linear, Status.INVALID, COPY | {"use_table": 1}),
    (linear, Status.INVALID, COPY | {"use_residual": 1}),
    (linear, Status.INVALID, COPY | {"accumulate": 1, "r_type": 3}),
    (linear, Status.ZERO_SIZE, {"rows": 0}),
    (linear, Status.ZERO_SIZE, {"heads": 0}),
    (attention, Status.ZERO_SIZE, {"block_rows": 0}),
    (attention, Status.ZERO_SIZE, {"blocks": 0}),
    (linear, Status.ZERO_SIZE, {"inner": 0}),
    (linear, Status.ZERO_SIZE, ELEMENTWISE | {"columns": 0}),
    (linear, Status.TOO_LARGE, {"columns": 65536}),
    (attention, Status.TOO_LARGE, {"kv_length": 7}),
    (attention, Status.TOO_LARGE, {"block_rows": 17}),
    (attention, Status.TOO_LARGE, {"blocks": 3}),
    (linear, Status.TOO_LARGE, LAYERNORM | {"columns": 4097}),
    (linear, Status.MISALIGNED, {"w_head_stride": 12}),
    (linear, Status.MISALIGNED, {"param_base": TCDM_BASE + 4}),
    (linear, Status.MISALIGNED, ELEMENTWISE | {"accumulate": 1, "r_type": 3, "r_base": 4}),
    (linear, Status.OUT_OF_RANGE, {"x_base": TCDM_BASE - 8}),
    (linear, Status.OUT_OF_RANGE, {"y_base": END - 16}),
    (linear, Status.OUT_OF_RANGE, {"w_row_stride": 0xFFFF_FFF8}),
    (linear, Status.OUT_OF_RANGE, {"use_table": 1, "table_base": END - 248}),
    (attention, Status.OUT_OF_RANGE, {"s_base": END - 8}),
    (linear, Status.OUT_OF_RANGE, {"use_residual": 1, "r_base": END - 8, "r_row_stride": 8}),
    (linear, Status.OUT_OF_RANGE, LAYERNORM | {"param_base": END - 8}),
    (linear, Status.OUT_OF_RANGE, COPY | {"y_base": END}),
    (linear, Status.ZERO_SIZE, {"rows": 0, "x_base": 4}),  # the lower code of two
]


def run_faulty(image, address, status, status_address):
    """Run; the memory must be as before but for the status word, if any."""
    expected = bytearray(image.bytes)
    if status_address:
        start = status_address - TCDM_BASE
        expected[start : start + 8] = STATUS_WORD.pack(code=status)
    results = MODEL.run(image.bytes, address)
    assert [result.status for result in results] == [status]
    assert image.bytes == expected
    assert results[0].written == {}
    return results[0]


@pytest.mark.parametrize("make, status, changes", FAULTS)
def test_faults(make, status, changes):
    image = Image(TINY, np.random.default_rng(0))
    job = make(image)
    job.store(image, **changes, next=job.address)
    where = 0 if status == Status.STATUS_ADDRESS else job.fields["status"]
    result = run_faulty(image, job.address, status, where)
    assert result.event_mask == job.fields["event_mask"]
    assert result.status_address == where


def test_reserved_bits():
    image = Image(TINY, np.random.default_rng(0))
    job = linear(image)
    image.put(job.address + 127, b"\x80")
    run_faulty(image, job.address, Status.INVALID, job.fields["status"])


@pytest.mark.parametrize("address", [TCDM_BASE + 32, TCDM_BASE - 64, END, 0])
def test_no_descriptor_there(address):
    image = Image(TINY, np.random.default_rng(0))
    result = run_faulty(image, address, Status.DESCRIPTOR_ADDRESS, 0)
    assert result.event_mask == ALL_HARTS


@pytest.mark.parametrize("head", [0, 1])
@pytest.mark.parametrize("j", [0, 6, 7])
def test_bad_step_of_a_head(head, j):
    image = Image(TINY, np.random.default_rng(0))
    job = attention(image)
    at = job.fields["param_base"] + head * HEAD_PARAMETER.bytes
    fields = HEAD_PARAMETER.unpack(image.get(at, HEAD_PARAMETER.bytes))
    image.put(at, HEAD_PARAMETER.pack(**{**fields, "j": j}))
    run_faulty(image, job.address, Status.BAD_PARAMETER, job.fields["status"])


def test_every_code_is_reached():
    codes = {status for _, status, _ in FAULTS} | {Status.DESCRIPTOR_ADDRESS, Status.BAD_PARAMETER}
    never = {Status.PENDING, Status.DONE, Status.ABORTED, Status.UNSUPPORTED}
    assert codes == set(Status) - never, "nothing is unsupported"


UNUSED = {
    Kind.LINEAR: {"block_rows": 0, "blocks": 3, "mask_mode": 3, "kv_length": 1 << 31}
    | {"s_base": 4, "r_base": 4, "r_type": 3, "table_base": 4},
    Kind.LAYERNORM: {"inner": 0, "w_base": 4, "s_base": 4, "r_base": 4, "r_type": 3},
    Kind.ELEMENTWISE: {"inner": 0, "w_base": 4, "s_base": 4, "r_base": 4, "r_type": 3},
    Kind.COPY: {"inner": 0, "w_base": 4, "r_base": 4, "r_type": 3, "param_base": 4},
}


@pytest.mark.parametrize("kind", UNUSED, ids=lambda kind: kind.name)
def test_unused_fields_are_not_looked_at(kind):
    image = Image(TINY, np.random.default_rng(0))
    fields = linear(image).fields | UNUSED[kind] | {"kind": kind}
    assert check(TINY, DESCRIPTOR.pack(**fields)) == Status.DONE


def test_chains_run_in_order_and_stop_at_a_fault():
    image = Image(TINY, np.random.default_rng(1))
    jobs = [linear(image), attention(image), linear(image), linear(image)]
    for job, following in zip(jobs, jobs[1:], strict=False):
        job.store(image, next=following.address)
    results = MODEL.run(bytearray(image.bytes), jobs[0].address)
    assert [result.address for result in results] == [job.address for job in jobs]
    assert all(result.status == Status.DONE for result in results)
    jobs[2].store(image, version=3)
    untouched = image.get(jobs[3].fields["status"], 8)
    results = MODEL.run(image.bytes, jobs[0].address)
    assert [result.status for result in results] == [Status.DONE, Status.DONE, Status.BAD_VERSION]
    assert image.get(jobs[3].fields["status"], 8) == untouched


def test_a_job_sees_what_the_one_before_wrote():
    image = Image(TINY, np.random.default_rng(2))
    first = linear_job(image, rows=5, columns=8, inner=7)
    second = linear_job(image, rows=5, columns=3, inner=8)
    taken = {f"x_{n}": first.fields[f"y_{n}"] for n in ("base", "row_stride", "head_stride")}
    second.store(image, **taken)
    alone = bytearray(image.bytes)
    first.store(image, next=second.address)
    MODEL.run(image.bytes, first.address)
    MODEL.run(alone, first.address)
    MODEL.run(alone, second.address)
    start = first.address - TCDM_BASE  # `next` differs
    assert image.bytes[:start] == alone[:start]
    assert image.bytes[start + 128 :] == alone[start + 128 :]


def test_misuse_is_refused():
    image = Image(TINY, np.random.default_rng(3))
    job = linear(image)
    job.store(image, next=job.address)
    with pytest.raises(ValueError, match="more than 10 descriptors"):
        MODEL.run(image.bytes, job.address, most_jobs=10)
    with pytest.raises(ValueError, match="has 100 bytes"):
        MODEL.run(bytearray(100), job.address)
