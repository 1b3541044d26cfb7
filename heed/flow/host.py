"""Runs a plan without hardware: descriptors by the engine's model, kernels compiled for here.

The memory image, the descriptors and the kernels' jobs are those of the machine; only what
executes them differs.
"""

import ctypes
from collections.abc import Sequence

import numpy as np

from heed.errors import HeedError
from heed.flow.layer import Call, Layer
from heed.flow.plan import Plan, jobs_area
from heed.flow.result import ImageRun, layer_run, read_written
from heed.toolchain.host import host_kernels
from heed.toolchain.kernels import is_pointer
from hw.config import TCDM_BASE
from hw.regmap import Status
from sw_model.engine import EngineModel

UNTOUCHED = 0xA5
"""What memory holds where nothing was loaded: nothing may depend on it."""


class HostTarget:
    """A TCDM image that layers run on.

    Parameters
    ----------
    plan
        What runs.
    """

    def __init__(self, plan: Plan):
        self.plan = plan
        self.memory = bytearray([UNTOUCHED]) * plan.config.tcdm.bytes
        self.memory[: len(plan.image)] = plan.image
        self._engine = EngineModel(plan.config)
        self._base = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))

    def _call(self, call: Call) -> None:
        fields = {}
        for name, value in call.fields.items():
            number = self.plan.resolve(value)
            if is_pointer(call.kernel, name) and number:
                number += self._base - TCDM_BASE
            fields[name] = number
        host_kernels().call(call.kernel, fields, self.plan.config.harts)

    def run_layer(self, layer: Layer) -> None:
        """Run one layer.

        Raises
        ------
        HeedError
            If the engine's model refuses a job.
        """
        if layer.where == "cores":
            for call in layer.steps:
                self._call(call)
            return
        results = self._engine.run(self.memory, self.plan.addresses[jobs_area(layer)])
        for index, result in enumerate(results):
            if result.status != Status.DONE:
                raise HeedError(
                    f"layer {layer.name}: job {index} ended with {Status(result.status).name}"
                )
        if len(results) != len(layer.steps):
            raise HeedError(f"layer {layer.name}: {len(results)} of {len(layer.steps)} jobs ran")

    def run_image(self, inputs: dict[str, np.ndarray]) -> ImageRun:
        """Run a whole network on one image; nothing is timed."""
        plan = self.plan
        for name, value in inputs.items():
            raw, at = plan.lowered.layouts[name].pack(value), plan.offset(name)
            self.memory[at : at + len(raw)] = raw
        tensors, layers = {}, []
        for index, layer in enumerate(plan.layers):
            self.run_layer(layer)
            tensors |= read_written(plan, index, self.memory)
            layers.append(layer_run(layer, plan.config, 0))
        output = tensors[plan.lowered.graph.outputs[0]]
        return ImageRun(tensors, output, layers, 0, plan.lowered.hidden)


def run_on_host(plan: Plan, images: Sequence[dict[str, np.ndarray]]) -> list[ImageRun]:
    """Run images one after the other in one memory, like the machine does."""
    target = HostTarget(plan)
    return [target.run_image(image) for image in images]
