/* Never ends: hart 0 spins, the others sleep, and the last one waits at the barrier for ever. */

#include "heed/events.h"
#include "heed/hart.h"

int main(void)
{
    unsigned hart = heed_hart_id();

    if (hart == heed_harts() - 1 && hart != 0)
        heed_barrier();
    while (hart != 0)
        heed_wfi();
    for (;;)
        ;
}
