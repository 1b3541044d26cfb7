"""Reservations of harts: what decides whether a store-conditional succeeds."""

from amaranth.hdl import *
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2


class ReservedWord(data.StructLayout):
    """Layout of the place of a 32-bit word: half of a 64-bit word, its row, its bank."""

    def __init__(self, *, banks, row_bits):
        super().__init__({"half": 1, "row": row_bits, "bank": range(max(banks, 2))})


class HartReservation(wiring.Signature):
    """What a hart does with its reservation, from the side of who serves its requests.

    Members
    -------
    word : Out(ReservedWord); what the hart's request is about
    reserve : Out(1); a load-reserved is served in this cycle
    release : Out(1); a store-conditional is, with or without success
    held : In(1); the hart has a reservation, and of exactly `word`
    """

    def __init__(self, *, banks, row_bits):
        self._shape = (banks, row_bits)
        super().__init__(
            {
                "word": Out(ReservedWord(banks=banks, row_bits=row_bits)),
                "reserve": Out(1),
                "release": Out(1),
                "held": In(1),
            }
        )

    def __eq__(self, other):
        return isinstance(other, HartReservation) and other._shape == self._shape

    def __repr__(self):
        return f"HartReservation(banks={self._shape[0]}, row_bits={self._shape[1]})"


class BankWrite(wiring.Signature):
    """What a bank is made to write, from the side of who asks it.

    Members
    -------
    halves : Out(2); which 32-bit halves of the word are written in this cycle, if any
    row : Out(row_bits)
    master : Out; who writes
    """

    def __init__(self, *, masters, row_bits):
        self._shape = (masters, row_bits)
        super().__init__(
            {"halves": Out(2), "row": Out(row_bits), "master": Out(range(max(masters, 2)))}
        )

    def __eq__(self, other):
        return isinstance(other, BankWrite) and other._shape == self._shape

    def __repr__(self):
        return f"BankWrite(masters={self._shape[0]}, row_bits={self._shape[1]})"


class Reservations(wiring.Component):
    """One reservation of one 32-bit word for each hart.

    A load-reserved sets its hart's reservation and takes the place of an older one; any
    store-conditional of the hart ends it, and so does a write of any byte of the word by another
    master. A hart's own stores leave it.

    Parameters
    ----------
    harts : int
        Who has a reservation, 1 or more: the first of the masters.
    masters : int
        Who writes, `harts` or more.
    banks : int
        Banks of 64-bit words that are written at the same time, a power of two, 1 or more.
    row_bits : int
        Width of the number of a word in its bank.

    Members
    -------
    hart : In(HartReservation).array(harts)
    bank : In(BankWrite).array(banks)

    Timing
    ------
    `held` follows `word` combinationally and shows what was up to the last cycle: a write of this
    cycle ends the reservation for the next. Who serves one request a bank a cycle loses nothing
    by that, since the word's own bank has no time for a store-conditional then.

    Raises
    ------
    ValueError
        When `harts` is not from 1 to `masters`.
    """

    def __init__(self, *, harts, masters, banks, row_bits):
        if not isinstance(harts, int) or not 1 <= harts <= masters:
            raise ValueError(f"harts is {harts!r}, but must be an integer from 1 to {masters}")
        self._place = ReservedWord(banks=banks, row_bits=row_bits)
        super().__init__(
            {
                "hart": In(HartReservation(banks=banks, row_bits=row_bits)).array(harts),
                "bank": In(BankWrite(masters=masters, row_bits=row_bits)).array(banks),
            }
        )

    def elaborate(self, platform):
        m = Module()
        assert len(self.bank) == 1 << ceil_log2(len(self.bank))
        halves = Array(bank.halves for bank in self.bank)
        rows = Array(bank.row for bank in self.bank)
        masters = Array(bank.master for bank in self.bank)
        for number, hart in enumerate(self.hart):
            valid = Signal(name=f"valid_{number}")
            word = Signal(self._place, name=f"word_{number}")
            broken = Signal(name=f"broken_{number}")
            with m.If(valid):
                m.d.comb += [
                    hart.held.eq(word == hart.word),
                    broken.eq(
                        halves[word.bank].bit_select(word.half, 1)
                        & (rows[word.bank] == word.row)
                        & (masters[word.bank] != number)
                    ),
                ]
            with m.If(hart.reserve):
                m.d.sync += [valid.eq(1), word.eq(hart.word)]
            with m.Elif(hart.release | broken):
                m.d.sync += valid.eq(0)
        return m
