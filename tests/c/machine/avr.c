/* An ATmega1284 that simavr emulates: the serial port, and timer 1, which counts cycles. */
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/sleep.h>

#include "machine.h"

void machine_put(char c) {
    UCSR0B = 1 << TXEN0;
    while (!(UCSR0A & 1 << UDRE0)) {
    }
    UDR0 = (uint8_t)c;
}

void machine_exit(int code) {
    const char *text = code ? "exit 1\n" : "exit 0\n";
    while (*text) machine_put(*text++);
    /* simavr ends where an AVR sleeps without interrupts. */
    cli();
    sleep_mode();
}

static volatile uint16_t overflows;

ISR(TIMER1_OVF_vect) { overflows++; }

void machine_start_count(void) {
    TCCR1B = 0;
    TCNT1 = 0;
    overflows = 0;
    TIMSK1 = 1 << TOIE1;
    sei();
    TCCR1B = 1 << CS10;
}

uint32_t machine_count(void) {
    const uint16_t low = TCNT1;
    TCCR1B = 0;
    return (uint32_t)overflows << 16 | low;
}

int main(void) {
    machine_exit(program());
    return 0;
}
