"""The kernels of `firmware/kernels/heed_kernels.h`: the fields of their job structures, in order.

Both the generated C and the calls into kernels compiled for this computer build on it. Besides,
the parameters of requantisation in core form.
"""

from dataclasses import dataclass

import numpy as np

from sw_model.ops import Entry

KERNELS: dict[str, dict[str, str]] = {
    "heed_linear": {
        "x": "const void *",
        "x_stride": "uint32_t",
        "w": "const int8_t *",
        "w_stride": "uint32_t",
        "y": "void *",
        "y_stride": "uint32_t",
        "entries": "const struct heed_core_entry *",
        "rows": "uint32_t",
        "columns": "uint32_t",
        "inner": "uint32_t",
        "x_unsigned": "uint32_t",
        "y_unsigned": "uint32_t",
    },
    "heed_layernorm": {
        "x": "const int16_t *",
        "x_stride": "uint32_t",
        "y": "int8_t *",
        "y_stride": "uint32_t",
        "entries": "const struct heed_parameter *",
        "rows": "uint32_t",
        "columns": "uint32_t",
    },
    "heed_add": {
        "a": "const int16_t *",
        "a_stride": "uint32_t",
        "b": "const void *",
        "b_stride": "uint32_t",
        "b_bytes": "uint32_t",
        "y": "int16_t *",
        "y_stride": "uint32_t",
        "entry": "const struct heed_parameter *",
        "rows": "uint32_t",
        "columns": "uint32_t",
    },
    "heed_patch_embed": {
        "image": "const int8_t *",
        "image_stride": "uint32_t",
        "weight": "const int8_t *",
        "weight_stride": "uint32_t",
        "position": "const int16_t *",
        "position_stride": "uint32_t",
        "y": "int16_t *",
        "y_stride": "uint32_t",
        "entries": "const struct heed_parameter *",
        "height": "uint32_t",
        "width": "uint32_t",
        "patch": "uint32_t",
        "columns": "uint32_t",
    },
    "heed_mean_pool": {
        "x": "const int8_t *",
        "x_stride": "uint32_t",
        "y": "int8_t *",
        "entry": "const struct heed_parameter *",
        "rows": "uint32_t",
        "columns": "uint32_t",
    },
}


def is_pointer(kernel: str, field: str) -> bool:
    """Whether a field of a kernel's job holds an address."""
    return KERNELS[kernel][field].endswith("*")


@dataclass(frozen=True)
class CoreEntries:
    """Requantisation in the form that `heed.rq` takes, one value a column.

    Parameters
    ----------
    bias
        int32, added to the sum (modulo 2^32) before anything else.
    mul, shift, zero
        Multiplier 0 to 65535, right shift 0 to 31, zero point -128 to 127.
    """

    bias: np.ndarray
    mul: np.ndarray
    shift: np.ndarray
    zero: np.ndarray

    def bytes(self) -> bytes:
        """Return them as an array of `struct heed_core_entry`."""
        words = np.empty((len(self.bias), 2), "<u4")
        words[:, 0] = np.asarray(self.bias, np.int64) & 0xFFFFFFFF
        words[:, 1] = self.mul | self.shift << 16 | (self.zero & 0xFF) << 24
        return words.tobytes()

    @property
    def entry(self) -> Entry:
        """The same in general form; equal as long as bias and sum fit 32 bits together."""
        half = (1 << self.shift) >> 1
        return Entry(
            mul=self.mul,
            add=self.bias * self.mul + half + (self.zero << self.shift),
            shift=self.shift,
        )
