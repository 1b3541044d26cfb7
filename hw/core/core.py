"""The RV32IM core: pipeline control around its units."""

from amaranth.hdl import *
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.core.bus import DataSignature, FetchSignature
from hw.core.csr import Csrs
from hw.core.decode import Decoder
from hw.core.exceptions import Exceptions
from hw.core.execute import Execute
from hw.core.fetch import Fetch
from hw.core.lsu import LoadAlign
from hw.core.ports import InterruptSignature, RetireSignature
from hw.core.registers import RegisterFile
from hw.core.types import Cause, Control, CsrOp, SystemOp, TrapRequest, Unit
from hw.tcdm.bus import TcdmOp


class Core(wiring.Component):
    """RV32IM_Zicsr_Zifencei in order, machine mode only, with precise traps.

    Four stages: fetch; decode and register read; execute (ALU, multiplier, divider, CSRs, branches,
    address of loads and stores); write-back (response of memory). An instruction leaves execute
    only when the one before it is done or ends in this cycle without a fault, so when something
    traps nothing younger has taken effect. Manuals: RISC-V unprivileged ISA (RV32I, M, Zicsr,
    Zifencei), privileged ISA chapter 3 (machine level).

    Parameters
    ----------
    retire : bool
        Whether the observation port `retire` is there.

    Members
    -------
    fetch : Out(FetchSignature)
    data : Out(DataSignature)
    start : In(1), begins at `boot_address`; until then nothing changes; ignored afterwards
    boot_address : In(32), a multiple of 4
    hart_id : In(32), constant; what `mhartid` reads
    interrupts : In(InterruptSignature); levels, sampled once before they act
    sleeping : Out(1), in `wfi` with nothing outstanding
    retire : Out(RetireSignature), when asked for

    Timing
    ------
    One instruction a cycle with one-cycle fetch and data. One cycle is lost when an instruction
    uses what the load right before it loads, after a taken branch, a jump, `mret`, `fence.i` or a
    trap, and when a CSR instruction or `wfi` directly follows another instruction. Division takes
    34 cycles. A data request or response that comes n cycles late holds the core n cycles.
    Combinational: `data.rsp` to `data.req.valid` and to `fetch.req`, `fetch.rsp` and
    `data.req.ready` to registers only.
    """

    def __init__(self, *, retire=False):
        members = {
            "fetch": Out(FetchSignature()),
            "data": Out(DataSignature()),
            "start": In(1),
            "boot_address": In(32),
            "hart_id": In(32),
            "interrupts": In(InterruptSignature()),
            "sleeping": Out(1),
        }
        if retire:
            members["retire"] = Out(RetireSignature())
        self._retire = retire
        super().__init__(members)

    def elaborate(self, platform):
        m = Module()
        m.submodules.fetch = fetch = Fetch()
        m.submodules.decoder = decoder = Decoder()
        m.submodules.registers = registers = RegisterFile()
        m.submodules.execute = execute = Execute()
        m.submodules.load = load = LoadAlign()
        m.submodules.csrs = csrs = Csrs()
        m.submodules.exceptions = exceptions = Exceptions()
        req, rsp = self.data.req, self.data.rsp

        connect(m, flipped(self.fetch), fetch.bus)
        connect(m, flipped(self.interrupts), csrs.interrupts)
        m.d.comb += [
            fetch.start.eq(self.start),
            fetch.boot_address.eq(self.boot_address),
            csrs.hart_id.eq(self.hart_id),
            csrs.counting.eq(fetch.running & ~self.sleeping),
        ]

        # The instruction in execute. Once `committed` it does not give way to an interrupt.
        x_valid = Signal()
        x_pc = Signal(32)
        x_insn = Signal(32)
        x_error = Signal()
        x_immediate = Signal(32)
        control = Signal(Control)
        committed = Signal()
        x_holds = Signal()  # it is there and stays
        rd, rs1, rs2 = x_insn[7:12], x_insn[15:20], x_insn[20:25]

        # The instruction in write-back.
        w_valid = Signal()
        w_pc = Signal(32)
        w_rd = Signal(5)
        w_writes = Signal()
        w_result = Signal(32)  # of a load or store: the address
        w_load = Signal()
        w_store = Signal()
        w_op = Signal(3)
        w_counts = Signal()

        # Decode and register read; an instruction that stays reads again, for a load's value.
        redirect = fetch.redirect
        decoded = fetch.o.payload
        enters = fetch.o.valid & fetch.o.ready
        m.d.comb += [
            fetch.o.ready.eq(~x_holds & ~redirect.valid),
            decoder.insn.eq(decoded.insn),
            registers.rs1.eq(Mux(x_holds, rs1, decoded.insn[15:20])),
            registers.rs2.eq(Mux(x_holds, rs2, decoded.insn[20:25])),
        ]
        with m.If(~x_holds):
            m.d.sync += x_valid.eq(enters)
        with m.If(enters):
            m.d.sync += [
                x_pc.eq(decoded.pc),
                x_insn.eq(decoded.insn),
                x_error.eq(decoded.error),
                x_immediate.eq(decoder.immediate),
                control.eq(decoder.control),
            ]

        # Write-back.
        w_memory = w_load | w_store
        w_ends = Signal()
        w_fault = Signal()
        w_retires = Signal()
        w_free = Signal()
        m.d.comb += [
            w_ends.eq(w_valid & (~w_memory | rsp.valid)),
            w_fault.eq(w_valid & w_memory & rsp.valid & rsp.error),
            w_retires.eq(w_ends & ~w_fault),
            w_free.eq(~w_valid | w_retires),
            load.op.eq(w_op),
            load.address.eq(w_result[:2]),
            load.data.eq(rsp.data),
            registers.write.eq(w_retires & w_writes),
            registers.rd.eq(w_rd),
            registers.rd_data.eq(Mux(w_load, load.value, w_result)),
            csrs.retired.eq(w_retires & w_counts),
        ]

        # Operands: forwarded from write-back, unless that is a load.
        hit1 = control.reads_rs1 & w_valid & w_writes & (w_rd == rs1)
        hit2 = control.reads_rs2 & w_valid & w_writes & (w_rd == rs2)
        operand1 = Signal(32)
        operand2 = Signal(32)
        x_ready = Signal()  # operands are there and nothing older can trap
        m.d.comb += [
            operand1.eq(Mux(hit1, w_result, registers.rs1_data)),
            operand2.eq(Mux(hit2, w_result, registers.rs2_data)),
            x_ready.eq(x_valid & w_free & ~((hit1 | hit2) & w_load)),
        ]

        # Execute.
        is_load = control.unit == Unit.LOAD
        is_store = control.unit == Unit.STORE
        is_memory = is_load | is_store
        is_divide = control.unit == Unit.DIVIDE
        is_csr = control.unit == Unit.CSR

        def is_system(op):
            return (control.unit == Unit.SYSTEM) & (control.op == op)

        m.d.comb += [
            execute.control.eq(control),
            execute.pc.eq(x_pc),
            execute.immediate.eq(x_immediate),
            execute.rs1.eq(operand1),
            execute.rs2.eq(operand2),
            execute.csr.eq(csrs.value),
            csrs.addr.eq(x_insn[20:]),
            csrs.op.eq(control.op[:2]),
            csrs.operand.eq(Mux(control.op[2], x_immediate, operand1)),
            csrs.writes.eq((control.op[:2] == CsrOp.WRITE) | (rs1 != 0)),
        ]

        # What ends it: a trap, or its unit.
        x_traps = Signal()
        x_retires = Signal()
        finished = Signal()
        interrupted = Signal()
        m.d.comb += [
            exceptions.control.eq(control),
            exceptions.pc.eq(x_pc),
            exceptions.insn.eq(x_insn),
            exceptions.fetch_error.eq(x_error),
            exceptions.csr_legal.eq(csrs.legal),
            exceptions.jumps.eq(execute.jumps),
            exceptions.address.eq(execute.address),
            exceptions.misaligned.eq(execute.misaligned),
            interrupted.eq(csrs.pending & ~committed),
            x_traps.eq(x_ready & (exceptions.raised | interrupted)),
            x_retires.eq(x_ready & ~x_traps & finished),
            x_holds.eq(x_valid & ~x_traps & ~x_retires & ~w_fault),
            self.sleeping.eq(x_valid & is_system(SystemOp.WFI) & ~w_valid & ~csrs.wake & committed),
        ]
        with m.If(is_memory):
            m.d.comb += finished.eq(req.ready)
        with m.Elif(is_divide):
            m.d.comb += finished.eq(execute.divided)
        with m.Elif(is_csr):
            m.d.comb += finished.eq(~w_valid)
        with m.Elif(is_system(SystemOp.WFI)):
            m.d.comb += finished.eq(~w_valid & csrs.wake)
        with m.Else():
            m.d.comb += finished.eq(1)

        starts = x_ready & ~x_traps
        m.d.comb += [
            req.valid.eq(starts & is_memory),
            req.payload.op.eq(Mux(is_store, TcdmOp.STORE, TcdmOp.LOAD)),
            req.payload.addr.eq(execute.address),
            req.payload.data.eq(execute.store_data),
            req.payload.strobe.eq(execute.strobe),
            execute.divide.eq(starts & is_divide),
            csrs.commit.eq(x_retires & is_csr),
            csrs.leave.eq(x_retires & is_system(SystemOp.MRET)),
        ]
        commits = is_memory | is_divide | is_system(SystemOp.WFI)
        m.d.sync += committed.eq(x_holds & (committed | (starts & commits)))

        with m.If(~w_valid | w_ends):
            m.d.sync += w_valid.eq(x_retires)
        with m.If(x_retires):
            m.d.sync += [
                w_pc.eq(x_pc),
                w_rd.eq(rd),
                w_writes.eq(control.writes_rd & (rd != 0)),
                w_result.eq(execute.result),
                w_load.eq(is_load),
                w_store.eq(is_store),
                w_op.eq(control.op[:3]),
                w_counts.eq(~is_csr | csrs.counted),
            ]

        # Traps: the older instruction first.
        trap = Signal(TrapRequest)
        m.d.comb += [
            csrs.trap.valid.eq(w_fault | x_traps),
            csrs.trap.request.eq(trap),
        ]
        with m.If(w_fault):
            m.d.comb += [
                trap.code.eq(Mux(w_load, Cause.LOAD_FAULT, Cause.STORE_FAULT)),
                trap.pc.eq(w_pc),
                trap.value.eq(w_result),
            ]
        with m.Elif(interrupted):
            m.d.comb += [
                trap.interrupt.eq(1),
                trap.code.eq(csrs.pending_code),
                trap.pc.eq(x_pc),
            ]
        with m.Else():
            m.d.comb += [
                trap.code.eq(exceptions.code),
                trap.pc.eq(x_pc),
                trap.value.eq(exceptions.value),
            ]

        with m.If(csrs.trap.valid):
            m.d.comb += [redirect.valid.eq(1), redirect.target.eq(csrs.vector)]
        with m.Elif(is_system(SystemOp.MRET)):
            m.d.comb += [redirect.valid.eq(x_retires), redirect.target.eq(csrs.epc)]
        with m.Elif(is_system(SystemOp.FENCE_I)):
            m.d.comb += [redirect.valid.eq(x_retires), redirect.target.eq(x_pc + 4)]
        with m.Else():
            m.d.comb += [
                redirect.valid.eq(x_retires & execute.jumps),
                redirect.target.eq(execute.target),
            ]

        if self._retire:
            self._observe(m, x_traps, x_retires, x_pc, x_insn, trap, w_ends, w_fault, registers)
        return m

    def _observe(self, m, x_traps, x_retires, x_pc, x_insn, trap, w_ends, w_fault, registers):
        """Drive `retire`: traps of execute come a cycle later, in their place."""
        trapped = Signal()
        pc = Signal(32)
        insn = Signal(32)
        interrupt = Signal()
        code = Signal(5)
        m.d.sync += trapped.eq(x_traps)
        with m.If(x_traps | x_retires):
            m.d.sync += [
                pc.eq(x_pc),
                insn.eq(x_insn),
                interrupt.eq(trap.interrupt),
                code.eq(trap.code),
            ]
        m.d.comb += [
            self.retire.valid.eq(w_ends | trapped),
            self.retire.pc.eq(pc),
            self.retire.insn.eq(insn),
            self.retire.rd.eq(Mux(registers.write, registers.rd, 0)),
            self.retire.rd_data.eq(registers.rd_data),
            self.retire.trap.eq(trapped | w_fault),
            self.retire.interrupt.eq(trapped & interrupt),
            self.retire.cause.eq(Mux(w_fault, trap.code, code)),
        ]
