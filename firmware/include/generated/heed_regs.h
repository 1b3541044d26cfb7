/* Generated from hw/regmap.py by `heed generate`; do not edit. */
#ifndef HEED_REGS_H
#define HEED_REGS_H

#include <stdint.h>

#define HEED_TCDM_BASE                               0x10000000u    /* Scratchpad; its size is the preset's. */
#define HEED_DEVICE_BASE                             0x10100000u    /* Devices, 4 KiB each. */
#define HEED_MAIN_BASE                               0x80000000u    /* Main memory: code, weights, activations. */

#define HEED_EVENTS_BASE                             0x10100000u    /* Event unit: software and timer interrupts, events, barrier. Each hart reaches it directly. */
#define HEED_EVENTS_MSIP                             0x000u         /* Bit 0: machine software interrupt of hart h. */
#define HEED_EVENTS_MSIP_STEP                        4u             /* bytes between elements */
#define HEED_EVENTS_MTIME_LOW                        0x040u         /* Cycles since reset, low half. */
#define HEED_EVENTS_MTIME_HIGH                       0x044u         /* Cycles since reset, high half. */
#define HEED_EVENTS_MTIMECMP_LOW                     0x080u         /* Timer interrupt of hart h while mtime >= mtimecmp. */
#define HEED_EVENTS_MTIMECMP_LOW_STEP                8u             /* bytes between elements */
#define HEED_EVENTS_MTIMECMP_HIGH                    0x084u         /* High half of mtimecmp of hart h. */
#define HEED_EVENTS_MTIMECMP_HIGH_STEP               8u             /* bytes between elements */
#define HEED_EVENTS_EVENT_ENABLE                     0x100u         /* Events that raise the machine external interrupt of hart h. */
#define HEED_EVENTS_EVENT_ENABLE_STEP                4u             /* bytes between elements */
#define HEED_EVENTS_EVENT_ENABLE_ENGINE_SHIFT        0              /* A job of the attention engine ended. */
#define HEED_EVENTS_EVENT_ENABLE_ENGINE_MASK         0x1u           /* before the shift */
#define HEED_EVENTS_EVENT_ENABLE_DMA_SHIFT           1              /* A DMA transfer ended. */
#define HEED_EVENTS_EVENT_ENABLE_DMA_MASK            0x1u           /* before the shift */
#define HEED_EVENTS_EVENT_ENABLE_SOFTWARE_SHIFT      2              /* Another hart set it. */
#define HEED_EVENTS_EVENT_ENABLE_SOFTWARE_MASK       0x1u           /* before the shift */
#define HEED_EVENTS_EVENT_PENDING                    0x140u         /* Events of hart h, same bits; writing 1 clears. */
#define HEED_EVENTS_EVENT_PENDING_STEP               4u             /* bytes between elements */
#define HEED_EVENTS_BARRIER                          0x180u         /* A load arrives at the barrier and is answered after the last member arrived. */
#define HEED_EVENTS_BARRIER_MEMBERS                  0x184u         /* Bit h: hart h takes part; reset: every hart that was started. */
#define HEED_EVENTS_EVENT_SET                        0x188u         /* Bit h sets hart h's software event. */
#define HEED_EVENTS_HART_COUNT                       0x18cu         /* Harts of the cluster. */
#define HEED_EVENTS_HART_STARTED                     0x190u         /* Bit h: hart h was started. */

#define HEED_ENGINE_BASE                             0x10101000u    /* Attention engine: doorbell, state and identification. */
#define HEED_ENGINE_ID                               0x000u         /* What this is. */
#define HEED_ENGINE_ID_DESCRIPTOR_VERSION_SHIFT      0              /* Version of descriptors that it takes. */
#define HEED_ENGINE_ID_DESCRIPTOR_VERSION_MASK       0xffu          /* before the shift */
#define HEED_ENGINE_ID_MAGIC_SHIFT                   16             /* 0x4EED. */
#define HEED_ENGINE_ID_MAGIC_MASK                    0xffffu        /* before the shift */
#define HEED_ENGINE_SIZES                            0x004u         /* The array's sizes. */
#define HEED_ENGINE_SIZES_UNITS_SHIFT                0              /* Dot-product units N. */
#define HEED_ENGINE_SIZES_UNITS_MASK                 0xffu          /* before the shift */
#define HEED_ENGINE_SIZES_LANES_SHIFT                8              /* Multipliers a unit M, also the tile size T. */
#define HEED_ENGINE_SIZES_LANES_MASK                 0xffu          /* before the shift */
#define HEED_ENGINE_SIZES_PORTS_SHIFT                16             /* 64-bit TCDM ports. */
#define HEED_ENGINE_SIZES_PORTS_MASK                 0xffu          /* before the shift */
#define HEED_ENGINE_SIZES_QUEUE_SHIFT                24             /* Doorbells that can wait. */
#define HEED_ENGINE_SIZES_QUEUE_MASK                 0xffu          /* before the shift */
#define HEED_ENGINE_CONFIG_HASH                      0x008u         /* Hash of the whole cluster's configuration. */
#define HEED_ENGINE_DOORBELL                         0x00cu         /* Address of a descriptor to run; dropped when full. */
#define HEED_ENGINE_STATE                            0x010u         /* What the engine is doing. */
#define HEED_ENGINE_STATE_BUSY_SHIFT                 0              /* A job runs or waits. */
#define HEED_ENGINE_STATE_BUSY_MASK                  0x1u           /* before the shift */
#define HEED_ENGINE_STATE_HALTED_SHIFT               1              /* An error stopped the queue; a clear resumes it. */
#define HEED_ENGINE_STATE_HALTED_MASK                0x1u           /* before the shift */
#define HEED_ENGINE_STATE_OVERFLOW_SHIFT             2              /* A doorbell was dropped since the last clear. */
#define HEED_ENGINE_STATE_OVERFLOW_MASK              0x1u           /* before the shift */
#define HEED_ENGINE_STATE_FREE_SHIFT                 8              /* Doorbells that still fit. */
#define HEED_ENGINE_STATE_FREE_MASK                  0xffu          /* before the shift */
#define HEED_ENGINE_CLEAR                            0x014u         /* Writing 1 aborts everything and leaves the engine ready. */
#define HEED_ENGINE_ERROR                            0x018u         /* Status code of the last faulty job; 0 after a clear. */
#define HEED_ENGINE_ERROR_ADDRESS                    0x01cu         /* Address of the descriptor it came from. */
#define HEED_ENGINE_JOBS                             0x020u         /* Jobs ended since reset, faulty and aborted ones too. */
#define HEED_ENGINE_COUNT_CLEAR                      0x040u         /* Writing 1 sets the counters below to 0. */
#define HEED_ENGINE_COUNT_BUSY                       0x044u         /* Cycles in which a job ran or waited. */
#define HEED_ENGINE_COUNT_ACTIVE                     0x048u         /* Those in which a row of inputs went to work. */
#define HEED_ENGINE_COUNT_STALL                      0x04cu         /* All others, by cause (Stall). */
#define HEED_ENGINE_COUNT_STALL_STEP                 4u             /* bytes between elements */
#define HEED_ENGINE_COUNT_READ                       0x068u         /* Words read. */
#define HEED_ENGINE_COUNT_WRITTEN                    0x06cu         /* Words written. */
#define HEED_ENGINE_COUNT_REFUSED                    0x070u         /* Cycles that requests waited for their banks. */

#define HEED_DMA_BASE                                0x10102000u    /* DMA between main memory and TCDM, 1-D to 3-D. */
#define HEED_DMA_SOURCE                              0x000u         /* Address to read from, any alignment. */
#define HEED_DMA_TARGET                              0x004u         /* Address to write to, any alignment. */
#define HEED_DMA_BYTES                               0x008u         /* Bytes of one run. */
#define HEED_DMA_SOURCE_STRIDE                       0x00cu         /* Bytes between runs at the source. */
#define HEED_DMA_SOURCE_STRIDE_STEP                  4u             /* bytes between elements */
#define HEED_DMA_TARGET_STRIDE                       0x014u         /* Bytes between runs at the target. */
#define HEED_DMA_TARGET_STRIDE_STEP                  4u             /* bytes between elements */
#define HEED_DMA_COUNT                               0x01cu         /* Runs, and planes of runs. */
#define HEED_DMA_COUNT_STEP                          4u             /* bytes between elements */
#define HEED_DMA_EVENT_MASK                          0x024u         /* Bit h: hart h gets the DMA event. */
#define HEED_DMA_START                               0x028u         /* A load queues the transfer; its id, or 0 when full. */
#define HEED_DMA_DONE                                0x02cu         /* Id of the last transfer that ended. */
#define HEED_DMA_ERROR                               0x030u         /* Bit n: a transfer whose id is n modulo 32 failed. */

#define HEED_COUNTERS_BASE                           0x10103000u    /* Performance counters. */
#define HEED_COUNTERS_CONTROL                        0x000u         /* Bit 0 starts, bit 1 stops, bit 2 clears all. */
#define HEED_COUNTERS_CYCLES                         0x004u         /* Cycles counted. */
#define HEED_COUNTERS_TCDM_GRANTS                    0x020u         /* Requests granted: cores, engine, DMA. */
#define HEED_COUNTERS_TCDM_GRANTS_STEP               4u             /* bytes between elements */
#define HEED_COUNTERS_TCDM_CONFLICTS                 0x02cu         /* Requests refused: cores, engine, DMA. */
#define HEED_COUNTERS_TCDM_CONFLICTS_STEP            4u             /* bytes between elements */

#define HEED_HOST_BASE                               0x10104000u    /* Console, exit and mailbox. */
#define HEED_HOST_CONSOLE                            0x000u         /* Writes the low byte to the terminal. */
#define HEED_HOST_EXIT                               0x004u         /* Ends the run: 1 is success, (n << 1) | 1 exits with n. */
#define HEED_HOST_MAILBOX                            0x008u         /* Hands a word to the host, with the cycle it was written. */

/* What a job does. */
#define HEED_KIND_LINEAR                             1u             /* linear */
#define HEED_KIND_ATTENTION                          2u             /* attention */
#define HEED_KIND_LAYERNORM                          3u             /* layernorm */
#define HEED_KIND_ELEMENTWISE                        4u             /* elementwise */
#define HEED_KIND_COPY                               5u             /* copy */

/* Type of an operand's elements; X may be INT32 in element-wise jobs and copies. */
#define HEED_ELEMENT_TYPE_INT8                       0u             /* int8 */
#define HEED_ELEMENT_TYPE_UINT8                      1u             /* uint8 */
#define HEED_ELEMENT_TYPE_INT16                      2u             /* int16 */
#define HEED_ELEMENT_TYPE_INT32                      3u             /* int32 */

/* Which parameter entry serves an output. */
#define HEED_PARAM_MODE_COMMON                       0u             /* common */
#define HEED_PARAM_MODE_COLUMN                       1u             /* column */
#define HEED_PARAM_MODE_ROW                          2u             /* row */
#define HEED_PARAM_MODE_HEAD                         3u             /* head */

/* Which keys a query sees, besides the key length: all, or those up to row + mask_offset. */
#define HEED_MASK_MODE_NONE                          0u             /* none */
#define HEED_MASK_MODE_CAUSAL                        1u             /* causal */

/* Code in a job's status word. Of several faults the lowest code is reported. */
#define HEED_STATUS_PENDING                          0u             /* not finished; software clears the word before it rings the doorbell */
#define HEED_STATUS_DONE                             1u             /* finished, every write performed */
#define HEED_STATUS_ABORTED                          2u             /* ended by a soft clear */
#define HEED_STATUS_DESCRIPTOR_ADDRESS               16u            /* descriptor not 64-byte aligned or not in TCDM (no word is written) */
#define HEED_STATUS_STATUS_ADDRESS                   17u            /* status address not a multiple of 8 or not in TCDM (no word is written) */
#define HEED_STATUS_BAD_VERSION                      18u            /* descriptor version differs from the hardware's */
#define HEED_STATUS_BAD_KIND                         19u            /* no such kind */
#define HEED_STATUS_INVALID                          20u            /* a reserved bit is set, or a combination of fields means nothing */
#define HEED_STATUS_UNSUPPORTED                      21u            /* this hardware lacks the feature */
#define HEED_STATUS_ZERO_SIZE                        22u            /* rows, columns, heads or, where it is used, inner, block rows or blocks is 0 */
#define HEED_STATUS_TOO_LARGE                        23u            /* a size above 65535, kv_length above columns, block rows above T, blocks above 2, columns of LayerNorm above 4096 */
#define HEED_STATUS_MISALIGNED                       24u            /* a base or a stride is not a multiple of 8 */
#define HEED_STATUS_OUT_OF_RANGE                     25u            /* an operand's first or last 8-byte word lies outside TCDM */
#define HEED_STATUS_BAD_PARAMETER                    26u            /* a head's step j is outside 1..5 */

/* Why a busy cycle of the engine had no work in it; of several causes the first one counts. */
#define HEED_STALL_CONTROL                           0u             /* no tile was there to work on: descriptors, the pipeline's filling and draining */
#define HEED_STALL_WAIT                              1u             /* an operand waited for writes: a WAIT flag, or attention's own */
#define HEED_STALL_X                                 2u             /* an input row was not there */
#define HEED_STALL_W                                 3u             /* weights were not there */
#define HEED_STALL_R                                 4u             /* a residual was not there */
#define HEED_STALL_PARAMETERS                        5u             /* a parameter entry or a table was not there */
#define HEED_STALL_Y                                 6u             /* outputs found no room in the ports' queues */

#define HEED_DESCRIPTOR_VERSION                      1u             /* Current. */

/* One job of the attention engine: 128 bytes, 64-byte aligned, in TCDM. */
struct heed_descriptor {
    uint32_t word0;
    uint32_t next;
    uint32_t status;
    uint32_t event_mask;
    uint32_t rows;
    uint32_t columns;
    uint32_t inner;
    uint32_t heads;
    uint32_t kv_length;
    uint32_t x_base;
    uint32_t x_row_stride;
    uint32_t x_head_stride;
    uint32_t w_base;
    uint32_t w_row_stride;
    uint32_t w_head_stride;
    uint32_t r_base;
    uint32_t r_row_stride;
    uint32_t r_head_stride;
    uint32_t y_base;
    uint32_t y_row_stride;
    uint32_t y_head_stride;
    uint32_t s_base;
    uint32_t s_row_stride;
    uint32_t s_head_stride;
    uint32_t param_base;
    uint32_t table_base;
    uint32_t word26;
    uint32_t word27;
    uint32_t reserved28;
    uint32_t reserved29;
    uint32_t reserved30;
    uint32_t reserved31;
};
#define HEED_DESCRIPTOR_KIND_SHIFT                   0              /* What the job does. */
#define HEED_DESCRIPTOR_KIND_MASK                    0xfu           /* before the shift */
#define HEED_DESCRIPTOR_VERSION_SHIFT                4              /* DESCRIPTOR_VERSION. */
#define HEED_DESCRIPTOR_VERSION_MASK                 0xfu           /* before the shift */
#define HEED_DESCRIPTOR_X_TYPE_SHIFT                 8              /* Type of X: int8 or uint8; LayerNorm also int16; element-wise and copies any. */
#define HEED_DESCRIPTOR_X_TYPE_MASK                  0x3u           /* before the shift */
#define HEED_DESCRIPTOR_Y_TYPE_SHIFT                 10             /* Type of Y; int32 is the raw accumulator. */
#define HEED_DESCRIPTOR_Y_TYPE_MASK                  0x3u           /* before the shift */
#define HEED_DESCRIPTOR_USE_TABLE_SHIFT              12             /* Apply the activation table after the int8 clip. */
#define HEED_DESCRIPTOR_USE_TABLE_MASK               0x1u           /* before the shift */
#define HEED_DESCRIPTOR_USE_RESIDUAL_SHIFT           13             /* Join R inside the requantisation. */
#define HEED_DESCRIPTOR_USE_RESIDUAL_MASK            0x1u           /* before the shift */
#define HEED_DESCRIPTOR_R_TYPE_SHIFT                 14             /* Type of R. */
#define HEED_DESCRIPTOR_R_TYPE_MASK                  0x3u           /* before the shift */
#define HEED_DESCRIPTOR_ACCUMULATE_SHIFT             16             /* R is int32 and is where accumulation starts. */
#define HEED_DESCRIPTOR_ACCUMULATE_MASK              0x1u           /* before the shift */
#define HEED_DESCRIPTOR_PARAM_MODE_SHIFT             17             /* Which parameter entry serves an output. */
#define HEED_DESCRIPTOR_PARAM_MODE_MASK              0x3u           /* before the shift */
#define HEED_DESCRIPTOR_MASK_MODE_SHIFT              19             /* Mask of an attention job. */
#define HEED_DESCRIPTOR_MASK_MODE_MASK               0x3u           /* before the shift */
#define HEED_DESCRIPTOR_WAIT_X_SHIFT                 24             /* X is not fetched before earlier jobs' writes are performed. */
#define HEED_DESCRIPTOR_WAIT_X_MASK                  0x1u           /* before the shift */
#define HEED_DESCRIPTOR_WAIT_W_SHIFT                 25             /* The same for W. */
#define HEED_DESCRIPTOR_WAIT_W_MASK                  0x1u           /* before the shift */
#define HEED_DESCRIPTOR_WAIT_R_SHIFT                 26             /* The same for R. */
#define HEED_DESCRIPTOR_WAIT_R_MASK                  0x1u           /* before the shift */
#define HEED_DESCRIPTOR_WAIT_P_SHIFT                 27             /* The same for parameters and table. */
#define HEED_DESCRIPTOR_WAIT_P_MASK                  0x1u           /* before the shift */
#define HEED_DESCRIPTOR_MASK_OFFSET_SHIFT            0              /* Causal: row q sees keys up to q + this. */
#define HEED_DESCRIPTOR_MASK_OFFSET_MASK             0xffffu        /* before the shift */
#define HEED_DESCRIPTOR_BLOCK_ROWS_SHIFT             0              /* Attention: rows of a scratch block, 1 to T. */
#define HEED_DESCRIPTOR_BLOCK_ROWS_MASK              0xffffu        /* before the shift */
#define HEED_DESCRIPTOR_BLOCKS_SHIFT                 16             /* Attention: scratch blocks, 1 or 2. */
#define HEED_DESCRIPTOR_BLOCKS_MASK                  0x3u           /* before the shift */

/* y = clip((acc * mul + ((r * rmul) << rsh) + add) >> shift); add holds bias, zero points and the rounding half. */
struct heed_parameter {
    uint64_t word0;
    uint64_t word1;
};
#define HEED_PARAMETER_ADD_SHIFT                     0              /* Added before the shift. */
#define HEED_PARAMETER_ADD_MASK                      0xffffffffffffu /* before the shift */
#define HEED_PARAMETER_SHIFT_SHIFT                   48             /* Right shift, 0 to 31. */
#define HEED_PARAMETER_SHIFT_MASK                    0x1fu          /* before the shift */
#define HEED_PARAMETER_RSH_SHIFT                     53             /* Left shift of the residual's product. */
#define HEED_PARAMETER_RSH_MASK                      0x3fu          /* before the shift */
#define HEED_PARAMETER_MUL_SHIFT                     0              /* Multiplier of the accumulator. */
#define HEED_PARAMETER_MUL_MASK                      0x1ffffu       /* before the shift */
#define HEED_PARAMETER_RMUL_SHIFT                    32             /* Multiplier of the residual. */
#define HEED_PARAMETER_RMUL_MASK                     0x1ffffu       /* before the shift */

/* Attention, per head: the parameter entry of the logits, then how softmax reads them. */
struct heed_head_parameter {
    uint64_t word0;
    uint64_t word1;
    uint64_t word2;
};
#define HEED_HEAD_PARAMETER_ADD_SHIFT                0              /* Added before the shift. */
#define HEED_HEAD_PARAMETER_ADD_MASK                 0xffffffffffffu /* before the shift */
#define HEED_HEAD_PARAMETER_SHIFT_SHIFT              48             /* Right shift, 0 to 31. */
#define HEED_HEAD_PARAMETER_SHIFT_MASK               0x1fu          /* before the shift */
#define HEED_HEAD_PARAMETER_RSH_SHIFT                53             /* Left shift of the residual's product. */
#define HEED_HEAD_PARAMETER_RSH_MASK                 0x3fu          /* before the shift */
#define HEED_HEAD_PARAMETER_MUL_SHIFT                0              /* Multiplier of the accumulator. */
#define HEED_HEAD_PARAMETER_MUL_MASK                 0x1ffffu       /* before the shift */
#define HEED_HEAD_PARAMETER_RMUL_SHIFT               32             /* Multiplier of the residual. */
#define HEED_HEAD_PARAMETER_RMUL_MASK                0x1ffffu       /* before the shift */
#define HEED_HEAD_PARAMETER_J_SHIFT                  0              /* One logit step is 2^-j octave, 1 to 5. */
#define HEED_HEAD_PARAMETER_J_MASK                   0x7u           /* before the shift */
#define HEED_HEAD_PARAMETER_GAIN_SHIFT               3              /* Left shift of the normalised output, 0 or 1. */
#define HEED_HEAD_PARAMETER_GAIN_MASK                0x1u           /* before the shift */

/* Written to the status address after the job's last write is performed. */
struct heed_status_word {
    uint32_t code;
    uint32_t cycles;
};

#endif
