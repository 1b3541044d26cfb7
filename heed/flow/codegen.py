"""Stage 4: the plan as a C program."""

import re
from collections.abc import Iterator

import numpy as np

from heed.flow.layer import Call, Layer, Ref
from heed.flow.marks import IMAGE_SHIFT, KIND_SHIFT, Mark
from heed.flow.plan import Plan, jobs_area, status_area
from heed.toolchain.kernels import KERNELS, is_pointer

WORDS_A_LINE = 4


def _identifiers(names: list[str]) -> dict[str, str]:
    """Return a different C identifier for each name."""
    taken: dict[str, str] = {}
    for name in names:
        word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "x"
        if word[0].isdigit():
            word = f"x{word}"
        unique, count = word, 1
        while unique in taken.values():
            count += 1
            unique = f"{word}_{count}"
        taken[name] = unique
    return taken


def _plain(text: str) -> str:
    """Make a name harmless inside a comment or a string."""
    return re.sub(r"[^\w ./:,()\[\]+-]", "_", text, flags=re.ASCII)


class _Writer:
    """Writes one program."""

    def __init__(self, plan: Plan):
        self.plan = plan
        self.names = _identifiers(list(plan.addresses))

    def address(self, value: Ref) -> str:
        """Return a C expression for an address."""
        symbol = f"AT_{self.names[value.area]}"
        return f"({symbol} + {value.offset}u)" if value.offset else symbol

    def constants(self) -> Iterator[str]:
        yield "/* Descriptors, weights, parameter entries and tables: TCDM from its start. */"
        yield "static const struct constants {"
        for name, _, size in self.plan.constants:
            yield f"    uint64_t {self.names[name]}[{size // 8}];"
        yield '} constants __attribute__((section(".tcdm"), used, aligned(64))) = {'
        for name, offset, size in self.plan.constants:
            words = np.frombuffer(self.plan.image, "<u8", size // 8, offset)
            yield f"    /* {_plain(name)} */"
            yield f"    .{self.names[name]} = {{"
            for at in range(0, len(words), WORDS_A_LINE):
                line = ", ".join(f"0x{word:016x}" for word in words[at : at + WORDS_A_LINE])
                yield f"        {line},"
            yield "    },"
        yield "};"
        for name, offset, _ in self.plan.constants:
            field = self.names[name]
            yield (
                f"_Static_assert(__builtin_offsetof(struct constants, {field}) == {offset}, "
                f'"{field}");'
            )

    def addresses(self) -> Iterator[str]:
        yield "/* Where everything lies. */"
        for name, address in sorted(self.plan.addresses.items(), key=lambda item: item[1]):
            yield f"#define AT_{self.names[name]} 0x{address:08x}u"

    def call(self, call: Call) -> Iterator[str]:
        yield "    {"
        yield f"        static const struct {call.kernel} job = {{"
        for field, kind in KERNELS[call.kernel].items():
            value = call.fields[field]
            if is_pointer(call.kernel, field):
                place = self.address(value) if isinstance(value, Ref) else f"{int(value)}"
                yield f"            .{field} = ({kind}){place},"
            else:
                yield f"            .{field} = {int(value)},"
        yield "        };"
        yield f"        {call.kernel}(&job, team);"
        yield "    }"

    def layer(self, index: int, layer: Layer) -> Iterator[str]:
        shapes = ", ".join(
            f"{name} {list(self.plan.lowered.layouts[name].shape)}" for name in layer.writes
        )
        what = f"{layer.name}: {layer.op} on {layer.where}, writes {shapes}"
        yield f"/* {_plain(what)} */"
        yield f"static void layer_{index}(struct heed_team team)"
        yield "{"
        if layer.where == "engine":
            jobs, status = (self.address(Ref(area(layer))) for area in (jobs_area, status_area))
            count, name = len(layer.steps), _plain(layer.name)
            yield f'    network_engine(team, {jobs}, {status}, {count}, "{name}");'
        else:
            for call in layer.steps:
                yield from self.call(call)
            if not layer.steps:
                yield "    (void)team; /* the same bytes in another shape */"
        yield "}"
        yield ""

    def copies(self, function: str, tensors: tuple[str, ...], io: str, inward: bool):
        yield f"static void {function}(uint32_t image, struct heed_team team)"
        yield "{"
        yield f"    uint32_t at = network_io.{io} + image * {io_bytes(self.plan, tensors)}u;"
        for name in tensors:
            size = self.plan.lowered.layouts[name].bytes
            pair = (self.address(Ref(name)), "at")
            target, source = pair if inward else pair[::-1]
            yield f"    network_copy({target}, {source}, {size}, team);"
            yield f"    at += {size};"
        yield "    (void)at;"
        yield "}"
        yield ""

    def program(self) -> Iterator[str]:
        plan, graph = self.plan, self.plan.lowered.graph
        yield f"/* Network {_plain(graph.name)} for preset {plan.config.name}. Generated. */"
        yield ""
        yield '#include "network.h"'
        yield ""
        yield from self.addresses()
        yield ""
        yield from self.constants()
        yield ""
        yield 'volatile struct network_io network_io __attribute__((section(".data")));'
        yield ""
        for index, layer in enumerate(plan.layers):
            yield from self.layer(index, layer)
        yield "static void (*const layers[])(struct heed_team) = {"
        for index in range(len(plan.layers)):
            yield f"    layer_{index},"
        yield "};"
        yield ""
        yield from self.copies("copy_inputs", graph.inputs, "inputs", True)
        yield from self.copies("copy_outputs", graph.outputs, "outputs", False)
        yield from _MAIN.splitlines()


def io_bytes(plan: Plan, tensors: tuple[str, ...]) -> int:
    """Return the bytes that one image's inputs or outputs take in main memory."""
    return sum(plan.lowered.layouts[name].bytes for name in tensors)


_MAIN = f"""\
/* Tells the host what happens now. */
static void mark(struct heed_team team, uint32_t kind, uint32_t image, uint32_t layer)
{{
    if (team.index == 0)
        heed_mailbox(kind << {KIND_SHIFT} | image << {IMAGE_SHIFT} | layer);
}}

int main(void)
{{
    struct heed_team team = {{heed_hart_id(), heed_harts()}};

    for (uint32_t image = 0; image < network_io.images; image++) {{
        mark(team, {Mark.IMAGE_BEGIN:d}, image, 0);
        copy_inputs(image, team);
        for (uint32_t layer = 0; layer < sizeof layers / sizeof layers[0]; layer++) {{
            mark(team, {Mark.LAYER_BEGIN:d}, image, layer);
            heed_barrier();
            layers[layer](team);
            heed_barrier();
            mark(team, {Mark.LAYER_END:d}, image, layer);
        }}
        copy_outputs(image, team);
        heed_barrier();
        mark(team, {Mark.IMAGE_END:d}, image, 0);
    }}
    return 0;
}}
"""


def generate_source(plan: Plan) -> str:
    """Return the program: constants in `.tcdm`, a function a layer, a loop over the images."""
    return "\n".join(_Writer(plan).program()) + "\n"
