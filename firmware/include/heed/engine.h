/* The attention engine: start a chain of jobs and sleep until it ended. */
#ifndef HEED_ENGINE_H
#define HEED_ENGINE_H

#include "heed/device.h"
#include "heed/events.h"

/* Rings the doorbell for the descriptor at an address in TCDM. */
static inline void heed_engine_start(uint32_t descriptor)
{
    heed_fence();
    heed_write(HEED_ENGINE_BASE + HEED_ENGINE_DOORBELL, descriptor);
}

/* Aborts everything and leaves the engine ready. */
static inline void heed_engine_clear(void)
{
    heed_write(HEED_ENGINE_BASE + HEED_ENGINE_CLEAR, 1);
}

/* Runs a chain of jobs and sleeps until its end.
   The chain's status words lie one after the other, and its jobs send their event to this hart.
   Returns HEED_STATUS_DONE, or the code of the job that failed. */
static inline uint32_t heed_engine_run(uint32_t descriptor,
                                       volatile struct heed_status_word *status, unsigned jobs)
{
    for (unsigned job = 0; job < jobs; job++)
        status[job].code = HEED_STATUS_PENDING;
    heed_event_enable(HEED_EVENT_ENGINE);
    heed_event_clear(HEED_EVENT_ENGINE);
    heed_engine_start(descriptor);
    for (unsigned job = 0; job < jobs;) {
        heed_event_wait(HEED_EVENT_ENGINE);
        /* Some faults leave no room for a status word: the register has every one. */
        uint32_t error = heed_read(HEED_ENGINE_BASE + HEED_ENGINE_ERROR);
        if (error)
            return error;
        for (; job < jobs && status[job].code != HEED_STATUS_PENDING; job++)
            if (status[job].code != HEED_STATUS_DONE)
                return status[job].code;
    }
    return HEED_STATUS_DONE;
}

#endif
