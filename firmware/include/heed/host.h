/* What the host sees: the end of the run and the mailbox. */
#ifndef HEED_HOST_H
#define HEED_HOST_H

#include "heed/device.h"

/* Exit status of a program that a trap ended. */
#define HEED_EXIT_TRAP 200

/* Ends the run: 0 is success; the run's exit status is `status`, at most 255. */
static inline __attribute__((noreturn)) void heed_exit(int status)
{
    heed_write(HEED_HOST_BASE + HEED_HOST_EXIT, (uint32_t)status << 1 | 1);
    for (;;)
        __asm__ volatile("wfi");
}

/* Hands a word to the host, which notes the cycle; bit 31 also has it copy the whole TCDM. */
static inline void heed_mailbox(uint32_t word)
{
    __asm__ volatile("" ::: "memory");
    heed_write(HEED_HOST_BASE + HEED_HOST_MAILBOX, word);
}

#endif
