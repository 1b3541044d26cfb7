// The run of a program: which hart goes on when, and for how long.
#include "machine.h"

#include <algorithm>

#include "execute.h"
#include "machine_bus.h"

namespace heed {

namespace {

// How far a hart may run ahead of another one that runs, in cycles.
constexpr uint64_t AHEAD = 32;

// Cycles from one return to the caller to the next.
constexpr uint64_t PAUSE = 20'000'000;

// The machine's bus for single steps.
class StepBus : public Bus {
public:
    StepBus(MachineBus &bus, Memory &memory) : bus(bus), memory(memory) {}

    Access fetch(uint32_t address, uint32_t &word) override {
        return memory.read(address, &word, 4) ? Access::DONE : Access::FAULT;
    }
    Access load(uint32_t address, unsigned size, uint32_t &value) override {
        return bus.load(address, size, value);
    }
    Access store(uint32_t address, unsigned size, uint32_t value) override {
        return bus.store(address, size, value);
    }
    Access load_reserved(uint32_t address, uint32_t &value) override {
        return bus.load_reserved(address, value);
    }
    Access store_conditional(uint32_t address, uint32_t value, bool &success) override {
        return bus.store_conditional(address, value, success);
    }
    Access amo(AmoOp op, uint32_t address, uint32_t operand, uint32_t &old) override {
        return bus.amo(op, address, operand, old);
    }
    Access sleep() override { return bus.sleep(); }

private:
    MachineBus &bus;
    Memory &memory;
};

}  // namespace

void Machine::run(heed_outcome &outcome) {
    bool paused = false;
    while (!ended && !paused) paused = schedule();
    if (!ended) result.end = HEED_PAUSED;
    for (unsigned i = 0; i < places.size(); i++) {
        result.instructions[i] = places[i].hart->retired;
        result.pcs[i] = places[i].hart->last_pc;
    }
    outcome = result;
}

void Machine::start(const heed_run &run_options) {
    options = run_options;
    result = {};
    ended = touched = false;
    pause = PAUSE;
    memory.drop_reservations();
    HostCallbacks callbacks = {options.engine, options.console, options.mailbox, options.user};
    uint32_t started = (1u << options.harts) - 1;
    devices = std::make_unique<Devices>(config, memory, started, callbacks);
    places.clear();
    places.resize(config.harts);
    for (unsigned i = 0; i < places.size(); i++) {
        places[i].hart = std::make_unique<Hart>(config, i);
        places[i].state = i < options.harts ? State::RUNS : State::OFF;
        Hart &hart = *places[i].hart;
        hart.pc = options.entry;
        hart.time = TIMING.start;
        hart.csrs.cycle.write(hart.time, TIMING.start_mcycle);
    }
}

void Machine::finish(heed_end how, uint64_t cycles) {
    if (ended) return;
    ended = true;
    result.end = how;
    result.cycles = cycles + 1;
}

// When devices do something by themselves, or a timer ends a sleep.
uint64_t Machine::next_event() const {
    uint64_t event = devices->next_event();
    for (unsigned i = 0; i < places.size(); i++) {
        const Hart &hart = *places[i].hart;
        if (places[i].state == State::SLEEPS && (hart.csrs.mie >> 7 & 1))
            event = std::min(event, devices->events.timer(i, hart.time));
    }
    return event;
}

// Lets go on who waited for what happened until `time`.
void Machine::wake(uint64_t time) {
    uint32_t released = devices->events.take_released();
    for (unsigned i = 0; i < places.size(); i++) {
        Place &place = places[i];
        Hart &hart = *place.hart;
        if (place.state == State::WAITS && (released >> i & 1)) {
            hart.time = std::max(hart.time, devices->events.released_at());
        } else if (place.state == State::SLEEPS) {
            hart.csrs.mip = devices->events.levels(i, std::max(time, hart.time));
            if (!hart.csrs.awake()) continue;
            uint64_t when = std::max(time + TIMING.wake, hart.time);
            // mcycle stands still in sleep.
            if (!hart.csrs.cycle.stopped) hart.csrs.cycle.base += when - hart.time;
            hart.time = when;
        } else {
            continue;
        }
        place.state = State::RUNS;
        place.resumes = true;
    }
}

// Does the next thing there is to do: an event, or some instructions of the hart that is furthest
// behind. True when it is time to return to the caller.
bool Machine::schedule() {
    unsigned chosen = 0;
    uint64_t first = NEVER, second = NEVER;
    for (unsigned i = 0; i < places.size(); i++) {
        if (places[i].state != State::RUNS) continue;
        uint64_t time = places[i].hart->time;
        if (time < first) {
            second = first;
            first = time;
            chosen = i;
        } else {
            second = std::min(second, time);
        }
    }
    if (first != NEVER && first >= pause) {
        pause = first + PAUSE;
        return true;
    }
    uint64_t event = next_event();
    if (std::min(first, event) >= options.max_cycles) {
        finish(HEED_TIMED_OUT, options.max_cycles - 1);
        return false;
    }
    if (event <= first) {
        devices->advance(event);
        if (devices->stopped) finish(HEED_STOPPED, event);
        wake(event);
        return false;
    }
    uint64_t limit = std::min({event, options.max_cycles, pause,
                               devices->events.timer(chosen, places[chosen].hart->time)});
    if (second != NEVER) limit = std::min(limit, second + AHEAD);
    run_hart(chosen, limit);
    return false;
}

void Machine::run_hart(unsigned index, uint64_t limit) {
    Place &place = places[index];
    Hart &hart = *place.hart;
    hart.csrs.mip = devices->events.levels(index, hart.time);
    hart.limit = place.resumes ? 0 : limit;
    MachineBus bus(*this, index);
    if (!place.resumes && hart.csrs.pending()) {
        if (options.trace) hart.interrupt(hart.csrs.pending());
        else hart.trap(hart.csrs.pending(), 0, 0, true);
        hart.time += 1 + TIMING.redirect;
        check_handler(hart);
    }
    if (ended) return;
    if (options.trace) run_traced(hart, bus);
    else run_fast(hart, bus);
    if (place.state == State::RUNS) place.resumes = false;
    if (touched) wake(hart.time);
    touched = false;
}

// Always executes one instruction, and more until the hart's limit.
void Machine::run_fast(Hart &hart, MachineBus &bus) {
    const Op fetch_fault = decode(0, 0);
    do {
        Region *region = memory.find(hart.pc);
        if (!region) {
            hart.raise(FETCH_FAULT, hart.pc);
            leave(hart, fetch_fault, Flow::TRAP, 0, false, hart.time);
            enter_trap(hart, 0);
            continue;
        }
        const uint32_t base = region->base, bytes = region->bytes;
        const bool from_tcdm = region == &memory.tcdm;
        do {
            const Op &op = memory.op(*region, hart.pc);
            uint32_t next = hart.pc + 4;
            uint64_t began = hart.time;
            wait_for_operands(hart, op);
            if (op.code == Code::DIVIDE) begin_division(hart, op);
            Flow flow = execute(hart, op, next, bus);
            if (flow == Flow::WAIT) return;
            leave(hart, op, flow, next, from_tcdm, began);
            if (flow == Flow::TRAP) {
                enter_trap(hart, op.insn);
                break;
            }
            hart.retired++;
            hart.last_pc = hart.pc;
            if (flow == Flow::NEXT && (hart.loop_count[0] | hart.loop_count[1]))
                next = after_loops(hart, next);
            hart.pc = next;
        } while (hart.time < hart.limit && hart.pc - base < bytes);
    } while (hart.time < hart.limit);
}

void Machine::run_traced(Hart &hart, MachineBus &bus) {
    StepBus steps(bus, memory);
    do {
        heed_retire record = hart.step(steps);
        if (hart.waits()) return;
        if (options.trace(options.user, hart.id, &record)) return finish(HEED_STOPPED, hart.time);
        if (record.trap) check_handler(hart);
    } while (hart.time < hart.limit && !ended);
}

void Machine::enter_trap(Hart &hart, uint32_t insn) {
    hart.trap(hart.trap_cause, hart.trap_value, insn);
    check_handler(hart);
}

// A handler that lies in no memory ends the run.
void Machine::check_handler(Hart &hart) {
    if (memory.find(hart.pc)) return;
    result.trap_hart = hart.id;
    result.trap_cause = hart.trap_cause;
    result.trap_pc = hart.trap_pc;
    result.trap_insn = hart.trap_insn;
    result.trap_value = hart.trap_value;
    hart.limit = 0;
    finish(HEED_UNHANDLED_TRAP, hart.time);
}

}  // namespace heed
