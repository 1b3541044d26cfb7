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
#include "retire.h"
#include "sim_config.h"
#include "svdpi.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

namespace {

constexpr int kStatusMaxCycles = 124, kStatusTrap = 125;
constexpr int kDrainCycles = 1000;  // at most, until the last instruction's record is there

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
        if (in_tcdm(address)) {
            uint32_t offset = address - kTcdmBase;
            return uint64_t(tcdm_word(offset / 8)) >> (offset % 8 * 8);
        }
        svSetScope(main_);
        return uint32_t(heed_main_get((address - kMainBase) / 4)) >> (address % 4 * 8);
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
    std::string result, snapshots, vcd, trace;
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

void load(Memory &memory, const Range &range) {
    std::ifstream file(range.file, std::ios::binary);
    if (!file) fail("cannot read " + range.file);
    uint32_t address = range.address;
    for (std::istreambuf_iterator<char> byte(file), end; byte != end; ++byte)
        memory.set(address++, uint8_t(*byte));
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

// What ended a run, as the records will show it: a store of `data` to the word that ends runs, the
// exception at `pc`, or an interrupt, which shows with the instruction after it.
struct LastRecord {
    enum { STORE, EXCEPTION, INTERRUPT } kind;
    uint32_t data, hart, pc;
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
    bool told = false;  // the record of `last` was sent
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

// Sends hart and record of each retired instruction; nothing without a file.
class Trace {
  public:
    explicit Trace(const Options &options) : tohost_(options.tohost) {
        if (options.trace.empty()) return;
        if (!HEED_TRACING) fail("this build does not trace instructions");
        file_ = std::fopen(options.trace.c_str(), "wb");
        if (!file_) fail("cannot write " + options.trace);
    }
    ~Trace() {
        if (file_ && std::fclose(file_)) fail("cannot write the trace");
    }
    bool on() const { return file_; }

    // Sends what retires in this cycle; whether `last` is among it.
    bool sample(const Vsim_top &top, uint64_t cycle, const LastRecord *last = nullptr) {
        bool found = false;
#if HEED_TRACING
        if (!file_) return false;
#define HEED_RECORD(h)                                                                        \
    if (top.rvfi_valid >> h & 1 && !found) {                                                  \
        heed_retire r{};                                                                      \
        r.time = cycle;                                                                       \
        r.mem_time = top.rvfi_##h##_heed_mem_time;                                            \
        r.pc = top.rvfi_##h##_pc_rdata;                                                       \
        r.next_pc = top.rvfi_##h##_pc_wdata;                                                  \
        r.insn = top.rvfi_##h##_insn;                                                         \
        r.rd_addr = top.rvfi_##h##_rd_addr;                                                   \
        r.rd_wdata = top.rvfi_##h##_rd_wdata;                                                 \
        r.rd2_addr = top.rvfi_##h##_heed_rd2_addr;                                            \
        r.rd2_wdata = top.rvfi_##h##_heed_rd2_wdata;                                          \
        r.mem_addr = top.rvfi_##h##_mem_addr;                                                 \
        r.mem_rmask = top.rvfi_##h##_mem_rmask;                                               \
        r.mem_wmask = top.rvfi_##h##_mem_wmask;                                               \
        r.mem_rdata = top.rvfi_##h##_mem_rdata;                                               \
        r.mem_wdata = top.rvfi_##h##_mem_wdata;                                               \
        r.trap = top.rvfi_##h##_trap;                                                         \
        r.cause = top.rvfi_##h##_heed_cause;                                                  \
        r.irq = top.rvfi_##h##_heed_irq;                                                      \
        r.irq_cause = top.rvfi_##h##_heed_irq_cause;                                          \
        found = last && is(h, r, *last);                                                      \
        if (!found || last->kind != LastRecord::INTERRUPT) send(h, r);                        \
    }
        HEED_EACH_HART(HEED_RECORD)
#undef HEED_RECORD
#else
        (void)top, (void)cycle, (void)last;
#endif
        return found;
    }

  private:
    void send(uint64_t hart, const heed_retire &record) {
        std::fwrite(&hart, sizeof hart, 1, file_);
        std::fwrite(&record, sizeof record, 1, file_);
    }

    bool is(uint32_t hart, const heed_retire &record, const LastRecord &last) const {
        if (last.kind == LastRecord::STORE) {
            bool ends = record.mem_addr == tohost_ || record.mem_addr == kExitRegister;
            return ends && record.mem_wmask == 0xF && record.mem_wdata == last.data;
        }
        if (hart != last.hart) return false;
        if (last.kind == LastRecord::INTERRUPT) return record.irq;
        return record.trap && record.pc == last.pc;
    }

    uint32_t tohost_;
    std::FILE *file_ = nullptr;
};

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

Outcome run(Vsim_top &top, const Memory &memory, const Options &options, Trace &trace) {
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
        outcome.told = trace.sample(top, cycle, ended ? &outcome.last : nullptr);
    }
    outcome.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    for (int hart = 0; hart < kHarts; ++hart) outcome.pcs.push_back(port_word(top.pc, hart));
    return outcome;
}

// The record of the instruction that ended the run follows a few cycles behind.
void drain(Vsim_top &top, Outcome &outcome, const Options &options, Trace &trace) {
    Options quiet;
    Waves none(top, quiet);
    if (!trace.on() || outcome.status == kStatusMaxCycles && !outcome.exited) return;
    for (int i = 0; i < kDrainCycles && !outcome.told; ++i) {
        uint64_t cycle = outcome.cycles + i;
        tick(top, none, cycle);
        outcome.told = trace.sample(top, cycle, &outcome.last);
    }
}

void write_result(const Outcome &outcome, const std::string &name) {
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
    for (const Range &range : options.loads) load(memory, range);
    Trace trace(options);
    Outcome outcome = run(*top, memory, options, trace);
    for (const Range &range : options.dumps) dump(memory, range);
    drain(*top, outcome, options, trace);
    top->final();
    write_result(outcome, options.result);
    return 0;
}
