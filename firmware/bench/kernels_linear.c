/* A linear layer by all harts: hands out the cycles from the barrier before it to the one behind it.
   The host places the operands. */

#include "heed/events.h"
#include "heed/host.h"
#include "heed_kernels.h"

#define PLACED __attribute__((section(".tcdm"), aligned(64)))

uint8_t bench_x[ROWS][X_STRIDE] PLACED;
int8_t bench_w[COLUMNS][W_STRIDE] PLACED;
struct heed_core_entry bench_entries[COLUMNS] PLACED;
int8_t bench_y[ROWS][Y_STRIDE] PLACED;

static struct heed_linear job PLACED = {
    .x = bench_x,
    .x_stride = X_STRIDE,
    .w = bench_w[0],
    .w_stride = W_STRIDE,
    .y = bench_y,
    .y_stride = Y_STRIDE,
    .entries = bench_entries,
    .rows = ROWS,
    .columns = COLUMNS,
    .inner = INNER,
};

int main(void)
{
    struct heed_team team = {heed_hart_id(), heed_harts()};

    heed_barrier();
    uint32_t start = heed_cycles();
    heed_linear(&job, team);
    heed_barrier();
    uint32_t cycles = heed_cycles() - start;
    if (team.index == 0)
        heed_mailbox(cycles);
    return 0;
}
