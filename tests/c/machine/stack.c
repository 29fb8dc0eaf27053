/* Measures the stack: paints what lies below, and looks for the lowest place that was overwritten. */
#include "machine.h"

#ifndef STACK_BYTES
#define STACK_BYTES 6144
#endif
#define MARGIN 96 /* for this function's own frame */

static volatile uint8_t *top;

__attribute__((noinline)) void machine_paint_stack(void) {
    top = (volatile uint8_t *)__builtin_frame_address(0);
    for (uint16_t k = MARGIN; k < STACK_BYTES; k++) *(top - k) = 0xa5;
}

__attribute__((noinline)) uint32_t machine_used_stack(void) {
    uint16_t k = STACK_BYTES - 1;
    while (k > 0 && *(top - k) == 0xa5) k--;
    return k;
}
