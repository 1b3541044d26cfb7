// Runs random programs on the Verilated LockstepTop, each compared with the simulator core.
//
// Programs come on standard input as verif/lockstep/program.py packs them. For each one line of
// JSON goes to standard output: its seed, what was compared, and the report of a divergence, after
// which the harness stops.

#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "Vlockstep_top.h"
#include "Vlockstep_top__Dpi.h"
#include "coverage.h"
#include "lockstep.h"
#include "lockstep_config.h"
#include "svdpi.h"
#include "verilated.h"

namespace {

constexpr int kResetCycles = 4;
// Cycles without a retired instruction after which harts hang, also in wfi.
constexpr uint64_t kPatience = 20000;
// Cycles that a hart stays awake after it is done, for what is still on its way.
constexpr uint64_t kDrain = 600;

[[noreturn]] void fail(const std::string &message) {
    std::fprintf(stderr, "lockstep: %s\n", message.c_str());
    std::exit(2);
}

svScope find_scope(const std::string &name) {
    svScope scope = svGetScopeFromName(name.c_str());
    if (!scope) fail("no instance is called " + name);
    return scope;
}

// The RTL's TCDM and main memory, by words of 32 bits.
class RtlMemory {
  public:
    RtlMemory() : main_(find_scope(kMainScope)) {
        for (uint32_t bank = 0; bank < kBanks; ++bank)
            banks_.push_back(find_scope(bank_scope(bank)));
    }

    uint32_t get(uint32_t address) const {
        uint32_t offset = address - kTcdmBase;
        if (offset < kConfig.tcdm_bytes) return tcdm(offset) >> (offset & 4) * 8;
        svSetScope(main_);
        return uint32_t(heed_main_get((address - kMainBase) / 4));
    }

    void set(uint32_t address, uint32_t value) {
        uint32_t offset = address - kTcdmBase;
        if (offset < kConfig.tcdm_bytes) {
            uint64_t word = tcdm(offset);
            uint32_t shift = (offset & 4) * 8;
            word = (word & ~(uint64_t(0xFFFFFFFF) << shift)) | uint64_t(value) << shift;
            heed_ram_set(kTcdmRow[offset / 8], word);
        } else {
            svSetScope(main_);
            heed_main_set((address - kMainBase) / 4, value);
        }
    }

    void clear() {
        for (uint32_t offset = 0; offset < kConfig.tcdm_bytes; offset += 4)
            set(kTcdmBase + offset, 0);
        svSetScope(main_);
        for (uint32_t word = 0; word < kConfig.main_bytes / 4; ++word) heed_main_set(word, 0);
    }

  private:
    // The 64-bit word; leaves the scope at its bank.
    uint64_t tcdm(uint32_t offset) const {
        svSetScope(banks_[kTcdmBank[offset / 8]]);
        return heed_ram_get(kTcdmRow[offset / 8]);
    }

    svScope main_;
    std::vector<svScope> banks_;
};

struct Segment {
    uint32_t base;
    std::vector<uint8_t> bytes;
};

struct Program {
    uint64_t seed = 0;
    uint32_t entry = 0, grant = 0, stall = 0, interrupts = 0, phase = 0;
    std::array<uint32_t, kHarts> tohost = {};
    std::vector<Segment> segments;
};

void take(void *bytes, size_t count) {
    if (std::fread(bytes, 1, count, stdin) != count) fail("the program ends too early");
}

uint32_t take_word() {
    uint32_t word;
    take(&word, 4);
    return word;
}

bool take_program(Program &program) {
    char magic[8];
    if (std::fread(magic, 1, 8, stdin) != 8) return false;
    if (std::memcmp(magic, "HEEDLOCK", 8)) fail("this is no program");
    take(&program.seed, 8);
    program.entry = take_word();
    program.grant = take_word();
    program.stall = take_word();
    program.interrupts = take_word();
    program.phase = take_word();
    for (uint32_t &address : program.tohost) address = take_word();
    program.segments.resize(take_word());
    for (Segment &segment : program.segments) {
        segment.base = take_word();
        segment.bytes.resize(take_word());
        take(segment.bytes.data(), segment.bytes.size());
    }
    return true;
}

struct Outcome {
    uint64_t cycles = 0;
    std::string report;
};

class Machine {
  public:
    explicit Machine(Vlockstep_top &top) : top_(top) {}

    Outcome run(const Program &program);

    heed::Coverage coverage{kHarts};
    uint64_t compared = 0;  // instructions, of all programs

  private:
    void tick() {
        top_.clk = 1;
        top_.eval();
        top_.clk = 0;
        top_.eval();
    }
    void prepare(const Program &program, heed::Lockstep &lockstep);

    Vlockstep_top &top_;
    RtlMemory memory_;

};

void Machine::prepare(const Program &program, heed::Lockstep &lockstep) {
    top_.clk = 0;
    top_.start = 0;
    top_.boot_address = program.entry;
    top_.grant = program.grant;
    top_.stall = program.stall;
    top_.interrupts = program.interrupts;
    top_.reset = 1;
    for (int i = 0; i < kResetCycles; ++i) tick();
    memory_.clear();
    for (const Segment &segment : program.segments) {
        lockstep.write(segment.base, segment.bytes.data(), uint32_t(segment.bytes.size()));
        for (uint32_t offset = 0; offset + 4 <= segment.bytes.size(); offset += 4) {
            uint32_t word;
            std::memcpy(&word, &segment.bytes[offset], 4);
            memory_.set(segment.base + offset, word);
        }
    }
    top_.reset = 0;
}

Outcome Machine::run(const Program &program) {
    Outcome outcome;
    heed::Lockstep lockstep(kConfig, kHarts, program.entry,
                            [this](uint32_t address, uint32_t *words, uint32_t count) {
                                for (uint32_t i = 0; i < count; ++i)
                                    words[i] = memory_.get(address + 4 * i);
                            },
                            0, device_faults);
    lockstep.observe([this](unsigned hart, const heed_retire &record, const heed::Hart &model) {
        coverage.count(hart, record, model);
    });
    prepare(program, lockstep);
    uint64_t refused = 0, cycle = 0, done_at = 0;
    std::array<uint64_t, kHarts> last = {};
    unsigned done = 0;
    uint32_t levels = ~0u;
    while (outcome.report.empty()) {
        if (cycle == program.phase) {
            top_.start = (1u << kHarts) - 1;
            last.fill(cycle);
        }
        tick();
        ++cycle;
        if (top_.levels != levels) {
            levels = top_.levels;
            for (int hart = 0; hart < kHarts; ++hart)
                lockstep.levels(cycle, hart, level_mask(levels >> 3 * hart));
        }
        for (unsigned bits = top_.refused; bits; bits &= bits - 1) ++refused;
        for (int hart = 0; hart < kHarts; ++hart) {
            heed_retire record;
            if (!read_record(top_, hart, record)) continue;
            last[hart] = cycle;
            if (done >> hart & 1) continue;
            record.time = cycle;
            lockstep.add(hart, record);
            if (record.mem_wmask && record.mem_addr == program.tohost[hart]) {
                done |= 1u << hart;
                done_at = cycle;
            }
        }
        if (done == (1u << kHarts) - 1 && cycle > done_at + kDrain) break;
        if (cycle % 1024 == 0) {
            if (!lockstep.advance(cycle)) break;
            // Those that are not done wait for each other at barriers: one of them goes on.
            uint64_t latest = 0;
            for (int hart = 0; hart < kHarts; ++hart)
                if (!(done >> hart & 1)) latest = std::max(latest, last[hart]);
            bool running = cycle > program.phase && done != (1u << kHarts) - 1;
            if (running && cycle > latest + kPatience) {
                lockstep.finish();
                for (int hart = 0; hart < kHarts; ++hart)
                    if (!(done >> hart & 1))
                        outcome.report += "hart " + std::to_string(hart) + " hangs" +
                                          (top_.sleeping >> hart & 1 ? " in wfi" : "") + "\n";
                outcome.report += lockstep.report();
            }
        }
    }
    if (outcome.report.empty() && (lockstep.failed() || !lockstep.finish()))
        outcome.report = lockstep.report();
    coverage.count_refused(refused);
    outcome.cycles = cycle;
    compared += lockstep.compared();
    return outcome;
}

std::string quoted(const std::string &text) {
    std::string result = "\"";
    for (char c : text)
        if (c == '\n') result += "\\n";
        else result += c;
    return result + "\"";
}

}  // namespace

int main() {
    VerilatedContext context;
    auto top = std::make_unique<Vlockstep_top>(&context, "TOP");
    top->eval();
    Machine machine(*top);
    Program program;
    bool equal = true;
    while (equal && take_program(program)) {
        Outcome outcome = machine.run(program);
        equal = outcome.report.empty();
        std::printf("{\"seed\": %" PRIu64 ", \"cycles\": %" PRIu64 ", \"compared\": %" PRIu64
                    ", \"report\": %s}\n",
                    program.seed, outcome.cycles, machine.compared,
                    quoted(outcome.report).c_str());
        std::fflush(stdout);
    }
    std::printf("{%s}\n", machine.coverage.json().c_str());
    top->final();
    return 0;
}
