// The device windows, and the host's registers.
#include "devices.h"

#include <algorithm>

#include "heed_regs.h"

namespace heed {

namespace {

constexpr uint32_t WINDOW = 0x1000;

}  // namespace

Access Devices::load(unsigned hart, uint64_t time, uint32_t address, unsigned size,
                     uint32_t &value) {
    RegisterAccess a = {address % WINDOW, false, 0, hart, time};
    Access result = access(a, address);
    // The register's word is there; a load gets its bytes.
    a.data >>= 8 * (address & 3);
    value = size == 4 ? a.data : a.data & ((1u << 8 * size) - 1);
    return result;
}

Access Devices::store(unsigned hart, uint64_t time, uint32_t address, unsigned size,
                      uint32_t value) {
    if (size != 4) return Access::FAULT;
    RegisterAccess a = {address % WINDOW, true, value, hart, time};
    return access(a, address);
}

Access Devices::access(RegisterAccess &a, uint32_t address) {
    switch (address & ~(WINDOW - 1)) {
    case HEED_EVENTS_BASE: return events.access(a);
    case HEED_ENGINE_BASE: {
        Access result = engine.access(a);
        stopped |= engine.failed();
        return result;
    }
    case HEED_DMA_BASE: return config.dma ? dma.access(a) : Access::FAULT;
    case HEED_HOST_BASE: return host(a);
    }
    return Access::FAULT;
}

Access Devices::host(RegisterAccess &a) {
    switch (a.offset) {
    case HEED_HOST_CONSOLE:
        if (a.write && callbacks.console)
            stopped |= callbacks.console(callbacks.user, uint8_t(a.data)) != 0;
        return a.write_only();
    case HEED_HOST_EXIT:
        if (a.write && (a.data & 1)) {
            exited = true;
            exit_word = a.data;
        }
        return a.write_only();
    case HEED_HOST_MAILBOX:
        if (a.write && callbacks.mailbox)
            stopped |= callbacks.mailbox(callbacks.user, a.time, a.data) != 0;
        return a.write_only();
    }
    return Access::FAULT;
}

uint64_t Devices::next_event() const { return std::min(engine.next_event(), dma.next_event()); }

void Devices::advance(uint64_t time) {
    engine.advance(time);
    dma.advance(time);
    stopped |= engine.failed();
}

}  // namespace heed
