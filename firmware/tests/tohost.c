/* Ends the run by the word tohost, which lies in SECTION. Hart ENDER does it; the others spin. */

#include "heed/console.h"
#include "heed/hart.h"

volatile uint32_t tohost __attribute__((section(SECTION), used));

int main(void)
{
    if (heed_hart_id() == ENDER) {
        tohost = 2; /* bit 0 clear: ignored */
        *((volatile uint8_t *)&tohost) = 1; /* not a whole word: ignored */
        heed_puts("still here\n");
        tohost = CODE;
    }
    for (;;)
        ;
}
