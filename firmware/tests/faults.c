/* Goes to addresses that nothing answers for; each access must trap precisely. */

#include "heed/console.h"
#include "heed/hart.h"

static volatile uint32_t cause, value;

/* Notes the trap and returns behind the 4-byte load or store, or to ra after a bad jump. */
__attribute__((naked, aligned(4))) static void handler(void)
{
    __asm__ volatile("csrw mscratch, t0\n"
                     "csrr t0, mcause\n"
                     "sw t0, %0, t1\n"
                     "csrr t0, mtval\n"
                     "sw t0, %1, t1\n"
                     "csrr t0, mcause\n"
                     "addi t0, t0, -1\n"
                     "beqz t0, 1f\n"
                     "csrr t0, mepc\n"
                     "addi t0, t0, 4\n"
                     "j 2f\n"
                     "1: mv t0, ra\n"
                     "2: csrw mepc, t0\n"
                     "csrr t0, mscratch\n"
                     "mret\n"
                     :
                     : "i"(&cause), "i"(&value));
}

static void load(uint32_t address)
{
    __asm__ volatile("lw t2, 0(%0)" ::"r"(address) : "t1", "t2", "memory");
}

static void store(uint32_t address)
{
    __asm__ volatile("sw zero, 0(%0)" ::"r"(address) : "t1", "memory");
}

static void store_byte(uint32_t address)
{
    __asm__ volatile("sb zero, 0(%0)" ::"r"(address) : "t1", "memory");
}

static void jump(uint32_t address)
{
    __asm__ volatile("jalr ra, 0(%0)" ::"r"(address) : "ra", "t1", "memory");
}

static void try(const char *what, void (*access)(uint32_t), uint32_t address)
{
    cause = value = 0;
    access(address);
    heed_printf("%s %08x: mcause %u mtval %08x\n", what, address, cause, value);
}

int main(void)
{
    uint32_t saved = HEED_CSR_READ(mtvec);

    HEED_CSR_WRITE(mtvec, handler);
    try("load", load, 0);
    try("load", load, HEED_TCDM_BASE + HEED_TCDM_BYTES);
    try("load", load, HEED_MAIN_BASE - 4);
    try("load", load, HEED_DMA_BASE);
    try("load", load, HEED_HOST_BASE + 0x100);
    try("load", load, 0xfffffffc);
    try("store", store, HEED_TCDM_BASE - 4);
    try("store", store, HEED_DEVICE_BASE + 0xf000);
    try("store", store, HEED_EVENTS_BASE + HEED_EVENTS_HART_COUNT);
    try("byte", store_byte, HEED_HOST_BASE + HEED_HOST_CONSOLE);
    try("jump", jump, 0);
    try("jump", jump, HEED_DEVICE_BASE);
    try("good", load, HEED_TCDM_BASE);
    HEED_CSR_WRITE(mtvec, saved);
    return 0;
}
