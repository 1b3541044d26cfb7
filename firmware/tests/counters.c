/* Counts what is known beforehand: loads, stores, jumps, waits; hart by hart. */

#include "heed/console.h"
#include "heed/counters.h"
#include "heed/events.h"
#include "heed/host.h"
#include "heed/team.h"

#define TIMES 40u

static volatile uint32_t words[HEED_MAX_HARTS][2] __attribute__((section(".tcdm_bss")));

/* TIMES loads, twice as many stores and as many jumps back, without the last. */
static void work(unsigned hart)
{
    uint32_t left = TIMES, value;

    __asm__ volatile("1: lw %1, 0(%2)\n"
                     "sw %1, 4(%2)\n"
                     "sw %1, 4(%2)\n"
                     "addi %0, %0, -1\n"
                     "bnez %0, 1b\n"
                     : "+r"(left), "=&r"(value)
                     : "r"(words[hart])
                     : "memory");
}

static struct heed_counters count(const uint32_t events[], unsigned hart)
{
    heed_counters_select(events);
    heed_counters_start();
    struct heed_counters before = heed_counters_read();
    work(hart);
    struct heed_counters cost = heed_counters_since(&before);
    heed_counters_stop();
    return cost;
}

/* Counters that stand still stand still, and those that run are read alike by both functions. */
static int still(void)
{
    struct heed_counters first = heed_counters_read(), second = heed_counters_since(&first);
    uint32_t left = second.cycles || second.instructions;

    for (unsigned i = 0; i < HEED_EVENT_COUNTERS; i++)
        left |= second.events[i] != 0;
    return !left;
}

int main(void)
{
    static const uint32_t what[] = {HEED_COUNT_LOAD, HEED_COUNT_STORE, HEED_COUNT_REDIRECT,
                                    HEED_COUNT_LOAD | HEED_COUNT_STORE};
    static const uint32_t waits[] = HEED_COUNT_WAITS;
    struct heed_team team = heed_whole_team();

    work(team.index); /* fetch has what it needs from now on, if it keeps anything */
    struct heed_counters seen = count(what, team.index), why = count(waits, team.index);

    if (!still())
        return 1;
    /* Reading adds stores of its own, and the loop's loads are all there are in between. */
    if (seen.instructions < 5 * TIMES || seen.instructions > 5 * TIMES + 60)
        return 2;
    if (seen.events[0] < TIMES || seen.events[0] > TIMES + 8)
        return 3;
    if (seen.events[1] < 2 * TIMES || seen.events[1] > 2 * TIMES + 24)
        return 4;
    if (seen.events[2] < TIMES - 1 || seen.events[2] > TIMES + 8)
        return 5;
    if (seen.events[3] != seen.events[0] + seen.events[1])
        return 6;
    uint64_t explained = why.instructions;
    for (unsigned i = 0; i < HEED_EVENT_COUNTERS; i++)
        explained += why.events[i];
    heed_mailbox((uint32_t)why.cycles);
    heed_mailbox((uint32_t)explained);
    heed_barrier();
    if (team.index == 0)
        heed_printf("%u harts counted\n", team.size);
    return 0;
}
