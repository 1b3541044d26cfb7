"""Writes what is derived from `regmap`: the firmware's C header and the reference page.

`generate(check=True)` writes nothing and tells which files are stale.
"""

from pathlib import Path

from hw import regmap

ROOT = Path(__file__).resolve().parent.parent
NOTICE = "Generated from hw/regmap.py by `heed generate`; do not edit."
ENUMS = (
    regmap.Kind,
    regmap.ElementType,
    regmap.ParamMode,
    regmap.MaskMode,
    regmap.Status,
    regmap.Stall,
)
DOCS = {regmap.Status: regmap.STATUS_DOC, regmap.Stall: regmap.STALL_DOC}
C_TYPES = {32: "uint32_t", 64: "uint64_t"}


def _snake(name):
    return "".join(f"_{c}" if c.isupper() and i else c for i, c in enumerate(name)).upper()


def _define(name, value, doc):
    return f"#define {name:<44} {value:<14} /* {doc} */"


def _field_defines(prefix, fields):
    lines = []
    for field in fields:
        name = f"{prefix}_{field.name.upper()}"
        lines.append(_define(f"{name}_SHIFT", str(field.low), field.doc))
        ones = (1 << field.width) - 1
        lines.append(_define(f"{name}_MASK", f"{ones:#x}u", "before the shift"))
    return lines


def _layout_struct(layout):
    """A C struct of whole words: a field that fills its word gives it its name."""
    names = {}
    for index, field in layout.fields:
        whole = field.width == layout.word_bits
        names[index] = field.name if whole else f"word{index}"
    lines = [f"/* {layout.doc} */", f"struct heed_{layout.name} {{"]
    for index in range(layout.words):
        name = names.get(index, f"reserved{index}")
        lines.append(f"    {C_TYPES[layout.word_bits]} {name};")
    lines.append("};")
    return lines


def c_header():
    """Return the text of the firmware's header."""
    lines = [
        f"/* {NOTICE} */",
        "#ifndef HEED_REGS_H",
        "#define HEED_REGS_H",
        "",
        "#include <stdint.h>",
        "",
    ]
    for name, value, doc in regmap.MEMORY_MAP:
        lines.append(_define(f"HEED_{name}", f"{value:#010x}u", doc))
    for block in regmap.BLOCKS:
        prefix = f"HEED_{block.name.upper()}"
        base = regmap.DEVICE_BASE + block.offset
        lines += ["", _define(f"{prefix}_BASE", f"{base:#010x}u", block.doc)]
        for register in block.registers:
            name = f"{prefix}_{register.name.upper()}"
            lines.append(_define(name, f"{register.offset:#05x}u", register.doc))
            if register.count > 1:
                step = 4 * register.stride_words
                lines.append(_define(f"{name}_STEP", f"{step}u", "bytes between elements"))
            lines += _field_defines(name, register.fields)
    for values in ENUMS:
        lines += ["", f"/* {values.__doc__.splitlines()[0]} */"]
        prefix = f"HEED_{_snake(values.__name__)}"
        for value in values:
            doc = DOCS.get(values, {}).get(value, value.name.lower())
            lines.append(_define(f"{prefix}_{value.name}", f"{value.value}u", doc))
    lines += ["", _define("HEED_DESCRIPTOR_VERSION", f"{regmap.DESCRIPTOR_VERSION}u", "Current.")]
    for layout in regmap.LAYOUTS:
        lines += ["", *_layout_struct(layout)]
        prefix = f"HEED_{layout.name.upper()}"
        partial = [f for _, f in layout.fields if f.width < layout.word_bits]
        lines += _field_defines(prefix, partial)
    lines += ["", "#endif", ""]
    return "\n".join(lines)


def _bits(field):
    top = field.low + field.width - 1
    return f"{top}:{field.low}" if field.width > 1 else f"{field.low}"


def _values(field):
    if field.values is None:
        return field.doc
    names = ", ".join(f"{value.value} {value.name}" for value in field.values)
    return f"{field.doc} {names}."


def _block_page(block):
    base = regmap.DEVICE_BASE + block.offset
    lines = ["", f"## {block.name}: {base:#010x}", "", block.doc]
    if not block.built:
        lines += ["", "The layout is fixed; no hardware answers yet: an access is an access fault."]
    lines += ["", "| offset | register | access | reset | what |", "|---|---|---|---|---|"]
    for register in block.registers:
        step = 4 * register.stride_words
        many = f" + {step}h, {register.count} of them" if register.count > 1 else ""
        lines.append(
            f"| {register.offset:#05x}{many} | `{register.name}` | {register.access} | "
            f"{register.reset:#x} | {register.doc} |"
        )
    for register in block.registers:
        if register.fields:
            lines += ["", f"`{register.name}`:", "", "| bits | field | what |", "|---|---|---|"]
            lines += [f"| {_bits(f)} | `{f.name}` | {_values(f)} |" for f in register.fields]
    return lines


def _layout_page(layout):
    lines = ["", f"## {layout.name}", "", layout.doc]
    lines += [f"{layout.bytes} bytes, {layout.word_bits}-bit words, little-endian."]
    lines += ["", "| word | bits | field | what |", "|---|---|---|---|"]
    lines += [f"| {i} | {_bits(f)} | `{f.name}` | {_values(f)} |" for i, f in layout.fields]
    return lines


def reference_page():
    """Return the text of the reference page."""
    lines = [
        "# Registers, descriptors and codes",
        "",
        f"{NOTICE}",
        "",
        "Access: `rw` stored, `ro` read only, `wo` write only (reads 0), `w1c` writing 1 clears.",
        "Only whole 32-bit words can be written; anything else is an access fault.",
        "",
        "| base | what |",
        "|---|---|",
    ]
    lines += [f"| {value:#010x} | {doc} |" for _, value, doc in regmap.MEMORY_MAP]
    for block in regmap.BLOCKS:
        lines += _block_page(block)
    for layout in regmap.LAYOUTS:
        lines += _layout_page(layout)
    lines += ["", "## Status codes", "", "| code | name | meaning |", "|---|---|---|"]
    lines += [f"| {s.value} | {s.name} | {regmap.STATUS_DOC[s]} |" for s in regmap.Status]
    lines += ["", "## Stalls", "", "| index | name | meaning |", "|---|---|---|"]
    lines += [f"| {s.value} | {s.name} | {regmap.STALL_DOC[s]} |" for s in regmap.Stall]
    lines += ["", "## Parameter modes", "", regmap.ParamMode.__doc__.split("\n\n")[1].strip()]
    return "\n".join(line.rstrip() for line in lines) + "\n"


FILES = {
    "firmware/include/generated/heed_regs.h": c_header,
    "docs/reference/registers.md": reference_page,
}


def generate(check=False, root=ROOT):
    """Write the generated files below `root`; return the paths that differed.

    Parameters
    ----------
    check : bool
        Only compare.
    """
    stale = []
    for name, text in FILES.items():
        path = Path(root) / name
        wanted = text()
        if not path.exists() or path.read_text() != wanted:
            stale.append(name)
            if not check:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(wanted)
    return stale
