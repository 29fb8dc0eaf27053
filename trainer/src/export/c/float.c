/* $TITLE$: see MODEL.h. */
#include "MODEL.h"

#include <float.h>

/* -- The bits: each operation must be rounded to float by itself. -- */

#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#if defined(__ARM_FP) && defined(__thumb2__) && !defined(__ARM_NEON)
/* A Cortex-M with a floating-point unit. At -O2 and -O3, gcc would take a quarter more instructions. */
#pragma GCC optimize("fp-contract=off", "Os")
#else
#pragma GCC optimize("fp-contract=off")
#endif
#elif defined(_MSC_VER)
#pragma float_control(precise, on)
#pragma fp_contract(off)
#endif

#if defined(__FAST_MATH__) || defined(_M_FP_FAST) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__)
#error "MODEL.c needs exact float operations: compile it without -ffast-math, -Ofast or /fp:fast"
#endif
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__ > 0
#error "MODEL.c needs NaN: compile it without -ffinite-math-only"
#endif
/* 16 says that only half precision is evaluated otherwise. */
#if !defined(FLT_EVAL_METHOD) || (FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 16)
#error "MODEL.c needs floats that are rounded after each operation: on x86, compile it with -msse2 -mfpmath=sse"
#endif
#if FLT_RADIX != 2 || FLT_MANT_DIG != 24 || FLT_MIN_EXP != -125 || FLT_MAX_EXP != 128
#error "MODEL.c needs a float that is IEEE-754's binary32"
#endif

/* -- Memory: const data stay in flash; an AVR must be told so. -- */

#if defined(__AVR__)
#include <avr/pgmspace.h>
#define MODEL_FLASH PROGMEM
#define MODEL_READ(at) pgm_read_float(at)
#define MODEL_READ_32(at) pgm_read_dword(at)
#else
#define MODEL_FLASH
#define MODEL_READ(at) (*(at))
#define MODEL_READ_32(at) (*(at))
#endif

/* Whether float operations are instructions. If they are calls, loops are smaller and as fast. */
#if defined(__AVR__) || (defined(__arm__) && !defined(__ARM_FP)) || (defined(__riscv) && !defined(__riscv_flen))
#define MODEL_FLOAT_UNIT 0
#else
#define MODEL_FLOAT_UNIT 1
#endif

/* -- The numbers. Weights lie in panels: 16 outputs side by side for each input, then the outputs that are left over. -- */

$NUMBERS$
/* -- Bits and NaN. -- */

static float model_from_bits(uint32_t bits) {
    union {
        uint32_t bits;
        float number;
    } both;
    both.bits = bits;
    return both.number;
}

static uint32_t model_bits(float x) {
    union {
        float number;
        uint32_t bits;
    } both;
    both.number = x;
    return both.bits;
}

/* Every NaN that leaves this file has the same bits. */
static float model_canonical(float x) { return x != x ? model_from_bits(0x7fc00000u) : x; }

/* -- The activation. -- */

//#if gelu
/* x times the normal distribution function of x: 0.5 x + x^2 P(x^2 - 13) for x^2 < 26. */
static float model_activation(float x) {
    const float square = x * x;
    /* NaN fails this comparison, and the polynomial returns a NaN. */
    if (square >= 26.0f) return x > 0.0f ? x : 0.0f;
    const float y = square - 13.0f;
    float sum = -1.15614222e-18f;
    sum = sum * y + 4.08536e-17f;
    sum = sum * y + -5.69305e-16f;
    sum = sum * y + 1.1829434e-14f;
    sum = sum * y + -3.9206537e-13f;
    sum = sum * y + 9.298057e-12f;
    sum = sum * y + -1.8455935e-10f;
    sum = sum * y + 3.551159e-9f;
    sum = sum * y + -6.491979e-8f;
    sum = sum * y + 1.1124937e-6f;
    sum = sum * y + -1.830353e-5f;
    sum = sum * y + 3.0050988e-4f;
    sum = sum * y + -5.30892e-3f;
    sum = sum * y + 0.13863187f;
    return 0.5f * x + square * sum;
}
//#endif
//#if relu
static float model_activation(float x) {
    /* NaN fails this comparison, so it is returned. */
    return x <= 0.0f ? 0.0f : x;
}
//#endif
//#if exponential
/* e^r - 1 for x = n ln 2 + r, after Cody and Waite; writes n. For -104 <= x <= 89. */
static float model_split(float x, uint32_t *n) {
    /* Adding 1.5 * 2^23 puts the nearest integer into the last bits of the sum. */
    const float shifted = x * 1.44269502f + 12582912.0f;
    const float integer = shifted - 12582912.0f;
    const float r = x - integer * 0.6933594f - integer * -2.1219444e-4f;
    float tail = 0.001394121f;
    tail = tail * r + 0.008363235f;
    tail = tail * r + 0.041666374f;
    tail = tail * r + 0.16666576f;
    tail = tail * r + 0.5f;
    *n = model_bits(shifted) - 0x4b400000u;
    return r + r * r * tail;
}

/* 2^n for -126 <= n <= 127. */
static float model_power_of_two(uint32_t n) { return model_from_bits((n + 127u) << 23); }

//#endif
//#if exp
/* e^x for -87 <= x <= 88. */
static float model_exp(float x) {
    uint32_t n;
    const float p = model_split(x, &n);
    return (1.0f + p) * model_power_of_two(n);
}

//#endif
//#if expm1
/* e^x - 1 for -18 <= x <= 88. */
static float model_expm1(float x) {
    uint32_t n;
    const float p = model_split(x, &n);
    const float s = model_power_of_two(n - 1u);
    return 2.0f * (s * p + (s - 0.5f));
}

//#endif
//#if gelu_tanh
/* 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) */
static float model_activation(float x) {
    float y = x > 9.0f ? 9.0f : x;
    y = y < -9.0f ? -9.0f : y;
    const float twice = 1.595769f * (y + 0.044715f * (y * y * y));
    float activated = x / (1.0f + model_exp(-twice));
    activated = x > 9.0f ? x : activated;
    return x < -9.0f ? 0.0f : activated;
}
//#endif
//#if silu
/* x / (1 + e^-x) */
static float model_activation(float x) {
    const float bounded = x > 87.0f ? 87.0f : x;
    const float y = x / (1.0f + model_exp(-bounded));
    return x < -88.0f ? 0.0f : y;
}
//#endif
//#if mish
/* x tanh(ln(1 + e^x)) */
static float model_activation(float x) {
    const float u = model_exp(x > 20.0f ? 20.0f : x);
    const float n = u * (u + 2.0f);
    const float y = x * (n / (n + 2.0f));
    return x < -87.0f ? 0.0f : y;
}
//#endif
//#if tanh
static float model_activation(float x) {
    const float size = model_from_bits(model_bits(x) & 0x7fffffffu);
    const float e = model_expm1(2.0f * (size > 10.0f ? 10.0f : size));
    const float y = e / (e + 2.0f);
    return model_from_bits((model_bits(y) & 0x7fffffffu) | (model_bits(x) & 0x80000000u));
}
//#endif
//#if elu
/* x above 0, e^x - 1 below. */
static float model_activation(float x) {
    if (x > -8.7e-19f) return x;
    return model_expm1(x < -18.0f ? -18.0f : x);
}
//#endif
//#if selu
/* The exponential linear unit, scaled. */
static float model_activation(float x) {
    if (x > 0.0f) return 1.050701f * x;
    if (x > -8.7e-19f) return 1.7580993f * x;
    return 1.7580993f * model_expm1(x < -18.0f ? -18.0f : x);
}
//#endif

/* -- The network. -- */

#if MODEL_FLOAT_UNIT
/* Computes 16 outputs. Each has its own sum, to which the products are added in the order of the inputs. */
static void model_panel(float *out, const float *start, const float *weights, const float *inputs, uint32_t count) {
    float s0 = start[0], s1 = start[1], s2 = start[2], s3 = start[3];
    float s4 = start[4], s5 = start[5], s6 = start[6], s7 = start[7];
    float s8 = start[8], s9 = start[9], s10 = start[10], s11 = start[11];
    float s12 = start[12], s13 = start[13], s14 = start[14], s15 = start[15];
    for (; count > 0; count--, weights += 16) {
        const float y = *inputs++;
        s0 += weights[0] * y;
        s1 += weights[1] * y;
        s2 += weights[2] * y;
        s3 += weights[3] * y;
        s4 += weights[4] * y;
        s5 += weights[5] * y;
        s6 += weights[6] * y;
        s7 += weights[7] * y;
        s8 += weights[8] * y;
        s9 += weights[9] * y;
        s10 += weights[10] * y;
        s11 += weights[11] * y;
        s12 += weights[12] * y;
        s13 += weights[13] * y;
        s14 += weights[14] * y;
        s15 += weights[15] * y;
    }
    out[0] = s0, out[1] = s1, out[2] = s2, out[3] = s3;
    out[4] = s4, out[5] = s5, out[6] = s6, out[7] = s7;
    out[8] = s8, out[9] = s9, out[10] = s10, out[11] = s11;
    out[12] = s12, out[13] = s13, out[14] = s14, out[15] = s15;
}
#endif

/* Computes one output, whose weights are `stride` apart. */
static float model_output(float sum, const float *weights, uint32_t stride, const float *inputs, uint32_t count) {
    for (; count > 0; count--, weights += stride) sum += MODEL_READ(weights) * *inputs++;
    return sum;
}

/* out = start + weights * inputs. Without `start`, the sums begin at what `out` holds. */
static void model_layer(float *out, uint32_t outputs, const float *start, const float *weights, const float *inputs,
                        uint32_t count) {
    while (outputs > 0) {
        const uint32_t width = outputs >= 16 ? 16 : 1;
#if MODEL_FLOAT_UNIT
        if (width == 16) {
            model_panel(out, start ? start : out, weights, inputs, count);
        } else {
            out[0] = model_output(start ? *start : out[0], weights, 1, inputs, count);
        }
#else
        for (uint32_t k = 0; k < width; k++) {
            out[k] = model_output(start ? MODEL_READ(start + k) : out[k], weights + k, width, inputs, count);
        }
#endif
        outputs -= width;
        out += width;
        weights += width * count;
        if (start) start += width;
    }
}

static void model_activate(float *units) {
    for (uint32_t k = 0; k < MODEL_WIDTH; k++) units[k] = model_activation(units[k]);
}

//#if condition
/* A condition as the steps need it: the first layer's sums with the condition's terms, once for all evaluations. */
typedef struct {
    float prefix[MODEL_WIDTH];
//#if guidance
    float null_prefix[MODEL_WIDTH]; /* without a condition */
    float weight;
    int guided;
//#endif
} model_field;

static float model_flow_units(float x, float mean, float scale) { return scale == 0.0f ? 0.0f : (x - mean) / scale; }

static void model_prefix(float *prefix, const float *condition) {
    float inputs[MODEL_CONDITIONS];
    for (uint32_t k = 0; k < MODEL_CONDITIONS; k++) {
        /* Without a condition, the mean stands for it: 0 in flow units. */
        inputs[k] = condition ? model_flow_units(condition[k], MODEL_READ(model_condition_mean + k),
                                                 MODEL_READ(model_condition_scale + k))
                              : 0.0f;
    }
    model_layer(prefix, MODEL_WIDTH, model_first_bias, model_condition_weights, inputs, MODEL_CONDITIONS);
}

//#endif
/* Writes the velocity. */
static void model_evaluate($PREFIX$float t, const float *x, float *v) {
    float units[MODEL_WIDTH];
//#if hidden
    float others[MODEL_WIDTH];
    float *from = units, *to = others;
//#endif
    float inputs[1 + MODEL_DATA];
    inputs[0] = t;
    for (uint32_t k = 0; k < MODEL_DATA; k++) inputs[1 + k] = x[k];
//#if condition
    for (uint32_t k = 0; k < MODEL_WIDTH; k++) units[k] = prefix[k];
    model_layer(units, MODEL_WIDTH, 0, model_first_weights, inputs, 1 + MODEL_DATA);
//#else
    model_layer(units, MODEL_WIDTH, model_first_bias, model_first_weights, inputs, 1 + MODEL_DATA);
//#endif
    model_activate(units);
//#if hidden
    for (uint32_t l = 0; l < MODEL_HIDDEN_LAYERS; l++) {
        model_layer(to, MODEL_WIDTH, model_hidden_biases[l], model_hidden_weights[l], from, MODEL_WIDTH);
        model_activate(to);
        float *const swap = from;
        from = to;
        to = swap;
    }
    model_layer(v, MODEL_DATA, model_last_bias, model_last_weights, from, MODEL_WIDTH);
//#else
    model_layer(v, MODEL_DATA, model_last_bias, model_last_weights, units, MODEL_WIDTH);
//#endif
    for (uint32_t k = 0; k < MODEL_DATA; k++) v[k] = model_canonical(v[k]);
}

//#if condition
static void model_field_velocity(const model_field *field, float t, const float *x, float *v) {
//#if guidance
    if (field->guided) {
        float u[MODEL_DATA];
        model_evaluate(field->null_prefix, t, x, u);
        model_evaluate(field->prefix, t, x, v);
        for (uint32_t k = 0; k < MODEL_DATA; k++) {
            const float more = (v[k] - u[k]) * field->weight;
            v[k] = model_canonical(u[k] + more);
        }
        return;
    }
//#endif
    model_evaluate(field->prefix, t, x, v);
}

//#endif
/* -- The solver: $METHOD$. -- */

static float model_advanced(float x, float v, float dt) {
    const float change = v * dt;
    return model_canonical(x + change);
}

/* The time before step i. */
static float model_time(uint32_t i) {
//#if uniform
    return (float)i / $N$.0f;
//#else
    return MODEL_READ(model_times + i);
//#endif
}

static int model_take_step($FIELD$model_path *path) {
    if (path->i >= MODEL_STEPS) return MODEL_OK;
    const float t = model_time(path->i);
    const float dt = model_time(path->i + 1) - t;
    float *const x = path->x;
    float v[MODEL_DATA];
    $EVALUATE$t, x, v);
//#if euler
    for (uint32_t k = 0; k < MODEL_DATA; k++) x[k] = model_advanced(x[k], v[k], dt);
//#endif
//#if midpoint
    const float half = dt * 0.5f;
    float point[MODEL_DATA];
    for (uint32_t k = 0; k < MODEL_DATA; k++) point[k] = model_advanced(x[k], v[k], half);
    $EVALUATE$t + half, point, v);
    for (uint32_t k = 0; k < MODEL_DATA; k++) x[k] = model_advanced(x[k], v[k], dt);
//#endif
//#if heun
    float point[MODEL_DATA], v_2[MODEL_DATA];
    for (uint32_t k = 0; k < MODEL_DATA; k++) point[k] = model_advanced(x[k], v[k], dt);
    $EVALUATE$t + dt, point, v_2);
    for (uint32_t k = 0; k < MODEL_DATA; k++) x[k] = model_advanced(x[k], v[k] + v_2[k], dt * 0.5f);
//#endif
//#if rk4
    const float half = dt * 0.5f, sixth = dt / 6.0f;
    float point[MODEL_DATA], v_2[MODEL_DATA], v_3[MODEL_DATA], v_4[MODEL_DATA];
    for (uint32_t k = 0; k < MODEL_DATA; k++) point[k] = model_advanced(x[k], v[k], half);
    $EVALUATE$t + half, point, v_2);
    for (uint32_t k = 0; k < MODEL_DATA; k++) point[k] = model_advanced(x[k], v_2[k], half);
    $EVALUATE$t + half, point, v_3);
    for (uint32_t k = 0; k < MODEL_DATA; k++) point[k] = model_advanced(x[k], v_3[k], dt);
    $EVALUATE$t + dt, point, v_4);
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        x[k] = model_advanced(x[k], v[k] + 2.0f * v_2[k] + 2.0f * v_3[k] + v_4[k], sixth);
    }
//#endif
//#if ab2
    if (path->i == 0) {
        for (uint32_t k = 0; k < MODEL_DATA; k++) x[k] = model_advanced(x[k], v[k], dt);
    } else {
        const float lean = dt * 0.5f / (t - model_time(path->i - 1));
        for (uint32_t k = 0; k < MODEL_DATA; k++) {
            const float more = (v[k] - path->before[k]) * lean;
            x[k] = model_advanced(x[k], v[k] + more, dt);
        }
    }
    for (uint32_t k = 0; k < MODEL_DATA; k++) path->before[k] = v[k];
//#endif
    path->i++;
    return 1;
}

/* -- Noise: Philox4x32-10 and the quantile function of the normal distribution. -- */

//#include philox
/* The natural logarithm of a normal number between 0 and 1. */
static float model_ln(float x) {
    const uint32_t root = 0x3f3504f3u; /* the square root of 1/2 */
    const uint32_t shifted = model_bits(x) - root;
    const float exponent = (float)(int32_t)(shifted >> 23) - (shifted >> 31 ? 512.0f : 0.0f);
    const float z = model_from_bits((shifted & 0x007fffffu) + root) - 1.0f;
    float sum = 0.087221004f;
    sum = sum * z + -0.14366718f;
    sum = sum * z + 0.14952303f;
    sum = sum * z + -0.16562413f;
    sum = sum * z + 0.19956832f;
    sum = sum * z + -0.25002074f;
    sum = sum * z + 0.33334187f;
    sum = sum * z + -0.49999988f;
    sum = sum * z + 1.0f;
    return exponent * 0.693147182f + z * sum;
}

/* The normal quantile of (word + 1/2) / 2^32. */
static float model_quantile(uint32_t word) {
    const int upper = word >> 31 != 0;
    const uint32_t rank = upper ? ~word : word;
    const float from_middle = (float)(0x7fffffffu - rank) + 0.5f;
    float size;
    if (from_middle <= 0.425f * 4294967296.0f) {
        const float y = from_middle / 4294967296.0f;
        const float r = 0.180625f - y * y;
        float above = 59.108036f;
        above = above * r + 159.28917f;
        above = above * r + 50.43403f;
        above = above * r + 3.3871326f;
        float below = 67.18632f;
        below = below * r + 78.756966f;
        below = below * r + 17.895098f;
        below = below * r + 1.0f;
        size = y * (above / below);
    } else {
        const float l = -model_ln(((float)rank + 0.5f) / 4294967296.0f);
        float above = 2.4534274e-5f;
        above = above * l + 0.008991812f;
        above = above * l + 0.30356595f;
        above = above * l + 1.7657033f;
        above = above * l + 0.677503f;
        above = above * l + -1.4067322f;
        float below = 5.015218e-4f;
        below = below * l + 0.047475398f;
        below = below * l + 0.7198679f;
        below = below * l + 2.216799f;
        below = below * l + 1.0f;
        size = above / below;
    }
    return upper ? size : -size;
}

/* -- Units. -- */

static void model_data_units(float *x) {
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        const float scaled = x[k] * MODEL_READ(model_data_scale + k);
        x[k] = model_canonical(scaled + MODEL_READ(model_data_mean + k));
    }
}

int model_from_data(float *x) {
    if (!x) return MODEL_NULL;
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        const float mean = MODEL_READ(model_data_mean + k), scale = MODEL_READ(model_data_scale + k);
        x[k] = model_canonical(scale == 0.0f ? 0.0f : (x[k] - mean) / scale);
    }
    return MODEL_OK;
}

/* -- The functions of MODEL.h. -- */

//#include functions
int model_self_test(void) {
    for (int step = 0; step < 4; step++) {
        /* volatile, so that this machine computes the step and not the compiler. */
        const volatile float time = MODEL_READ(model_test_t + step), length = MODEL_READ(model_test_dt + step);
        const float dt = length;
        float x[MODEL_DATA], v[MODEL_DATA];
        for (uint32_t k = 0; k < MODEL_DATA; k++) x[k] = model_from_bits(MODEL_READ_32(&model_test_x[step][k]));
//#if condition
        float condition[MODEL_CONDITIONS];
        for (uint32_t k = 0; k < MODEL_CONDITIONS; k++) condition[k] = MODEL_READ(&model_test_condition[step][k]);
//#endif
        (void)model_velocity(time, x,$condition$ v);
        for (uint32_t k = 0; k < MODEL_DATA; k++) {
            if (model_bits(model_advanced(x[k], v[k], dt)) != MODEL_READ_32(&model_test_next[step][k])) return step + 1;
        }
    }
    return MODEL_OK;
}
