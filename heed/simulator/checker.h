// The comparison of a run with the instruction-set simulator, out of that simulator's library.
#pragma once

#include <dlfcn.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "lockstep_api.h"
#include "sim_config.h"

// Reads aligned words of one of the memories.
using ReadWords = std::function<void(uint32_t address, uint32_t *words, uint32_t count)>;

// Without a library it does nothing.
class Checker {
  public:
    // Harts from 0 on start at `entry`. Returns what is wrong with the library, or nothing.
    std::string open(const std::string &library, uint32_t harts, uint32_t entry, ReadWords read) {
        void *handle = dlopen(library.c_str(), RTLD_NOW);
        void *symbol = handle ? dlsym(handle, HEED_LOCKSTEP_SYMBOL) : nullptr;
        if (!symbol) return dlerror();
        functions_ = static_cast<const heed_lockstep_functions *>(symbol);
        harts_ = harts;
        read_ = std::move(read);
        auto call = [](void *user, uint32_t address, uint32_t *words, uint32_t count) {
            static_cast<Checker *>(user)->read_(address, words, count);
        };
        run_ = functions_->create(&kConfig, harts, entry, kDoorbell, call, this);
        return "";
    }
    ~Checker() {
        if (run_) functions_->destroy(run_);
    }
    Checker() = default;
    Checker(const Checker &) = delete;
    Checker &operator=(const Checker &) = delete;

    bool on() const { return run_; }

    // Initial contents of memory.
    void write(uint32_t address, const std::vector<uint8_t> &bytes) {
        if (run_) functions_->write(run_, address, bytes.data(), uint32_t(bytes.size()));
    }

    // Once a cycle, with the interrupt levels of all harts of the cluster, three bits each. False
    // after a divergence.
    bool cycle(uint64_t cycle, uint64_t levels) {
        if (!run_) return true;
        if (levels != levels_ || !cycle) {
            levels_ = levels;
            for (uint32_t hart = 0; hart < harts_; ++hart) {
                uint32_t bits = levels >> 3 * hart;
                uint32_t mip = (bits & 1) << 3 | (bits >> 1 & 1) << 7 | (bits >> 2 & 1) << 11;
                functions_->levels(run_, cycle, hart, mip);
            }
        }
        return cycle % kOften || functions_->advance(run_, cycle);
    }

    void add(uint32_t hart, const heed_retire &record) {
        if (run_) functions_->add(run_, hart, &record);
    }

    // The run is over, but the last records are still to come.
    void stop(uint64_t cycle) {
        if (run_) functions_->stop(run_, cycle);
    }

    // To be called when all records are there: what differs, or nothing.
    std::string finish() {
        if (!run_) return "";
        functions_->finish(run_);
        return functions_->report(run_);
    }

    uint64_t compared() const { return run_ ? functions_->compared(run_) : 0; }

  private:
    static constexpr uint64_t kOften = 1024;  // cycles from one comparison to the next

    const heed_lockstep_functions *functions_ = nullptr;
    void *run_ = nullptr;
    uint32_t harts_ = 0;
    uint64_t levels_ = 0;
    ReadWords read_;
};
