// Feeds the checker with records that the simulator core itself makes, some of them made wrong.
// Started by verif/lockstep/test_checker.py: prints for each case what the checker says, or "equal".

#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "lockstep.h"

namespace {

using namespace heed;

constexpr uint32_t kTcdm = 0x10000000, kMain = 0x80000000, kDoorbell = 0x1010100C;
const heed_config kConfig = {0x1000, 0x1000, 2, 0x3FF, 4, 0, 0, 0, 0, 0};

// The machine that the records come from: a model of its own, whose memory is the "RTL's".
class Source {
  public:
    explicit Source(const std::vector<uint32_t> &program)
        : memory_(kConfig), hart_(kConfig, 0), bus_(kConfig, memory_, 0, none_),
          lockstep(kConfig, 1, kMain,
                   [this](uint32_t address, uint32_t *words, uint32_t count) {
                       memory_.read(address, words, 4 * count);
                   },
                   kDoorbell) {
        hart_.pc = kMain;
        for (size_t i = 0; i < program.size(); ++i) write(kMain + 4 * i, program[i]);
        lockstep.write(kMain, program.data(), uint32_t(4 * program.size()));
    }

    void write(uint32_t address, uint32_t value) { memory_.write(address, &value, 4); }
    void interrupt(uint32_t cause) { hart_.interrupt(cause); }

    // The next record; `device` is what a device answers.
    heed_retire next(uint32_t device = 0) {
        heed_retire wish = {};
        wish.mem_rdata = wish.rd_wdata = device;
        wish.rd_addr = 1;
        bus_.expect(wish);
        heed_retire record = hart_.step(bus_);
        record.time = cycle += 1;
        record.mem_time = record.mem_time ? cycle : 0;
        return record;
    }

    std::string verdict() {
        std::string text = lockstep.finish() ? "equal" : lockstep.report();
        return text.substr(0, text.find('\n'));
    }

  private:
    Memory memory_;
    Hart hart_;
    DeviceFaults none_;
    LockstepBus bus_;

  public:
    Lockstep lockstep;
    uint64_t cycle = 0;
};

constexpr uint32_t kLui = 0x10000537;      // lui a0, 0x10000
constexpr uint32_t kAdd = 0x00150593;      // addi a1, a0, 1
constexpr uint32_t kLoad = 0x00052583;     // lw a1, 0(a0)
constexpr uint32_t kStore = 0x00a52023;    // sw a0, 0(a0)
constexpr uint32_t kEnable = 0x30446073;   // csrrsi zero, mie, 8
constexpr uint32_t kOn = 0x30046073;       // csrrsi zero, mstatus, 8
constexpr uint32_t kCycle = 0xB00025F3;    // csrrs a1, mcycle, zero
constexpr uint32_t kMip = 0x344025F3;      // csrrs a1, mip, zero
constexpr uint32_t kNop = 0x00000013;

void run(const char *name, std::vector<uint32_t> program,
         const std::function<void(Source &)> &feed) {
    program.resize(64, kNop);
    Source source(program);
    feed(source);
    std::printf("%s: %s\n", name, source.verdict().c_str());
}

// All of a program, with one record changed.
void changed(const char *name, const std::function<void(heed_retire &)> &change,
             unsigned at = 2) {
    run(name, {kLui, kStore, kLoad, kAdd}, [&](Source &s) {
        for (unsigned i = 0; i < 4; ++i) {
            heed_retire record = s.next();
            if (i == at) change(record);
            s.lockstep.add(0, record);
        }
    });
}

void feed(Source &s, unsigned records) {
    for (unsigned i = 0; i < records; ++i) s.lockstep.add(0, s.next());
}

}  // namespace

int main() {
    changed("nothing", [](heed_retire &) {});
    changed("pc", [](heed_retire &r) { r.pc += 4; });
    changed("word", [](heed_retire &r) { r.insn ^= 1 << 7; });
    changed("value", [](heed_retire &r) { r.rd_wdata ^= 1; });
    changed("register", [](heed_retire &r) { r.rd_addr ^= 1; });
    changed("second register", [](heed_retire &r) { r.rd2_addr = 3; });
    changed("address", [](heed_retire &r) { r.mem_addr += 4; });
    changed("mask", [](heed_retire &r) { r.mem_rmask = 3; });
    changed("stored", [](heed_retire &r) { r.mem_wdata ^= 0x80; }, 1);
    changed("next pc", [](heed_retire &r) { r.next_pc += 4; });
    changed("trap", [](heed_retire &r) { r.trap = 1; });

    run("memory afterwards", {kLui, kStore}, [](Source &s) {
        feed(s, 2);
        s.write(kTcdm + 8, 1);
    });
    auto interrupted = [](bool raised, bool taken) {
        return [=](Source &s) {
            s.lockstep.levels(0, 0, raised ? 8 : 0);
            feed(s, 2);
            if (taken) {
                s.interrupt(3);
                heed_retire record = s.next();  // mtvec is 0: an exception, there is no memory
                s.lockstep.add(0, record);
            } else {
                feed(s, 20);
            }
        };
    };
    run("interrupt", {kEnable, kOn}, interrupted(true, true));
    run("interrupt not raised", {kEnable, kOn}, interrupted(false, true));
    run("interrupt not enabled", {kNop, kOn}, interrupted(true, true));
    run("interrupt not taken", {kEnable, kOn}, [](Source &s) {
        s.lockstep.levels(0, 0, 8);
        feed(s, 2);
        s.cycle += 2 * 500;
        feed(s, 20);
    });
    run("no interrupt", {kEnable, kOn}, interrupted(false, false));

    auto count = [](uint32_t first, uint32_t second) {
        return [=](Source &s) {
            s.cycle = 1000;
            s.lockstep.add(0, s.next(first));
            s.cycle += 10000;
            s.lockstep.add(0, s.next(second));
        };
    };
    run("mcycle", {kCycle, kCycle}, count(50, 10050));
    run("mcycle goes back", {kCycle, kCycle}, count(50, 40));
    run("mcycle stands still", {kCycle, kCycle}, count(50, 51));
    run("mcycle runs ahead", {kCycle, kCycle}, count(50, 30000));
    run("mip", {kMip}, [](Source &s) {
        s.lockstep.levels(0, 0, 8);
        s.lockstep.add(0, s.next(8));
    });
    run("mip not raised", {kMip}, [](Source &s) {
        s.lockstep.levels(0, 0, 8);
        s.lockstep.add(0, s.next(0x80));
    });

    // The engine writes a word that the hart then loads: known only after a doorbell.
    auto engine = [](bool rung) {
        return [=](Source &s) {
            feed(s, 2);
            if (rung) feed(s, 1);
            s.write(kTcdm, 77);
            feed(s, 1);
        };
    };
    // lui a0, 0x10000; lui a2, 0x10101; sw a0, 12(a2); lw a1, 0(a0)
    run("engine", {kLui, 0x10101637, 0x00a62623, kLoad}, engine(true));
    run("no engine", {kLui, kNop, kLoad}, engine(false));

    // The hart overwrites what it loaded, in the cycle in which the load retires or after it.
    auto overwritten = [](uint64_t later) {
        return [=](Source &s) {
            feed(s, 3);
            s.write(kTcdm, 77);
            heed_retire load = s.next(), store = s.next();
            load.time = store.mem_time - later;
            s.lockstep.add(0, load);
            s.lockstep.add(0, store);
        };
    };
    run("overwritten", {kLui, 0x10101637, 0x00a62623, kLoad, kStore}, overwritten(0));
    run("overwritten late", {kLui, 0x10101637, 0x00a62623, kLoad, kStore}, overwritten(1));

    // The run ends; records still come, of accesses before and after that.
    auto stopped = [](bool missing, uint64_t later) {
        return [=](Source &s) {
            heed_retire first = s.next(), store = s.next();
            s.lockstep.add(0, first);
            if (missing) s.write(kTcdm, 0);
            s.lockstep.stop(store.mem_time + later);
            s.lockstep.add(0, store);
            feed(s, 10);
        };
    };
    run("stopped", {kLui, kStore}, stopped(false, 100));
    run("stopped before", {kLui, kStore}, stopped(true, uint64_t(-1)));
    run("stopped meanwhile", {kLui, kStore}, stopped(true, 3));
    run("stopped after", {kLui, kStore}, stopped(true, 100));

    // Two accesses of one hart in the wrong order.
    run("time goes back", {kLui, kStore, kLoad}, [](Source &s) {
        feed(s, 1);
        s.cycle = 100;
        feed(s, 1);
        heed_retire record = s.next();
        record.mem_time = 50;
        s.lockstep.add(0, record);
    });
    return 0;
}
