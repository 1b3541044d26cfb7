/* Jobs of kernels by all harts, one after the other: cycles from before the first one to behind the
   barrier after each. The host places jobs and operands. */

#include "heed/events.h"
#include "heed_kernels.h"

#define PLACED __attribute__((section(".tcdm"), aligned(8)))

typedef void kernel(const void *job, struct heed_team team);

struct step {
    uint32_t kernel; /* index in the table */
    uint32_t job[JOB_WORDS];
};

static kernel *kernels[] PLACED = {KERNEL_TABLE};

struct step bench_steps[MOST_STEPS] PLACED = {{.kernel = 0}};
uint32_t bench_count PLACED = 1;
uint32_t bench_ends[MOST_STEPS] PLACED = {1};

int main(void)
{
    struct heed_team team = {heed_hart_id(), heed_harts()};

    heed_barrier();
    uint32_t start = heed_cycles();
    for (uint32_t i = 0; i < bench_count; i++) {
        kernels[bench_steps[i].kernel](bench_steps[i].job, team);
        heed_barrier();
        if (team.index == 0)
            bench_ends[i] = heed_cycles() - start;
    }
    return 0;
}
