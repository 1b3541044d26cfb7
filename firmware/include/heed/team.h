/* Teams of harts, and how they share work. Also compiles for other computers.
 *
 * Each hart works out its own share from its place in the team: nothing is shared, nobody waits.
 * Shares do not overlap, together they are all the work, and their sizes differ by one item at
 * most. A hart that gets nothing has an empty share. */
#ifndef HEED_TEAM_H
#define HEED_TEAM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __riscv
#include "heed/hart.h"
#endif

/* One of `size` harts that share a job: 1 or more harts, `index` from 0. */
struct heed_team {
    uint32_t index, size;
};

/* Items from `first` up to, but without, `end`. */
struct share {
    uint32_t first, end;
};

#ifdef __riscv
/* This hart's place in the team of all harts that run in this program. */
static inline struct heed_team heed_whole_team(void)
{
    return (struct heed_team){heed_hart_id(), heed_harts()};
}
#endif

/* The part of `items` that falls to one hart. */
static inline struct share share_of(uint32_t items, struct heed_team team)
{
    uint32_t each = items / team.size, more = items % team.size;
    uint32_t first = team.index * each + (team.index < more ? team.index : more);

    return (struct share){first, first + each + (team.index < more)};
}

/* Rows of several heads, shared out in blocks of rows:

       struct head_rows part;
       for (struct head_share share = head_share_of(heads, rows, 4, team);
            next_head_rows(&share, &part);)
           ... part.head, part.rows.first to part.rows.end ...

   Heads alone would leave harts idle whenever their number is no multiple of the team's size. */
struct head_share {
    struct share blocks; /* still to do, numbered head by head */
    uint32_t rows, block;
};

/* Rows of one head. */
struct head_rows {
    uint32_t head;
    struct share rows;
};

/* The part of heads x rows that falls to one hart. The item is a block of `block` rows, 1 or more,
   of one head; the last block of a head may be smaller. heads * blocks must fit 32 bits. */
static inline struct head_share head_share_of(uint32_t heads, uint32_t rows, uint32_t block,
                                              struct heed_team team)
{
    uint32_t down = rows / block + (rows % block != 0);

    return (struct head_share){share_of(heads * down, team), rows, block};
}

/* Takes all that is left of one head out of the share; false when nothing is left. */
static inline bool next_head_rows(struct head_share *share, struct head_rows *part)
{
    uint32_t left = share->blocks.end - share->blocks.first;

    if (!left)
        return false;
    uint32_t down = share->rows / share->block + (share->rows % share->block != 0);
    uint32_t at = share->blocks.first % down;
    uint32_t blocks = left < down - at ? left : down - at;

    part->head = share->blocks.first / down;
    part->rows.first = at * share->block;
    part->rows.end = at + blocks < down ? (at + blocks) * share->block : share->rows;
    share->blocks.first += blocks;
    return true;
}

#endif
