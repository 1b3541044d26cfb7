"""Every register, descriptor field and code of a Heed cluster, as data.

The gateware's register banks, the C header, the Python names and the reference page all come from
here. Layouts are complete: they hold the fields of features that come later, and hardware that
lacks a feature answers with `Status.UNSUPPORTED`.
"""

import enum

from hw.config import DEVICE_BASE, MAIN_BASE, TCDM_BASE
from hw.registers import Block, Field, Layout, Register

MAX_HARTS = 16
DESCRIPTOR_VERSION = 1
DESCRIPTOR_ALIGN = 64
OPERAND_ALIGN = 8
MAX_SIZE = 65535
"""Largest rows, columns, inner, heads and kv_length of a job."""

MAX_CHANNELS = 4096
"""Largest row of LayerNorm."""

TABLE_BYTES = 256
"""Size of an activation table."""

ALL_HARTS = 0xFFFFFFFF
"""Event mask of a job whose descriptor cannot be read: nobody must wait for ever."""


class Kind(enum.IntEnum):
    """What a job does."""

    LINEAR = 1
    ATTENTION = 2
    LAYERNORM = 3
    ELEMENTWISE = 4
    COPY = 5


class ElementType(enum.IntEnum):
    """Type of an operand's elements; X may be INT32 in element-wise jobs and copies."""

    INT8 = 0
    UINT8 = 1
    INT16 = 2
    INT32 = 3


class ParamMode(enum.IntEnum):
    """Which parameter entry serves an output.

    With head h, column c and row r the entry's index is 0 (COMMON), h * columns + c (COLUMN),
    h * rows + r (ROW) or h (HEAD).
    """

    COMMON = 0
    COLUMN = 1
    ROW = 2
    HEAD = 3


class MaskMode(enum.IntEnum):
    """Which keys a query sees, besides the key length: all, or those up to row + mask_offset."""

    NONE = 0
    CAUSAL = 1


class Stall(enum.IntEnum):
    """Why a busy cycle of the engine had no work in it; of several causes the first one counts."""

    CONTROL = 0
    WAIT = 1
    X = 2
    W = 3
    R = 4
    PARAMETERS = 5
    Y = 6


STALL_DOC = {
    Stall.CONTROL: "no tile was there to work on: descriptors, the pipeline's filling and draining",
    Stall.WAIT: "an operand waited for writes: a WAIT flag, or attention's own",
    Stall.X: "an input row was not there",
    Stall.W: "weights were not there",
    Stall.R: "a residual was not there",
    Stall.PARAMETERS: "a parameter entry or a table was not there",
    Stall.Y: "outputs found no room in the ports' queues",
}


class Status(enum.IntEnum):
    """Code in a job's status word. Of several faults the lowest code is reported."""

    PENDING = 0
    DONE = 1
    ABORTED = 2
    DESCRIPTOR_ADDRESS = 16
    STATUS_ADDRESS = 17
    BAD_VERSION = 18
    BAD_KIND = 19
    INVALID = 20
    UNSUPPORTED = 21
    ZERO_SIZE = 22
    TOO_LARGE = 23
    MISALIGNED = 24
    OUT_OF_RANGE = 25
    BAD_PARAMETER = 26


STATUS_DOC = {
    Status.PENDING: "not finished; software clears the word before it rings the doorbell",
    Status.DONE: "finished, every write performed",
    Status.ABORTED: "ended by a soft clear",
    Status.DESCRIPTOR_ADDRESS: "descriptor not 64-byte aligned or not in TCDM (no word is written)",
    Status.STATUS_ADDRESS: "status address not a multiple of 8 or not in TCDM (no word is written)",
    Status.BAD_VERSION: "descriptor version differs from the hardware's",
    Status.BAD_KIND: "no such kind",
    Status.INVALID: "a reserved bit is set, or a combination of fields means nothing",
    Status.UNSUPPORTED: "this hardware lacks the feature",
    Status.ZERO_SIZE: "rows, columns, heads or, where it is used, inner, block rows or blocks is 0",
    Status.TOO_LARGE: "a size above 65535, kv_length above columns, block rows above T, "
    "blocks above 2, columns of LayerNorm above 4096",
    Status.MISALIGNED: "a base or a stride is not a multiple of 8",
    Status.OUT_OF_RANGE: "an operand's first or last 8-byte word lies outside TCDM",
    Status.BAD_PARAMETER: "a head's step j is outside 1..5",
}


def _operand(word, name, what):
    return (
        (word, Field(f"{name}_base", 0, 32, f"Address of {what}.")),
        (word + 1, Field(f"{name}_row_stride", 0, 32, "Bytes from one row to the next.")),
        (word + 2, Field(f"{name}_head_stride", 0, 32, "Bytes from one head to the next.")),
    )


DESCRIPTOR = Layout(
    "descriptor",
    "One job of the attention engine: 128 bytes, 64-byte aligned, in TCDM.",
    word_bits=32,
    words=32,
    fields=(
        (0, Field("kind", 0, 4, "What the job does.", Kind)),
        (0, Field("version", 4, 4, "DESCRIPTOR_VERSION.")),
        (
            0,
            Field(
                "x_type",
                8,
                2,
                "Type of X: int8 or uint8; LayerNorm also int16; element-wise and copies any.",
                ElementType,
            ),
        ),
        (0, Field("y_type", 10, 2, "Type of Y; int32 is the raw accumulator.", ElementType)),
        (0, Field("use_table", 12, 1, "Apply the activation table after the int8 clip.")),
        (0, Field("use_residual", 13, 1, "Join R inside the requantisation.")),
        (0, Field("r_type", 14, 2, "Type of R.", ElementType)),
        (0, Field("accumulate", 16, 1, "R is int32 and is where accumulation starts.")),
        (0, Field("param_mode", 17, 2, "Which parameter entry serves an output.", ParamMode)),
        (0, Field("mask_mode", 19, 2, "Mask of an attention job.", MaskMode)),
        (0, Field("wait_x", 24, 1, "X is not fetched before earlier jobs' writes are performed.")),
        (0, Field("wait_w", 25, 1, "The same for W.")),
        (0, Field("wait_r", 26, 1, "The same for R.")),
        (0, Field("wait_p", 27, 1, "The same for parameters and table.")),
        (1, Field("next", 0, 32, "Address of the chain's next descriptor; 0 ends it.")),
        (2, Field("status", 0, 32, "Address of the 8-byte status word; 0 for none.")),
        (3, Field("event_mask", 0, 32, "Bit h: hart h gets the engine event.")),
        (4, Field("rows", 0, 32, "Rows of X and Y; queries of attention.")),
        (5, Field("columns", 0, 32, "Rows of W, columns of Y; keys of attention.")),
        (
            6,
            Field(
                "inner", 0, 32, "Elements of a dot product; head size of attention; else unused."
            ),
        ),
        (7, Field("heads", 0, 32, "Heads, or independent products of a linear job.")),
        (8, Field("kv_length", 0, 32, "Keys that count in attention: 0 to columns.")),
        *_operand(9, "x", "X, the streamed operand; Q of attention"),
        *_operand(12, "w", "W, the stationary operand; K of attention"),
        *_operand(15, "r", "R, the residual or start of accumulation; V transposed of attention"),
        *_operand(18, "y", "Y, the result"),
        *_operand(21, "s", "the scratch area that attention's logits go to"),
        (24, Field("param_base", 0, 32, "Address of the parameter entries.")),
        (25, Field("table_base", 0, 32, "Address of the 256-byte activation table.")),
        (26, Field("mask_offset", 0, 16, "Causal: row q sees keys up to q + this.", signed=True)),
        (27, Field("block_rows", 0, 16, "Attention: rows of a scratch block, 1 to T.")),
        (27, Field("blocks", 16, 2, "Attention: scratch blocks, 1 or 2.")),
    ),
)

PARAMETER = Layout(
    "parameter",
    "y = clip((acc * mul + ((r * rmul) << rsh) + add) >> shift); add holds bias, zero points and "
    "the rounding half.",
    word_bits=64,
    words=2,
    fields=(
        (0, Field("add", 0, 48, "Added before the shift.", signed=True)),
        (0, Field("shift", 48, 5, "Right shift, 0 to 31.")),
        (0, Field("rsh", 53, 6, "Left shift of the residual's product.")),
        (1, Field("mul", 0, 17, "Multiplier of the accumulator.", signed=True)),
        (1, Field("rmul", 32, 17, "Multiplier of the residual.", signed=True)),
    ),
)

HEAD_PARAMETER = Layout(
    "head_parameter",
    "Attention, per head: the parameter entry of the logits, then how softmax reads them.",
    word_bits=64,
    words=3,
    fields=(
        *PARAMETER.fields,
        (2, Field("j", 0, 3, "One logit step is 2^-j octave, 1 to 5.")),
        (2, Field("gain", 3, 1, "Left shift of the normalised output, 0 or 1.")),
    ),
)

STATUS_WORD = Layout(
    "status_word",
    "Written to the status address after the job's last write is performed.",
    word_bits=32,
    words=2,
    fields=(
        (0, Field("code", 0, 32, "How the job ended.", Status)),
        (1, Field("cycles", 0, 32, "Cycles from the start of its descriptor fetch to its end.")),
    ),
)

LAYOUTS = (DESCRIPTOR, PARAMETER, HEAD_PARAMETER, STATUS_WORD)

EVENTS = Block(
    "events",
    0x0000,
    "Event unit: software and timer interrupts, events, barrier. Each hart reaches it directly.",
    (
        Register("msip", 0x000, "rw", "Bit 0: machine software interrupt of hart h.", count=16),
        Register("mtime_low", 0x040, "ro", "Cycles since reset, low half."),
        Register("mtime_high", 0x044, "ro", "Cycles since reset, high half."),
        Register(
            "mtimecmp_low",
            0x080,
            "rw",
            "Timer interrupt of hart h while mtime >= mtimecmp.",
            reset=0xFFFFFFFF,
            count=16,
            stride_words=2,
        ),
        Register(
            "mtimecmp_high",
            0x084,
            "rw",
            "High half of mtimecmp of hart h.",
            reset=0xFFFFFFFF,
            count=16,
            stride_words=2,
        ),
        Register(
            "event_enable",
            0x100,
            "rw",
            "Events that raise the machine external interrupt of hart h.",
            (
                Field("engine", 0, 1, "A job of the attention engine ended."),
                Field("dma", 1, 1, "A DMA transfer ended."),
                Field("software", 2, 1, "Another hart set it."),
            ),
            count=16,
        ),
        Register(
            "event_pending",
            0x140,
            "w1c",
            "Events of hart h, same bits; writing 1 clears.",
            count=16,
        ),
        Register(
            "barrier",
            0x180,
            "ro",
            "A load arrives at the barrier and is answered after the last member arrived.",
        ),
        Register(
            "barrier_members",
            0x184,
            "rw",
            "Bit h: hart h takes part; reset: every hart that was started.",
        ),
        Register("event_set", 0x188, "wo", "Bit h sets hart h's software event."),
        Register("hart_count", 0x18C, "ro", "Harts of the cluster."),
        Register("hart_started", 0x190, "ro", "Bit h: hart h was started."),
    ),
)

ENGINE = Block(
    "engine",
    0x1000,
    "Attention engine: doorbell, state and identification.",
    (
        Register(
            "id",
            0x00,
            "ro",
            "What this is.",
            (
                Field("descriptor_version", 0, 8, "Version of descriptors that it takes."),
                Field("magic", 16, 16, "0x4EED."),
            ),
        ),
        Register(
            "sizes",
            0x04,
            "ro",
            "The array's sizes.",
            (
                Field("units", 0, 8, "Dot-product units N."),
                Field("lanes", 8, 8, "Multipliers a unit M, also the tile size T."),
                Field("ports", 16, 8, "64-bit TCDM ports."),
                Field("queue", 24, 8, "Doorbells that can wait."),
            ),
        ),
        Register("config_hash", 0x08, "ro", "Hash of the whole cluster's configuration."),
        Register("doorbell", 0x0C, "wo", "Address of a descriptor to run; dropped when full."),
        Register(
            "state",
            0x10,
            "ro",
            "What the engine is doing.",
            (
                Field("busy", 0, 1, "A job runs or waits."),
                Field("halted", 1, 1, "An error stopped the queue; a clear resumes it."),
                Field("overflow", 2, 1, "A doorbell was dropped since the last clear."),
                Field("free", 8, 8, "Doorbells that still fit."),
            ),
        ),
        Register("clear", 0x14, "wo", "Writing 1 aborts everything and leaves the engine ready."),
        Register("error", 0x18, "ro", "Status code of the last faulty job; 0 after a clear."),
        Register("error_address", 0x1C, "ro", "Address of the descriptor it came from."),
        Register("jobs", 0x20, "ro", "Jobs ended since reset, faulty and aborted ones too."),
        Register("count_clear", 0x40, "wo", "Writing 1 sets the counters below to 0."),
        Register("count_busy", 0x44, "ro", "Cycles in which a job ran or waited."),
        Register("count_active", 0x48, "ro", "Those in which a row of inputs went to work."),
        Register("count_stall", 0x4C, "ro", "All others, by cause (Stall).", count=len(Stall)),
        Register("count_read", 0x68, "ro", "Words read."),
        Register("count_written", 0x6C, "ro", "Words written."),
        Register("count_refused", 0x70, "ro", "Cycles that requests waited for their banks."),
    ),
)

DMA = Block(
    "dma",
    0x2000,
    "DMA between main memory and TCDM, 1-D to 3-D.",
    (
        Register("source", 0x00, "rw", "Address to read from, any alignment."),
        Register("target", 0x04, "rw", "Address to write to, any alignment."),
        Register("bytes", 0x08, "rw", "Bytes of one run."),
        Register("source_stride", 0x0C, "rw", "Bytes between runs at the source.", count=2),
        Register("target_stride", 0x14, "rw", "Bytes between runs at the target.", count=2),
        Register("count", 0x1C, "rw", "Runs, and planes of runs.", reset=1, count=2),
        Register("event_mask", 0x24, "rw", "Bit h: hart h gets the DMA event."),
        Register("start", 0x28, "ro", "A load queues the transfer; its id, or 0 when full."),
        Register("done", 0x2C, "ro", "Id of the last transfer that ended."),
        Register("error", 0x30, "w1c", "Bit n: a transfer whose id is n modulo 32 failed."),
    ),
    built=False,
)

COUNTERS = Block(
    "counters",
    0x3000,
    "Performance counters.",
    (
        Register("control", 0x00, "wo", "Bit 0 starts, bit 1 stops, bit 2 clears all."),
        Register("cycles", 0x04, "ro", "Cycles counted."),
        Register("tcdm_grants", 0x20, "ro", "Requests granted: cores, engine, DMA.", count=3),
        Register("tcdm_conflicts", 0x2C, "ro", "Requests refused: cores, engine, DMA.", count=3),
    ),
    built=False,
)

HOST = Block(
    "host",
    0x4000,
    "Console, exit and mailbox.",
    (
        Register("console", 0x0, "wo", "Writes the low byte to the terminal."),
        Register("exit", 0x4, "wo", "Ends the run: 1 is success, (n << 1) | 1 exits with n."),
        Register("mailbox", 0x8, "wo", "Hands a word to the host, with the cycle it was written."),
    ),
)

BLOCKS = (EVENTS, ENGINE, DMA, COUNTERS, HOST)

MEMORY_MAP = (
    ("TCDM_BASE", TCDM_BASE, "Scratchpad; its size is the preset's."),
    ("DEVICE_BASE", DEVICE_BASE, "Devices, 4 KiB each."),
    ("MAIN_BASE", MAIN_BASE, "Main memory: code, weights, activations."),
)

ENGINE_MAGIC = 0x4EED
