/* Start of every hart: trap vector, stack, then heed_start() in C. */

    .section .text.start, "ax", @progbits
    .globl _start
    .type _start, @function
_start:
    lui t0, %hi(heed_trap_entry)
    addi t0, t0, %lo(heed_trap_entry)
    csrw mtvec, t0
    csrw mie, zero
    call set_stack
    call heed_start
sleep:
    wfi
    j sleep

/* sp = __stack_top - hart * __stack_bytes */
set_stack:
    lui t0, %hi(__stack_top)
    addi t0, t0, %lo(__stack_top)
    lui t1, %hi(__stack_bytes)
    addi t1, t1, %lo(__stack_bytes)
    csrr t2, mhartid
    mul t1, t1, t2
    sub sp, t0, t1
    ret

/* A trap is fatal unless a program sets mtvec itself. The stack may be what broke: start a new one. */
    .balign 4
    .globl heed_trap_entry
    .type heed_trap_entry, @function
heed_trap_entry:
    call set_stack
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    call heed_trap
    j sleep
