#include "lockstep.h"

#include <cinttypes>
#include <cstdio>
#include <cstring>

namespace heed {

namespace {

constexpr uint32_t SYSTEM = 0x73, WFI = 0x10500073;
constexpr uint32_t MIP = 0x344, MCYCLE = 0xB00, MCYCLEH = 0xB80, CYCLE = 0xC00;
constexpr uint32_t MCOUNTINHIBIT = 0x320;
constexpr uint32_t INTERRUPTS = 1u << 3 | 1u << 7 | 1u << 11;

// Cycles between an instruction's way through the pipeline and its record, at most.
constexpr uint64_t DELAY = 500;
// Instructions that may retire after an enabled interrupt was raised before it is taken.
constexpr unsigned PATIENCE = 4;

std::string text(const char *format, uint32_t a = 0, uint32_t b = 0, uint32_t c = 0) {
    char line[160];
    std::snprintf(line, sizeof line, format, a, b, c);
    return line;
}

bool is_csr(const heed_retire &record) {
    return (record.insn & 0x7F) == SYSTEM && (record.insn >> 12 & 3) != 0;
}

bool writes_csr(const heed_retire &record) {
    return (record.insn >> 12 & 3) == 1 || (record.insn >> 15 & 31) != 0;
}

// The first difference, in words; empty without one.
std::string difference(const heed_retire &rtl, const heed_retire &model) {
    struct Field {
        const char *name;
        uint32_t rtl, model;
    };
    bool no_word = model.trap && model.cause == FETCH_FAULT;
    const Field fields[] = {
        {"pc", rtl.pc, model.pc},
        {"irq", rtl.irq, model.irq},
        {"irq_cause", rtl.irq_cause, model.irq_cause},
        {"insn", no_word ? 0 : rtl.insn, no_word ? 0 : model.insn},
        {"trap", rtl.trap, model.trap},
        {"cause", rtl.cause, model.cause},
        {"rd_addr", rtl.rd_addr, model.rd_addr},
        {"rd_wdata", rtl.rd_wdata, model.rd_wdata},
        {"rd2_addr", rtl.rd2_addr, model.rd2_addr},
        {"rd2_wdata", rtl.rd2_wdata, model.rd2_wdata},
        {"mem_rmask", rtl.mem_rmask, model.mem_rmask},
        {"mem_wmask", rtl.mem_wmask, model.mem_wmask},
        {"mem_addr", rtl.mem_addr, model.mem_addr},
        {"mem_rdata", rtl.mem_rdata, model.mem_rdata},
        {"mem_wdata", rtl.mem_wdata, model.mem_wdata},
        {"next_pc", rtl.next_pc, model.next_pc},
    };
    for (const Field &field : fields)
        if (field.rtl != field.model)
            return std::string(field.name) +
                   text(" is %08" PRIx32 ", but must be %08" PRIx32, field.rtl, field.model);
    return "";
}

}  // namespace

std::string describe(const heed_retire &r) {
    std::string line = text("%08" PRIx32 " %08" PRIx32, r.pc, r.insn);
    if (r.irq) line += text(" interrupt %" PRIu32, r.irq_cause);
    if (r.trap) line += text(" exception %" PRIu32, r.cause);
    if (r.rd_addr) line += text(" x%" PRIu32 "=%08" PRIx32, r.rd_addr, r.rd_wdata);
    if (r.rd2_addr) line += text(" x%" PRIu32 "=%08" PRIx32, r.rd2_addr, r.rd2_wdata);
    if (r.mem_rmask)
        line += text(" [%08" PRIx32 "]:%" PRIx32 "->%08" PRIx32, r.mem_addr, r.mem_rmask, r.mem_rdata);
    if (r.mem_wmask)
        line += text(" [%08" PRIx32 "]:%" PRIx32 "<-%08" PRIx32, r.mem_addr, r.mem_wmask, r.mem_wdata);
    if (r.next_pc != r.pc + 4) line += text(" to %08" PRIx32, r.next_pc);
    char time[64];
    std::snprintf(time, sizeof time, " @%" PRIu64, r.time);
    line += time;
    if (r.mem_time) {
        std::snprintf(time, sizeof time, " memory @%" PRIu64, r.mem_time);
        line += time;
    }
    return line;
}

Lockstep::Lockstep(const heed_config &config, unsigned harts, uint32_t entry, ReadWords read_rtl,
                   uint32_t doorbell, DeviceFaults device_faults)
    : config(config),
      harts(harts),
      read_rtl(std::move(read_rtl)),
      doorbell(doorbell),
      device_faults(std::move(device_faults)),
      memory(this->config),
      raised(harts),
      cycles(harts),
      ignored(harts),
      queues(harts),
      history(harts),
      times(harts) {
    for (unsigned hart = 0; hart < harts; ++hart) {
        models.push_back(std::make_unique<Hart>(this->config, hart));
        models.back()->pc = entry;
        buses.emplace_back(this->config, memory, hart, this->device_faults);
    }
}

void Lockstep::write(uint32_t address, const void *bytes, uint32_t count) {
    memory.write(address, bytes, count);
}

void Lockstep::add(unsigned hart, const heed_retire &record) {
    Waiting waiting = {record, record.time, 0};
    if (record.mem_time) {
        // The RTL's count has 32 bits; an access is never later than its record.
        uint64_t time = (record.time & ~uint64_t(0xFFFFFFFF)) | uint32_t(record.mem_time);
        if (time > record.time + LAG) time -= uint64_t(1) << 32;
        waiting.done = time;
        // Devices see no order between harts, and a barrier answers late. A store-conditional that
        // failed has a time and no address.
        bool device = record.mem_addr && !memory.find(record.mem_addr);
        waiting.record.mem_time = device ? 0 : time;
    }
    if (engine_ran && record.mem_rmask && memory.tcdm.holds(record.mem_addr))
        read_rtl(record.mem_addr & ~3u, &waiting.memory_word, 1);
    if (doorbell && record.mem_wmask && record.mem_addr == doorbell) engine_ran = true;
    queues[hart].push_back(waiting);
}

bool Lockstep::advance(uint64_t cycle) {
    return cycle < LAG || compare(cycle - LAG);
}

void Lockstep::stop(uint64_t cycle) {
    end = cycle;
    at_end.resize((memory.tcdm.bytes + memory.main.bytes) / 4);
    read_rtl(memory.tcdm.base, at_end.data(), memory.tcdm.bytes / 4);
    read_rtl(memory.main.base, &at_end[memory.tcdm.bytes / 4], memory.main.bytes / 4);
}

bool Lockstep::finish() {
    if (at_end.empty()) stop(end);
    else drop_late();
    return compare(~uint64_t(0)) && compare_memories();
}

// Drops what happened after the last cycle that counts.
void Lockstep::drop_late() {
    for (auto &queue : queues) {
        for (const Waiting &waiting : queue)
            if (waiting.record.mem_wmask && waiting.done + SETTLED > end)
                unsettled.insert(waiting.record.mem_addr & ~3u);
        while (!queue.empty() && queue.back().done > end) queue.pop_back();
    }
}

// Compares all records with accesses before `limit`, and those without that come before those.
bool Lockstep::compare(uint64_t limit) {
    while (!failed()) {
        int next = -1;
        uint64_t earliest = limit;
        for (unsigned hart = 0; hart < harts; ++hart) {
            auto &queue = queues[hart];
            while (!queue.empty() && !queue.front().record.mem_time) {
                Waiting waiting = queue.front();
                queue.pop_front();
                if (!check(hart, waiting)) return false;
            }
            if (!queue.empty() && queue.front().record.mem_time < earliest) {
                earliest = queue.front().record.mem_time;
                next = int(hart);
            }
        }
        if (next < 0) return true;
        if (earliest < last_access) {
            fail(unsigned(next), "an access is older than one that was compared before");
            return false;
        }
        last_access = earliest;
        Waiting waiting = queues[next].front();
        queues[next].pop_front();
        if (!check(unsigned(next), waiting)) return false;
    }
    return false;
}

bool Lockstep::check_interrupt(unsigned number, const heed_retire &rtl) {
    Hart &hart = *models[number];
    uint64_t before = times[number] > DELAY ? times[number] - DELAY : 0;
    if (rtl.irq) {
        uint32_t bit = 1u << rtl.irq_cause;
        ignored[number] = 0;
        if (!hart.csrs.enabled || !(hart.csrs.mie & bit & INTERRUPTS)) {
            fail(number, text("interrupt %" PRIu32 " is taken, but not enabled", rtl.irq_cause));
            return false;
        }
        if (!(raised[number].any(before, rtl.time) & bit)) {
            fail(number, text("interrupt %" PRIu32 " is taken, but nobody raised it", rtl.irq_cause));
            return false;
        }
        hart.interrupt(rtl.irq_cause);
        return true;
    }
    bool due = hart.csrs.enabled && (hart.csrs.mie & raised[number].all(before, rtl.time));
    ignored[number] = due ? ignored[number] + 1 : 0;
    if (ignored[number] > PATIENCE) {
        fail(number, "an interrupt is enabled and raised, but not taken");
        return false;
    }
    return true;
}

// The engine may have written the word that this loads, unseen; then the RTL's memory shows it.
void Lockstep::follow_engine(const Waiting &waiting) {
    const heed_retire &rtl = waiting.record;
    uint32_t word = 0, address = rtl.mem_addr & ~3u;
    memory.read(address, &word, 4);
    uint32_t mask = 0, shift = rtl.mem_addr % 4 * 8;
    for (unsigned byte = 0; byte < 4; ++byte)
        if (rtl.mem_rmask >> byte & 1) mask |= 0xFFu << 8 * byte;
    if ((word >> shift & mask) == rtl.mem_rdata) return;
    if ((waiting.memory_word >> shift & mask) == rtl.mem_rdata) {
        memory.write(address, &waiting.memory_word, 4);
    } else if (overwritten(rtl)) {
        word = (word & ~(mask << shift)) | rtl.mem_rdata << shift;
        memory.write(address, &word, 4);
    }
}

// Whether a hart wrote to the word after it was loaded, but before that load retired.
bool Lockstep::overwritten(const heed_retire &load) const {
    if (load.mem_wmask) return true;  // by the atomic that loaded it
    for (const auto &queue : queues)
        for (const Waiting &waiting : queue) {
            const heed_retire &other = waiting.record;
            if (other.mem_time > load.time) break;
            if (other.mem_wmask && !((other.mem_addr ^ load.mem_addr) & ~3u)) return true;
        }
    return false;
}

bool Lockstep::check(unsigned number, const Waiting &waiting) {
    const heed_retire &rtl = waiting.record;
    Hart &hart = *models[number];
    if (!check_interrupt(number, rtl)) {
        history[number].push_back({rtl, rtl});
        return false;
    }
    raised[number].forget(times[number] > DELAY ? times[number] - DELAY : 0);

    if (engine_ran && rtl.mem_rmask && memory.tcdm.holds(rtl.mem_addr)) follow_engine(waiting);

    buses[number].expect(rtl);
    heed_retire model = hart.step(buses[number]);
    if (!model.mem_rmask && !model.mem_wmask) model.mem_addr = 0;
    history[number].push_back({rtl, model});
    if (history[number].size() > KEPT) history[number].pop_front();
    if (hart.waits()) {
        fail(number, "the model waits");
        return false;
    }
    std::string what = difference(rtl, model);
    if (!what.empty()) {
        fail(number, what);
        return false;
    }
    if (is_csr(rtl) && !rtl.trap) {
        uint32_t csr = rtl.insn >> 20;
        if ((csr == MCYCLE || csr == CYCLE) && rtl.rd_addr &&
            !cycles[number].read(rtl.rd_wdata, rtl.time)) {
            fail(number, "mcycle does not agree with the cycles that passed");
            return false;
        }
        if (writes_csr(rtl) && (csr == MCYCLE || csr == MCYCLEH || csr == MCOUNTINHIBIT))
            cycles[number].forget();
        if (csr == MIP && rtl.rd_addr) {
            uint64_t before = times[number] > DELAY ? times[number] - DELAY : 0;
            if (rtl.rd_wdata & ~raised[number].any(before, rtl.time)) {
                fail(number, "mip shows a level that nobody raised");
                return false;
            }
        }
    }
    if (hart.csrs.cycle.stopped) cycles[number].forget();
    if (rtl.insn == WFI) cycles[number].sleep();
    times[number] = rtl.time;
    ++count;
    if (observer) observer(number, rtl, hart);
    return true;
}

bool Lockstep::compare_memories() {
    const uint32_t *rtl = at_end.data();
    for (const Region *region : {&memory.tcdm, &memory.main}) {
        const uint32_t *words = rtl;
        rtl += region->bytes / 4;
        if (region == &memory.tcdm && engine_ran) continue;
        if (!std::memcmp(words, region->data, region->bytes)) continue;
        for (uint32_t offset = 0; offset < region->bytes; offset += 4) {
            uint32_t word, there = words[offset / 4], address = region->base + offset;
            std::memcpy(&word, region->data + offset, 4);
            if (word == there || unsettled.count(address)) continue;
            message = text("after the run, memory at %08" PRIx32 " holds %08" PRIx32
                           ", but must hold %08" PRIx32 "\n",
                           address, there, word);
            return false;
        }
    }
    return true;
}

void Lockstep::fail(unsigned hart, const std::string &what) {
    message = "hart " + std::to_string(hart) + ": " + what + "\n";
}

std::string Lockstep::report() const {
    std::string all = message;
    for (unsigned hart = 0; hart < harts; ++hart) {
        all += "last records of hart " + std::to_string(hart) + ":\n";
        for (const Pair &pair : history[hart]) {
            std::string what = difference(pair.rtl, pair.model);
            all += "  rtl " + describe(pair.rtl) + "\n";
            if (!what.empty()) all += "  iss " + describe(pair.model) + "\n";
        }
    }
    return all;
}

}  // namespace heed
