/* A Cortex-M that QEMU emulates: the vector table, semihosting, and SysTick, which counts instructions where QEMU runs
   with -icount shift=0. */
#include "machine.h"

#ifndef HALF_NANOSECONDS
#define HALF_NANOSECONDS 80 /* twice the nanoseconds in a tick: mps2 boards run at 25 MHz */
#endif

extern uint32_t data_start[], data_end[], data_load[], bss_start[], bss_end[];
extern uint32_t stack_top[];

static int semihosting(int operation, const void *argument) {
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void machine_put(char c) { semihosting(0x03, &c); }

void machine_exit(int code) {
    /* SYS_EXIT_EXTENDED with ADP_Stopped_ApplicationExit. */
    const uint32_t reason[2] = {0x20026, (uint32_t)code};
    semihosting(0x20, reason);
    for (;;) {
    }
}

#define SYSTICK ((volatile uint32_t *)0xe000e010)

static uint32_t start;

void machine_start_count(void) {
    SYSTICK[1] = 0x00ffffff;
    SYSTICK[2] = 0;
    SYSTICK[0] = 5;
    start = SYSTICK[2];
}

uint32_t machine_count(void) {
    const uint32_t ticks = (start - SYSTICK[2]) & 0x00ffffff;
    return (uint32_t)((uint64_t)ticks * HALF_NANOSECONDS / 2);
}

void reset(void) {
    const uint32_t *from = data_load;
    for (volatile uint32_t *to = data_start; to < data_end; to++) *to = *from++;
    for (volatile uint32_t *to = bss_start; to < bss_end; to++) *to = 0;
#if defined(__ARM_FP)
    /* Gives access to the floating-point unit. */
    *(volatile uint32_t *)0xe000ed88 |= 0xfu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    machine_exit(program());
}

static void fault(void) { machine_exit(3); }

__attribute__((section(".vectors"), used)) const void *const vectors[16] = {
    stack_top,           (void *)reset,       (void *)fault, (void *)fault, (void *)fault,
    (void *)fault,       (void *)fault,       0,             0,             0,
    0,                   (void *)fault,       (void *)fault, 0,             (void *)fault,
    (void *)fault,
};
