/* What all kernels' jobs are made of. */
#ifndef HEED_KERNEL_H
#define HEED_KERNEL_H

#include <stdint.h>

#include "generated/heed_regs.h"
#include "heed/team.h"

/* Requantisation by one instruction: clip((((acc + bias) * mul + half) >> shift) + zero point), the
   last three in the word that heed.rq takes (heed/xheed.h). */
struct heed_core_entry {
    int32_t bias;
    uint32_t rq;
};

#endif
