/* Interrupts between harts: software interrupt and software event out of wfi, and the timer. */

#include "heed/console.h"
#include "heed/events.h"
#include "heed/hart.h"
#include "heed/host.h"

static volatile uint32_t taken[3];

__attribute__((interrupt("machine"), aligned(4))) static void handler(void)
{
    uint32_t cause = HEED_CSR_READ(mcause);

    if (cause == 0x80000003u) {
        heed_software_interrupt(heed_hart_id(), 0);
        taken[0]++;
    } else if (cause == 0x80000007u) {
        heed_timer(~0ull);
        taken[1]++;
    } else if (cause == 0x8000000bu) {
        heed_event_clear(HEED_EVENT_SOFTWARE);
        taken[2]++;
    } else {
        heed_exit(99);
    }
}

static void sleep_until(volatile uint32_t *count, uint32_t wanted)
{
    while (*count != wanted)
        heed_wfi();
}

int main(void)
{
    if (heed_hart_id() == 1) {
        HEED_CSR_WRITE(mtvec, handler);
        heed_event_enable(HEED_EVENT_SOFTWARE);
        HEED_CSR_SET(mie, HEED_MIE_SOFTWARE | HEED_MIE_TIMER);
        HEED_CSR_SET(mstatus, HEED_MSTATUS_MIE);
        heed_barrier();
        sleep_until(&taken[0], 1);
        heed_barrier();
        sleep_until(&taken[2], 1);
        heed_timer(heed_time() + 500);
        sleep_until(&taken[1], 1);
        HEED_CSR_CLEAR(mstatus, HEED_MSTATUS_MIE);
        heed_barrier();
        return 0;
    }
    heed_barrier();
    for (volatile unsigned pause = 50; pause; pause--)
        ;
    heed_software_interrupt(1, 1);
    heed_barrier();
    for (volatile unsigned pause = 50; pause; pause--)
        ;
    heed_event_set(1u << 1);
    heed_barrier();
    heed_printf("software %u, timer %u, event %u\n", taken[0], taken[1], taken[2]);
    return taken[0] == 1 && taken[1] == 1 && taken[2] == 1 ? 0 : 1;
}
