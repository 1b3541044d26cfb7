// The comparison's functions as the simulator of the RTL calls them.
#include "lockstep_api.h"

#include "lockstep.h"

namespace {

struct Run {
    heed::Lockstep lockstep;
    std::string report;
};

Run &run(void *lockstep) { return *static_cast<Run *>(lockstep); }

void *create(const heed_config *config, uint32_t harts, uint32_t entry, uint32_t doorbell,
             heed_read_words read, void *user) {
    auto read_rtl = [read, user](uint32_t address, uint32_t *words, uint32_t count) {
        read(user, address, words, count);
    };
    return new Run{heed::Lockstep(*config, harts, entry, read_rtl, doorbell), ""};
}

void destroy(void *lockstep) { delete &run(lockstep); }

void write(void *lockstep, uint32_t address, const uint8_t *bytes, uint32_t count) {
    run(lockstep).lockstep.write(address, bytes, count);
}

void levels(void *lockstep, uint64_t cycle, uint32_t hart, uint32_t mask) {
    run(lockstep).lockstep.levels(cycle, hart, mask);
}

void add(void *lockstep, uint32_t hart, const heed_retire *record) {
    run(lockstep).lockstep.add(hart, *record);
}

int advance(void *lockstep, uint64_t cycle) { return run(lockstep).lockstep.advance(cycle); }
int finish(void *lockstep) { return run(lockstep).lockstep.finish(); }
void stop(void *lockstep, uint64_t cycle) { run(lockstep).lockstep.stop(cycle); }

uint64_t compared(const void *lockstep) {
    return static_cast<const Run *>(lockstep)->lockstep.compared();
}

const char *report(void *lockstep) {
    Run &found = run(lockstep);
    found.report = found.lockstep.failed() ? found.lockstep.report() : "";
    return found.report.c_str();
}

}  // namespace

extern "C" const heed_lockstep_functions heed_lockstep = {
    create, destroy, write, levels, add, advance, finish, stop, compared, report,
};
