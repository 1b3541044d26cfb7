"""The register map: nothing overlaps, layouts pack and unpack, generated files follow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hw import generate, regmap
from hw.registers import Field, Register


@pytest.mark.parametrize("layout", regmap.LAYOUTS, ids=lambda layout: layout.name)
def test_layout_fields_do_not_overlap_and_fit(layout):
    taken = [0] * layout.words
    for index, field in layout.fields:
        assert field.low + field.width <= layout.word_bits, field.name
        assert taken[index] & field.mask == 0, field.name
        taken[index] |= field.mask
    for index, mask in enumerate(taken):
        assert layout.reserved_mask(index) == ~mask & ((1 << layout.word_bits) - 1)


@pytest.mark.parametrize("block", regmap.BLOCKS, ids=lambda block: block.name)
def test_registers_do_not_overlap_and_fit_their_window(block):
    offsets = [r.address(i) for r in block.registers for i in range(r.count)]
    assert len(set(offsets)) == len(offsets)
    assert all(offset % 4 == 0 and offset < 4096 for offset in offsets)


def test_blocks_have_their_own_windows():
    offsets = [block.offset for block in regmap.BLOCKS]
    assert offsets == sorted(set(offsets)) and all(offset % 4096 == 0 for offset in offsets)


def test_sizes_of_layouts_in_memory():
    assert regmap.DESCRIPTOR.bytes == 128
    assert regmap.PARAMETER.bytes == 16
    assert regmap.HEAD_PARAMETER.bytes == 24
    assert regmap.STATUS_WORD.bytes == 8


def values(layout):
    def one(field):
        low = -(1 << (field.width - 1)) if field.signed else 0
        return st.integers(low, low + (1 << field.width) - 1)

    return st.fixed_dictionaries({field.name: one(field) for _, field in layout.fields})


@pytest.mark.parametrize("layout", regmap.LAYOUTS, ids=lambda layout: layout.name)
@given(data=st.data())
def test_pack_and_unpack_are_inverse(layout, data):
    fields = data.draw(values(layout))
    raw = layout.pack(**fields)
    assert layout.unpack(raw) == fields
    words = [int.from_bytes(raw[i : i + layout.word_bits // 8], "little") for i in (0,)]
    assert words[0] & layout.reserved_mask(0) == 0


def test_parameter_entry_lies_as_documented():
    raw = regmap.PARAMETER.pack(add=-2, shift=31, rsh=5, mul=-3, rmul=7)
    word0, word1 = (int.from_bytes(raw[i : i + 8], "little") for i in (0, 8))
    assert word0 == (((1 << 48) - 2) | 31 << 48 | 5 << 53)
    assert word1 == (((1 << 17) - 3) | 7 << 32)


def test_wrong_values_are_refused_by_name():
    with pytest.raises(ValueError, match="field shift is 32, but must be from 0 to 31"):
        regmap.PARAMETER.pack(shift=32)
    with pytest.raises(ValueError, match="field mul is 65536, but must be from -65536 to 65535"):
        regmap.PARAMETER.pack(mul=65536)
    with pytest.raises(ValueError, match="descriptor has no field called kin"):
        regmap.DESCRIPTOR.pack(kin=1)
    with pytest.raises(ValueError, match="takes 128 bytes, not 3"):
        regmap.DESCRIPTOR.unpack(b"abc")
    with pytest.raises(ValueError, match="access is 'r'"):
        Register("a", 0, "r", "")
    with pytest.raises(ValueError, match="index 16 not in 0..15"):
        regmap.EVENTS["msip"].address(16)
    with pytest.raises(KeyError, match="engine has no register nothing"):
        regmap.ENGINE["nothing"]


def test_signed_field_decodes_negative():
    field = Field("f", 4, 3, "", signed=True)
    assert field.decode(field.encode(-4)) == -4 and field.decode(0b111_0000) == -1


def test_every_status_is_documented():
    assert set(regmap.STATUS_DOC) == set(regmap.Status)


def test_generate_writes_once_and_sees_a_stale_file(tmp_path):
    assert generate.generate(root=tmp_path) == list(generate.FILES)
    assert generate.generate(root=tmp_path) == []
    page = tmp_path / "docs/reference/registers.md"
    page.write_text(page.read_text().replace("doorbell", "bell"))
    assert generate.generate(check=True, root=tmp_path) == ["docs/reference/registers.md"]
    assert "| `bell` |" in page.read_text()


def test_checked_in_files_are_current():
    assert generate.generate(check=True) == []
