/* Sleeps for ever. */

#include "heed/hart.h"

int main(void)
{
    for (;;)
        heed_wfi();
}
