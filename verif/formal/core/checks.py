"""Properties of the trace port, each a few registers beside the core and what must hold of them."""

from amaranth.hdl import Cat, Const, Mux, Signal, Value

from hw.config import MAIN_BASE, TCDM_BASE
from hw.tcdm.bus import TcdmOp
from verif.formal.core.environment import CoreBench
from verif.formal.core.spec import ROWS, Expected, Spec

FETCH_FAULT = 1
MANY = 4
"""Retirements that a cover wants to see in one run."""


def instructions(b: CoreBench, names: tuple[str, ...]) -> None:
    """Each of the named instructions does what `spec` says."""
    spec = _spec(b, names)
    agrees = _agrees(b.rvfi, spec.expected)
    for name in names:
        there = b.rvfi.valid & b.rvfi.insn.matches(ROWS[name].pattern)
        b.check(f"{name}_does_what_it_should", ~there | agrees)
        b.cover(f"{name}_retires", there & ~b.rvfi.trap)
        if name in ("ecall", "ebreak"):
            b.covers.remove(f"{name}_retires")


def illegal(b: CoreBench) -> None:
    """What is no instruction is an exception, and what is one is not illegal."""
    rvfi = b.rvfi
    spec = _spec(b, tuple(ROWS))
    refused = rvfi.trap & (rvfi.heed_cause == 2)
    csr = rvfi.insn[:7] == 0x73
    b.check("no_instruction_is_refused", ~rvfi.valid | spec.known | refused)
    b.check("an_instruction_is_not_refused", ~(rvfi.valid & spec.known & ~csr) | ~refused)
    b.cover("something_illegal", rvfi.valid & refused)


def _spec(b, names):
    spec = Spec(names, config=b.config)
    b.m.submodules.spec = spec
    rvfi = b.rvfi
    b.m.d.comb += [
        spec.insn.eq(rvfi.insn),
        spec.pc.eq(rvfi.pc_rdata),
        spec.a.eq(rvfi.rs1_rdata),
        spec.b.eq(rvfi.rs2_rdata),
        spec.loaded.eq(rvfi.mem_rdata),
    ]
    return spec


def _agrees(rvfi, expected: Expected) -> Value:
    reads = (rvfi.rs1_addr == expected.rs1) & (rvfi.rs2_addr == expected.rs2)
    written = Mux(expected.rd == 0, 0, expected.value)
    nothing = (
        (rvfi.rd_addr == 0)
        & (rvfi.rd_wdata == 0)
        & (rvfi.mem_rmask == 0)
        & (rvfi.mem_wmask == 0)
        & (rvfi.heed_rd2_addr == 0)
    )
    trap = (rvfi.heed_cause == expected.cause) & nothing & (expected.traps | expected.may_trap)
    accesses = (expected.reads | expected.writes) != 0
    effects = (
        ~expected.traps
        & (rvfi.rd_addr == expected.rd)
        & (expected.any_rd | (rvfi.rd_wdata == written))
        & (rvfi.heed_rd2_addr == 0)
        & (expected.any_pc | (rvfi.pc_wdata == expected.pc))
        & (rvfi.mem_rmask == expected.reads)
        & (rvfi.mem_wmask == expected.writes)
        & (~accesses | (rvfi.mem_addr == expected.address))
        & (rvfi.mem_wdata == expected.stored)
    )
    return reads & Mux(rvfi.trap, trap, effects)


def order(b: CoreBench) -> None:
    """Retirements are numbered from 0 without a gap; constant fields are constant."""
    rvfi = b.rvfi
    count = Signal(64, name="retired")
    with b.m.If(rvfi.valid):
        b.m.d.sync += count.eq(count + 1)
    b.check("order_counts", ~rvfi.valid | (rvfi.order == count))
    b.check("machine_mode", ~rvfi.valid | ((rvfi.mode == 3) & (rvfi.ixl == 1) & ~rvfi.halt))
    b.cover("many_retire", rvfi.valid & (rvfi.order == MANY))


def chain(b: CoreBench) -> None:
    """Each instruction lies where the one before it said, or is the first of a handler."""
    rvfi = b.rvfi
    following = Signal(32, name="following")
    trapped = Signal(name="trapped")
    begun = Signal(name="begun")
    with b.m.If(rvfi.valid):
        b.m.d.sync += [following.eq(rvfi.pc_wdata), trapped.eq(rvfi.trap), begun.eq(1)]
    expected = Mux(begun, following, b.boot_address)
    b.check(
        "starts_where_the_last_led",
        ~(rvfi.valid & ~rvfi.heed_irq) | (rvfi.pc_rdata == expected),
    )
    b.check("handler_is_marked", ~rvfi.valid | (rvfi.intr == (trapped | rvfi.heed_irq)))
    b.check("addresses_are_multiples_of_4", ~rvfi.valid | (rvfi.pc_rdata[:2] == 0))
    turned = Signal(name="turned")  # a jump was taken, or a trap
    with b.m.If(rvfi.valid & (rvfi.pc_wdata != (rvfi.pc_rdata + 4)[:32])):
        b.m.d.sync += turned.eq(1)
    b.cover("goes_on_after_a_jump", rvfi.valid & turned & begun & ~trapped)
    b.cover("goes_on_after_a_trap", rvfi.valid & trapped)


def registers(b: CoreBench, bit: int = 7) -> None:
    """A register reads as what was last written to it; register 0 as 0.

    One bit of it is followed: the registers and the ways around them treat all bits the same.
    """
    rvfi = b.rvfi
    number = b.symbol(5, name="register")
    value = Signal(name="value")
    known = Signal(name="known")  # it was written; register 0 is 0
    ports = (
        (rvfi.rs1_addr, rvfi.rs1_rdata),
        (rvfi.rs2_addr, rvfi.rs2_rdata),
        (rvfi.heed_rs3_addr, rvfi.heed_rs3_rdata),
    )
    with b.m.If(rvfi.valid & (number != 0)):
        with b.m.If(rvfi.heed_rd2_addr == number):
            b.m.d.sync += [value.eq(rvfi.heed_rd2_wdata[bit]), known.eq(1)]
        with b.m.If(rvfi.rd_addr == number):
            b.m.d.sync += [value.eq(rvfi.rd_wdata[bit]), known.eq(1)]
    for place, (address, data) in enumerate(ports, start=1):
        reads = rvfi.valid & (address == number) & (known | (number == 0))
        b.check(f"rs{place}_reads_what_was_written", ~reads | (data[bit] == value))
    b.check("register_0_is_0", ~(rvfi.valid & (rvfi.rs1_addr == 0)) | (rvfi.rs1_rdata == 0))
    b.cover("a_value_is_read", rvfi.valid & (rvfi.rs1_addr == number) & known & value)
    b.cover("a_register_starts_with_1", rvfi.valid & (rvfi.order == 0) & rvfi.rs1_rdata[bit])


def writes(b: CoreBench) -> None:
    """Register 0 is never written, two writes name two registers, and traps write nothing."""
    rvfi = b.rvfi
    pairs = ((rvfi.rd_addr, rvfi.rd_wdata), (rvfi.heed_rd2_addr, rvfi.heed_rd2_wdata))
    for place, (address, data) in enumerate(pairs, start=1):
        b.check(f"write_{place}_of_nothing_is_0", ~(rvfi.valid & (address == 0)) | (data == 0))
        b.check(f"write_{place}_not_by_a_trap", ~(rvfi.valid & rvfi.trap) | (address == 0))
    b.check(
        "two_registers", ~rvfi.valid | (rvfi.rd_addr == 0) | (rvfi.rd_addr != rvfi.heed_rd2_addr)
    )
    masks = rvfi.mem_rmask | rvfi.mem_wmask
    b.check("no_access_by_a_trap", ~(rvfi.valid & rvfi.trap) | (masks == 0))
    b.cover("a_trap", rvfi.valid & rvfi.trap)
    b.cover("a_write", rvfi.valid & (rvfi.rd_addr != 0))


def program(b: CoreBench) -> None:
    """What retires is what memory holds at its address, or a fetch fault where there is none."""
    rvfi, fetch = b.rvfi, b.core.fetch
    address = b.symbol(32, name="address")
    word = b.symbol(32, name="word")
    missing = b.symbol(1, name="missing")
    asked = b.past(fetch.req.valid & fetch.req.ready & (fetch.req.payload == address))
    b.assume(~asked | ((fetch.rsp.data == word) & (fetch.rsp.error == missing)))
    there = rvfi.valid & (rvfi.pc_rdata == address)
    faults = rvfi.trap & (rvfi.heed_cause == FETCH_FAULT)
    b.check("word_is_memorys", ~there | missing | (rvfi.insn == word))
    b.check("fault_is_memorys", ~there | (faults == missing))
    b.check("fetches_words", ~fetch.req.valid | (fetch.req.payload[:2] == 0))
    b.cover("that_word_retires", there & ~rvfi.trap & (rvfi.order != 0))
    b.cover("that_word_is_missing", there & faults & (rvfi.order != 0))


def accesses(b: CoreBench, bit: int = 3) -> None:
    """Memory sees each access of the program once, in order, and gives the trace its answer.

    The one with a symbolic number stands for all, and one bit of each byte of data for the byte:
    bytes move to other lanes, their bits stay together.
    """

    def bits(word):
        return Cat(word[place + bit] for place in range(0, 32, 8))

    rvfi, tcdm, device = b.rvfi, b.core.tcdm, b.core.data
    number = b.symbol(4, name="number")
    requests, retirements = Signal(4, name="requests"), Signal(4, name="retirements")
    to_tcdm = Signal(name="to_tcdm")
    to_device = Signal(name="to_device")
    b.m.d.comb += [
        to_tcdm.eq(tcdm.req.valid & tcdm.req.ready),
        to_device.eq(device.req.valid & device.req.ready),
    ]
    # The request with that number.
    seen = Signal(name="seen")
    stores = Signal(name="stores")
    address = Signal(32, name="address")
    stored = Signal(4, name="stored")
    strobe = Signal(4, name="strobe")
    half = tcdm.req.payload.addr[2]
    asks = (to_tcdm | to_device) & (requests == number)
    b.m.d.sync += requests.eq(requests + (to_tcdm | to_device))
    with b.m.If(asks):
        b.m.d.sync += seen.eq(1)
    with b.m.If(asks & to_tcdm):
        b.m.d.sync += [
            stores.eq(tcdm.req.payload.op == TcdmOp.STORE),
            address.eq(TCDM_BASE + tcdm.req.payload.addr),
            stored.eq(bits(tcdm.req.payload.data.word_select(half, 32))),
            strobe.eq(tcdm.req.payload.strobe.word_select(half, 4)),
        ]
    with b.m.If(asks & ~to_tcdm):
        b.m.d.sync += [
            stores.eq(device.req.payload.op == TcdmOp.STORE),
            address.eq(device.req.payload.addr),
            stored.eq(bits(device.req.payload.data)),
            strobe.eq(device.req.payload.strobe),
        ]
    # Its answer.
    answer = Signal(4, name="answer")
    waits_device = Signal(name="waits_device")
    with b.m.If(b.past(asks & to_tcdm)):
        b.m.d.sync += answer.eq(bits(tcdm.rsp.data.word_select(address[2], 32)))
    with b.m.If(asks & to_device):
        b.m.d.sync += waits_device.eq(1)
    with b.m.Elif(device.rsp.valid):
        b.m.d.sync += waits_device.eq(0)
        with b.m.If(waits_device):
            b.m.d.sync += answer.eq(bits(device.rsp.data))

    # The access of the program with that number.
    accesses = rvfi.valid & ((rvfi.mem_rmask | rvfi.mem_wmask) != 0)
    that = accesses & (retirements == number)
    b.m.d.sync += retirements.eq(retirements + accesses)
    loads = rvfi.mem_rmask != 0
    lowest = address[:2]
    mask = Mux(loads, rvfi.mem_rmask, rvfi.mem_wmask)
    same_bytes = ((stored >> lowest) & rvfi.mem_wmask) == bits(rvfi.mem_wdata)
    given = ((answer >> lowest) & rvfi.mem_rmask) == bits(rvfi.mem_rdata)
    b.check("is_performed", ~that | seen)
    b.check("goes_where_it_should", ~that | (address == rvfi.mem_addr))
    b.check("is_of_its_kind", ~that | (stores == ~loads))
    b.check("has_its_bytes", ~that | ((strobe >> lowest) == mask))
    b.check("stores_its_value", ~that | loads | same_bytes)
    b.check("gets_memorys_answer", ~that | ~loads | given)
    b.check("one_bus_at_a_time", ~(to_tcdm & to_device))
    b.check("is_there_before_it_retires", (requests - retirements)[:4] <= 8)
    several = number >= 2
    b.cover("a_third_load", that & several & loads)
    b.cover("a_third_store", that & several & ~loads)
    b.cover("a_load_of_a_device", that & loads & (rvfi.mem_addr >= MAIN_BASE))


def buses(b: CoreBench) -> None:
    """Requests to memory stay until taken, lie in their region, and devices get one at a time."""
    tcdm, device = b.core.tcdm, b.core.data
    for name, bus in (("tcdm", tcdm), ("device", device)):
        waits = b.past(bus.req.valid & ~bus.req.ready)
        payload = bus.req.payload.as_value()
        same = payload == b.past(payload)
        b.check(f"{name}_request_stays", ~waits | (bus.req.valid & same))
        b.cover(f"{name}_waits_and_goes", waits & bus.req.ready)
    free = ~b.data_outstanding | device.rsp.valid
    b.check("one_device_access", ~(device.req.valid & device.req.ready) | free)
    main = (device.req.payload.addr - MAIN_BASE)[:32] < b.config.main_bytes
    devices = device.req.payload.addr[16:] == 0x1010
    b.check("only_where_something_is", ~device.req.valid | main | devices)


SHADOWED = {
    0x305: 0xFFFFFFFD,
    0x340: 0xFFFFFFFF,
    0x341: 0xFFFFFFFC,
    0x342: 0x8000001F,
    0x343: 0xFFFFFFFF,
}
"""mtvec, mscratch, mepc, mcause and mtval; the bits of them that can be written."""


def traps(b: CoreBench) -> None:
    """Traps and `mret` lead where they should and leave what they should in CSRs.

    `mtvec`, `mscratch`, `mepc`, `mcause` and `mtval` are followed from their writes and from traps;
    reads of them must agree.
    """
    rvfi = b.rvfi
    shadow = {csr: Signal(32, name=f"csr_{csr:x}") for csr in SHADOWED}
    seen = {csr: Signal(32, name=f"seen_{csr:x}") for csr in SHADOWED}
    tvec, epc, cause, value = (shadow[csr] for csr in (0x305, 0x341, 0x342, 0x343))
    began = Signal(32, name="began")  # where the next instruction was to be
    begun = Signal(name="begun")
    expected = Mux(begun, began, b.boot_address)
    # An interrupt before this instruction comes first.
    for csr in SHADOWED:
        b.m.d.comb += seen[csr].eq(shadow[csr])
    with b.m.If(rvfi.heed_irq):
        b.m.d.comb += [
            seen[0x341].eq(expected),
            seen[0x342].eq(Cat(rvfi.heed_irq_cause, Const(0, 26), Const(1, 1))),
            seen[0x343].eq(0),
        ]
    base = Cat(Const(0, 2), tvec[2:])
    handler = (base + Mux(tvec[0], rvfi.heed_irq_cause << 2, 0))[:32]
    interrupted, raised = rvfi.valid & rvfi.heed_irq, rvfi.valid & rvfi.trap
    b.check("interrupts_lead_to_their_handler", ~interrupted | (rvfi.pc_rdata == handler))
    b.check("exceptions_lead_to_their_handler", ~raised | (rvfi.pc_wdata == base))
    retires = rvfi.valid & ~rvfi.trap
    returns = retires & (rvfi.insn == 0x30200073)
    b.check("mret_leads_back", ~returns | (rvfi.pc_wdata == seen[0x341]))

    funct3, csr = rvfi.insn[12:15], rvfi.insn[20:]
    accesses = retires & (rvfi.insn[:7] == 0x73) & (funct3[:2] != 0)
    operand = Mux(funct3[2], rvfi.insn[15:20], rvfi.rs1_rdata)
    writes = (funct3[:2] == 1) | (rvfi.insn[15:20] != 0)
    with b.m.If(rvfi.valid):
        b.m.d.sync += [began.eq(rvfi.pc_wdata), begun.eq(1)]
    for number, writable in SHADOWED.items():
        that = accesses & (csr == number)
        old = seen[number]
        written = Mux(funct3[:2] == 1, operand, Mux(funct3[:2] == 2, old | operand, old & ~operand))
        with b.m.If(rvfi.valid):
            b.m.d.sync += shadow[number].eq(old)
        with b.m.If(that & writes):
            b.m.d.sync += shadow[number].eq(written & writable)
        b.check(f"reads_csr_{number:x}", ~(that & (rvfi.rd_addr != 0)) | (rvfi.rd_wdata == old))
    access = (rvfi.heed_cause >= 4) & (rvfi.heed_cause <= 7)
    with b.m.If(raised):
        b.m.d.sync += [epc.eq(rvfi.pc_rdata), cause.eq(rvfi.heed_cause)]
        with b.m.Switch(rvfi.heed_cause):
            with b.m.Case(2):
                b.m.d.sync += value.eq(rvfi.insn)
            with b.m.Case(1, 3):
                b.m.d.sync += value.eq(rvfi.pc_rdata)
            with b.m.Case(11):
                b.m.d.sync += value.eq(0)
            with b.m.Default():  # an address of memory or of a jump
                b.m.d.sync += value.eq(_target(rvfi))
    b.cover("an_interrupt", interrupted)
    b.cover("a_return", returns & begun)
    b.cover("a_cause_is_read", accesses & (csr == 0x342) & (rvfi.rd_wdata != 0))
    b.cover("an_access_traps", raised & access)


def _target(rvfi):
    """The address that an instruction of RV32IM goes to, loads from or stores to."""
    insn = rvfi.insn
    i = insn[20:].as_signed()
    s = Cat(insn[7:12], insn[25:]).as_signed()
    branch = Cat(Const(0, 1), insn[8:12], insn[25:31], insn[7], insn[31]).as_signed()
    jal = Cat(Const(0, 1), insn[21:31], insn[20], insn[12:20], insn[31]).as_signed()
    opcode = insn[:7]
    is_branch, is_jal, is_jalr = opcode == 0x63, opcode == 0x6F, opcode == 0x67
    base = Mux(is_branch | is_jal, rvfi.pc_rdata, rvfi.rs1_rdata)
    offset = Mux(is_branch, branch, Mux(is_jal, jal, Mux(opcode == 0x23, s, i)))
    return Cat((base + offset)[0] & ~is_jalr, (base + offset)[1:32])


def loops(b: CoreBench) -> None:
    """Hardware loops go round as often as their registers say; jumps and traps leave them alone.

    The program has loop instructions, `addi` and its like, `jal` and system instructions: what else
    a body may be does not matter to the loops, and whether a branch is taken is another property's.
    """
    rvfi, fetch = b.rvfi, b.core.fetch
    opcode = fetch.rsp.data[:7]
    b.assume((opcode == 0x2B) | (opcode == 0x13) | (opcode == 0x6F) | (opcode == 0x73))
    insn, following = rvfi.insn, (rvfi.pc_rdata + 4)[:32]
    retires = rvfi.valid & ~rvfi.trap
    sets = retires & (insn[:7] == 0x2B) & (insn[12:15] == 4)
    jumps = (insn[:7] == 0x6F) | (insn == 0x30200073)
    goes_on = retires & ~sets & ~jumps
    rs1, far, near = rvfi.rs1_rdata, insn[20:], insn[15:20]
    from_register, what = insn[8], insn[9:11]
    here = rvfi.pc_rdata
    near_end = (here + Mux(from_register, far, near) * 4)[:32]
    address = Mux(from_register, rs1 & 0xFFFFFFFC, (here + far * 4)[:32])

    expected = Signal(32, name="expected")
    b.m.d.comb += expected.eq(following)
    taken = Const(0, 1)  # by a lower loop
    again = []
    for number in (0, 1):
        start, end, count = (Signal(32, name=f"{n}_{number}") for n in ("start", "end", "count"))
        ends = (end == following) & (count != 0) & ~taken
        goes_round = goes_on & ends & (count != 1)
        with b.m.If(goes_round):
            b.m.d.comb += expected.eq(start)
        with b.m.If(goes_on & ends):
            b.m.d.sync += count.eq(count - 1)
        with b.m.If(sets & (insn[7] == number)):
            with b.m.Switch(what):
                with b.m.Case(0):
                    b.m.d.sync += start.eq(address)
                with b.m.Case(1):
                    b.m.d.sync += end.eq(address)
                with b.m.Case(2):
                    b.m.d.sync += count.eq(Mux(from_register, rs1, far))
                with b.m.Case(3):
                    b.m.d.sync += [
                        start.eq(following),
                        end.eq(near_end),
                        count.eq(Mux(from_register, rs1, far)),
                    ]
        reads = retires & (insn[:7] == 0x73) & (insn[12:14] != 0) & (rvfi.rd_addr != 0)
        for place, value in enumerate((start, end, count)):
            that = reads & (insn[20:] == 0xCC0 + 4 * number + place)
            b.check(f"reads_{value.name}", ~that | (rvfi.rd_wdata == value))
        taken = taken | ends
        again.append(goes_round)
    b.check("loops_lead_back", ~goes_on | (rvfi.pc_wdata == expected))
    b.check("loops_are_set_in_line", ~sets | (rvfi.pc_wdata == following))
    twice = Signal(name="went_round")
    with b.m.If(again[0]):
        b.m.d.sync += twice.eq(1)
    b.cover("twice_round_loop_0", again[0] & twice)
    b.cover("round_loop_1", again[1])
