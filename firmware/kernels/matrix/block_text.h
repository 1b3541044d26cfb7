/* Blocks of 4 columns times 1 to 4 rows as text for assembly: from biases to requantised results.
 *
 * The inner loop takes every register, so whoever uses this writes one piece of assembly with
 * BLOCK_REGISTERS as its clobbers, whose operands are variables of the frame: %[words], the number of
 * words of a row, %[mask] for the bytes of the last one, %[y_stride]. */
#ifndef HEED_BLOCK_TEXT_H
#define HEED_BLOCK_TEXT_H

/* Registers: sums a0-a3, a4-a7, s2-s5, s6-s9; words of w t0-t3, of x t4 and t5; s10 and s11 walk
   over x and w, by s0 and s1, t6 and ra. Entries and y take gp and tp, which the runtime leaves
   alone and no compiler uses. */
#define BLOCK_REGISTERS                                                                            \
    "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "s0", "s1", "s2", "s3", "s4", "s5", "s6",      \
        "s7", "s8", "s9", "s10", "s11", "a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7", "memory"

#define DOT_0(sum, x, w) "cv.sdotsp.b " #sum ", " #x ", " #w "\n"
#define DOT_1(sum, x, w) "cv.sdotusp.b " #sum ", " #x ", " #w "\n"
#define DOT_2(sum, x, w) "cv.sdotusp.b " #sum ", " #w ", " #x "\n"
#define DOTS(D, x, a, b, c, d) D(a, x, t0) D(b, x, t1) D(c, x, t2) D(d, x, t3)
#define DOTS_0(D, x) DOTS(D, x, a0, a1, a2, a3)
#define DOTS_1(D, x) DOTS(D, x, a4, a5, a6, a7)
#define DOTS_2(D, x) DOTS(D, x, s2, s3, s4, s5)
#define DOTS_3(D, x) DOTS(D, x, s6, s7, s8, s9)

#define LOAD_W                                                                                     \
    "cv.lw t0, (s11), t6\ncv.lw t1, (s11), t6\ncv.lw t2, (s11), t6\ncv.lw t3, (s11), ra\n"
#define LOAD_X(to, step) "cv.lw " #to ", (s10), " #step "\n"

/* A word of each row: 4 + 5 * rows instructions. No word is used right after its load. */
#define STEP_1(D) LOAD_X(t4, s1) LOAD_W DOTS_0(D, t4)
#define STEP_2(D) LOAD_W LOAD_X(t4, s0) LOAD_X(t5, s1) DOTS_0(D, t4) DOTS_1(D, t5)
#define STEP_3(D)                                                                                  \
    LOAD_W LOAD_X(t4, s0) LOAD_X(t5, s0) DOTS_0(D, t4) LOAD_X(t4, s1) DOTS_1(D, t5) DOTS_2(D, t4)
#define STEP_4(D)                                                                                  \
    LOAD_W LOAD_X(t4, s0) LOAD_X(t5, s0) DOTS_0(D, t4) LOAD_X(t4, s0) DOTS_1(D, t5)                \
        LOAD_X(t5, s1) DOTS_2(D, t4) DOTS_3(D, t5)

/* The last word, some of its bytes: 5 + 6 * rows instructions. */
#define PART(D, row, step) LOAD_X(t4, step) "and t4, t4, t5\n" DOTS_##row(D, t4)
#define PART_1(D) LOAD_W "lw t5, %[mask]\n" PART(D, 0, s1)
#define PART_2(D) LOAD_W "lw t5, %[mask]\n" PART(D, 0, s0) PART(D, 1, s1)
#define PART_3(D) LOAD_W "lw t5, %[mask]\n" PART(D, 0, s0) PART(D, 1, s0) PART(D, 2, s1)
#define PART_4(D)                                                                                  \
    LOAD_W "lw t5, %[mask]\n" PART(D, 0, s0) PART(D, 1, s0) PART(D, 2, s0) PART(D, 3, s1)
#define NO_PART(D) ""

/* The biases: 1 + 4 * rows instructions. */
#define BIASES_1 "lw a0, (gp)\nlw a1, 8(gp)\nlw a2, 16(gp)\nlw a3, 24(gp)\n"
#define BIASES_2 BIASES_1 "mv a4, a0\nmv a5, a1\nmv a6, a2\nmv a7, a3\n"
#define BIASES_3 BIASES_2 "mv s2, a0\nmv s3, a1\nmv s4, a2\nmv s5, a3\n"
#define BIASES_4 BIASES_3 "mv s6, a0\nmv s7, a1\nmv s8, a2\nmv s9, a3\n"
#define BIAS_COLUMN_1 "lw t1, %[words]\n" BIASES_1
#define BIAS_COLUMN_2 "lw t1, %[words]\n" BIASES_2
#define BIAS_COLUMN_3 "lw t1, %[words]\n" BIASES_3
#define BIAS_COLUMN_4 "lw t1, %[words]\n" BIASES_4
#define BIAS_ONE_1 "lw t1, %[words]\nlw a0, (gp)\nmv a1, a0\nmv a2, a0\nmv a3, a0\n"
#define BIAS_ONE_2 BIAS_ONE_1 "mv a4, a0\nmv a5, a0\nmv a6, a0\nmv a7, a0\n"
#define BIAS_ONE_3 BIAS_ONE_2 "mv s2, a0\nmv s3, a0\nmv s4, a0\nmv s5, a0\n"
#define BIAS_ONE_4 BIAS_ONE_3 "mv s6, a0\nmv s7, a0\nmv s8, a0\nmv s9, a0\n"
#define BIAS_ROW(load, copy) load "lw t1, %[words]\n" copy
#define LOAD_0 "lw a0, (gp)\n"
#define LOAD_1 LOAD_0 "lw a4, 8(gp)\n"
#define LOAD_2 LOAD_1 "lw s2, 16(gp)\n"
#define LOAD_3 LOAD_2 "lw s6, 24(gp)\n"
#define COPY_0 "mv a1, a0\nmv a2, a0\nmv a3, a0\n"
#define COPY_1 COPY_0 "mv a5, a4\nmv a6, a4\nmv a7, a4\n"
#define COPY_2 COPY_1 "mv s3, s2\nmv s4, s2\nmv s5, s2\n"
#define COPY_3 COPY_2 "mv s7, s6\nmv s8, s6\nmv s9, s6\n"
#define BIAS_ROW_1 BIAS_ROW(LOAD_0, COPY_0)
#define BIAS_ROW_2 BIAS_ROW(LOAD_1, COPY_1)
#define BIAS_ROW_3 BIAS_ROW(LOAD_2, COPY_2)
#define BIAS_ROW_4 BIAS_ROW(LOAD_3, COPY_3)

/* Requantisation, a row's four results into its first register: 4 * rows instructions. A column
   goes before the next one, because a result cannot be used by the next instruction. */
#define RQ(word, sum, rq, lane, U)                                                                 \
    ".insn r 0x2b, 5, " #lane " + 4 * " #U ", " #word ", " #sum ", " #rq "\n"
#define RQ_1(U, lane, q0, q1, q2, q3, a, b, c, d) RQ(a0, a, q0, lane, U)
#define RQ_2(U, lane, q0, q1, q2, q3, a, b, c, d)                                                  \
    RQ_1(U, lane, q0, q1, q2, q3, a, b, c, d) RQ(a4, b, q1, lane, U)
#define RQ_3(U, lane, q0, q1, q2, q3, a, b, c, d)                                                  \
    RQ_2(U, lane, q0, q1, q2, q3, a, b, c, d) RQ(s2, c, q2, lane, U)
#define RQ_4(U, lane, q0, q1, q2, q3, a, b, c, d)                                                  \
    RQ_3(U, lane, q0, q1, q2, q3, a, b, c, d) RQ(s6, d, q3, lane, U)
#define RQ_COLUMN(R, U)                                                                            \
    RQ_##R(U, 0, t0, t0, t0, t0, a0, a4, s2, s6) RQ_##R(U, 1, t1, t1, t1, t1, a1, a5, s3, s7)      \
        RQ_##R(U, 2, t2, t2, t2, t2, a2, a6, s4, s8) RQ_##R(U, 3, t3, t3, t3, t3, a3, a7, s5, s9)
#define RQ_ROW(R, U)                                                                               \
    RQ_##R(U, 0, t0, t1, t2, t3, a0, a4, s2, s6) RQ_##R(U, 1, t0, t1, t2, t3, a1, a5, s3, s7)      \
        RQ_##R(U, 2, t0, t1, t2, t3, a2, a6, s4, s8) RQ_##R(U, 3, t0, t1, t2, t3, a3, a7, s5, s9)
#define RQ_ONE(R, U)                                                                               \
    RQ_##R(U, 0, t0, t0, t0, t0, a0, a4, s2, s6) RQ_##R(U, 1, t0, t0, t0, t0, a1, a5, s3, s7)      \
        RQ_##R(U, 2, t0, t0, t0, t0, a2, a6, s4, s8) RQ_##R(U, 3, t0, t0, t0, t0, a3, a7, s5, s9)

/* Their parameters: 5 instructions, 6 where entries move, 2 where there is one. */
#define SCALE_FIXED                                                                                \
    "lw t0, 4(gp)\nlw t1, 12(gp)\nlw t2, 20(gp)\nlw t3, 28(gp)\nlw t4, %[y_stride]\n"
#define SCALE_ONE "lw t0, 4(gp)\nlw t4, %[y_stride]\n"
#define SCALE_MOVING SCALE_FIXED "addi gp, gp, 32\n"

#endif
