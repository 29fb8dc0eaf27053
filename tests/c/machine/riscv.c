/* QEMU's machine virt with a 32-bit RISC-V: semihosting, and the counter of instructions. */
#include "machine.h"

extern uint32_t bss_start[], bss_end[];

__asm__(".section .text.start\n"
        ".globl _start\n"
        "_start:\n"
        "  la sp, stack_top\n"
#if defined(__riscv_flen)
        ".option push\n"
        ".option arch, +zicsr\n"
        "  li t0, 0x6000\n" /* gives access to the floating-point unit */
        "  csrs mstatus, t0\n"
        "  csrw fcsr, zero\n"
        ".option pop\n"
#endif
        "  j start_c\n"
        /* Semihosting: these three instructions must not be compressed, and lie in one page. */
        ".balign 16\n"
        "semihosting_call:\n"
        ".option push\n"
        ".option norvc\n"
        "  slli x0, x0, 0x1f\n"
        "  ebreak\n"
        "  srai x0, x0, 7\n"
        ".option pop\n"
        "  ret\n"
        ".text\n");

extern int semihosting_call(int operation, const void *argument);

void machine_put(char c) { semihosting_call(0x03, &c); }

void machine_exit(int code) {
    const uint32_t reason[2] = {0x20026, (uint32_t)code};
    semihosting_call(0x20, reason);
    for (;;) {
    }
}

static uint32_t start;

static uint32_t instructions(void) {
    uint32_t count;
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, minstret\n.option pop" : "=r"(count));
    return count;
}

void machine_start_count(void) { start = instructions(); }

uint32_t machine_count(void) { return instructions() - start; }

void start_c(void) {
    for (volatile uint32_t *to = bss_start; to < bss_end; to++) *to = 0;
    machine_exit(program());
}
