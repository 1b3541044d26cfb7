/* What generated network programs share. */
#ifndef HEED_NETWORK_H
#define HEED_NETWORK_H

#include "heed/console.h"
#include "heed/engine.h"
#include "heed/events.h"
#include "heed/hart.h"
#include "heed/host.h"
#include "heed_kernels.h"

/* Filled in by the host before the run. */
struct network_io {
    uint32_t images;  /* how many */
    uint32_t inputs;  /* where they lie in main memory, one after the other */
    uint32_t outputs; /* where their results go, one after the other */
};

/* Copies a share of the words; `bytes` is a multiple of 8. */
static inline void network_copy(uint32_t to, uint32_t from, uint32_t bytes, struct heed_team team)
{
    volatile uint32_t *target = (volatile uint32_t *)to;
    const volatile uint32_t *source = (const volatile uint32_t *)from;
    struct share share = share_of(bytes / 8, team);

    for (uint32_t i = 2 * share.first; i < 2 * share.end; i += 2) {
        uint32_t low = source[i], high = source[i + 1];
        target[i] = low;
        target[i + 1] = high;
    }
}

/* Hart 0 runs a chain of jobs; a job that fails ends the program. */
static inline void network_engine(struct heed_team team, uint32_t descriptor, uint32_t status,
                                  unsigned jobs, const char *layer)
{
    if (team.index != 0)
        return;
    uint32_t code =
        heed_engine_run(descriptor, (volatile struct heed_status_word *)status, jobs);
    if (code != HEED_STATUS_DONE) {
        heed_printf("layer %s: the engine stopped with status %u\n", layer, code);
        heed_exit((int)code);
    }
}

#endif
