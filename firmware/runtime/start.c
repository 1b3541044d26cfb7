/* What happens around main(): memory is cleared, all harts run main, its value ends the run. */

#include "heed/console.h"
#include "heed/events.h"
#include "heed/hart.h"
#include "heed/host.h"

extern uint32_t __bss_start[], __bss_end[], __tcdm_bss_start[], __tcdm_bss_end[];

int main(void);

/* Set by a hart whose main returned 0. In .data: not cleared while others already run. */
static volatile uint32_t returned[HEED_MAX_HARTS] __attribute__((section(".data")));

static void clear(volatile uint32_t *word, const volatile uint32_t *end)
{
    while (word != end)
        *word++ = 0;
}

static void wait_for_all(void)
{
    uint32_t started = heed_started();

    for (unsigned hart = 0; hart < HEED_MAX_HARTS; hart++)
        while ((started >> hart & 1) && !returned[hart])
            ;
}

/* Called by crt0 on every hart, on its own stack. Returning puts the hart to sleep. */
void heed_start(void)
{
    unsigned hart = heed_hart_id();

    if (hart == 0) {
        clear(__bss_start, __bss_end);
        clear(__tcdm_bss_start, __tcdm_bss_end);
    }
    heed_barrier();
    int status = main();
    if (status != 0)
        heed_exit(status);
    returned[hart] = 1;
    if (hart == 0) {
        wait_for_all();
        heed_exit(0);
    }
}

/* Called by crt0 for a trap that nobody handles; a program may define its own. */
__attribute__((weak)) void heed_trap(uint32_t cause, uint32_t pc, uint32_t value)
{
    heed_printf("hart %u: trap, mcause 0x%x, mepc 0x%08x, mtval 0x%08x\n", heed_hart_id(), cause,
                pc, value);
    heed_exit(HEED_EXIT_TRAP);
}
