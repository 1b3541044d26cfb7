/* Product of int8 matrices with 32-bit sums: Y[i][j] = sum over k of X[i][k] * W[j][k]. */

#include "program.h"

static struct matrices {
    int8_t x[ROWS][INNER], w[COLUMNS][INNER];
    int32_t y[ROWS][COLUMNS];
} matrices[HEED_HARTS] BENCH_DATA;

void prepare(void)
{
    struct matrices *m = &matrices[heed_hart_id()];
    uint32_t state = 1;

    for (unsigned k = 0; k < INNER; k++) {
        for (unsigned i = 0; i < ROWS; i++)
            m->x[i][k] = (int8_t)(bench_random(&state) >> 24);
        for (unsigned j = 0; j < COLUMNS; j++)
            m->w[j][k] = (int8_t)(bench_random(&state) >> 24);
    }
}

void work(void)
{
    struct matrices *m = &matrices[heed_hart_id()];

    for (unsigned i = 0; i < ROWS; i++)
        for (unsigned j = 0; j < COLUMNS; j++) {
            int32_t sum = 0;
            for (unsigned k = 0; k < INNER; k++)
                sum += m->x[i][k] * m->w[j][k];
            m->y[i][j] = sum;
        }
}

/* Y * v == X * (W^T * v) modulo 2^32 for several random vectors v. */
int right(void)
{
    struct matrices *m = &matrices[heed_hart_id()];
    uint32_t state = 7;

    for (unsigned pass = 0; pass < 4; pass++) {
        uint32_t v[COLUMNS], wv[INNER] = {0};
        for (unsigned j = 0; j < COLUMNS; j++) {
            v[j] = bench_random(&state);
            for (unsigned k = 0; k < INNER; k++)
                wv[k] += (uint32_t)m->w[j][k] * v[j];
        }
        for (unsigned i = 0; i < ROWS; i++) {
            uint32_t difference = 0;
            for (unsigned j = 0; j < COLUMNS; j++)
                difference += (uint32_t)m->y[i][j] * v[j];
            for (unsigned k = 0; k < INNER; k++)
                difference -= (uint32_t)m->x[i][k] * wv[k];
            if (difference)
                return 0;
        }
    }
    return 1;
}
