/* Runs one linear job REPEATS times and checks its raw sums against the core's own. */

#include "heed/console.h"
#include "heed/engine.h"
#include "heed/hart.h"
#include "heed/host.h"

#ifndef REPEATS
#define REPEATS 1
#endif
#define ROWS 64
#define COLUMNS 64
#define INNER 64

static int8_t x[ROWS][INNER] __attribute__((section(".tcdm_bss"), aligned(8)));
static int8_t w[COLUMNS][INNER] __attribute__((section(".tcdm_bss"), aligned(8)));
static volatile int32_t y[ROWS][COLUMNS] __attribute__((section(".tcdm_bss"), aligned(8)));
static struct heed_parameter entry __attribute__((section(".tcdm_bss"), aligned(8)));
static volatile struct heed_status_word status __attribute__((section(".tcdm_bss"), aligned(8)));
static struct heed_descriptor job __attribute__((section(".tcdm_bss"), aligned(64)));

static void fill(int8_t *bytes, unsigned count, uint32_t seed)
{
    while (count--) {
        seed = seed * 1664525u + 1013904223u;
        *bytes++ = (int8_t)(seed >> 24);
    }
}

static void describe(void)
{
    job.word0 = HEED_KIND_LINEAR << HEED_DESCRIPTOR_KIND_SHIFT |
                HEED_DESCRIPTOR_VERSION << HEED_DESCRIPTOR_VERSION_SHIFT |
                HEED_ELEMENT_TYPE_INT32 << HEED_DESCRIPTOR_Y_TYPE_SHIFT;
    job.status = (uint32_t)&status;
    job.event_mask = 1;
    job.rows = ROWS;
    job.columns = COLUMNS;
    job.inner = INNER;
    job.heads = 1;
    job.x_base = (uint32_t)x;
    job.x_row_stride = INNER;
    job.w_base = (uint32_t)w;
    job.w_row_stride = INNER;
    job.y_base = (uint32_t)y;
    job.y_row_stride = COLUMNS * sizeof(int32_t);
    job.param_base = (uint32_t)&entry;
}

static int wrong(unsigned row, unsigned column)
{
    int32_t sum = 0;

    for (unsigned k = 0; k < INNER; k++)
        sum += x[row][k] * w[column][k];
    return sum != y[row][column];
}

int main(void)
{
    if (heed_hart_id() != 0)
        return 0;
    fill(&x[0][0], sizeof x, 1);
    fill(&w[0][0], sizeof w, 2);
    describe();
    for (unsigned repeat = 0; repeat < REPEATS; repeat++) {
        uint32_t code = heed_engine_run((uint32_t)&job, &status, 1);
        if (code != HEED_STATUS_DONE) {
            heed_printf("status %u\n", code);
            return 1;
        }
        heed_mailbox(repeat);
    }
    for (unsigned row = 0; row < ROWS; row += 7)
        for (unsigned column = 0; column < COLUMNS; column += 5)
            if (wrong(row, column)) {
                heed_printf("sum %u, %u is %d\n", row, column, y[row][column]);
                return 2;
            }
    heed_printf("%u jobs, the last in %u cycles\n", REPEATS, status.cycles);
    return 0;
}
