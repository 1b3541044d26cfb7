/* Does the work twice on the same data and hands out what the counters say of each.

   Mailbox words of each pass: mcycle, minstret and the four event counters. The counters start and
   stop together, so both passes cover the same instructions: work() and its call. EVENTS gives the
   bits of mhpmevent for the four counters in each pass. */

#include "heed/host.h"
#include "program.h"

static void measure(const uint32_t events[4])
{
    HEED_CSR_WRITE(mcountinhibit, ~0u);
    HEED_CSR_WRITE(mhpmevent3, events[0]);
    HEED_CSR_WRITE(mhpmevent4, events[1]);
    HEED_CSR_WRITE(mhpmevent5, events[2]);
    HEED_CSR_WRITE(mhpmevent6, events[3]);
    HEED_CSR_WRITE(mcycle, 0);
    HEED_CSR_WRITE(minstret, 0);
    HEED_CSR_WRITE(mhpmcounter3, 0);
    HEED_CSR_WRITE(mhpmcounter4, 0);
    HEED_CSR_WRITE(mhpmcounter5, 0);
    HEED_CSR_WRITE(mhpmcounter6, 0);
    heed_fence();
    HEED_CSR_WRITE(mcountinhibit, 0);
    work();
    HEED_CSR_WRITE(mcountinhibit, ~0u);
    heed_mailbox(HEED_CSR_READ(mcycle));
    heed_mailbox(HEED_CSR_READ(minstret));
    heed_mailbox(HEED_CSR_READ(mhpmcounter3));
    heed_mailbox(HEED_CSR_READ(mhpmcounter4));
    heed_mailbox(HEED_CSR_READ(mhpmcounter5));
    heed_mailbox(HEED_CSR_READ(mhpmcounter6));
}

int main(void)
{
    static const uint32_t events[2][4] = EVENTS;

    for (unsigned pass = 0; pass < 2; pass++) {
        prepare();
        measure(events[pass]);
        if (!right())
            return 1;
    }
    return 0;
}
