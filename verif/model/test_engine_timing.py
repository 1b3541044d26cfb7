"""The engine's cycle model: measured figures, and what must hold for any of them."""

import dataclasses

import numpy as np
import pytest

from heed.bench.items import (
    SHAPES,
    attention,
    encoder,
    layernorm,
    linear,
)
from heed.bench.program import product_bound
from hw.config import TCDM_BASE, ClusterConfig, EngineConfig, TcdmConfig
from hw.presets import PAPER, TINY
from hw.regmap import DESCRIPTOR, ElementType, Kind, ParamMode
from sw_model.engine import timing_datapath
from sw_model.engine.timing import predict
from verif.lib.configs import BETWEEN
from verif.lib.engine_chains import random_queue, ring
from verif.lib.engine_jobs import Image

MEASURED = {
    "64,64,64,64": (lambda: encoder(PAPER, 0, SHAPES[0]), 2180),
    "128,128,64,512": (lambda: encoder(PAPER, 0, SHAPES[1]), 22620),
    "256,256,64,256": (lambda: encoder(PAPER, 0, SHAPES[2]), 57435),
    "attention H=6 S=197 P=64": (lambda: attention(PAPER, 0, 6, 197, 64), 34390),
    "attention H=6 S=241 P=64": (lambda: attention(PAPER, 0, 6, 241, 64), 46381),
    "attention H=12 S=128 P=32": (lambda: attention(PAPER, 0, 12, 128, 32), 18537),
    "layernorm 128x384": (lambda: layernorm(PAPER, 0, 128, 384), 3397),
    "linear 128x384x384": (lambda: linear(PAPER, 0, 128, 384, 384), 18492),
    "linear 128x384x384 +residual": (lambda: linear(PAPER, 0, 128, 384, 384, True), 18616),
}
"""Work items, and cycles of the RTL: `heed bench engine` measures them."""


def cycles(work):
    return predict(work.config, work.image, [work.doorbell]).cycles


def chain(config, **fields):
    """Return an image with two linear jobs of 40 x 40 x 40, the second one on the first one's Y."""
    image = Image(config, np.random.default_rng(1))
    base = {"kind": Kind.LINEAR, "version": 1, "heads": 1, "param_mode": ParamMode.COMMON}
    base |= {"rows": 40, "columns": 40, "inner": 40, "y_type": ElementType.INT8}
    base |= {f"{n}_row_stride": 40 for n in "xwy"}
    places = [image.place(128, 64) for _ in range(2)]
    x = image.place(1600)
    for number, place in enumerate(places):
        f = base | {"x_base": x, "w_base": image.place(1600), "y_base": image.place(1600)}
        f |= {"param_base": image.place(16), "status": image.place(8)}
        f |= {"next": 0 if number else places[1], **(fields if number else {})}
        image.put(place, DESCRIPTOR.pack(**f))
        x = f["y_base"]
    return image.bytes, places


@pytest.mark.parametrize("name", MEASURED)
def test_measured_on_the_rtl(name):
    make, measured = MEASURED[name]
    assert abs(cycles(make()) / measured - 1) < 0.03


def test_a_slower_part_is_seen(monkeypatch):
    before = cycles(MEASURED["64,64,64,64"][0]())
    monkeypatch.setattr(timing_datapath, "EPILOGUE", timing_datapath.EPILOGUE + 5)
    assert cycles(MEASURED["64,64,64,64"][0]()) > before


def test_jobs_overlap_and_end_in_order():
    work = encoder(PAPER, 0, SHAPES[0])
    prediction = predict(work.config, work.image, [work.doorbell])
    assert len(prediction.jobs) == len(work.jobs)
    starts, ends = ([getattr(job, n) for job in prediction.jobs] for n in ("start", "end"))
    assert starts == sorted(starts) and ends == sorted(ends)
    assert ends[-1] == prediction.cycles < sum(e - s for s, e in zip(starts, ends, strict=True))
    assert all(start < end for start, end in zip(starts[1:], ends, strict=False))


def test_the_memory_may_be_read_only_and_short():
    work = linear(TINY, 0, 20, 20, 20)
    end = work.doorbell - TCDM_BASE + DESCRIPTOR.bytes
    short = predict(work.config, work.image[:end], [work.doorbell])
    assert short == predict(work.config, bytearray(work.image), [work.doorbell])


def test_waiting_costs_cycles():
    image, (first, second) = chain(TINY)
    free = predict(TINY, image, [first])
    image, _ = chain(TINY, wait_x=1)
    row_by_row = predict(TINY, image, [first])
    image, _ = chain(TINY, wait_w=1)
    for_all = predict(TINY, image, [first])
    assert free.cycles <= row_by_row.cycles < for_all.cycles


def test_doorbells_and_chains():
    image, (first, second) = chain(TINY)
    chained = predict(TINY, image, [first]).cycles
    descriptor = DESCRIPTOR.unpack(bytes(image[first - TCDM_BASE :][: DESCRIPTOR.bytes]))
    offset = first - TCDM_BASE
    image[offset : offset + DESCRIPTOR.bytes] = DESCRIPTOR.pack(**descriptor | {"next": 0})
    rung = predict(TINY, image, [first, second])
    assert [job.address for job in rung.jobs] == [first, second]
    assert abs(rung.cycles - chained) <= 2
    assert predict(TINY, image, [first]).cycles < rung.cycles


def test_without_status_word_jobs_end_sooner():
    image, (first, _) = chain(TINY)
    later = predict(TINY, image, [first]).cycles
    image, _ = chain(TINY, status=0)
    assert predict(TINY, image, [first]).cycles == later - 3


@pytest.mark.parametrize("units", (2, 4, 16, 32))
@pytest.mark.parametrize("lanes", (16, 64))
def test_any_size_of_array(units, lanes):
    if units > lanes:
        return
    config = ClusterConfig(
        name="any",
        tcdm=TcdmConfig(banks=32, bank_bytes=8192),
        engine=EngineConfig(units=units, lanes=lanes),
    )
    sizes = 2 * lanes, 2 * lanes, 4 * lanes
    bound = product_bound(config, *sizes)
    assert bound < cycles(linear(config, 0, *sizes)) < 1.25 * bound + 150


def test_rows_of_more_words_than_ports():
    config = dataclasses.replace(PAPER, engine=EngineConfig(units=64, lanes=64))
    image, (first, _) = chain(config, y_type=ElementType.INT32, y_row_stride=160)
    narrow = predict(config, image, [first])
    image, _ = chain(config)
    assert narrow.cycles - predict(config, image, [first]).cycles >= 40


@pytest.mark.parametrize("config", (TINY, *BETWEEN.values()), ids=lambda config: config.name)
def test_random_queues(config):
    """Any job has a prediction; no job is faster than the words that it moves."""
    for seed in range(6):
        image = Image(config, np.random.default_rng(seed))
        jobs = random_queue(image, 4)
        prediction = predict(config, image.bytes, ring(jobs, 4))
        assert [job.address for job in prediction.jobs] == [job.address for job in jobs]
        assert prediction.words < config.engine.ports * prediction.cycles


def test_more_banks_are_not_slower():
    work = linear(TINY, 0, 64, 64, 64)
    many = dataclasses.replace(work.config.tcdm, banks=128, bank_bytes=32768)
    many = dataclasses.replace(work.config, tcdm=many)
    assert predict(many, work.image, [work.doorbell]).cycles <= cycles(work)


def test_what_cannot_be_predicted():
    image, (first, second) = chain(TINY, rows=0)
    with pytest.raises(ValueError, match="ZERO_SIZE"):
        predict(TINY, image, [first])
    with pytest.raises(ValueError, match="DESCRIPTOR_ADDRESS"):
        predict(TINY, image, [first + 8])
    with pytest.raises(ValueError, match="no doorbell"):
        predict(TINY, image, [])
