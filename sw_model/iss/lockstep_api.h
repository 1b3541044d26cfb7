// The comparison as the simulator of the RTL finds it in the library: one table of functions.
#pragma once
#include "config.h"
#include "retire.h"

// Reads aligned words of one of the RTL's memories.
typedef void (*heed_read_words)(void *user, uint32_t address, uint32_t *words, uint32_t count);

// The members do what those of heed::Lockstep do (lockstep.h).
typedef struct heed_lockstep_functions {
    // Harts from 0 on start at `entry`; a store to `doorbell` starts the engine.
    void *(*create)(const heed_config *config, uint32_t harts, uint32_t entry, uint32_t doorbell,
                    heed_read_words read, void *user);
    void (*destroy)(void *lockstep);
    void (*write)(void *lockstep, uint32_t address, const uint8_t *bytes, uint32_t count);
    void (*levels)(void *lockstep, uint64_t cycle, uint32_t hart, uint32_t mask);
    void (*add)(void *lockstep, uint32_t hart, const heed_retire *record);
    // These two return whether all is equal so far.
    int (*advance)(void *lockstep, uint64_t cycle);
    int (*finish)(void *lockstep);
    void (*stop)(void *lockstep, uint64_t cycle);
    uint64_t (*compared)(const void *lockstep);
    // What differs, empty when nothing does; stays until the next call.
    const char *(*report)(void *lockstep);
} heed_lockstep_functions;

// What the library exports.
#define HEED_LOCKSTEP_SYMBOL "heed_lockstep"
