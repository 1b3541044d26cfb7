"""What Verilator writes, compiled with our flags: sums of comparisons.

GCC 12 with -O2 and nothing else takes a comparison of bytes for -1 where it is 1, when their sum
is a byte. Verilator writes such sums for counts of one-bit signals.
"""

import shutil
import subprocess

import pytest

from heed.simulator.tools import LEAN_FLAGS

COUNT = 16

PROGRAM = """
struct Signals {{ {members} unsigned char others; }};
__attribute__((noinline)) void count(Signals& s) {{ s.others = 0xffU & ({sum}); }}
int main() {{
    unsigned random = 1, wrong = 0;
    for (int round = 0; round < 1000; ++round) {{
        Signals s;
        unsigned char want = 0;
        for (int n = 0; n < {count}; ++n) {{
            random = random * 1664525U + 1013904223U;
            unsigned char value = 3 + (random >> 16) % 3;
            reinterpret_cast<unsigned char*>(&s)[n] = value;
            want += value != 4;
        }}
        count(s);
        wrong += s.others != want;
    }}
    return wrong != 0;
}}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="g++ is not on PATH")
def test_sums_of_comparisons_are_right(tmp_path):
    members = "".join(f"unsigned char value_{n};" for n in range(COUNT))
    total = "(4U != (unsigned)s.value_0)"
    for n in range(1, COUNT):  # as Verilator nests them
        total = f"((4U != (unsigned)s.value_{n}) + {total})"
    source, program = tmp_path / "sums.cpp", tmp_path / "sums"
    source.write_text(PROGRAM.format(members=members, sum=total, count=COUNT))
    flags = [LEAN_FLAGS[n + 1] for n, flag in enumerate(LEAN_FLAGS) if flag == "-CFLAGS"]
    subprocess.run(["g++", *flags, source, "-o", program], check=True)
    assert subprocess.run([program]).returncode == 0, "the compiler gives wrong sums"
