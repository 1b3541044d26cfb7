/* Hardware loops, as text for assembly.
 *
 * XCV_LOOP(loop, count, body) repeats the `body` instructions that follow it without any cost.
 * `loop` is 0 or 1, the inner one 0; `count` is the operand that holds how often, 1 or more;
 * `body` is a number, 1 to 4094. The last instruction of a body must neither jump nor write loop
 * registers. The compiler knows nothing of the loops: loop and body are one piece of assembly. */
#ifndef HEED_LOOPS_H
#define HEED_LOOPS_H

/* cv.setup: bits 11:7 hold 14 plus the loop's number, the immediate counts from itself on. */
#define XCV_LOOP(loop, count, body)                                                                \
    ".insn i 0x2b, 4, " XCV_LOOP_##loop ", " count ", 1 + " #body "\n"
#define XCV_LOOP_0 "x14"
#define XCV_LOOP_1 "x15"

#endif
