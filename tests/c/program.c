/* Prints what an exported model computes, for the test to compare. golden.h holds the inputs. */
#include "golden.h"
#include "machine.h"
#include "subject.h"

typedef SUBJECT_NUMBER number;

#if SUBJECT_CONDITIONS > 0
#define WITH(k) , condition_of(k)
#else
#define WITH(k)
#endif

static uint32_t bits_of(number x) {
    union {
        number number;
        uint32_t bits;
    } both;
    both.number = x;
    return both.bits;
}

static number number_of(uint32_t bits) {
    union {
        number number;
        uint32_t bits;
    } both;
    both.bits = bits;
    return both.number;
}

static void say(const char *word, uint64_t value) {
    while (*word) machine_put(*word++);
    machine_put(' ');
    for (int shift = 60; shift >= 0; shift -= 4) machine_put("0123456789abcdef"[value >> shift & 15]);
    machine_put('\n');
}

static uint64_t digest;

static void add(const number *x, uint32_t count) {
    for (uint32_t k = 0; k < count; k++) {
        uint32_t bits = bits_of(x[k]);
        for (int byte = 0; byte < 4; byte++, bits >>= 8) digest = (digest ^ (bits & 255)) * 0x100000001b3u;
    }
}

static void begin(void) { digest = 0xcbf29ce484222325u; }

static void read(number *to, const uint32_t *from, uint32_t count) {
    for (uint32_t k = 0; k < count; k++) to[k] = number_of(GOLDEN_READ(from + k));
}

#if SUBJECT_CONDITIONS > 0
static const number *condition_of(uint32_t k) {
    static number c[SUBJECT_CONDITIONS];
    read(c, golden_condition + k * SUBJECT_CONDITIONS, SUBJECT_CONDITIONS);
    return c;
}
#endif

static int right;

static void expect(int found, int expected) { right &= found == expected; }

static void bad_input(void) {
    number x[SUBJECT_DATA + 1] = {0};
    subject_path path;
    expect(subject_noise(0, 0, 0), SUBJECT_NULL);
    expect(subject_start(0, x), SUBJECT_NULL);
    expect(subject_start(&path, 0), SUBJECT_NULL);
    expect(subject_to_data(0), SUBJECT_NULL);
    expect(subject_from_data(0), SUBJECT_NULL);
    expect(subject_velocity(0, 0 WITH(0), x), SUBJECT_NULL);
    expect(subject_velocity(0, x WITH(0), 0), SUBJECT_NULL);
    expect(subject_step(0 WITH(0)), SUBJECT_NULL);
    expect(subject_sample(0 WITH(0), x), SUBJECT_NULL);
    expect(subject_sample(x WITH(0), 0), SUBJECT_NULL);
    expect(subject_sample_n(0, 0 WITH(0), 0, SUBJECT_DATA), SUBJECT_NULL);
    expect(subject_sample_n(0, 0 WITH(0), x, 0), SUBJECT_OK);
#if SUBJECT_DATA > 1
    expect(subject_sample_n(0, 0 WITH(0), x, SUBJECT_DATA + 1), SUBJECT_SIZE);
#endif
#if SUBJECT_CONDITIONS > 0
    expect(subject_velocity(0, x, 0, x), SUBJECT_NULL);
    expect(subject_step(&path, 0), SUBJECT_NULL);
    expect(subject_sample(x, 0, x), SUBJECT_NULL);
    expect(subject_sample_n(0, 0, 0, x, SUBJECT_DATA), SUBJECT_NULL);
#endif
    /* After the last step a path stays where it is. */
    read(x, golden_x_0, SUBJECT_DATA);
    expect(subject_start(&path, x), SUBJECT_OK);
    for (uint32_t i = 0; i < SUBJECT_STEPS; i++) expect(subject_step(&path WITH(0)), 1);
    const number last = path.x[0];
    expect(subject_step(&path WITH(0)), SUBJECT_OK);
    expect(bits_of(path.x[0]) == bits_of(last), 1);
}

int program(void) {
    number x[SUBJECT_DATA], v[SUBJECT_DATA];
    right = 1;
    say("fingerprint", SUBJECT_FINGERPRINT);
    expect(subject_self_test(), SUBJECT_OK);
    bad_input();
    begin();
    for (uint32_t k = 0; k < GOLDEN_PATHS; k++) {
        subject_path path;
        read(x, golden_x_0 + k * SUBJECT_DATA, SUBJECT_DATA);
        (void)subject_start(&path, x);
        while (subject_step(&path WITH(k)) == 1) add(path.x, SUBJECT_DATA);
    }
    say("path", digest);
    /* Samples are the ends of paths, in data units. */
    begin();
    number samples[3 * SUBJECT_DATA];
    (void)subject_sample_n(7, 0xffffffffu WITH(0), samples, 3 * SUBJECT_DATA);
    add(samples, 3 * SUBJECT_DATA);
    say("samples", digest);
    begin();
    (void)subject_noise(7, 0x100000000u, x);
    add(x, SUBJECT_DATA);
    (void)subject_sample(x WITH(0), v);
    expect(bits_of(v[0]) == bits_of(samples[SUBJECT_DATA]), 1);
    (void)subject_to_data(x);
    (void)subject_from_data(x);
    add(x, SUBJECT_DATA);
    say("units", digest);
#ifdef GOLDEN_WEIGHT
    begin();
    (void)subject_sample_n_guided(number_of(GOLDEN_WEIGHT), 7, 5, condition_of(0), samples, 3 * SUBJECT_DATA);
    add(samples, 3 * SUBJECT_DATA);
    subject_path path;
    read(x, golden_x_0, SUBJECT_DATA);
    (void)subject_start(&path, x);
    while (subject_step_guided(number_of(GOLDEN_WEIGHT), &path, condition_of(0)) == 1) add(path.x, SUBJECT_DATA);
    say("guided", digest);
#endif
    read(x, golden_x_0, SUBJECT_DATA);
    machine_start_count();
    for (int k = 0; k < 8; k++) (void)subject_velocity(number_of(GOLDEN_TIME), x WITH(0), v);
    say("cost", machine_count() / 8);
    machine_paint_stack();
    (void)subject_sample(x WITH(0), v);
    say("stack", machine_used_stack());
    say("right", (uint64_t)right);
    return right ? 0 : 1;
}
