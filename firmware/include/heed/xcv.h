/* CORE-V's XCV instructions, one function each: those that the compiler does not emit by itself.
 *
 * xcv_sdotsp_b is cv.sdotsp.b, and so on. Operands are in the order of the assembler; instructions
 * that read rd take its old value as the last argument, `c`. Vectors are words. Where an
 * instruction has an immediate form, it is taken for a constant that fits.
 *
 * Without the instruction's extension, and on other computers, the same in portable C. */
#ifndef HEED_XCV_H
#define HEED_XCV_H

#include <stdint.h>

#if defined(__riscv) && HEED_CORE_XCV_ALU
#define XCV_HAS_ALU 1
#else
#define XCV_HAS_ALU 0
#endif
#if defined(__riscv) && HEED_CORE_XCV_BITMANIP
#define XCV_HAS_BITMANIP 1
#else
#define XCV_HAS_BITMANIP 0
#endif
#if defined(__riscv) && HEED_CORE_XCV_MAC
#define XCV_HAS_MAC 1
#else
#define XCV_HAS_MAC 0
#endif
#if defined(__riscv) && HEED_CORE_XCV_SIMD
#define XCV_HAS_SIMD 1
#else
#define XCV_HAS_SIMD 0
#endif

/* The compiler does not know that a core has XCVbitmanip (it misunderstands cv.fl1). */
#define XCV_TEXT_BITMANIP(text)                                                                    \
    ".option push\n.option arch, +xcvbitmanip\n" text "\n.option pop"

#define XCV_TEXT_ALU(text) text
#define XCV_TEXT_MAC(text) text
#define XCV_TEXT_SIMD(text) text

#define XCV_INLINE static inline __attribute__((always_inline))

/* Functions of rs1; of rs1 and rs2; of rs1, rs2 and the old rd. `value` is the portable form. */
#define XCV_1(group, name, text, value)                                                            \
    XCV_INLINE uint32_t xcv_##name(uint32_t a)                                                     \
    {                                                                                              \
        if (XCV_HAS_##group) {                                                                     \
            __asm__(XCV_TEXT_##group(text " %0, %1") : "=r"(a) : "r"(a));                          \
            return a;                                                                              \
        }                                                                                          \
        return (uint32_t)(value);                                                                  \
    }
#define XCV_2(group, name, text, value)                                                            \
    XCV_INLINE uint32_t xcv_##name(uint32_t a, uint32_t b)                                         \
    {                                                                                              \
        if (XCV_HAS_##group) {                                                                     \
            __asm__(XCV_TEXT_##group(text " %0, %1, %2") : "=r"(a) : "r"(a), "r"(b));              \
            return a;                                                                              \
        }                                                                                          \
        return (uint32_t)(value);                                                                  \
    }
#define XCV_3(group, name, text, value)                                                            \
    XCV_INLINE uint32_t xcv_##name(uint32_t a, uint32_t b, uint32_t c)                             \
    {                                                                                              \
        if (XCV_HAS_##group) {                                                                     \
            __asm__(XCV_TEXT_##group(text " %0, %1, %2") : "+r"(c) : "r"(a), "r"(b));              \
            return c;                                                                              \
        }                                                                                          \
        return (uint32_t)(value);                                                                  \
    }

/* ---- XCValu ---- */

XCV_INLINE int32_t xcv_limit(int32_t a, int32_t low, int32_t high)
{
    return a < low ? low : a > high ? high : a;
}

/* Clips to a signed number of `bits` bits, a constant. */
XCV_INLINE int32_t xcv_clip(int32_t a, unsigned bits)
{
    int32_t high = (int32_t)((1u << bits) - 1) >> 1;

    if (XCV_HAS_ALU) {
        __asm__("cv.clip %0, %1, %2" : "=r"(a) : "r"(a), "i"(bits));
        return a;
    }
    return xcv_limit(a, -high - 1, high);
}

/* Clips a signed number to what `bits` - 1 bits hold, a constant. */
XCV_INLINE int32_t xcv_clipu(int32_t a, unsigned bits)
{
    if (XCV_HAS_ALU) {
        __asm__("cv.clipu %0, %1, %2" : "=r"(a) : "r"(a), "i"(bits));
        return a;
    }
    return xcv_limit(a, 0, (int32_t)((1u << bits) - 1) >> 1);
}

/* Clip to -b - 1 to b, or 0 to b; bit 31 of b is ignored. */
XCV_2(ALU, clipr, "cv.clipr",
      xcv_limit((int32_t)a, (int32_t)~(b & INT32_MAX), (int32_t)(b & INT32_MAX)))
XCV_2(ALU, clipur, "cv.clipur", xcv_limit((int32_t)a, 0, (int32_t)(b & INT32_MAX)))

XCV_INLINE uint32_t xcv_half(unsigned shift, unsigned rounds)
{
    return rounds ? (1u << shift) >> 1 : 0;
}

/* (a + b) >> shift and the like: `type` says what kind of shift, R forms round. `code` are the low
   bits of funct7 in the form with the shift in a register; an assembler may not know all. */
#define XCV_NORMALISED(name, type, operator, rounds, code)                                         \
    XCV_INLINE uint32_t xcv_##name(uint32_t a, uint32_t b, unsigned shift)                         \
    {                                                                                              \
        if (XCV_HAS_ALU && __builtin_constant_p(shift)) {                                          \
            __asm__("cv." #name " %0, %1, %2, %3" : "=r"(a) : "r"(a), "r"(b), "i"(shift));         \
            return a;                                                                              \
        }                                                                                          \
        if (XCV_HAS_ALU) {                                                                         \
            __asm__(".insn r 0x2b, 3, 0x40 + " #code ", %0, %1, %2"                                \
                    : "+r"(a)                                                                      \
                    : "r"(b), "r"(shift));                                                         \
            return a;                                                                              \
        }                                                                                          \
        return (uint32_t)((type)((a operator b) + xcv_half(shift & 31, rounds)) >> (shift & 31));  \
    }
XCV_NORMALISED(addN, int32_t, +, 0, 0)
XCV_NORMALISED(adduN, uint32_t, +, 0, 1)
XCV_NORMALISED(addRN, int32_t, +, 1, 2)
XCV_NORMALISED(adduRN, uint32_t, +, 1, 3)
XCV_NORMALISED(subN, int32_t, -, 0, 4)
XCV_NORMALISED(subuN, uint32_t, -, 0, 5)
XCV_NORMALISED(subRN, int32_t, -, 1, 6)
XCV_NORMALISED(subuRN, uint32_t, -, 1, 7)

/* ---- XCVbitmanip: fields of `bits` bits, 1 to 32, from bit `low` on, cut at bit 31 ---- */

XCV_INLINE uint32_t xcv_field(unsigned bits, unsigned low)
{
    return 0xffffffffu >> (32 - bits) << low;
}

XCV_INLINE int32_t xcv_sign_extend(uint32_t a, unsigned bits)
{
    return (int32_t)(a << (32 - bits)) >> (32 - bits);
}

#define XCV_FIELD(name, value)                                                                     \
    XCV_INLINE uint32_t xcv_##name(uint32_t a, unsigned bits, unsigned low)                        \
    {                                                                                              \
        if (XCV_HAS_BITMANIP && __builtin_constant_p(bits) && __builtin_constant_p(low)) {         \
            __asm__(XCV_TEXT_BITMANIP("cv." #name " %0, %1, %2, %3")                               \
                    : "=r"(a)                                                                      \
                    : "r"(a), "i"(bits - 1), "i"(low));                                            \
            return a;                                                                              \
        }                                                                                          \
        if (XCV_HAS_BITMANIP) {                                                                    \
            __asm__(XCV_TEXT_BITMANIP("cv." #name "r %0, %1, %2")                                  \
                    : "=r"(a)                                                                      \
                    : "r"(a), "r"((bits - 1) << 5 | low));                                         \
            return a;                                                                              \
        }                                                                                          \
        return (uint32_t)(value);                                                                  \
    }
XCV_FIELD(extract, xcv_sign_extend(a >> low, bits < 32 - low ? bits : 32 - low))
XCV_FIELD(extractu, a >> low & xcv_field(bits, 0))
XCV_FIELD(bclr, a & ~xcv_field(bits, low))
XCV_FIELD(bset, a | xcv_field(bits, low))

/* c with the field replaced by the low bits of a. */
XCV_INLINE uint32_t xcv_insert(uint32_t a, unsigned bits, unsigned low, uint32_t c)
{
    if (XCV_HAS_BITMANIP && __builtin_constant_p(bits) && __builtin_constant_p(low)) {
        __asm__(XCV_TEXT_BITMANIP("cv.insert %0, %1, %2, %3")
                : "+r"(c)
                : "r"(a), "i"(bits - 1), "i"(low));
        return c;
    }
    if (XCV_HAS_BITMANIP) {
        __asm__(XCV_TEXT_BITMANIP("cv.insertr %0, %1, %2")
                : "+r"(c)
                : "r"(a), "r"((bits - 1) << 5 | low));
        return c;
    }
    return (c & ~xcv_field(bits, low)) | (a << low & xcv_field(bits, low));
}

/* Shifts out `drop` bits at the top, then reverses the order of groups of `group` + 1 bits (0 to
   2) that are counted from the top. Both are constants. */
XCV_INLINE uint32_t xcv_bitrev(uint32_t a, unsigned group, unsigned drop)
{
    uint32_t result = 0;
    unsigned width = group + 1;

    if (XCV_HAS_BITMANIP) {
        __asm__(XCV_TEXT_BITMANIP("cv.bitrev %0, %1, %2, %3")
                : "=r"(result)
                : "r"(a), "i"(group), "i"(drop));
        return result;
    }
    a <<= drop;
    for (unsigned low = 0; low + width <= 32; low += width)
        result |= (a >> (32 - width - low) & xcv_field(width, 0)) << low;
    return result;
}

/* Rotates to the right by the low five bits of b. */
XCV_2(BITMANIP, ror, "cv.ror", a >> (b & 31) | a << (-b & 31))

/* The lowest and the highest bit set, 32 for none; how many are set; how many bits after the first
   one are like it, 0 for 0. */
XCV_1(BITMANIP, ff1, "cv.ff1", a ? __builtin_ctz(a) : 32)
XCV_1(BITMANIP, fl1, "cv.fl1", a ? 31 - __builtin_clz(a) : 32)
XCV_1(BITMANIP, cnt, "cv.cnt", __builtin_popcount(a))
XCV_1(BITMANIP, clb, "cv.clb",
      a == 0            ? 0
      : a == UINT32_MAX ? 31
                        : __builtin_clz((int32_t)a < 0 ? ~a : a) - 1)

/* ---- XCVmac ---- */

XCV_3(MAC, mac, "cv.mac", c + a * b)
XCV_3(MAC, msu, "cv.msu", c - a * b)

/* Products of halves (hh: the upper ones), shifted by a constant; R forms round. */
#define XCV_PRODUCT(name, half, type, place, rounds)                                               \
    XCV_INLINE uint32_t xcv_mul##name(uint32_t a, uint32_t b, unsigned shift)                      \
    {                                                                                              \
        if (XCV_HAS_MAC) {                                                                         \
            __asm__("cv.mul" #name " %0, %1, %2, %3" : "=r"(a) : "r"(a), "r"(b), "i"(shift));      \
            return a;                                                                              \
        }                                                                                          \
        a = (uint32_t)(half)(a >> place) * (uint32_t)(half)(b >> place);                           \
        return (uint32_t)((type)(a + xcv_half(shift, rounds)) >> shift);                           \
    }                                                                                              \
    XCV_INLINE uint32_t xcv_mac##name(uint32_t a, uint32_t b, unsigned shift, uint32_t c)          \
    {                                                                                              \
        if (XCV_HAS_MAC) {                                                                         \
            __asm__("cv.mac" #name " %0, %1, %2, %3" : "+r"(c) : "r"(a), "r"(b), "i"(shift));      \
            return c;                                                                              \
        }                                                                                          \
        c += (uint32_t)(half)(a >> place) * (uint32_t)(half)(b >> place);                          \
        return (uint32_t)((type)(c + xcv_half(shift, rounds)) >> shift);                           \
    }
XCV_PRODUCT(sN, int16_t, int32_t, 0, 0)
XCV_PRODUCT(hhsN, int16_t, int32_t, 16, 0)
XCV_PRODUCT(sRN, int16_t, int32_t, 0, 1)
XCV_PRODUCT(hhsRN, int16_t, int32_t, 16, 1)
XCV_PRODUCT(uN, uint16_t, uint32_t, 0, 0)
XCV_PRODUCT(hhuN, uint16_t, uint32_t, 16, 0)
XCV_PRODUCT(uRN, uint16_t, uint32_t, 0, 1)
XCV_PRODUCT(hhuRN, uint16_t, uint32_t, 16, 1)

/* ---- XCVsimd ---- */

#include "heed/xcv_simd.h"

#endif
