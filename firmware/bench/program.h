/* What every program of the bench defines. Its data lie in TCDM, a copy for each hart; sizes come
   from the command line of the compiler. */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include <stdint.h>

#include "heed/hart.h"

/* Data of a program: in TCDM, cleared before the start. */
#define BENCH_DATA __attribute__((section(".tcdm_bss")))

/* Lays the same data out at each call. */
void prepare(void);

/* The work that is measured. */
void work(void);

/* Whether the work's results are right, found in another way. */
int right(void);

/* Pseudo-random numbers, the high bits the best. */
static inline uint32_t bench_random(uint32_t *state)
{
    return *state = *state * 1664525u + 1013904223u;
}

#endif
