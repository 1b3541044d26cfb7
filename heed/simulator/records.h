// Retired instructions out of the Verilated top; builds without tracing see none of them.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "Vsim_top.h"
#include "sim_config.h"
#if HEED_TRACING
#include "Vsim_top___024root.h"
#include "checker.h"
#include "retire.h"
#endif

// What ended a run, as the records will show it: a store of `data` to the word that ends runs, the
// exception at `pc`, or an interrupt, which shows with the instruction after it.
struct LastRecord {
    enum { STORE, EXCEPTION, INTERRUPT } kind;
    uint32_t data, hart, pc;
};

#if HEED_TRACING
// Hands on each retired instruction: to the trace, up to the one that ended the run, and to the
// comparison.
class Records {
  public:
    explicit Records(uint32_t tohost) : tohost_(tohost) {}

    // These two return what goes wrong, or nothing.
    std::string trace(const std::string &name) {
        file_ = std::fopen(name.c_str(), "wb");
        return file_ ? "" : "cannot write " + name;
    }
    std::string compare(const std::string &library, uint32_t harts, uint32_t entry,
                        ReadWords read) {
        std::string wrong = checker_.open(library, harts, entry, std::move(read));
        return wrong.empty() ? "" : "cannot compare: " + wrong;
    }

    Checker &checker() { return checker_; }

    // False when the trace could not be written.
    bool close() { return !file_ || !std::fclose(file_); }

    // Whether the trace lacks the last record.
    bool waits() const { return file_ && !told_; }

    // Takes what retires in this cycle. False when the comparison has failed.
    bool sample(const Vsim_top &top, uint64_t cycle, const LastRecord *last) {
        if (!file_ && !checker_.on()) return true;
#define HEED_RECORD(h)                                                                        \
    if (top.rvfi_valid >> h & 1) {                                                            \
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
        checker_.add(h, r);                                                                   \
        if (waits()) send(h, r, last);                                                        \
    }
        HEED_EACH_HART(HEED_RECORD)
#undef HEED_RECORD
        uint64_t levels = 0;
#define HEED_LEVELS(h)                                                                        \
    levels |= uint64_t(top.rootp->HEED_LEVEL(h, software)) << (3 * h) |                       \
              uint64_t(top.rootp->HEED_LEVEL(h, timer)) << (3 * h + 1) |                      \
              uint64_t(top.rootp->HEED_LEVEL(h, external)) << (3 * h + 2);
        HEED_EACH_HART(HEED_LEVELS)
#undef HEED_LEVELS
        return checker_.cycle(cycle, levels);
    }

  private:
    void send(uint64_t hart, const heed_retire &record, const LastRecord *last) {
        told_ = last && is(uint32_t(hart), record, *last);
        if (told_ && last->kind == LastRecord::INTERRUPT) return;
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
    bool told_ = false;
    Checker checker_;
};
#else
struct Checker {
    bool on() const { return false; }
    void write(uint32_t, const std::vector<uint8_t> &) {}
    void stop(uint64_t) {}
    std::string finish() { return ""; }
    uint64_t compared() const { return 0; }
};

class Records {
  public:
    explicit Records(uint32_t) {}
    std::string trace(const std::string &) { return "this build shows no instructions"; }
    template <typename Read>
    std::string compare(const std::string &, uint32_t, uint32_t, const Read &) {
        return "this build shows no instructions";
    }
    Checker &checker() { return checker_; }
    bool close() { return true; }
    bool waits() const { return false; }
    bool sample(const Vsim_top &, uint64_t, const LastRecord *) { return true; }

  private:
    Checker checker_;
};
#endif
