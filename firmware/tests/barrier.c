/* Every hart counts rounds; after each barrier all counts must agree. Data in TCDM. */

#include "heed/console.h"
#include "heed/events.h"
#include "heed/hart.h"

#define ROUNDS 50

static volatile uint32_t rounds[HEED_MAX_HARTS] __attribute__((section(".tcdm_bss")));

int main(void)
{
    unsigned hart = heed_hart_id(), harts = heed_harts();

    for (uint32_t round = 1; round <= ROUNDS; round++) {
        for (volatile unsigned pause = (hart * 7 + round * 3) % 11; pause; pause--)
            ;
        rounds[hart] = round;
        heed_barrier();
        for (unsigned other = 0; other < harts; other++)
            if (rounds[other] != round)
                return 1;
        heed_barrier();
    }
    if (hart == 0)
        heed_printf("%u harts, %u rounds\n", harts, rounds[harts - 1]);
    return 0;
}
