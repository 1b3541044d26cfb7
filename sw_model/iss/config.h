// The cluster that is simulated: sizes and extensions, as hw.config.ClusterConfig has them.
#pragma once
#include <stdint.h>

// Extensions of a core, bits of heed_config.groups; the order is that of hw.config.CORE_GROUPS.
enum heed_group {
    HEED_GROUP_M,
    HEED_GROUP_A,
    HEED_GROUP_XCV_ALU,
    HEED_GROUP_XCV_BI,
    HEED_GROUP_XCV_BITMANIP,
    HEED_GROUP_XCV_HWLP,
    HEED_GROUP_XCV_MAC,
    HEED_GROUP_XCV_MEM,
    HEED_GROUP_XCV_SIMD,
    HEED_GROUP_XHEED,
    HEED_GROUP_BASE,
};

typedef struct heed_config {
    uint32_t tcdm_bytes, main_bytes;
    uint32_t harts;           // of the cluster, started or not
    uint32_t groups;          // bit n: extension heed_group n is there
    uint32_t event_counters;  // mhpmcounter3 and on
    uint32_t dma;             // the DMA is attached
    uint32_t engine_sizes;    // what the engine's registers sizes,
    uint32_t engine_id;       // id
    uint32_t engine_hash;     // and config_hash read
    uint32_t engine_queue;    // doorbells that can wait
} heed_config;
