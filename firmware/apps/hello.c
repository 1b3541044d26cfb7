/* Every hart says hello, one after the other. */

#include "heed/console.h"
#include "heed/events.h"
#include "heed/hart.h"

int main(void)
{
    for (unsigned turn = 0; turn < heed_harts(); turn++) {
        if (turn == heed_hart_id())
            heed_printf("hello from hart %u of %u on %s\n", turn, heed_harts(), HEED_PRESET);
        heed_barrier();
    }
    return 0;
}
