/* This machine: no counter. */
#include <stdio.h>
#include <stdlib.h>

#include "machine.h"

void machine_put(char c) { putchar(c); }

void machine_exit(int code) { exit(code); }

void machine_start_count(void) {}

uint32_t machine_count(void) { return 0; }

void machine_paint_stack(void) {}

uint32_t machine_used_stack(void) { return 0; }

int main(void) { return program(); }
