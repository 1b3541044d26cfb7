"""The kernels of `firmware/kernels/heed_kernels.h`: the fields of their job structures, in order.

Both the generated C and the calls into kernels compiled for this computer build on it.
"""

KERNELS: dict[str, dict[str, str]] = {
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
