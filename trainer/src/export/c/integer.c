/* $TITLE$: see MODEL.h. */
#include "MODEL.h"

/* All arithmetic is in whole numbers, so no compiler option changes a bit. The one condition, which all compilers in use
 * meet: a right shift of a negative number keeps its sign. */
#if (-1 >> 1) != -1
#error "MODEL.c needs arithmetic right shifts"
#endif

/* -- Memory: const data stay in flash; an AVR must be told so. -- */

#if defined(__AVR__)
#include <avr/pgmspace.h>
#define MODEL_FLASH PROGMEM
#define MODEL_READ_8(at) ((int8_t)pgm_read_byte(at))
#define MODEL_READ_16(at) ((int16_t)pgm_read_word(at))
#define MODEL_READ_32(at) ((int32_t)pgm_read_dword(at))
#else
#define MODEL_FLASH
#define MODEL_READ_8(at) (*(at))
#define MODEL_READ_16(at) (*(at))
#define MODEL_READ_32(at) (*(at))
#endif

/* How the products are computed. The order of additions is free, because no sum can overflow. */
#if defined(__ARM_FEATURE_SIMD32) && defined(__ARMEL__)
#define MODEL_PAIRS 1 /* a Cortex-M4, M7, M33: two products at once */
#elif defined(__thumb__) && !defined(__thumb2__) && defined(__ARMEL__)
#define MODEL_WORDS 1 /* a Cortex-M0: two numbers in a load */
#endif

/* Rows of weights and the numbers that they multiply begin at multiples of four bytes. */
#if defined(__GNUC__)
#define MODEL_ALIGNED __attribute__((aligned(4)))
#else
#define MODEL_ALIGNED
#endif

/* The functions in the loops must become a part of them, at every level. */
#if defined(__GNUC__)
#define MODEL_INLINE inline __attribute__((always_inline))
#else
#define MODEL_INLINE inline
#endif
#if defined(__GNUC__) && !defined(__clang__) && (defined(__OPTIMIZE_SIZE__) || !defined(__OPTIMIZE__))
/* At -Os, gcc would take a third more instructions for some hundred bytes. */
#pragma GCC optimize("O2")
#endif

#if defined(MODEL_PAIRS) || defined(MODEL_WORDS)
/* Loads a word from a multiple of four bytes. */
static MODEL_INLINE uint32_t model_word(const void *at) {
    uint32_t word;
    __builtin_memcpy(&word, __builtin_assume_aligned(at, 4), 4);
    return word;
}
#endif

/* -- The numbers. A weight matrix has a row for each output; zeros make the rows as long as the loops need. -- */

$NUMBERS$
/* -- Arithmetic. -- */

static int32_t model_saturate(int64_t x) {
    return x > INT32_MAX ? INT32_MAX : x < INT32_MIN ? INT32_MIN : (int32_t)x;
}

static MODEL_INLINE int16_t model_saturate_16(int32_t x) {
#if defined(__ARM_FEATURE_SAT) && defined(__GNUC__)
    return (int16_t)__builtin_arm_ssat(x, 16);
#else
    return (int16_t)(x > 32767 ? 32767 : x < -32768 ? -32768 : x);
#endif
}

/* x * factor / 2^shift, rounded half up. */
static int64_t model_scaled(int32_t x, int32_t factor, int8_t shift) {
    const int64_t half = shift > 0 ? (int64_t)1 << (shift - 1) : 0;
    return ((int64_t)x * factor + half) >> shift;
}

/* -- The activation, with 11 fraction bits: a straight line and a table of straight lines. -- */

//#if table
/* The table's value at the magnitude u of the argument. */
static MODEL_INLINE int32_t model_table(const int16_t (*lines)[2], uint32_t count, uint32_t u) {
    if (u > (count << $SEGMENT$) - 1) u = (count << $SEGMENT$) - 1;
    const uint32_t k = u >> $SEGMENT$, r = u & ((1u << $SEGMENT$) - 1);
    const int32_t value = MODEL_READ_16(&lines[k][0]), slope = MODEL_READ_16(&lines[k][1]);
    return (value * 2048 + slope * (int32_t)r) >> 14;
}

//#endif
static MODEL_INLINE int32_t model_activation(int32_t z) {
//#if relu
    return z > 0 ? z : 0;
//#else
    const uint32_t u = z < 0 ? (uint32_t)-z : (uint32_t)z;
//#endif
//#if gate
    return (z > 0 ? z : 0) - model_table(model_lines, $LINES$, u);
//#endif
//#if tanh
    const int32_t value = model_table(model_lines, $LINES$, u);
    return z < 0 ? -value : value;
//#endif
//#if elu
    return z < 0 ? -model_table(model_lines, $LINES$, u) : z;
//#endif
//#if selu
    if (z < 0) return -model_table(model_lines, $LINES$, u);
    return (int32_t)(((int64_t)z * 1128181595 + ((int32_t)1 << 29)) >> 30);
//#endif
//#if mish
    if (z < 0) return -model_table(model_lines, $LINES$, u);
    return z - model_table(model_positive_lines, $POSITIVE_LINES$, u);
//#endif
}

/* A hidden unit with `bits` fewer fraction bits, from its sum. */
static MODEL_INLINE int16_t model_unit(int32_t sum, int8_t shift, int8_t bits) {
    const int32_t half = (int32_t)1 << bits >> 1;
    return model_saturate_16((model_activation(sum >> shift) + half) >> bits);
}

/* -- Products: sums + weights * inputs, for rows of weights that follow each other. -- */

/* One row of 16-bit weights. */
static int32_t model_row(int32_t sum, const int16_t *weights, const int16_t *inputs, uint32_t count) {
    for (; count > 0; count--) sum += (int32_t)MODEL_READ_16(weights++) * *inputs++;
    return sum;
}

/* Four rows of 16-bit weights. `count` is even. */
#if defined(MODEL_WORDS)
/* Two rows, because a Cortex-M0 has eight registers for them. Not inlined, because other variables would take some. */
static __attribute__((noinline)) void model_two_rows(int32_t *sums, const int16_t *weights, const int16_t *inputs,
                                                     uint32_t count) {
    const int16_t *const end = inputs + count;
    int32_t s_0 = sums[0], s_1 = sums[1];
    do {
        uint32_t word = model_word(inputs);
        const int32_t even = (int16_t)word, odd = (int32_t)word >> 16;
        word = model_word(weights);
        s_0 += (int16_t)word * even;
        s_0 += ((int32_t)word >> 16) * odd;
        word = model_word(weights + count);
        s_1 += (int16_t)word * even;
        s_1 += ((int32_t)word >> 16) * odd;
        inputs += 2, weights += 2;
    } while (inputs != end);
    sums[0] = s_0, sums[1] = s_1;
}

static void model_rows(int32_t *sums, const int16_t *weights, const int16_t *inputs, uint32_t count) {
    model_two_rows(sums, weights, inputs, count);
    model_two_rows(sums + 2, weights + 2 * count, inputs, count);
}
#else
/* Adds the products of two inputs, at `at` from the pointers, to four sums. The rows are `count` apart. */
#if defined(MODEL_PAIRS)
#define MODEL_TWO(sum, row, at) \
    sum = __builtin_arm_smlad((int32_t)model_word(weights + (row) * count + (at)), (int32_t)model_word(inputs + (at)), sum);
#define MODEL_STEP(at) MODEL_TWO(s_0, 0, at) MODEL_TWO(s_1, 1, at) MODEL_TWO(s_2, 2, at) MODEL_TWO(s_3, 3, at)
#else
#define MODEL_ONE(sum, row, at) sum += (int32_t)MODEL_READ_16(weights + (row) * count + (at)) * inputs[at];
#define MODEL_STEP(at) \
    MODEL_ONE(s_0, 0, at) MODEL_ONE(s_1, 1, at) MODEL_ONE(s_2, 2, at) MODEL_ONE(s_3, 3, at) \
    MODEL_ONE(s_0, 0, at + 1) MODEL_ONE(s_1, 1, at + 1) MODEL_ONE(s_2, 2, at + 1) MODEL_ONE(s_3, 3, at + 1)
#endif

static MODEL_INLINE void model_rows(int32_t *sums, const int16_t *weights, const int16_t *inputs, uint32_t count) {
    int32_t s_0 = sums[0], s_1 = sums[1], s_2 = sums[2], s_3 = sums[3];
    const int16_t *const end = inputs + count;
    if (count % 4 != 0) {
        MODEL_STEP(0)
        inputs += 2, weights += 2;
    }
    for (; inputs != end; inputs += 4, weights += 4) {
        MODEL_STEP(0)
        MODEL_STEP(2)
    }
    sums[0] = s_0, sums[1] = s_1, sums[2] = s_2, sums[3] = s_3;
}
#endif

//#if rows_8
/* Four rows of 8-bit weights. `count` is a multiple of 4. Of each four weights, the second and the third have changed
 * places, so that one instruction extends the first two and one the others. */
#if defined(MODEL_PAIRS)
static MODEL_INLINE int32_t model_four(int32_t sum, const int8_t *weights, int32_t pair, int32_t next) {
    uint32_t four = model_word(weights);
    sum = __builtin_arm_smlad((int32_t)__builtin_arm_sxtb16((int32_t)four), pair, sum);
    four = four >> 8 | four << 24;
    return __builtin_arm_smlad((int32_t)__builtin_arm_sxtb16((int32_t)four), next, sum);
}
#define MODEL_FOUR(sum, row) sum = model_four(sum, weights + (row) * count, pair, next);
#define MODEL_LOAD const int32_t pair = (int32_t)model_word(inputs), next = (int32_t)model_word(inputs + 2);
#elif defined(MODEL_WORDS)
#define MODEL_FOUR(sum, row) \
    word = model_word(weights + (row) * count); \
    sum += (int8_t)word * x_0; \
    sum += (int8_t)(word >> 16) * x_1; \
    sum += (int8_t)(word >> 8) * x_2; \
    sum += ((int32_t)word >> 24) * x_3;
#define MODEL_LOAD \
    uint32_t word = model_word(inputs); \
    const int32_t x_0 = (int16_t)word, x_1 = (int32_t)word >> 16; \
    word = model_word(inputs + 2); \
    const int32_t x_2 = (int16_t)word, x_3 = (int32_t)word >> 16;
#else
#define MODEL_FOUR(sum, row) \
    sum += (int32_t)MODEL_READ_8(weights + (row) * count) * x_0; \
    sum += (int32_t)MODEL_READ_8(weights + (row) * count + 2) * x_1; \
    sum += (int32_t)MODEL_READ_8(weights + (row) * count + 1) * x_2; \
    sum += (int32_t)MODEL_READ_8(weights + (row) * count + 3) * x_3;
#define MODEL_LOAD const int16_t x_0 = inputs[0], x_1 = inputs[1], x_2 = inputs[2], x_3 = inputs[3];
#endif

static MODEL_INLINE void model_rows_8(int32_t *sums, const int8_t *weights, const int16_t *inputs, uint32_t count) {
    int32_t s_0 = sums[0], s_1 = sums[1], s_2 = sums[2], s_3 = sums[3];
    const int16_t *const end = inputs + count;
    for (; inputs != end; inputs += 4, weights += 4) {
        MODEL_LOAD
        MODEL_FOUR(s_0, 0)
        MODEL_FOUR(s_1, 1)
        MODEL_FOUR(s_2, 2)
        MODEL_FOUR(s_3, 3)
    }
    sums[0] = s_0, sums[1] = s_1, sums[2] = s_2, sums[3] = s_3;
}

//#endif
//#if rows_4
/* Four rows of 4-bit weights, eight in a word, each plus 8: the sums begin without what the 8s add. `count` is a multiple
 * of 8. The low half of a word has the weights of the even inputs, the high half those of the odd ones. The sums may wrap
 * on the way, which is why they are unsigned. */
static MODEL_INLINE uint32_t model_wide(int16_t x) { return (uint32_t)(int32_t)x; }

/* What the 8s add to each output. */
static uint32_t model_eights(const int16_t *inputs, uint32_t count) {
    uint32_t all = 0;
    for (uint32_t k = 0; k < count; k++) all += model_wide(inputs[k]);
    return 8 * all;
}

/* Adds the products of inputs 2k and 2k + 1. */
#if defined(MODEL_PAIRS)
#define MODEL_NIBBLES(sum, k) \
    sum = (uint32_t)__builtin_arm_smlad((int32_t)(word >> (4 * (k)) & 0x000f000fu), \
                                        (int32_t)model_word(inputs + 2 * (k)), (int32_t)sum);
#else
#define MODEL_NIBBLES(sum, k) \
    sum += (word >> (4 * (k)) & 15u) * model_wide(inputs[2 * (k)]); \
    sum += (word >> (4 * (k) + 16) & 15u) * model_wide(inputs[2 * (k) + 1]);
#endif
#define MODEL_EIGHT(sum, row) \
    word = (uint32_t)MODEL_READ_32(weights + (row) * words); \
    MODEL_NIBBLES(sum, 0) MODEL_NIBBLES(sum, 1) MODEL_NIBBLES(sum, 2) MODEL_NIBBLES(sum, 3)

static MODEL_INLINE void model_rows_4(int32_t *sums, const uint32_t *weights, const int16_t *inputs, uint32_t count) {
    const uint32_t words = count / 8;
    uint32_t s_0 = (uint32_t)sums[0], s_1 = (uint32_t)sums[1], s_2 = (uint32_t)sums[2], s_3 = (uint32_t)sums[3];
    const int16_t *const end = inputs + count;
    for (; inputs != end; inputs += 8, weights++) {
        uint32_t word;
        MODEL_EIGHT(s_0, 0)
        MODEL_EIGHT(s_1, 1)
        MODEL_EIGHT(s_2, 2)
        MODEL_EIGHT(s_3, 3)
    }
    sums[0] = (int32_t)s_0, sums[1] = (int32_t)s_1, sums[2] = (int32_t)s_2, sums[3] = (int32_t)s_3;
}

//#endif
/* -- The network. -- */

/* Hidden units with the zeros that fill them up, and the inputs of the first layer. */
#define MODEL_UNITS $UNITS$
#define MODEL_INPUTS $INPUTS$
//#if condition
#define MODEL_CONDITION_INPUTS $CONDITION_INPUTS$

/* A condition as the steps need it: the first layer's sums with the condition's terms, once for all evaluations. */
typedef struct {
    int32_t prefix[MODEL_UNITS];
//#if guidance
    int32_t null_prefix[MODEL_UNITS]; /* without a condition */
    int32_t weight;
    int guided;
//#endif
} model_field;

static void model_prefix(int32_t *prefix, const int32_t *condition) {
    int16_t inputs[MODEL_CONDITION_INPUTS];
    for (uint32_t k = 0; k < MODEL_CONDITION_INPUTS; k++) {
        inputs[k] = 0;
        /* Without a condition, the mean stands for it: 0 in flow units. */
        if (k >= MODEL_CONDITIONS || !condition) continue;
        const int32_t from_mean = model_saturate((int64_t)condition[k] - MODEL_READ_32(model_condition_mean + k));
        const int32_t scale = MODEL_READ_32(model_condition_scale + k);
        inputs[k] = model_saturate_16(model_saturate(model_scaled(from_mean, scale, MODEL_READ_8(model_condition_shift + k))));
    }
    for (uint32_t o = 0; o < MODEL_UNITS; o++) {
        prefix[o] = model_row(MODEL_READ_32(model_first_bias + o), model_condition_weights[o], inputs,
                              MODEL_CONDITION_INPUTS);
    }
}

//#endif
/* Writes the velocity. */
static void model_evaluate($PREFIX$int32_t t, const int32_t *x, int32_t *v) {
    int16_t units[MODEL_UNITS] MODEL_ALIGNED;
//#if hidden
    int16_t others[MODEL_UNITS] MODEL_ALIGNED;
    int16_t *from = units, *to = others;
//#else
    const int16_t *const from = units;
//#endif
    int16_t inputs[MODEL_INPUTS] MODEL_ALIGNED;
    inputs[0] = model_saturate_16((int32_t)(((int64_t)t + 32768) >> 16));
    for (uint32_t k = 1; k < MODEL_INPUTS; k++) {
        inputs[k] = 0;
        if (k <= MODEL_DATA) {
            inputs[k] = model_saturate_16(model_saturate(((int64_t)x[k - 1] + $POINT_HALF$) >> $POINT_SHIFT$));
        }
    }
    for (uint32_t o = 0; o < MODEL_UNITS; o += 4) {
        int32_t sums[4];
//#if condition
        for (uint32_t k = 0; k < 4; k++) sums[k] = prefix[o + k];
//#else
        for (uint32_t k = 0; k < 4; k++) sums[k] = MODEL_READ_32(model_first_bias + o + k);
//#endif
        model_rows(sums, model_first_weights[o], inputs, MODEL_INPUTS);
        for (uint32_t k = 0; k < 4; k++) {
            units[o + k] = model_unit(sums[k], MODEL_READ_8(model_first_shift + o + k), $FIRST_BITS$);
        }
    }
//#if hidden
    for (uint32_t l = 0; l < MODEL_HIDDEN_LAYERS; l++) {
        const int8_t bits = MODEL_READ_8(model_hidden_bits + l);
//#if rows_4
        const uint32_t eights = model_eights(from, MODEL_UNITS);
//#endif
        for (uint32_t o = 0; o < MODEL_UNITS; o += 4) {
            int32_t sums[4];
//#if rows_4
            for (uint32_t k = 0; k < 4; k++) {
                sums[k] = (int32_t)((uint32_t)MODEL_READ_32(&model_hidden_biases[l][o + k]) - eights);
            }
//#else
            for (uint32_t k = 0; k < 4; k++) sums[k] = MODEL_READ_32(&model_hidden_biases[l][o + k]);
//#endif
            $ROWS$(sums, model_hidden_weights[l][o], from, MODEL_UNITS);
            for (uint32_t k = 0; k < 4; k++) {
                to[o + k] = model_unit(sums[k], MODEL_READ_8(&model_hidden_shifts[l][o + k]), bits);
            }
        }
        int16_t *const swap = from;
        from = to;
        to = swap;
    }
//#endif
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        const int32_t sum = model_row(MODEL_READ_32(model_last_bias + k), model_last_weights[k], from, MODEL_UNITS);
        const int8_t shift = MODEL_READ_8(model_last_shift + k);
        v[k] = shift >= 0 ? sum >> shift : model_saturate((int64_t)sum * ((int64_t)1 << -shift));
    }
}

//#if condition
static void model_field_velocity(const model_field *field, int32_t t, const int32_t *x, int32_t *v) {
//#if guidance
    if (field->guided) {
        int32_t u[MODEL_DATA];
        model_evaluate(field->null_prefix, t, x, u);
        model_evaluate(field->prefix, t, x, v);
        for (uint32_t k = 0; k < MODEL_DATA; k++) {
            const int32_t change = model_saturate((int64_t)v[k] - u[k]);
            v[k] = model_saturate(u[k] + model_scaled(change, field->weight, 16));
        }
        return;
    }
//#endif
    model_evaluate(field->prefix, t, x, v);
}

//#endif
/* -- The solver: $METHOD$. Each step is computed in 64 bits and rounded once, half up. -- */

/* x + change / 2^30, for a velocity times a time. */
static int32_t model_moved(int32_t x, int64_t change) { return model_saturate(x + ((change + ((int32_t)1 << 29)) >> 30)); }

static int32_t model_advanced(int32_t x, int32_t v, int32_t dt) { return model_moved(x, (int64_t)v * dt); }

static int model_take_step($FIELD$model_path *path) {
    if (path->i >= MODEL_STEPS) return MODEL_OK;
    const int32_t t = MODEL_READ_32(model_times + path->i);
    const int32_t dt = MODEL_READ_32(model_times + path->i + 1) - t;
    int32_t *const x = path->x;
    int32_t v[MODEL_DATA];
    $EVALUATE$t, x, v);
//#if euler
    for (uint32_t k = 0; k < MODEL_DATA; k++) x[k] = model_advanced(x[k], v[k], dt);
//#endif
//#if midpoint
    const int32_t half = (dt + 1) >> 1;
    int32_t point[MODEL_DATA];
    for (uint32_t k = 0; k < MODEL_DATA; k++) point[k] = model_advanced(x[k], v[k], half);
    $EVALUATE$t + half, point, v);
    for (uint32_t k = 0; k < MODEL_DATA; k++) x[k] = model_advanced(x[k], v[k], dt);
//#endif
//#if heun
    const int32_t half = (dt + 1) >> 1;
    int32_t point[MODEL_DATA], v_2[MODEL_DATA];
    for (uint32_t k = 0; k < MODEL_DATA; k++) point[k] = model_advanced(x[k], v[k], dt);
    $EVALUATE$t + dt, point, v_2);
    for (uint32_t k = 0; k < MODEL_DATA; k++) x[k] = model_moved(x[k], ((int64_t)v[k] + v_2[k]) * half);
//#endif
//#if rk4
    const int32_t half = (dt + 1) >> 1, sixth = (dt + 3) / 6;
    int32_t point[MODEL_DATA], v_2[MODEL_DATA], v_3[MODEL_DATA], v_4[MODEL_DATA];
    for (uint32_t k = 0; k < MODEL_DATA; k++) point[k] = model_advanced(x[k], v[k], half);
    $EVALUATE$t + half, point, v_2);
    for (uint32_t k = 0; k < MODEL_DATA; k++) point[k] = model_advanced(x[k], v_2[k], half);
    $EVALUATE$t + half, point, v_3);
    for (uint32_t k = 0; k < MODEL_DATA; k++) point[k] = model_advanced(x[k], v_3[k], dt);
    $EVALUATE$t + dt, point, v_4);
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        x[k] = model_moved(x[k], (v[k] + 2 * ((int64_t)v_2[k] + v_3[k]) + v_4[k]) * sixth);
    }
//#endif
//#if ab2
    /* dt^2 / (2 dt_before); 0 for the first step, which is a step of Euler's method. */
    const int32_t lean = MODEL_READ_32(model_leans + path->i);
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        x[k] = model_moved(x[k], (int64_t)v[k] * dt + ((int64_t)v[k] - path->before[k]) * lean);
    }
    for (uint32_t k = 0; k < MODEL_DATA; k++) path->before[k] = v[k];
//#endif
    path->i++;
    return 1;
}

/* -- Noise: Philox4x32-10 and the quantile function of the normal distribution. -- */

//#include philox
/* Cubic polynomials of the normal quantile in the position within a quarter of an octave of the tail probability, with 20
 * fraction bits. */
static const int32_t model_cubics[128][2] MODEL_FLASH = {
//#include cubics
};
static const int16_t model_cubics_low[128][2] MODEL_FLASH = {
//#include cubics_low
};

/* The normal quantile of (word + 1/2) / 2^32. */
static int32_t model_quantile(uint32_t word) {
    const int upper = word >> 31 != 0;
    const uint32_t rank = upper ? ~word : word;
    uint32_t p = 2 * rank + 1, octave = 0;
    for (; p >> 31 == 0; octave++) p <<= 1;
    const uint32_t fraction = p << 1, part = octave * 4 + (fraction >> 30);
    const int32_t r = (int32_t)(fraction & 0x3fffffffu), close = r >> 15;
    const int32_t c_2 = MODEL_READ_16(&model_cubics_low[part][0]), c_3 = MODEL_READ_16(&model_cubics_low[part][1]);
    int32_t sum = c_2 + ((c_3 * close) >> 15);
    sum = MODEL_READ_32(&model_cubics[part][1]) + ((sum * close) >> 15);
    const int32_t size =
        MODEL_READ_32(&model_cubics[part][0]) + (int32_t)(((int64_t)sum * r + ((int32_t)1 << 29)) >> 30);
    return upper ? size : -size;
}

/* -- Units. -- */

static void model_data_units(int32_t *x) {
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        const int32_t scale = MODEL_READ_32(model_data_scale + k), mean = MODEL_READ_32(model_data_mean + k);
        x[k] = model_saturate(model_scaled(x[k], scale, MODEL_READ_8(model_data_shift + k)) + mean);
    }
}

int model_from_data(int32_t *x) {
    if (!x) return MODEL_NULL;
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        const int32_t inverse = MODEL_READ_32(model_data_inverse + k);
        const int32_t from_mean = model_saturate((int64_t)x[k] - MODEL_READ_32(model_data_mean + k));
        x[k] = model_saturate(model_scaled(from_mean, inverse, MODEL_READ_8(model_data_inverse_shift + k)));
    }
    return MODEL_OK;
}

/* -- The functions of MODEL.h. -- */

//#include functions
int model_self_test(void) {
    for (int step = 0; step < 4; step++) {
        /* volatile, so that this machine computes the step and not the compiler. */
        const volatile int32_t time = MODEL_READ_32(model_test_t + step);
        const int32_t dt = MODEL_READ_32(model_test_dt + step);
        int32_t x[MODEL_DATA], v[MODEL_DATA];
        for (uint32_t k = 0; k < MODEL_DATA; k++) x[k] = MODEL_READ_32(&model_test_x[step][k]);
//#if condition
        int32_t condition[MODEL_CONDITIONS];
        for (uint32_t k = 0; k < MODEL_CONDITIONS; k++) condition[k] = MODEL_READ_32(&model_test_condition[step][k]);
//#endif
        (void)model_velocity(time, x,$condition$ v);
        for (uint32_t k = 0; k < MODEL_DATA; k++) {
            if (model_advanced(x[k], v[k], dt) != MODEL_READ_32(&model_test_next[step][k])) return step + 1;
        }
    }
    return MODEL_OK;
}
