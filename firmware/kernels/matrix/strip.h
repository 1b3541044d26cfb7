/* Strips: blocks of 4 columns times 1 to 4 rows, one behind the other, from int8 operands to
 * requantised results. What linear layers and attention are made of.
 *
 * One piece of assembly does a whole strip, because a block's inner loop takes every register: 16
 * sums, 6 words of the operands, 2 pointers and 4 steps. What else a block needs lies in `struct
 * strip` on the stack. */
#ifndef HEED_STRIP_H
#define HEED_STRIP_H

#include "arithmetic.h"
#include "block.h"
#include "block_text.h"
#include "heed/xheed.h"
#include "kernel.h"
#include "look_up.h"

/* How a strip runs; all of it known when it is compiled. */
struct strip_kind {
    unsigned rows;     /* of a block: 1 to 4 */
    unsigned dot;      /* DOT_SS and so on */
    bool odd;          /* inner is no multiple of 4 */
    bool y_unsigned;   /* clip to uint8, else to int8 */
    bool row_entries;  /* an entry a row, else a column */
    bool one_entry;    /* one for all */
    bool down;         /* blocks lie below each other, else side by side */
    bool entries_move; /* each block has entries of its own */
};

/* Which operand of the products is unsigned: none, x, w. */
enum { DOT_SS, DOT_US, DOT_SU };

struct strip {
    struct rows x, w;
    uint32_t x_next, w_next; /* from the last row of a block to the next word of the first one */
    uint32_t x_move, w_move; /* from behind the first row to the next block */
    uint32_t words, mask;    /* whole words of a row; which bytes of the next one count */
    const struct heed_core_entry *entries;
    uint8_t *y;
    uint32_t y_stride;
    uint32_t blocks;
};

/* Moves the operands on to the next block. */
static inline void next_block(struct strip_kind kind, struct strip *strip)
{
    uint32_t used = 4 * (strip->words + kind.odd);

    strip->x.at = (const word *)((uintptr_t)strip->x.at + (int32_t)(strip->x_move + used));
    strip->w.at = (const word *)((uintptr_t)strip->w.at + (int32_t)(strip->w_move + used));
}

/* Everything but where it begins: the first rows, entries, y and blocks; inner is 4 or more. */
static inline __attribute__((always_inline)) struct strip
new_strip(struct strip_kind kind, uint32_t x_stride, uint32_t w_stride, uint32_t y_stride,
          uint32_t inner)
{
    uint32_t used = (inner + 3) / 4 * 4;

    return (struct strip){
        .x.stride = x_stride,
        .w.stride = w_stride,
        .x_next = 4 - (kind.rows - 1) * x_stride,
        .w_next = 4 - 3 * w_stride,
        .x_move = (kind.down ? kind.rows * x_stride : 0) - used,
        .w_move = (kind.down ? 0 : BLOCK * w_stride) - used,
        .words = inner / 4,
        .mask = (1u << 8 * (inner % 4)) - 1,
        .y_stride = y_stride,
    };
}

#if defined(__riscv) && HEED_CORE_XCV_SIMD && HEED_CORE_XCV_MEM && HEED_CORE_XCV_HWLP &&            \
    HEED_CORE_XHEED

/* A word a row, y then being below the block; or behind it. And the operands of the next block:
   rows + 3, or rows + 5 instructions. */
#define STORE_1(y) "cv.sw a0, (" #y "), t4\n"
#define STORE_2(y) STORE_1(y) "cv.sw a4, (" #y "), t4\n"
#define STORE_3(y) STORE_2(y) "cv.sw s2, (" #y "), t4\n"
#define STORE_4(y) STORE_3(y) "cv.sw s6, (" #y "), t4\n"
#define STORE_DOWN(R) "lw t0, %[x_move]\nlw s11, %[w]\n" STORE_##R(tp) "add s10, s10, t0\n"
#define STORE_ACROSS(R)                                                                            \
    "mv t5, tp\naddi tp, tp, 4\nlw t0, %[w_move]\nlw s10, %[x]\n" STORE_##R(t5)                   \
        "add s11, s11, t0\n"

/* The instructions between two blocks. */
#define STRIP_BODY(R, part, one, moving, down)                                                     \
    (1 + 4 * (R) + 1 + 4 + 5 * (R) + ((part) ? 5 + 6 * (R) : 0) +                                  \
     ((one)      ? 2                                                                               \
      : (moving) ? 6                                                                               \
                 : 5) +                                                                            \
     4 * (R) + (R) + ((down) ? 3 : 5))

#define STRIP_ASM(strip, R, BIAS, D, PART, RQS, U, SCALE, STORE, body)                             \
    __asm__ volatile("lw s10, %[x]\nlw s11, %[w]\nlw s0, %[x_stride]\nlw s1, %[x_next]\n"          \
                     "lw t6, %[w_stride]\nlw ra, %[w_next]\nlw t0, %[blocks]\n"                    \
                     "lw gp, %[entries]\nlw tp, %[y]\n"                                            \
                     ".insn i 0x2b, 4, x15, t0, 1 + %[body_]\n" BIAS##_##R                         \
                     ".insn i 0x2b, 4, x14, t1, 1 + 4 + 5 * " #R "\n" STEP_##R(D) PART(D)          \
                         SCALE RQS(R, U) STORE(R) "sw gp, %[entries]\n"                             \
                     : [entries] "+m"((strip)->entries)                                            \
                     : [y] "m"((strip)->y), [x] "m"((strip)->x.at), [w] "m"((strip)->w.at),                             \
                       [x_stride] "m"((strip)->x.stride), [w_stride] "m"((strip)->w.stride),       \
                       [x_next] "m"((strip)->x_next), [w_next] "m"((strip)->w_next),               \
                       [x_move] "m"((strip)->x_move), [w_move] "m"((strip)->w_move),               \
                       [words] "m"((strip)->words), [mask] "m"((strip)->mask),                     \
                       [y_stride] "m"((strip)->y_stride), [blocks] "m"((strip)->blocks),           \
                       [body_] "i"(body)                                                           \
                     : BLOCK_REGISTERS)

#define STRIP_CASE(R, dot_, odd_, u_, rows_, one_, down_, moving_, BIAS, PART, RQS, SCALE, STORE)  \
    if (kind.rows == R && kind.dot == dot_ && kind.odd == odd_ && kind.y_unsigned == u_ &&         \
        kind.row_entries == rows_ && kind.one_entry == one_ && kind.down == down_ &&               \
        kind.entries_move == moving_) {                                                            \
        STRIP_ASM(strip, R, BIAS, DOT_##dot_, PART, RQS, u_, SCALE, STORE,                         \
                  STRIP_BODY(R, odd_, one_, moving_, down_));                                            \
        return;                                                                                    \
    }
#define STRIP_ENTRIES(R, dot_, odd_, u_, PART)                                                     \
    STRIP_CASE(R, dot_, odd_, u_, 0, 0, 1, 0, BIAS_COLUMN, PART, RQ_COLUMN, SCALE_FIXED,           \
               STORE_DOWN)                                                                         \
    STRIP_CASE(R, dot_, odd_, u_, 0, 1, 0, 0, BIAS_ONE, PART, RQ_ONE, SCALE_ONE, STORE_ACROSS)     \
    STRIP_CASE(R, dot_, odd_, u_, 0, 0, 0, 1, BIAS_COLUMN, PART, RQ_COLUMN, SCALE_MOVING,          \
               STORE_ACROSS)                                                                       \
    STRIP_CASE(R, dot_, odd_, u_, 1, 0, 0, 0, BIAS_ROW, PART, RQ_ROW, SCALE_FIXED, STORE_ACROSS)
#define STRIP_KINDS(R, dot_)                                                                       \
    STRIP_ENTRIES(R, dot_, 0, 0, NO_PART)                                                          \
    STRIP_ENTRIES(R, dot_, 0, 1, NO_PART)                                                          \
    STRIP_ENTRIES(R, dot_, 1, 0, PART_##R)                                                         \
    STRIP_ENTRIES(R, dot_, 1, 1, PART_##R)

/* Does a strip; its entries are then those of the block that would follow. `strip` is a variable of
   the caller's frame, `kind` a constant. */
static inline __attribute__((always_inline)) void run_strip(struct strip_kind kind,
                                                            struct strip *strip)
{
    STRIP_KINDS(1, 0) STRIP_KINDS(1, 1) STRIP_KINDS(1, 2)
    STRIP_KINDS(2, 0) STRIP_KINDS(2, 1) STRIP_KINDS(2, 2)
    STRIP_KINDS(3, 0) STRIP_KINDS(3, 1) STRIP_KINDS(3, 2)
    STRIP_KINDS(4, 0) STRIP_KINDS(4, 1) STRIP_KINDS(4, 2)
    __builtin_unreachable();
}

#else

static inline int32_t strip_sum(const struct strip *strip, unsigned dot, int32_t sum, const word *x,
                                const word *w)
{
    for (uint32_t k = 0; k <= strip->words; k++) {
        word from = k < strip->words ? x[k] : strip->mask ? x[k] & strip->mask : 0;
        word to = k < strip->words || strip->mask ? w[k] : 0;

        sum = dot == DOT_SU ? dot4(to, from, sum, true) : dot4(from, to, sum, dot == DOT_US);
    }
    return sum;
}

/* Does a strip; its entries are then those of the block that would follow. */
static inline __attribute__((always_inline)) void run_strip(struct strip_kind kind,
                                                            struct strip *strip)
{
    struct strip at = *strip;

    for (uint32_t block = 0; block < at.blocks; block++) {
        for (unsigned i = 0; i < kind.rows; i++) {
            for (unsigned j = 0; j < BLOCK; j++) {
                struct heed_core_entry entry = strip->entries[kind.one_entry ? 0 : kind.row_entries ? i : j];
                int32_t sum =
                    strip_sum(&at, kind.dot, entry.bias, row_at(at.x, i), row_at(at.w, j));

                at.y[i * at.y_stride + j] =
                    (uint8_t)(kind.y_unsigned ? xheed_rq(0, sum, entry.rq, 0, 1)
                                              : xheed_rq(0, sum, entry.rq, 0, 0));
            }
        }
        next_block(kind, &at);
        at.y += kind.down ? kind.rows * at.y_stride : BLOCK;
        strip->entries += kind.entries_move ? BLOCK : 0;
    }
}

#endif

/* Which part of a block is new, where it reaches back into the one before it. */
struct strip_new {
    uint32_t rows, columns;
};

/* Puts a block of bytes in its place, looked up in a table if there is one: its last rows and
   columns, those that are new. */
static __attribute__((noinline)) void store_block(uint32_t words[BLOCK], uint32_t rows,
                                                  struct strip_new new, uint8_t *y,
                                                  uint32_t y_stride, const int8_t *table)
{
    bool whole = ((uintptr_t)y | y_stride) % 4 == 0 && new.columns == BLOCK;

    for (uint32_t row = rows - new.rows; row < rows; row++) {
        uint32_t bytes = table ? look_up(words[row], table) : words[row];
        uint8_t *to = ROW(y, row, y_stride);

        if (whole)
            *(word *)to = bytes;
        else
            for (uint32_t column = BLOCK - new.columns; column < BLOCK; column++)
                to[column] = (uint8_t)(bytes >> 8 * column);
    }
}

/* Runs a strip whose results may lie anywhere, looked up in a table if there is one. Of each block
   only what is new is written: nobody writes what another hart writes. Uses up x, w, y, entries and
   blocks of the strip. */
static inline __attribute__((always_inline)) void run_anywhere(struct strip_kind kind,
                                                               struct strip *strip,
                                                               struct strip_new new,
                                                               const int8_t *table)
{
    uint32_t left = strip->blocks, y_stride = strip->y_stride, words[BLOCK];
    uint8_t *y = strip->y;
    bool direct = (((uintptr_t)y | y_stride) % 4 | (uintptr_t)table |
                   (new.rows ^ kind.rows) | (new.columns ^ BLOCK)) == 0;

    if (!direct) {
        strip->blocks = 1;
        strip->y_stride = 4;
        strip->y = (uint8_t *)words;
    }
    for (;;) {
        run_strip(kind, strip);
        if (direct)
            return;
        store_block(words, kind.rows, new, y, y_stride, table);
        if (!--left)
            break;
        next_block(kind, strip);
        y += kind.down ? kind.rows * y_stride : BLOCK;
    }
    strip->y_stride = y_stride;
}

#endif
