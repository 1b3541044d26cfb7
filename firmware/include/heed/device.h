/* Access to device registers. Devices take whole 32-bit words only. */
#ifndef HEED_DEVICE_H
#define HEED_DEVICE_H

#include "generated/heed_regs.h"

static inline uint32_t heed_read(uint32_t address)
{
    return *(volatile uint32_t *)address;
}

static inline void heed_write(uint32_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}

#endif
