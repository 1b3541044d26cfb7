// The main loop of the engine's bench: loads the banks through the back door, writes registers,
// runs the clock until so many jobs have ended, and writes what happened as JSON.
//
// Started by heed/simulator/engine.py, which has checked every argument:
//   --banks FILE FILE       words of all banks, bank after bank: before the run, after it
//   --doorbell BITS         the register request that starts the jobs
//   --read BITS             (any number) register requests whose answers are in the result
//   --events N              jobs that must end
//   --max-cycles N          from the doorbell's acceptance
//   --grant N               256ths of the probability with which the engine's ports get through
//   --traffic 0|1           whether the other masters ask
//   --result FILE

#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "Vengine_top.h"
#include "Vengine_top__Dpi.h"
#include "engine_config.h"
#include "svdpi.h"
#include "verilated.h"

namespace {

// Verilator's spelling of the ports called a__b.
#define EVENT_VALID event___05Fvalid
#define REQ_VALID regs___05Freq___05Fvalid
#define REQ_PAYLOAD regs___05Freq___05Fpayload
#define RSP_VALID regs___05Frsp___05Fvalid
#define RSP_DATA regs___05Frsp___05Fdata
#define RSP_ERROR regs___05Frsp___05Ferror

constexpr int kWarmUpCycles = 64;   // of the other masters, before the doorbell
constexpr int kDrainCycles = 1000;  // at most, from the last event to idleness

[[noreturn]] void fail(const std::string &message) {
    std::fprintf(stderr, "simulator: %s\n", message.c_str());
    std::exit(1);
}

struct Options {
    std::string load, dump, result;
    std::vector<uint64_t> reads;
    uint64_t doorbell = 0, events = 1, max_cycles = 0, grant = 256, traffic = 0;
};

Options parse(int argc, char **argv) {
    Options options;
    for (int i = 1; i < argc;) {
        std::string name = argv[i++];
        auto text = [&]() -> std::string {
            if (i >= argc) fail("argument missing after " + name);
            return argv[i++];
        };
        auto number = [&] { return std::strtoull(text().c_str(), nullptr, 0); };
        if (name == "--banks") {
            options.load = text();
            options.dump = text();
        } else if (name == "--doorbell") options.doorbell = number();
        else if (name == "--read") options.reads.push_back(number());
        else if (name == "--events") options.events = number();
        else if (name == "--max-cycles") options.max_cycles = number();
        else if (name == "--grant") options.grant = number();
        else if (name == "--traffic") options.traffic = number();
        else if (name == "--result") options.result = text();
        else fail("unknown argument " + name);
    }
    return options;
}

svScope bank_scope(uint32_t bank) {
    std::string name = "TOP.engine_top.tcdm.bank_" + std::to_string(bank) + ".ram.words";
    svScope scope = svGetScopeFromName(name.c_str());
    if (!scope) fail("no instance is called " + name);
    return scope;
}

void load(const std::string &name) {
    std::ifstream file(name, std::ios::binary);
    for (uint32_t bank = 0; bank < kBanks; ++bank) {
        svSetScope(bank_scope(bank));
        for (uint32_t row = 0; row < kBankDepth; ++row) {
            uint64_t word;
            file.read(reinterpret_cast<char *>(&word), sizeof word);
            heed_ram_set(row, word);
        }
    }
    if (!file) fail("cannot read " + name);
}

void dump(const std::string &name) {
    std::ofstream file(name, std::ios::binary);
    for (uint32_t bank = 0; bank < kBanks; ++bank) {
        svSetScope(bank_scope(bank));
        for (uint32_t row = 0; row < kBankDepth; ++row) {
            uint64_t word = heed_ram_get(row);
            file.write(reinterpret_cast<const char *>(&word), sizeof word);
        }
    }
    file.close();
    if (!file) fail("cannot write " + name);
}

struct Outcome {
    std::vector<uint64_t> ends;  // cycles from the doorbell's acceptance to each event
    std::vector<uint32_t> registers;
    uint64_t dma_granted = 0, core_granted = 0;
    double seconds = 0;
};

class Bench {
  public:
    Bench(Vengine_top &top, const Options &options) : top_(top), options_(options) {
        top_.clk = 0;
        top_.REQ_VALID = 0;
        top_.grant = options.grant;
        top_.enable = 0;
        for (int i = 0; i < kResetCycles; ++i) tick();
    }

    Outcome run() {
        Outcome outcome;
        top_.enable = options_.traffic;
        for (int i = 0; i < kWarmUpCycles; ++i) tick();
        auto begin = std::chrono::steady_clock::now();
        request(options_.doorbell);
        // The engine takes a request in the cycle after this top has: that is cycle 0.
        uint64_t dma = top_.dma_granted, core = top_.core_granted;
        for (uint64_t cycle = 0; cycle <= options_.max_cycles; ++cycle) {
            if (top_.EVENT_VALID) outcome.ends.push_back(cycle);
            if (outcome.ends.size() == options_.events) break;
            tick();
        }
        outcome.seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
        outcome.dma_granted = top_.dma_granted - dma;
        outcome.core_granted = top_.core_granted - core;
        for (int i = 0; i < kDrainCycles && top_.busy; ++i) tick();
        for (uint64_t bits : options_.reads) {
            request(bits);
            tick();
            if (!top_.RSP_VALID || top_.RSP_ERROR) fail("a register did not answer");
            outcome.registers.push_back(top_.RSP_DATA);
        }
        top_.enable = 0;
        for (int i = 0; i < kDrainCycles; ++i) tick();  // what the other masters have asked for
        return outcome;
    }

  private:
    void tick() {
        top_.clk = 1;
        top_.eval();
        top_.clk = 0;
        top_.eval();
    }

    void request(uint64_t bits) {
        top_.REQ_PAYLOAD = bits;
        top_.REQ_VALID = 1;
        tick();
        top_.REQ_VALID = 0;
    }

    Vengine_top &top_;
    const Options &options_;
};

template <typename T> void write_list(std::FILE *file, const char *name, const std::vector<T> &v) {
    std::fprintf(file, "\"%s\": [", name);
    for (size_t i = 0; i < v.size(); ++i)
        std::fprintf(file, "%s%" PRIu64, i ? ", " : "", uint64_t(v[i]));
    std::fprintf(file, "], ");
}

void write_result(const Vengine_top &top, const Outcome &outcome, const std::string &name) {
    std::FILE *file = std::fopen(name.c_str(), "w");
    if (!file) fail("cannot write " + name);
    std::fprintf(file, "{");
    write_list(file, "ends", outcome.ends);
    write_list(file, "registers", outcome.registers);
    std::fprintf(file, "\"busy\": %u, \"violation\": %u, \"seconds\": %g, ", unsigned(top.busy),
                 unsigned(top.violation), outcome.seconds);
    std::fprintf(file, "\"dma_granted\": %" PRIu64 ", \"core_granted\": %" PRIu64,
                 outcome.dma_granted, outcome.core_granted);
    std::fprintf(file, ", \"dma_wait\": %u, \"core_wait\": %u}\n", unsigned(top.dma_wait),
                 unsigned(top.core_wait));
    if (std::fclose(file)) fail("cannot write " + name);
}

}  // namespace

int main(int argc, char **argv) {
    Options options = parse(argc, argv);
    VerilatedContext context;
    auto top = std::make_unique<Vengine_top>(&context, "TOP");
    Bench bench(*top, options);
    load(options.load);
    Outcome outcome = bench.run();
    dump(options.dump);
    write_result(*top, outcome, options.result);
    top->final();
    return 0;
}
