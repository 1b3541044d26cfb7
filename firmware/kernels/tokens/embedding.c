/* Embedding: rows of a table, picked by identifiers. */

#include "elementwise/scaled_sum.h"
#include "tokens/tokens.h"

/* Copies bytes from and to multiples of 4. */
static void copy(void *to, const void *from, uint32_t bytes)
{
    const word *x = from;
    word *y = to;

    for (; bytes >= 16; bytes -= 16, x += 4, y += 4) {
        word a = x[0], b = x[1], c = x[2], d = x[3];

        y[0] = a;
        y[1] = b;
        y[2] = c;
        y[3] = d;
    }
    for (; bytes >= 4; bytes -= 4)
        *y++ = *x++;
    for (uint32_t i = 0; i < bytes; i++)
        ((int8_t *)y)[i] = ((const int8_t *)x)[i];
}

/* The row of the table for result row `row`. */
static uint32_t pick(const struct heed_embedding *job, uint32_t row)
{
    uint32_t id = job->id_bytes == 2 ? ((const uint16_t *)job->ids)[row]
                                     : ((const uint32_t *)job->ids)[row];

    return id < job->table_rows ? id : job->table_rows - 1;
}

void heed_embedding(const struct heed_embedding *given, struct heed_team team)
{
    struct heed_embedding job = *given;
    struct part part = part_of(job.rows, job.columns, 4, 0, team);
    uint32_t columns = part.columns.end - part.columns.first;
    struct scaled_sum sum = {
        .target = job.y_bytes == 1 ? TO_INT8 : TO_INT16,
        .entries = job.entry,
        .rows = 1,
        .columns = job.columns,
    };

    if (!columns)
        return;
    for (uint32_t row = part.rows.first; row < part.rows.end; row++) {
        const void *from = ROW(job.table, pick(&job, row), job.table_stride);
        void *y = ROW(job.y, row, job.y_stride);

        if (!job.entry) {
            uint32_t skip = part.columns.first * job.table_bytes;

            copy(y + skip, from + skip, columns * job.table_bytes);
            continue;
        }
        sum.a = (struct operand){from, 0, job.table_bytes};
        sum.b = (struct operand){ROW(job.position, row, job.position_stride), 0,
                                 job.position ? job.position_bytes : 0};
        sum.y = y;
        scaled_sum_part(&sum, (struct part){{0, 1}, part.columns});
    }
}
