/* Works on data that the host placed in TCDM and main memory, and shows snapshots on the way. */

#include "heed/hart.h"
#include "heed/host.h"

#define WORDS 1024

volatile uint32_t scratchpad[WORDS] __attribute__((section(".tcdm_bss")));
volatile uint32_t given[WORDS] __attribute__((section(".data"))) = {1};
volatile uint32_t result[WORDS] __attribute__((section(".data"))) = {1};

int main(void)
{
    heed_mailbox(7);
    for (unsigned pass = 0; pass < 3; pass++) {
        for (unsigned i = 0; i < WORDS; i++)
            scratchpad[i] = given[i] * (pass + 1);
        heed_mailbox(0x80000000u | pass);
    }
    for (unsigned i = 0; i < WORDS; i++)
        result[i] = scratchpad[i] + i;
    return 0;
}
