/* Part of xcv.h: packed bytes (_b) and halves (_h). In the _sc forms every lane's second operand is
   the lowest lane of b. */
#ifndef HEED_XCV_SIMD_H
#define HEED_XCV_SIMD_H

#include "heed/xcv.h"

/* Whether b can be the immediate of a signed or an unsigned .sci form. */
#define XCV_SMALL(b) (__builtin_constant_p(b) && (int32_t)(b) >= -32 && (int32_t)(b) < 32)
#define XCV_SMALL_UNSIGNED(b) (__builtin_constant_p(b) && (b) < 64)
#define XCV_SMALL_8(b) (__builtin_constant_p(b) && (b) < 8)
#define XCV_SMALL_16(b) (__builtin_constant_p(b) && (b) < 16)

/* `lane` is the type of a lane, `value` its result from x and y. */
#define XCV_LANES_OF(name, suffix, width, lane, small, value)                                      \
    XCV_INLINE uint32_t xcv_##name##_##suffix##_c(uint32_t a, uint32_t b, unsigned step)           \
    {                                                                                              \
        uint32_t result = 0;                                                                       \
        for (unsigned low = 0; low < 32; low += width, b >>= step) {                               \
            lane x = (lane)(a >> low), y = (lane)b;                                                \
            result |= (uint32_t)(uint##width##_t)(value) << low;                                   \
        }                                                                                          \
        return result;                                                                             \
    }                                                                                              \
    XCV_2(SIMD, name##_##suffix, "cv." #name "." #suffix, xcv_##name##_##suffix##_c(a, b, width))  \
    XCV_INLINE uint32_t xcv_##name##_sc_##suffix(uint32_t a, uint32_t b)                           \
    {                                                                                              \
        if (XCV_HAS_SIMD && small(b)) {                                                            \
            __asm__("cv." #name ".sci." #suffix " %0, %1, %2"                                      \
                    : "=r"(a)                                                                      \
                    : "r"(a), "i"((int32_t)b));                                                    \
            return a;                                                                              \
        }                                                                                          \
        if (XCV_HAS_SIMD) {                                                                        \
            __asm__("cv." #name ".sc." #suffix " %0, %1, %2" : "=r"(a) : "r"(a), "r"(b));          \
            return a;                                                                              \
        }                                                                                          \
        return xcv_##name##_##suffix##_c(a, b, 0);                                                 \
    }
#define XCV_LANES(name, value)                                                                     \
    XCV_LANES_OF(name, b, 8, int8_t, XCV_SMALL, value)                                             \
    XCV_LANES_OF(name, h, 16, int16_t, XCV_SMALL, value)
#define XCV_LANES_UNSIGNED(name, value)                                                            \
    XCV_LANES_OF(name, b, 8, uint8_t, XCV_SMALL_UNSIGNED, value)                                   \
    XCV_LANES_OF(name, h, 16, uint16_t, XCV_SMALL_UNSIGNED, value)
#define XCV_SHIFTS(name, value)                                                                    \
    XCV_LANES_OF(name, b, 8, uint8_t, XCV_SMALL_8, value)                                          \
    XCV_LANES_OF(name, h, 16, uint16_t, XCV_SMALL_16, value)

XCV_LANES(add, x + y)
XCV_LANES(sub, x - y)
XCV_LANES(avg, (__typeof__(x))(x + y) >> 1)
XCV_LANES_UNSIGNED(avgu, (__typeof__(x))(x + y) >> 1)
XCV_LANES(min, x < y ? x : y)
XCV_LANES_UNSIGNED(minu, x < y ? x : y)
XCV_LANES(max, x > y ? x : y)
XCV_LANES_UNSIGNED(maxu, x > y ? x : y)
XCV_LANES(or, x | y)
XCV_LANES(xor, x ^ y)
XCV_LANES(and, x & y)
XCV_LANES(cmpeq, -(x == y))
XCV_LANES(cmpne, -(x != y))
XCV_LANES(cmpgt, -(x > y))
XCV_LANES(cmpge, -(x >= y))
XCV_LANES(cmplt, -(x < y))
XCV_LANES(cmple, -(x <= y))
XCV_LANES_UNSIGNED(cmpgtu, -(x > y))
XCV_LANES_UNSIGNED(cmpgeu, -(x >= y))
XCV_LANES_UNSIGNED(cmpltu, -(x < y))
XCV_LANES_UNSIGNED(cmpleu, -(x <= y))
/* Amounts are modulo the lane's width. */
XCV_SHIFTS(srl, x >> (y & (8 * sizeof x - 1)))
XCV_SHIFTS(sll, x << (y & (8 * sizeof x - 1)))
XCV_SHIFTS(sra, (int32_t)((uint32_t)x << (32 - 8 * sizeof x)) >>
                    (32 - 8 * sizeof x + (y & (8 * sizeof x - 1))))

XCV_1(SIMD, abs_b, "cv.abs.b", xcv_max_b(a, xcv_sub_b(0, a)))
XCV_1(SIMD, abs_h, "cv.abs.h", xcv_max_h(a, xcv_sub_h(0, a)))

/* Dot products: of unsigned lanes (up), signed ones (sp), or unsigned ones of a with signed ones
   of b (usp). The forms that begin with s add to c. */
#define XCV_DOT_OF(kind, suffix, width, lane_a, lane_b, small)                                     \
    XCV_INLINE uint32_t xcv_##kind##_##suffix##_c(uint32_t a, uint32_t b, unsigned step)           \
    {                                                                                              \
        uint32_t sum = 0;                                                                          \
        for (unsigned low = 0; low < 32; low += width, b >>= step)                                 \
            sum += (uint32_t)(lane_a)(a >> low) * (uint32_t)(lane_b)b;                             \
        return sum;                                                                                \
    }                                                                                              \
    XCV_2(SIMD, kind##_##suffix, "cv." #kind "." #suffix, xcv_##kind##_##suffix##_c(a, b, width))  \
    XCV_3(SIMD, s##kind##_##suffix, "cv.s" #kind "." #suffix,                                      \
          c + xcv_##kind##_##suffix##_c(a, b, width))                                              \
    XCV_INLINE uint32_t xcv_##kind##_sc_##suffix(uint32_t a, uint32_t b)                           \
    {                                                                                              \
        if (XCV_HAS_SIMD && small(b)) {                                                            \
            __asm__("cv." #kind ".sci." #suffix " %0, %1, %2"                                      \
                    : "=r"(a)                                                                      \
                    : "r"(a), "i"((int32_t)b));                                                    \
            return a;                                                                              \
        }                                                                                          \
        if (XCV_HAS_SIMD) {                                                                        \
            __asm__("cv." #kind ".sc." #suffix " %0, %1, %2" : "=r"(a) : "r"(a), "r"(b));          \
            return a;                                                                              \
        }                                                                                          \
        return xcv_##kind##_##suffix##_c(a, b, 0);                                                 \
    }                                                                                              \
    XCV_INLINE uint32_t xcv_s##kind##_sc_##suffix(uint32_t a, uint32_t b, uint32_t c)              \
    {                                                                                              \
        if (XCV_HAS_SIMD && small(b)) {                                                            \
            __asm__("cv.s" #kind ".sci." #suffix " %0, %1, %2"                                     \
                    : "+r"(c)                                                                      \
                    : "r"(a), "i"((int32_t)b));                                                    \
            return c;                                                                              \
        }                                                                                          \
        if (XCV_HAS_SIMD) {                                                                        \
            __asm__("cv.s" #kind ".sc." #suffix " %0, %1, %2" : "+r"(c) : "r"(a), "r"(b));         \
            return c;                                                                              \
        }                                                                                          \
        return c + xcv_##kind##_##suffix##_c(a, b, 0);                                             \
    }
XCV_DOT_OF(dotup, b, 8, uint8_t, uint8_t, XCV_SMALL_UNSIGNED)
XCV_DOT_OF(dotup, h, 16, uint16_t, uint16_t, XCV_SMALL_UNSIGNED)
XCV_DOT_OF(dotusp, b, 8, uint8_t, int8_t, XCV_SMALL)
XCV_DOT_OF(dotusp, h, 16, uint16_t, int16_t, XCV_SMALL)
XCV_DOT_OF(dotsp, b, 8, int8_t, int8_t, XCV_SMALL)
XCV_DOT_OF(dotsp, h, 16, int16_t, int16_t, XCV_SMALL)

/* One lane, numbered by a constant, read or replaced. */
#define XCV_LANE(suffix, width, count)                                                             \
    XCV_INLINE uint32_t xcv_extract_##suffix(uint32_t a, unsigned index)                           \
    {                                                                                              \
        if (XCV_HAS_SIMD) {                                                                        \
            __asm__("cv.extract." #suffix " %0, %1, %2" : "=r"(a) : "r"(a), "i"(index));           \
            return a;                                                                              \
        }                                                                                          \
        return (uint32_t)(int##width##_t)(a >> index % count * width);                             \
    }                                                                                              \
    XCV_INLINE uint32_t xcv_extractu_##suffix(uint32_t a, unsigned index)                          \
    {                                                                                              \
        if (XCV_HAS_SIMD) {                                                                        \
            __asm__("cv.extractu." #suffix " %0, %1, %2" : "=r"(a) : "r"(a), "i"(index));          \
            return a;                                                                              \
        }                                                                                          \
        return (uint##width##_t)(a >> index % count * width);                                      \
    }                                                                                              \
    XCV_INLINE uint32_t xcv_insert_##suffix(uint32_t a, unsigned index, uint32_t c)                \
    {                                                                                              \
        unsigned low = index % count * width;                                                      \
        uint32_t mask = (uint32_t)(uint##width##_t)-1 << low;                                      \
        if (XCV_HAS_SIMD) {                                                                        \
            __asm__("cv.insert." #suffix " %0, %1, %2" : "+r"(c) : "r"(a), "i"(index));            \
            return c;                                                                              \
        }                                                                                          \
        return (c & ~mask) | (a << low & mask);                                                    \
    }
XCV_LANE(b, 8, 4)
XCV_LANE(h, 16, 2)

/* Lane number `place` of the selection chooses a lane of a; in the 2 forms, of c and then a. */
XCV_INLINE uint32_t xcv_byte(uint32_t a, unsigned index)
{
    return a >> 8 * (index & 3) & 0xff;
}
XCV_INLINE uint32_t xcv_halfword(uint32_t a, unsigned index)
{
    return a >> 16 * (index & 1) & 0xffff;
}
#define XCV_BYTE_AT(place)                                                                         \
    (xcv_byte(b >> 8 * (place) & 4 ? a : c, b >> 8 * (place)) << 8 * (place))
#define XCV_HALF_AT(place)                                                                         \
    (xcv_halfword(b >> 16 * (place) & 2 ? a : c, b >> 16 * (place)) << 16 * (place))
XCV_3(SIMD, shuffle2_b, "cv.shuffle2.b",
      XCV_BYTE_AT(0) | XCV_BYTE_AT(1) | XCV_BYTE_AT(2) | XCV_BYTE_AT(3))
XCV_3(SIMD, shuffle2_h, "cv.shuffle2.h", XCV_HALF_AT(0) | XCV_HALF_AT(1))
XCV_2(SIMD, shuffle_b, "cv.shuffle.b", xcv_shuffle2_b(a, b, a))
XCV_2(SIMD, shuffle_h, "cv.shuffle.h", xcv_shuffle2_h(a, b, a))

/* The same with a constant selection: two bits a byte (the upper byte is number `top`), one bit a
   half. */
#define XCV_SHUFFLE(top)                                                                           \
    XCV_INLINE uint32_t xcv_shuffleI##top##_sci_b(uint32_t a, unsigned select)                     \
    {                                                                                              \
        uint32_t result;                                                                           \
        if (XCV_HAS_SIMD) {                                                                        \
            __asm__("cv.shuffleI" #top ".sci.b %0, %1, %2" : "=r"(result) : "r"(a), "i"(select));  \
            return result;                                                                         \
        }                                                                                          \
        return xcv_byte(a, select) | xcv_byte(a, select >> 2) << 8 |                               \
               xcv_byte(a, select >> 4) << 16 | xcv_byte(a, top) << 24;                            \
    }
XCV_SHUFFLE(0)
XCV_SHUFFLE(1)
XCV_SHUFFLE(2)
XCV_SHUFFLE(3)
XCV_INLINE uint32_t xcv_shuffle_sci_h(uint32_t a, unsigned select)
{
    uint32_t result;

    if (XCV_HAS_SIMD) {
        __asm__("cv.shuffle.sci.h %0, %1, %2" : "=r"(result) : "r"(a), "i"(select));
        return result;
    }
    return xcv_halfword(a, select) | xcv_halfword(a, select >> 1) << 16;
}

XCV_2(SIMD, pack, "cv.pack", a << 16 | (b & 0xffff))
XCV_2(SIMD, pack_h, "cv.pack.h", (a & 0xffff0000) | b >> 16)
XCV_3(SIMD, packlo_b, "cv.packlo.b", (c & 0xffff0000) | (a & 0xff) << 8 | (b & 0xff))
XCV_3(SIMD, packhi_b, "cv.packhi.b", (c & 0xffff) | a << 24 | (b & 0xff) << 16)

/* Complex numbers: the real part is the low half. `division` is the shift of the .div forms. */
XCV_INLINE uint32_t xcv_complex(int32_t real, int32_t imaginary)
{
    return (uint32_t)imaginary << 16 | ((uint32_t)real & 0xffff);
}
#define XCV_REAL(a) (int32_t)(int16_t)(a)
#define XCV_IMAGINARY(a) ((int32_t)(a) >> 16)
#define XCV_COMPLEX(form, text, division)                                                          \
    XCV_3(SIMD, cplxmul_r##form, "cv.cplxmul.r" text,                                              \
          xcv_complex((XCV_REAL(a) * XCV_REAL(b) - XCV_IMAGINARY(a) * XCV_IMAGINARY(b)) >>         \
                          (15 + division),                                                         \
                      XCV_IMAGINARY(c)))                                                           \
    XCV_3(SIMD, cplxmul_i##form, "cv.cplxmul.i" text,                                              \
          xcv_complex(XCV_REAL(c), (int32_t)((uint32_t)(XCV_REAL(a) * XCV_IMAGINARY(b)) +          \
                                             (uint32_t)(XCV_IMAGINARY(a) * XCV_REAL(b))) >>        \
                                       (15 + division)))                                           \
    XCV_2(SIMD, subrotmj##form, "cv.subrotmj" text,                                                \
          xcv_complex((int16_t)(XCV_IMAGINARY(a) - XCV_IMAGINARY(b)) >> division,                  \
                      (int16_t)(XCV_REAL(b) - XCV_REAL(a)) >> division))
XCV_COMPLEX(, "", 0)
XCV_COMPLEX(_div2, ".div2", 1)
XCV_COMPLEX(_div4, ".div4", 2)
XCV_COMPLEX(_div8, ".div8", 3)
XCV_1(SIMD, cplxconj, "cv.cplxconj", xcv_complex(XCV_REAL(a), -XCV_IMAGINARY(a)))
#define XCV_DIVIDED(form, text, division)                                                          \
    XCV_2(SIMD, add##form, "cv.add" text, xcv_sra_sc_h(xcv_add_h(a, b), division))                 \
    XCV_2(SIMD, sub##form, "cv.sub" text, xcv_sra_sc_h(xcv_sub_h(a, b), division))
XCV_DIVIDED(_div2, ".div2", 1)
XCV_DIVIDED(_div4, ".div4", 2)
XCV_DIVIDED(_div8, ".div8", 3)

#endif
