"""The RV32 core: pipeline control around its units."""

from functools import reduce
from operator import or_

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.config import ClusterConfig
from hw.core.bus import DataSignature, FetchSignature
from hw.core.csr import Csrs
from hw.core.decode import Decoder
from hw.core.exceptions import Exceptions
from hw.core.execute import Execute
from hw.core.fetch import Fetch
from hw.core.instructions import instructions
from hw.core.late import LateResults
from hw.core.loops import Loops
from hw.core.lsu import Access, Lsu, Region
from hw.core.ports import InterruptSignature, MonitorSignature
from hw.core.registers import RegisterFile
from hw.core.rvfi import RvfiSignature
from hw.core.trace import Trace
from hw.core.types import Control, CoreEvent, CsrOp, Fetched, SystemOp, TrapRequest, Unit
from hw.tcdm.bus import TcdmOp, TcdmSignature

WORD = 2
"""Size of an access of 32 bits, as in funct3."""

TRACE_DEPTH = 64
"""Instructions that may leave execute before an older one's late result; then execute waits."""


class Core(wiring.Component):
    """RV32I_Zicsr_Zifencei in order, machine mode only, with precise traps; extensions by choice.

    Four stages: fetch; decode and register read; execute; write-back. Whatever can trap traps in
    execute, so an instruction that leaves it is committed: it retires there. Most results are
    written by the register file's first port in the cycle after. Late results (loads, products,
    requantisations, quotients) come by the second one; until then a bit of the scoreboard holds
    those back that read or write the register, and nobody else. Loads go first at that port, then
    products and requantisations, then quotients.

    Manuals: RISC-V unprivileged ISA (RV32I, M, A, Zicsr, Zifencei), privileged ISA chapter 3
    (machine level), CORE-V's XCV extensions (CV32E40P user manual).

    Parameters
    ----------
    config : ClusterConfig
        Its `core` says which extensions are there; sizes of TCDM and main memory say where accesses
        fault.
    rvfi : bool
        Whether the trace port `rvfi` is there.
    trace_depth : int
        How far the trace may lag behind, a power of two.

    Members
    -------
    fetch : Out(FetchSignature)
    tcdm : Out(TcdmSignature); loads, stores and atomics of TCDM
    data : Out(DataSignature); of devices and main memory
    start : In(1), begins at `boot_address`; until then nothing changes; ignored afterwards
    boot_address : In(32), a multiple of 4
    hart_id : In(32), constant; what `mhartid` reads
    interrupts : In(InterruptSignature); levels, sampled once before they act
    sleeping : Out(1), in `wfi` with nothing outstanding
    monitor : Out(MonitorSignature); for simulation tops
    rvfi : Out(RvfiSignature), when asked for

    Timing
    ------
    One instruction a cycle with one-cycle fetch and TCDM, back to back accesses and products too.
    One cycle is lost when an instruction uses the late result of the one right before it, after a
    taken branch, a jump, `mret`, `fence.i`, a write of loop registers or a trap; none at the ends
    of hardware loops. A TCDM request that is refused waits in a queue of two while others go on.
    A division takes what `Divider` says, besides other instructions. Accesses to devices and main
    memory hold execute until their response.
    Combinational: `tcdm.req.ready` to registers only; `data.rsp` to `fetch.req`; `fetch.rsp` to
    registers only.
    """

    def __init__(self, *, config: ClusterConfig, rvfi=False, trace_depth=TRACE_DEPTH):
        members = {
            "fetch": Out(FetchSignature()),
            "tcdm": Out(TcdmSignature(addr_width=config.tcdm.addr_width)),
            "data": Out(DataSignature()),
            "start": In(1),
            "boot_address": In(32),
            "hart_id": In(32),
            "interrupts": In(InterruptSignature()),
            "sleeping": Out(1),
            "monitor": Out(MonitorSignature()),
        }
        if rvfi:
            members["rvfi"] = Out(RvfiSignature())
        self._config = config
        self._trace_depth = trace_depth if rvfi else 0
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        config, core = self._config, self._config.core
        tags = max(self._trace_depth, 1)
        rows = instructions(core)
        third = any(row.format.reads_rs3 for row in rows)
        m.submodules.fetch = fetch = Fetch(loops=core.xcv_hwlp)
        m.submodules.decoder = decoder = Decoder(rows)
        m.submodules.registers = registers = RegisterFile(third=third)
        m.submodules.execute = execute = Execute(core=core)
        m.submodules.lsu = lsu = Lsu(config=config, tags=tags)
        m.submodules.late = late = LateResults(tags=tags)
        m.submodules.csrs = csrs = Csrs(core=core)
        m.submodules.exceptions = exceptions = Exceptions()

        connect(m, flipped(self.fetch), fetch.bus)
        connect(m, flipped(self.tcdm), lsu.tcdm)
        connect(m, flipped(self.data), lsu.data)
        connect(m, flipped(self.interrupts), csrs.interrupts)
        m.d.comb += [
            fetch.start.eq(self.start),
            fetch.boot_address.eq(self.boot_address),
            csrs.hart_id.eq(self.hart_id),
            csrs.counting.eq(fetch.running & ~self.sleeping),
        ]

        # The instruction in execute.
        x_valid = Signal()
        x = Signal(Fetched)
        x_immediate = Signal(32)
        control = Signal(Control)
        x_holds = Signal()  # it is there and stays
        x_retires = Signal()
        x_traps = Signal()
        rd, rs1, rs2 = x.insn[7:12], x.insn[15:20], x.insn[20:25]

        # Decode and register read; an instruction that stays reads again, for a late result.
        redirect = fetch.redirect
        decoded = fetch.o.payload
        enters = fetch.o.valid & fetch.o.ready
        m.d.comb += [
            fetch.o.ready.eq(~x_holds & ~redirect.valid),
            decoder.insn.eq(decoded.insn),
            registers.rs1.eq(Mux(x_holds, rs1, decoded.insn[15:20])),
            registers.rs2.eq(Mux(x_holds, rs2, decoded.insn[20:25])),
            registers.rs3.eq(Mux(x_holds, rd, decoded.insn[7:12])),
        ]
        with m.If(~x_holds):
            m.d.sync += x_valid.eq(enters)
        with m.If(enters):
            m.d.sync += [
                x.eq(decoded),
                x_immediate.eq(decoder.immediate),
                control.eq(decoder.control),
            ]

        def unit(*which):
            return reduce(or_, (control.unit == one for one in which))

        def is_system(op):
            return unit(Unit.SYSTEM) & (control.op == op)

        is_memory = unit(Unit.LOAD, Unit.STORE, Unit.ATOMIC)
        is_late = unit(Unit.LOAD, Unit.ATOMIC, Unit.MULTIPLY, Unit.REQUANTISE, Unit.DIVIDE)
        is_csr = unit(Unit.CSR)
        is_loop = unit(Unit.LOOP)

        # Operands: of the instruction right before forwarded, of late results waited for.
        operands = [Signal(32, name=f"operand_{i}") for i in (1, 2, 3)]
        reads = (control.reads_rs1, control.reads_rs2, control.reads_rs3)
        sources = (rs1, rs2, rd)
        values = (registers.rs1_data, registers.rs2_data, registers.rs3_data)
        waits = Signal()
        for operand, source, value in zip(operands, sources, values, strict=True):
            forwarded = registers.write & (registers.rd == source)
            m.d.comb += operand.eq(Mux(forwarded, registers.rd_data, value))
        x_ready = Signal()
        m.d.comb += [
            waits.eq(
                Cat(
                    *(
                        r & late.pending.bit_select(s, 1)
                        for r, s in zip(reads, sources, strict=True)
                    ),
                    control.writes_rd & late.pending.bit_select(rd, 1),
                ).any()
            ),
            x_ready.eq(x_valid & ~waits),
        ]

        m.d.comb += [
            execute.control.eq(control),
            execute.pc.eq(x.pc),
            execute.immediate.eq(x_immediate),
            execute.low.eq(x.insn[20:25]),
            execute.high.eq(x.insn[25:30]),
            execute.rs1.eq(operands[0]),
            execute.rs2.eq(operands[1]),
            execute.rs3.eq(operands[2]),
            execute.csr.eq(csrs.value),
            csrs.addr.eq(x.insn[20:]),
            csrs.op.eq(control.op[:2]),
            csrs.operand.eq(Mux(control.op[2], x_immediate, operands[0])),
            csrs.writes.eq((control.op[:2] == CsrOp.WRITE) | (rs1 != 0)),
        ]

        # Traps: an exception, or an interrupt before an instruction that has not begun.
        interrupted = Signal()
        m.d.comb += [
            exceptions.control.eq(control),
            exceptions.pc.eq(x.pc),
            exceptions.insn.eq(x.insn),
            exceptions.fetch_error.eq(x.error),
            exceptions.csr_legal.eq(csrs.legal),
            exceptions.jumps.eq(execute.jumps),
            exceptions.address.eq(Mux(is_memory, execute.address, execute.target)),
            exceptions.misaligned.eq(lsu.misaligned),
            exceptions.outside.eq(lsu.region == Region.NOWHERE),
            exceptions.fault.eq(lsu.fault),
        ]
        trace_full = Signal()
        begun = Signal()  # a blocking access was offered, or it sleeps
        m.d.comb += [
            interrupted.eq(csrs.pending & ~begun),
            x_traps.eq(x_ready & ~trace_full & (exceptions.raised | interrupted)),
        ]
        m.d.sync += begun.eq(x_holds & (begun | lsu.busy | self.sleeping))

        # What ends it otherwise: its unit.
        starts = Signal()
        finished = Signal()
        m.d.comb += [
            starts.eq(x_ready & ~trace_full & ~exceptions.raised & ~interrupted),
            x_retires.eq(starts & finished),
            x_holds.eq(x_valid & ~x_traps & ~x_retires),
        ]
        with m.If(is_memory):
            m.d.comb += finished.eq(lsu.ready)
        with m.Elif(unit(Unit.MULTIPLY, Unit.REQUANTISE)):
            m.d.comb += finished.eq(late.multiplier_ready)
        with m.Elif(unit(Unit.DIVIDE)):
            m.d.comb += finished.eq(~execute.divider_busy)
        with m.Elif(is_system(SystemOp.FENCE) | is_system(SystemOp.FENCE_I)):
            m.d.comb += finished.eq(lsu.idle)
        with m.Elif(is_system(SystemOp.WFI)):
            m.d.comb += [
                finished.eq(lsu.idle & late.idle & csrs.wake),
                self.sleeping.eq(starts & lsu.idle & late.idle & ~csrs.wake),
            ]
        with m.Else():
            m.d.comb += finished.eq(1)

        access = Signal(Access(tags))
        m.d.comb += [
            lsu.valid.eq(is_memory & starts),
            lsu.access.eq(access),
            access.op.eq(_memory_op(control)),
            access.size.eq(Mux(unit(Unit.ATOMIC), WORD, control.op[:3])),
            access.address.eq(execute.address),
            access.data.eq(Mux(control.reads_rs2, operands[1], 0)),
            access.rd.eq(Mux(unit(Unit.STORE), 0, rd)),
            csrs.commit.eq(x_retires & is_csr),
            csrs.leave.eq(x_retires & is_system(SystemOp.MRET)),
            csrs.retired.eq(x_retires & (~is_csr | csrs.counted)),
        ]

        # First port: the result of what left execute, in the next cycle.
        base_written = control.post & (unit(Unit.STORE) | (rd != rs1))
        destination = Mux(control.post, rs1, rd)
        writes = Mux(control.post, base_written, control.writes_rd & ~is_late)
        m.d.sync += [
            registers.write.eq(x_retires & writes & (destination != 0)),
            registers.rd.eq(destination),
        ]
        with m.If(x_retires):
            m.d.sync += registers.rd_data.eq(execute.result)

        # Second port: late results.
        connect(m, lsu.write, late.loaded)
        m.d.comb += [
            late.rd.eq(rd),
            late.load.eq(x_retires & lsu.late & ~unit(Unit.STORE)),
            late.product.eq(x_retires & unit(Unit.MULTIPLY)),
            late.requantisation.eq(x_retires & unit(Unit.REQUANTISE)),
            late.quotient.eq(x_retires & unit(Unit.DIVIDE)),
            execute.multiply.eq(late.product),
            execute.requantise.eq(late.requantisation),
            execute.divide.eq(late.quotient),
            execute.divider_ack.eq(late.divider_ack),
            late.product_data.eq(execute.product),
            late.requantised_data.eq(execute.requantised),
            late.quotient_data.eq(execute.quotient),
            late.divided.eq(execute.divided),
            registers.late_write.eq(late.write.valid),
            registers.late_rd.eq(late.write.rd),
            registers.late_data.eq(late.write.data),
        ]

        # Where it goes on.
        trap = Signal(TrapRequest)
        m.d.comb += [
            csrs.trap.valid.eq(x_traps),
            csrs.trap.request.eq(trap),
            trap.pc.eq(x.pc),
            trap.interrupt.eq(interrupted),
            trap.code.eq(Mux(interrupted, csrs.pending_code, exceptions.code)),
            trap.value.eq(Mux(interrupted, 0, exceptions.value)),
        ]
        goes_on = (x.pc + 4)[:32]
        with m.If(x_traps):
            m.d.comb += [redirect.valid.eq(1), redirect.target.eq(csrs.vector)]
        with m.Elif(is_system(SystemOp.MRET)):
            m.d.comb += [redirect.valid.eq(x_retires), redirect.target.eq(csrs.epc)]
        with m.Elif(is_system(SystemOp.FENCE_I) | is_loop):
            m.d.comb += [redirect.valid.eq(x_retires), redirect.target.eq(goes_on)]
        with m.Else():
            m.d.comb += [
                redirect.valid.eq(x_retires & execute.jumps),
                redirect.target.eq(execute.target),
            ]
        next_pc = Signal(32)
        m.d.comb += next_pc.eq(Mux(redirect.valid, redirect.target, goes_on))
        if core.xcv_hwlp:
            m.submodules.loops = loops = Loops()
            ends = Mux(x_retires & ~redirect.valid, x.ends, 0)
            m.d.comb += [
                loops.write.eq(x_retires & is_loop),
                loops.op.eq(control.op[:3]),
                loops.number.eq(x.insn[7]),
                loops.pc.eq(x.pc),
                loops.immediate.eq(x.insn[20:]),
                loops.short.eq(rs1),
                loops.operand.eq(operands[0]),
                loops.ends.eq(ends),
            ]
            for mine, fetched, read in zip(loops.loops, fetch.loops, csrs.loops, strict=True):
                m.d.comb += [fetched.eq(mine), read.eq(mine)]
            with m.If(~redirect.valid & x.loops):
                m.d.comb += next_pc.eq(Mux(x.ends[0], loops.loops[0].start, loops.loops[1].start))

        # What counters and simulation tops see.
        memory_waits = starts & is_memory & ~lsu.ready
        unit_waits = starts & unit(Unit.MULTIPLY, Unit.REQUANTISE, Unit.DIVIDE) & ~finished
        events = {
            CoreEvent.OPERAND_WAIT: x_valid & waits,
            CoreEvent.MEMORY_WAIT: memory_waits,
            CoreEvent.FETCH_WAIT: ~x_valid,
            CoreEvent.REDIRECT: redirect.valid,
            CoreEvent.LOAD: x_retires & unit(Unit.LOAD, Unit.ATOMIC),
            CoreEvent.STORE: x_retires & unit(Unit.STORE),
            CoreEvent.TCDM_REFUSED: lsu.refused,
            CoreEvent.UNIT_WAIT: unit_waits,
        }
        m.d.comb += csrs.events.eq(Cat(events[event] for event in CoreEvent))
        m.d.comb += [
            self.monitor.store.eq(lsu.stored.valid),
            self.monitor.address.eq(lsu.stored.address),
            self.monitor.data.eq(lsu.stored.data),
            self.monitor.retired.eq(x_retires),
            self.monitor.pc.eq(x.pc),
            self.monitor.insn.eq(x.insn),
            self.monitor.trap.eq(x_traps),
            self.monitor.cause.eq(Cat(trap.code, trap.interrupt)),
            self.monitor.value.eq(trap.value),
            self.monitor.vector.eq(csrs.vector),
        ]

        if self._trace_depth:
            m.submodules.trace = trace = Trace(depth=self._trace_depth)
            connect(m, trace.rvfi, flipped(self.rvfi))
            connect(m, lsu.performed, trace.performed)
            entry = trace.push.entry
            size_mask = Signal(4)
            access_there = is_memory & ~x_traps
            loads = unit(Unit.LOAD, Unit.ATOMIC) & (access.op != TcdmOp.SC)
            stores = access.op != TcdmOp.LOAD
            m.d.comb += [
                trace_full.eq(trace.full),
                access.tag.eq(trace.tag),
                late.tag.eq(trace.tag),
                lsu.time.eq(trace.time),
                trace.trap.valid.eq(x_traps),
                trace.trap.interrupt.eq(interrupted),
                trace.trap.code.eq(trap.code),
                trace.written.valid.eq(late.write.valid),
                trace.written.tag.eq(late.write.tag),
                trace.written.data.eq(late.write.data),
                trace.push.valid.eq(x_retires | (x_traps & ~interrupted)),
                entry.pc.eq(x.pc),
                entry.next_pc.eq(next_pc),
                entry.insn.eq(x.insn),
                entry.trap.eq(x_traps),
                entry.cause.eq(Mux(x_traps, trap.code, 0)),
                entry.late.eq(is_late & (rd != 0) & ~x_traps),
                entry.memory.eq(access_there),
                entry.op.eq(access.op),
                entry.address.eq(access.address),
                entry.reads.eq(Mux(loads, size_mask, 0)),
                entry.writes.eq(Mux(stores & (access.op != TcdmOp.LR), size_mask, 0)),
                entry.data.eq(operands[1]),
            ]
            for number, (read, source, operand) in enumerate(
                zip(reads, sources, operands, strict=True), start=1
            ):
                with m.If(read):
                    m.d.comb += [
                        entry[f"rs{number}"].eq(source),
                        entry[f"rs{number}_data"].eq(operand),
                    ]
            with m.If(~x_traps & control.writes_rd & (rd != 0)):
                m.d.comb += [entry.rd.eq(rd), entry.rd_data.eq(execute.result)]
            with m.If(~x_traps & base_written & (rs1 != 0)):
                m.d.comb += [entry.rd2.eq(rs1), entry.rd2_data.eq(execute.result)]
            with m.Switch(access.size[:2]):
                with m.Case(0):
                    m.d.comb += size_mask.eq(0b0001)
                with m.Case(1):
                    m.d.comb += size_mask.eq(0b0011)
                with m.Default():
                    m.d.comb += size_mask.eq(0b1111)
        return m


def _memory_op(control):
    """What memory is asked to do."""
    plain = Mux(control.unit == Unit.STORE, TcdmOp.STORE, TcdmOp.LOAD)
    return Mux(control.unit == Unit.ATOMIC, control.op[:4], plain)
