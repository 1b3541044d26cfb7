/* Every hart works for ever: WORK 0 computes, 1 loads from TCDM. */

#include "heed/hart.h"

static volatile uint32_t words[64] __attribute__((section(".tcdm_bss"), unused));

int main(void)
{
    for (uint32_t i = heed_hart_id();; i++) {
#if WORK
        (void)words[i % 64];
        (void)words[(i + 7) % 64];
#else
        __asm__ volatile("add %0, %0, %0\n xor %0, %0, %1" : "+r"(i) : "r"(i));
#endif
    }
}
