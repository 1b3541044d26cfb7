/* Xheed: Heed's own instruction, one function. Without the extension (and on other computers) the
   same in portable C. */
#ifndef HEED_XHEED_H
#define HEED_XHEED_H

#include <stdint.h>

#include "heed/xcv.h"

/* What heed.rq takes: multiplier 0 to 65535, shift 0 to 31, zero point -128 to 127. */
#define XHEED_RQ(mul, shift, zero)                                                                 \
    ((uint32_t)(mul) | (uint32_t)(shift) << 16 | (uint32_t)(zero) << 24)

/* heed.rq: puts clip(((sum * mul + half) >> shift) + zero) into byte `lane` of `word`. Clips to 0
   to 255 if `to_unsigned`, else to -128 to 127. `lane` and `to_unsigned` are constants. */
XCV_INLINE uint32_t xheed_rq(uint32_t word, int32_t sum, uint32_t parameters, unsigned lane,
                             unsigned to_unsigned)
{
#if defined(__riscv) && HEED_CORE_XHEED
    __asm__(".insn r 0x2b, 5, %3, %0, %1, %2"
            : "+r"(word)
            : "r"(sum), "r"(parameters), "i"(lane + 4 * to_unsigned));
    return word;
#else
    uint32_t shift = parameters >> 16 & 31;
    int64_t total = (int64_t)sum * (int64_t)(parameters & 0xffff) + ((1u << shift) >> 1);
    int64_t value = (total >> shift) + (int8_t)(parameters >> 24);
    int64_t low = to_unsigned ? 0 : -128, high = to_unsigned ? 255 : 127;

    value = value < low ? low : value > high ? high : value;
    return (word & ~(0xffu << 8 * lane)) | (uint32_t)(value & 0xff) << 8 * lane;
#endif
}

#endif
