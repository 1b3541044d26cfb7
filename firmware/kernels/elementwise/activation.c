/* Activation by table, four elements a word. */

#include "arithmetic.h"
#include "elementwise/elementwise.h"
#include "look_up.h"

void heed_activation(const struct heed_activation *given, struct heed_team team)
{
    struct heed_activation job = *given;

    /* Rows without gaps are one long row, which can be shared out evenly. */
    if (job.x_stride == job.columns && job.y_stride == job.columns && job.columns % 4 == 0) {
        job.columns *= job.rows;
        job.rows = 1;
    }
    struct part part = part_of(job.rows, job.columns, 4, 0, team);
    uint32_t columns = part.columns.end - part.columns.first;

    for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
        const word *x = (const word *)(ROW(job.x, row, job.x_stride) + part.columns.first);
        word *y = (word *)(ROW(job.y, row, job.y_stride) + part.columns.first);

        if (columns >= 4)
            look_up_words(x, 4, y, 4, columns / 4, job.table);
        for (uint32_t c = columns / 4 * 4; c < columns; c++)
            ((int8_t *)y)[c] = job.table[((const int8_t *)x)[c] + 128];
    }
}
