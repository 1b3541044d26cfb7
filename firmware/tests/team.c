/* Harts mark what falls to them: every item and every row of every head once. */

#include "heed/console.h"
#include "heed/events.h"
#include "heed/team.h"

#define HEADS 5u
#define ROWS 11u
#define BLOCK 4u

static volatile uint32_t items[37] __attribute__((section(".tcdm_bss")));
static volatile uint32_t rows[HEADS][ROWS] __attribute__((section(".tcdm_bss")));

int main(void)
{
    struct heed_team team = heed_whole_team();
    struct share share = share_of(37, team);
    struct head_share heads = head_share_of(HEADS, ROWS, BLOCK, team);
    struct head_rows part;

    for (uint32_t i = share.first; i < share.end; i++)
        items[i] += 1 + team.index;
    while (next_head_rows(&heads, &part))
        for (uint32_t row = part.rows.first; row < part.rows.end; row++)
            rows[part.head][row] += 1 + team.index;
    heed_barrier();
    for (uint32_t i = 0; i < 37; i++)
        if (items[i] == 0 || items[i] > team.size)
            return 1;
    for (uint32_t i = 0; i < HEADS * ROWS; i++)
        if (rows[i / ROWS][i % ROWS] == 0 || rows[i / ROWS][i % ROWS] > team.size)
            return 2;
    if (team.index == 0)
        heed_printf("%u harts, from %u to %u\n", team.size, items[0], items[36]);
    return 0;
}
