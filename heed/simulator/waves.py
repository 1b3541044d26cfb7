"""Save files for waveform viewers: the signals that one looks at first, in groups."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from vcd.gtkw import GTKWSave

_GROUPS = (
    ("run", r"sim_top\.(clk|start|notify|sleeping|(console|mailbox|exit)_(valid|data)|trap_\w+)"),
    ("hart {0}", r"sim_top\.cluster\.core_(\d+)\.(monitor__|interrupts__|sleeping)\w*"),
    ("hart {0} fetch", r"sim_top\.cluster\.core_(\d+)\.fetch__\w+"),
    ("hart {0} TCDM", r"sim_top\.cluster\.core_(\d+)\.tcdm__\w+"),
    ("hart {0} data", r"sim_top\.cluster\.core_(\d+)\.data__\w+"),
    ("events", r"sim_top\.cluster\.events\.(waiting|members|pending_\d+|mtime_low)"),
    ("engine", r"sim_top\.cluster\.engine\.(busy|event__\w+|regs__\w+)"),
    ("engine ports", r"sim_top\.cluster\.engine\.port__\w+(valid|ready|payload)"),
    ("TCDM banks", r"sim_top\.cluster\.tcdm\.(bank_\d+)\.port__(valid|request)"),
)
"""Title and pattern of each group of signals; the pattern's first number goes into the title."""


@dataclass(frozen=True)
class _Signal:
    path: str
    width: int


def write_save_files(waveform: Path) -> tuple[Path, Path]:
    """Write save files for GTKWave (.gtkw) and Surfer (.sucl) beside a VCD file.

    The groups are filled from the hierarchy that the file itself declares. Open them with
    `gtkwave F.gtkw` and `surfer --command-file F.sucl`.

    Returns
    -------
    tuple
        Paths of the two files.
    """
    groups = _group(_read_signals(waveform))
    gtkwave = waveform.with_suffix(".gtkw")
    with open(gtkwave, "w") as file:
        _write_gtkwave(file, waveform, groups)
    surfer = waveform.with_suffix(".sucl")
    surfer.write_text("".join(_surfer_commands(waveform, groups)))
    return gtkwave, surfer


def _read_signals(waveform: Path) -> list[_Signal]:
    """Return the signals that a VCD file declares."""
    signals = []
    scopes = []
    with open(waveform, errors="replace") as file:
        for line in file:
            words = line.split()
            if not words:
                continue
            if words[0] == "$scope":
                scopes.append(words[2])
            elif words[0] == "$upscope":
                scopes.pop()
            elif words[0] == "$var":
                signals.append(_Signal(".".join([*scopes, words[4]]), int(words[2])))
            elif words[0] == "$enddefinitions":
                break
    return signals


def _group(signals: Iterable[_Signal]) -> dict[str, list[_Signal]]:
    """Return the signals to show by title of their group, in the order of `_GROUPS`."""
    found = {}
    for signal in signals:
        for position, (title, pattern) in enumerate(_GROUPS):
            if match := re.fullmatch(rf"(?:TOP\.)?{pattern}", signal.path):
                number = int(match[1]) if "{0}" in title else 0
                found.setdefault((number, position, title.format(number)), []).append(signal)
    result = {}
    for (_, _, title), members in sorted(found.items(), key=lambda item: item[0]):
        result[title] = sorted(members, key=lambda signal: _natural(signal.path))
    return result


def _natural(path: str) -> list[str | int]:
    """Return a sort key in which bank_10 follows bank_9."""
    parts = re.split(r"(\d+)", path)
    return [int(part) if part.isdigit() else part for part in parts]


def _write_gtkwave(file, waveform: Path, groups: dict[str, list[_Signal]]) -> None:
    save = GTKWSave(file)
    save.dumpfile(waveform.name, abspath=False)
    for title, signals in groups.items():
        with save.group(title, closed=title not in ("run", "hart 0", "engine")):
            for signal in signals:
                shown = f"{signal.path}[{signal.width - 1}:0]" if signal.width > 1 else signal.path
                save.trace(shown)


def _surfer_commands(waveform: Path, groups: dict[str, list[_Signal]]) -> Iterable[str]:
    yield f"load_file {waveform.name}\n"
    for title, signals in groups.items():
        yield f"divider_add {title}\n"
        for signal in signals:
            yield f"variable_add {signal.path}\n"
    yield "zoom_fit\n"
