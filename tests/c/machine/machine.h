/* What a test program needs of the machine that it runs on. */
#ifndef MACHINE_H
#define MACHINE_H

#include <stdint.h>

/* Prints one character. */
void machine_put(char c);

/* Ends the program. 0 is success. */
void machine_exit(int code);

/* Starts and reads a counter of instructions (of cycles on an AVR); 0 where there is none. Counts fewer than
   2^24 ticks. */
void machine_start_count(void);
uint32_t machine_count(void);

/* Paints the stack below the caller, and returns how much of it was used since then; 0 where it is not measured. */
void machine_paint_stack(void);
uint32_t machine_used_stack(void);

/* The test program. Returns 0 if all is well. */
int program(void);

#endif
