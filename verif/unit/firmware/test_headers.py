"""What is read from the kernels' headers: jobs are laid out by it."""

import pytest

from heed.toolchain.compiler import KERNELS as FOLDER
from heed.toolchain.kernels import KERNELS, is_pointer, read_headers

UMBRELLA = '#include "kernel.h"\n#include "b/b.h"\n#include "a.h"\n'
FILES = {
    "heed_kernels.h": UMBRELLA,
    "kernel.h": "struct heed_team {\n    uint32_t index, size;\n};\n",
    "b/b.h": """
        /* struct heed_ghost { int32_t x; }; */
        struct heed_second {
            const int8_t *x; /* a comment; with a semicolon */
            uint32_t x_stride, rows;
            int32_t offset;
        };
        void heed_second(const struct heed_second *job, struct heed_team team);
        """,
    "a.h": """
        struct heed_helper { uint32_t a; };
        struct heed_first { void *y; };
        void heed_first(const struct heed_first *given, struct heed_team team);
        """,
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_structures_with_a_function_are_kernels(folder):
    found = read_headers(folder)
    assert found == {
        "heed_second": {
            "x": "const int8_t *",
            "x_stride": "uint32_t",
            "rows": "uint32_t",
            "offset": "int32_t",
        },
        "heed_first": {"y": "void *"},
    }
    assert list(found["heed_second"]) == ["x", "x_stride", "rows", "offset"]


def test_the_kernels_have_only_words():
    """Pointers and 32-bit numbers: what the programs of `heed.kernels` and the flow fill in."""
    assert {"heed_layernorm", "heed_add", "heed_mean_pool"} <= set(KERNELS)
    assert len(read_headers(FOLDER)) > 20
    for kernel, fields in KERNELS.items():
        for field, kind in fields.items():
            assert kind in ("uint32_t", "int32_t") or is_pointer(kernel, field), (kernel, field)
