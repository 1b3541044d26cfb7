"""What the comparison of two traces found, for readers."""

import re

from sw_model.isa.disassemble import disassemble

_RECORD = re.compile(r"^(  (?:rtl|iss)) ([0-9a-f]{8}) ([0-9a-f]{8})(.*)$", re.MULTILINE)


def explain(report: str) -> str:
    """Return the report of `heed::Lockstep` with each instruction in assembly language."""

    def disassembled(match: re.Match) -> str:
        who, pc, word, rest = match.groups()
        return f"{who} {pc} {word} {disassemble(int(word, 16), int(pc, 16)):<34}{rest}"

    return _RECORD.sub(disassembled, report)
