// The main loop that programs run under: loads memories through the back door, runs the clock,
// hands out console bytes and mailbox words, and writes what happened as JSON.
//
// Started by heed/simulator/simulator.py, which has checked every argument:
//   --start MASK  --boot ADDRESS  --tohost ADDRESS  --max-cycles N  --result FILE
//   --load ADDRESS FILE     (any number) bytes to memory before the run
//   --dump ADDRESS LENGTH FILE  (any number) bytes from memory after it
//   --snapshots DIR         the scratchpad to DIR/<n>.bin at each mailbox word with bit 31 set
//   --vcd FILE FROM TO      (builds with waves) waveform of the cycles FROM to TO
//   --trace FILE            (builds with tracing) hart and record of every retired instruction
//   --lockstep LIBRARY      (builds with tracing) every one compared with that simulator's

#include <chrono>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "Vsim_top.h"
#include "Vsim_top__Dpi.h"
#include "records.h"
#include "sim_config.h"
#include "svdpi.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr int kStatusMaxCycles = 124, kStatusTrap = 125;
constexpr int kDrainCycles = 1000;  // at most, until the last instructions' records are there

[[noreturn]] void fail(const std::string &message) {
    std::fprintf(stderr, "simulator: %s\n", message.c_str());
    std::exit(1);
}

svScope find_scope(const std::string &name) {
    svScope scope = svGetScopeFromName(name.c_str());
    if (!scope) fail("no instance is called " + name);
    return scope;
}

// Bytes of TCDM and main memory, wherever they lie in the RTL.
class Memory {
  public:
    Memory() : main_(find_scope(kMainScope)) {
        for (uint32_t bank = 0; bank < kBanks; ++bank)
            banks_.push_back(find_scope(bank_scope(bank)));
    }

    uint8_t get(uint32_t address) const {
        uint32_t word;
        read(address & ~3u, &word, 1);
        return word >> (address % 4 * 8);
    }

    // Words of one memory, from a multiple of 4 on.
    void read(uint32_t address, uint32_t *words, uint32_t count) const {
        if (in_tcdm(address)) {
            uint32_t offset = address - kTcdmBase;
            for (uint32_t i = 0; i < count; ++i, offset += 4)
                words[i] = tcdm_word(offset / 8) >> (offset % 8 * 8);
            return;
        }
        svSetScope(main_);
        uint32_t index = (address - kMainBase) / 4;
        for (uint32_t i = 0; i < count; ++i) words[i] = uint32_t(heed_main_get(index + i));
    }

    void set(uint32_t address, uint8_t value) {
        if (in_tcdm(address)) {
            uint32_t offset = address - kTcdmBase, shift = offset % 8 * 8;
            uint64_t word = tcdm_word(offset / 8);
            word = (word & ~(uint64_t(0xFF) << shift)) | uint64_t(value) << shift;
            heed_ram_set(kTcdmRow[offset / 8], word);
        } else {
            svSetScope(main_);
            uint32_t index = (address - kMainBase) / 4, shift = address % 4 * 8;
            uint32_t word = heed_main_get(index);
            heed_main_set(index, (word & ~(0xFFu << shift)) | uint32_t(value) << shift);
        }
    }

    std::vector<uint64_t> tcdm_image() const {
        std::vector<uint64_t> image(kTcdmBytes / 8);
        for (uint32_t word = 0; word < image.size(); ++word) image[word] = tcdm_word(word);
        return image;
    }

  private:
    static bool in_tcdm(uint32_t address) {
        return address >= kTcdmBase && address - kTcdmBase < kTcdmBytes;
    }

    // Leaves the scope at the word's bank.
    uint64_t tcdm_word(uint32_t word) const {
        svSetScope(banks_[kTcdmBank[word]]);
        return heed_ram_get(kTcdmRow[word]);
    }

    svScope main_;
    std::vector<svScope> banks_;
};

struct Range {
    uint32_t address, length;
    std::string file;
};

struct Options {
    uint32_t start = 1, boot = 0, tohost = 1;
    uint64_t max_cycles = 0;
    std::string result, snapshots, vcd, trace, lockstep;
    uint64_t vcd_from = 0, vcd_to = 0;
    std::vector<Range> loads, dumps;
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
        if (name == "--start") options.start = number();
        else if (name == "--boot") options.boot = number();
        else if (name == "--tohost") options.tohost = number();
        else if (name == "--max-cycles") options.max_cycles = number();
        else if (name == "--result") options.result = text();
        else if (name == "--snapshots") options.snapshots = text();
        else if (name == "--trace") options.trace = text();
        else if (name == "--lockstep") options.lockstep = text();
        else if (name == "--load") {
            uint32_t address = number();
            options.loads.push_back({address, 0, text()});
        } else if (name == "--dump") {
            uint32_t address = number(), length = number();
            options.dumps.push_back({address, length, text()});
        } else if (name == "--vcd") {
            options.vcd = text();
            options.vcd_from = number();
            options.vcd_to = number();
        } else fail("unknown argument " + name);
    }
    return options;
}

void write_file(const std::string &name, const void *bytes, size_t length) {
    std::ofstream file(name, std::ios::binary);
    file.write(static_cast<const char *>(bytes), length);
    file.close();
    if (!file) fail("cannot write " + name);
}

std::vector<uint8_t> read_file(const std::string &name) {
    std::ifstream file(name, std::ios::binary);
    if (!file) fail("cannot read " + name);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void dump(const Memory &memory, const Range &range) {
    std::vector<uint8_t> bytes(range.length);
    for (uint32_t i = 0; i < range.length; ++i) bytes[i] = memory.get(range.address + i);
    write_file(range.file, bytes.data(), bytes.size());
}

// The waveform of a window of cycles; nothing in builds without tracing.
class Waves {
  public:
    Waves(Vsim_top &top, const Options &options) : options_(options) {
        if (options.vcd.empty()) return;
#if VM_TRACE
        top.trace(&vcd_, 99);
        vcd_.set_time_unit("1ns");
        vcd_.set_time_resolution("1ns");
        vcd_.open(options.vcd.c_str());
        if (!vcd_.isOpen()) fail("cannot write " + options.vcd);
#else
        (void)top;
        fail("this build has no waves");
#endif
    }
    ~Waves() {
#if VM_TRACE
        if (!options_.vcd.empty()) vcd_.close();
#endif
    }
    // Time is in ns: cycle c begins at 2 c with the rising edge.
    void sample(uint64_t cycle, bool falling) {
#if VM_TRACE
        if (!options_.vcd.empty() && cycle >= options_.vcd_from && cycle <= options_.vcd_to)
            vcd_.dump(2 * cycle + falling);
#else
        (void)cycle, (void)falling;
#endif
    }

  private:
    const Options &options_;
#if VM_TRACE
    VerilatedVcdC vcd_;
#endif
};

struct MailboxWord {
    uint64_t cycle;
    uint32_t value;
};

struct Trap {
    bool taken = false;
    uint32_t hart, cause, pc, word, value;
    bool interrupt;
};

struct Outcome {
    bool exited = false;
    int status = kStatusMaxCycles;
    Trap trap;
    LastRecord last{};
    uint64_t cycles = 0;
    double seconds = 0;
    std::vector<MailboxWord> mailbox;
    std::vector<uint32_t> pcs;
};

// Words of a Verilated port of any width: up to 64 bits it is a number, beyond an array.
template <typename Port> uint32_t port_word(const Port &port, int index) {
    if constexpr (std::is_integral_v<Port>) return uint64_t(port) >> (32 * index);
    else return port[index];
}

void open_records(Records &records, const Memory &memory, const Options &options) {
    std::string wrong;
    if (!options.trace.empty()) wrong = records.trace(options.trace);
    if (wrong.empty() && !options.lockstep.empty()) {
        uint32_t harts = 0;
        while (options.start >> harts) ++harts;
        auto read = [&memory](uint32_t address, uint32_t *words, uint32_t count) {
            memory.read(address, words, count);
        };
        wrong = records.compare(options.lockstep, harts, options.boot, read);
    }
    if (!wrong.empty()) fail(wrong);
}

void load(Memory &memory, Checker &checker, const Range &range) {
    std::vector<uint8_t> bytes = read_file(range.file);
    uint32_t address = range.address;
    for (uint8_t byte : bytes) memory.set(address++, byte);
    checker.write(range.address, bytes);
}

void tick(Vsim_top &top, Waves &waves, uint64_t cycle) {
    top.clk = 1;
    top.eval();
    waves.sample(cycle, false);
    top.clk = 0;
    top.eval();
    waves.sample(cycle, true);
}

void reset(Vsim_top &top, const Options &options) {
    Options quiet;
    Waves none(top, quiet);
    top.clk = 0;
    top.start = 0;
    top.boot_address = options.boot;
    top.tohost_address = options.tohost;
    for (int i = 0; i < kResetCycles; ++i) tick(top, none, 0);
}

Outcome run(Vsim_top &top, const Memory &memory, const Options &options, Records &records) {
    Outcome outcome;
    Waves waves(top, options);
    uint64_t snapshots = 0;
    auto begin = std::chrono::steady_clock::now();
    top.start = options.start;
    bool ended = false;
    while (outcome.cycles < options.max_cycles && !ended) {
        uint64_t cycle = outcome.cycles++;
        tick(top, waves, cycle);
        if (top.notify) {
            if (top.console_valid) {
                std::fputc(top.console_data, stdout);
                std::fflush(stdout);
            }
            if (top.mailbox_valid) {
                outcome.mailbox.push_back({cycle, top.mailbox_data});
                if (!options.snapshots.empty() && top.mailbox_data >> 31) {
                    auto image = memory.tcdm_image();
                    write_file(options.snapshots + "/" + std::to_string(snapshots++) + ".bin",
                               image.data(), kTcdmBytes);
                }
            }
            if (top.exit_valid) {
                uint32_t code = top.exit_data >> 1;
                outcome.status = code > 255 ? 255 : int(code);
                outcome.exited = ended = true;
                outcome.last = {LastRecord::STORE, top.exit_data, 0, 0};
            } else if (top.trap_valid) {
                outcome.status = kStatusTrap;
                outcome.trap = {true,        top.trap_hart, top.trap_cause & 0x1Fu,
                                top.trap_pc, top.trap_insn, top.trap_value,
                                bool(top.trap_cause >> 5 & 1)};
                ended = true;
                outcome.last = {outcome.trap.interrupt ? LastRecord::INTERRUPT : LastRecord::EXCEPTION,
                                0, top.trap_hart, top.trap_pc};
            }
        }
        if (!records.sample(top, cycle, ended ? &outcome.last : nullptr)) break;
    }
    outcome.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (int hart = 0; hart < kHarts; ++hart) outcome.pcs.push_back(port_word(top.pc, hart));
    return outcome;
}

// The records of the last instructions follow a few cycles behind.
void drain(Vsim_top &top, Outcome &outcome, const Options &options, Records &records) {
    Options quiet;
    Waves none(top, quiet);
    bool ended = outcome.exited || outcome.trap.taken;
    records.checker().stop(outcome.cycles - 1);
    for (int i = 0; i < kDrainCycles; ++i) {
        if (!records.checker().on() && !(ended && records.waits())) return;
        uint64_t cycle = outcome.cycles + i;
        tick(top, none, cycle);
        records.sample(top, cycle, ended ? &outcome.last : nullptr);
    }
}

std::string quoted(const std::string &text) {
    std::string result = "\"";
    for (char c : text)
        if (c == '\n') result += "\\n";
        else result += c;
    return result + "\"";
}

void write_result(const Outcome &outcome, Checker &checker, const std::string &name) {
    std::FILE *file = std::fopen(name.c_str(), "w");
    if (!file) fail("cannot write " + name);
    std::fprintf(file, "{\"exited\": %s, \"status\": %d, \"cycles\": %" PRIu64 ", \"seconds\": %g",
                 outcome.exited ? "true" : "false", outcome.status, outcome.cycles,
                 outcome.seconds);
    std::fprintf(file, ", \"pcs\": [");
    const char *separator = "";
    for (uint32_t pc : outcome.pcs) {
        std::fprintf(file, "%s%" PRIu32, separator, pc);
        separator = ", ";
    }
    std::fprintf(file, "], \"mailbox\": [");
    separator = "";
    for (const MailboxWord &word : outcome.mailbox) {
        std::fprintf(file, "%s[%" PRIu64 ", %" PRIu32 "]", separator, word.cycle, word.value);
        separator = ", ";
    }
    std::fprintf(file, "], \"trap\": ");
    const Trap &trap = outcome.trap;
    if (trap.taken)
        std::fprintf(file,
                     "{\"hart\": %" PRIu32 ", \"interrupt\": %d, \"cause\": %" PRIu32
                     ", \"pc\": %" PRIu32 ", \"word\": %" PRIu32 ", \"value\": %" PRIu32 "}",
                     trap.hart, trap.interrupt, trap.cause, trap.pc, trap.word, trap.value);
    else
        std::fprintf(file, "null");
    if (checker.on()) {
        std::string report = checker.finish();
        std::fprintf(file, ", \"compared\": %" PRIu64 ", \"report\": %s", checker.compared(),
                     quoted(report).c_str());
    }
    std::fprintf(file, "}\n");
    if (std::fclose(file)) fail("cannot write " + name);
}

}  // namespace

int main(int argc, char **argv) {
    Options options = parse(argc, argv);
    VerilatedContext context;
    if (!options.vcd.empty()) context.traceEverOn(true);
    auto top = std::make_unique<Vsim_top>(&context, "TOP");
    reset(*top, options);
    Memory memory;
    Records records(options.tohost);
    open_records(records, memory, options);
    for (const Range &range : options.loads) load(memory, records.checker(), range);
    Outcome outcome = run(*top, memory, options, records);
    for (const Range &range : options.dumps) dump(memory, range);
    drain(*top, outcome, options, records);
    write_result(outcome, records.checker(), options.result);
    top->final();
    if (!records.close()) fail("cannot write the trace");
    return 0;
}
