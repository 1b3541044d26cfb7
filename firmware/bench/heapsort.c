/* Sorts 32-bit numbers in place with a heap. */

#include "program.h"

static int32_t numbers[HEED_HARTS][NUMBERS] BENCH_DATA;

void prepare(void)
{
    int32_t *all = numbers[heed_hart_id()];
    uint32_t state = 3;

    for (unsigned i = 0; i < NUMBERS; i++)
        all[i] = (int32_t)bench_random(&state);
}

/* Lets a number sink from a place in a heap of `count` to where none below it is larger. */
static void sink(int32_t *heap, unsigned place, unsigned count, int32_t number)
{
    unsigned child;

    while ((child = 2 * place + 1) < count) {
        if (child + 1 < count && heap[child] < heap[child + 1])
            child++;
        if (number >= heap[child])
            break;
        heap[place] = heap[child];
        place = child;
    }
    heap[place] = number;
}

void work(void)
{
    int32_t *all = numbers[heed_hart_id()];

    for (unsigned place = NUMBERS / 2; place-- > 0;)
        sink(all, place, NUMBERS, all[place]);
    for (unsigned last = NUMBERS - 1; last > 0; last--) {
        int32_t number = all[last];
        all[last] = all[0];
        sink(all, 0, last, number);
    }
}

/* A sum that tells sets of numbers apart, whatever their order. */
static uint32_t mix(uint32_t number)
{
    number = (number ^ number >> 16) * 0x7feb352du;
    return (number ^ number >> 15) * 0x846ca68bu;
}

/* In order, and the same numbers as before. */
int right(void)
{
    int32_t *all = numbers[heed_hart_id()];
    uint32_t state = 3, difference = 0;

    for (unsigned i = 0; i < NUMBERS; i++) {
        if (i > 0 && all[i] < all[i - 1])
            return 0;
        difference += mix((uint32_t)all[i]) - mix(bench_random(&state));
    }
    return difference == 0;
}
