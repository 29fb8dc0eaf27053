/* The kernels of a training iteration. NVRTC compiles them for cards; a C compiler compiles the same text for the
   processor, where one thread does all the work, for tests.

   Each kernel takes a count n and a struct of arguments, which machine.rs declares alike. Matrices are row by row. */

typedef unsigned int u32;
typedef unsigned long long u64;

#ifdef __CUDACC_RTC__
#define KERNEL(name, Arguments) extern "C" __global__ void name(u64 n, struct Arguments a)
#define FUNCTION static __device__ __forceinline__
#define EACH(i, n)                                                                                                   \
    for (u64 i = blockIdx.x * (u64)blockDim.x + threadIdx.x; i < (n); i += (u64)gridDim.x * blockDim.x)
#define BLOCK (blockIdx.y * (u64)gridDim.x + blockIdx.x)
#define FIRST (threadIdx.x == 0)
/* Each thread of the only block. */
#define EACH_OF_BLOCK(i, n) for (u32 i = threadIdx.x; i < (n); i += blockDim.x)

/* For sums over the rows of a matrix: a block has 32 columns, eight threads each, and every gridDim.y-th group of eight
   rows. All threads come to column_sum(), also those beyond the last column. */
#define EACH_COLUMN(column, width)                                                                                   \
    for (u32 column = blockIdx.x * 32 + threadIdx.x % 32, once = 1; once; once = 0)
#define EACH_ROW(row, rows)                                                                                          \
    for (u64 row = blockIdx.y * 8 + threadIdx.x / 32; row < (rows); row += (u64)gridDim.y * 8)
#define CHUNK blockIdx.y
#define FIRST_OF_COLUMN (threadIdx.x < 32)
/* The first `tiles` blocks, and the numbers below n among the others. */
#define IN_TILES(tiles) (blockIdx.x < (tiles))
#define EACH_AFTER_TILES(i, n, tiles)                                                                                \
    for (u64 i = (blockIdx.x - (tiles)) * (u64)blockDim.x + threadIdx.x; blockIdx.x >= (tiles) && i < (n);           \
         i += (u64)(gridDim.x - (tiles)) * blockDim.x)

/* The sum over a column's eight threads, for the first of them. */
FUNCTION float column_sum(float value) {
    __shared__ float parts[256];
    __syncthreads();
    parts[threadIdx.x] = value;
    __syncthreads();
    float sum = 0.0f;
    for (u32 k = 0; k < 8; k++)
        sum += parts[threadIdx.x % 32 + 32 * k];
    return sum;
}

/* The sum over the block's 256 threads, for its first thread. Its order is fixed, so it is the same each time. */
FUNCTION double block_sum(double value) {
    __shared__ double sums[256];
    __syncthreads();
    sums[threadIdx.x] = value;
    __syncthreads();
    for (u32 half = 128; half > 0; half /= 2) {
        if (threadIdx.x < half)
            sums[threadIdx.x] += sums[threadIdx.x + half];
        __syncthreads();
    }
    return sums[0];
}
#else
#include <math.h>
#define KERNEL(name, Arguments)                                                                                      \
    static void name##_for_all(u64 n, struct Arguments a);                                                           \
    void flowlet_gpu_##name(void **arguments);                                                                       \
    void flowlet_gpu_##name(void **arguments) {                                                                      \
        name##_for_all(*(u64 *)arguments[0], *(struct Arguments *)arguments[1]);                                     \
    }                                                                                                                \
    static void name##_for_all(u64 n, struct Arguments a)
#define FUNCTION static inline
#define EACH(i, n) for (u64 i = 0; i < (n); i++)
#define EACH_OF_BLOCK(i, n) for (u32 i = 0; i < (n); i++)
#define BLOCK 0
#define FIRST 1
#define EACH_COLUMN(column, width) for (u32 column = 0; column < (width); column++)
#define EACH_ROW(row, rows) for (u64 row = 0; row < (rows); row++)
#define CHUNK 0
#define FIRST_OF_COLUMN 1
#define IN_TILES(tiles) 1
#define EACH_AFTER_TILES(i, n, tiles) EACH(i, n)
FUNCTION float column_sum(float value) { return value; }
FUNCTION double block_sum(double value) { return value; }
#endif

/* Random numbers: Philox 4x32-10 (Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011). */
struct Random {
    u32 word[4];
};

FUNCTION struct Random philox(u64 key, u64 iteration, u32 sample, u32 block) {
    u32 c0 = sample, c1 = block, c2 = (u32)iteration, c3 = (u32)(iteration >> 32);
    u32 k0 = (u32)key, k1 = (u32)(key >> 32);
    for (int round = 0; round < 10; round++) {
        u64 p0 = 0xd2511f53ull * c0, p1 = 0xcd9e8d57ull * c2;
        u32 n0 = (u32)(p1 >> 32) ^ c1 ^ k0, n2 = (u32)(p0 >> 32) ^ c3 ^ k1;
        c1 = (u32)p1;
        c3 = (u32)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9e3779b9u;
        k1 += 0xbb67ae85u;
    }
    struct Random random = {{c0, c1, c2, c3}};
    return random;
}

/* In [0, 1), and in (0, 1). */
FUNCTION float unit(u32 word) { return (float)(word >> 8) * 5.9604645e-8f; }
FUNCTION float inner(u32 word) { return ((float)(word >> 8) + 0.5f) * 5.9604645e-8f; }

/* The `which`-th of four independent normal numbers (Box and Muller). */
FUNCTION float normal(struct Random random, u32 which) {
    u32 pair = which & 2;
    float radius = sqrtf(-2.0f * logf(inner(random.word[pair])));
    float angle = 6.2831853f * unit(random.word[pair + 1]);
    return radius * ((which & 1) ? sinf(angle) : cosf(angle));
}

FUNCTION u32 below(u32 word, u32 end) { return (u32)(((u64)word * end) >> 32); }

/* Draws a batch, or takes the given one, and writes the first layer's inputs (t, x_t, c) and what the network
   should answer there: the velocity x_1 - x_0. For endpoints x_t is x_0, and the answer is x_1. n counts groups of
   four coordinates of all samples. */
struct Draw {
    float *inputs;
    float *wanted;
    /* A given batch; null where it is drawn. */
    const float *x_0;
    const float *x_1;
    const float *c;
    const float *t;
    /* Rows to draw from. */
    const float *rows_x;
    const float *rows_c;
    const float *rows_source;
    const float *rows_t;
    /* The iteration, in device memory, so that a graph's launches differ. */
    const u64 *iteration;
    u64 seed;
    u32 data;
    u32 conditions;
    u32 stride;
    u32 rows;
    u32 source_rows;
    u32 time_rows;
    u32 logit_normal;
    float time_mean;
    float time_deviation;
    float dropout;
    /* Of an endpoint's first step; negative for velocities. */
    float first_time;
};

FUNCTION float drawn_time(struct Draw a, u64 iteration, u32 sample, u32 word) {
    if (a.logit_normal) {
        float z = normal(philox(a.seed, iteration, sample, 1), 0);
        return 1.0f / (1.0f + expf(-(a.time_mean + a.time_deviation * z)));
    }
    if (a.time_rows)
        return a.rows_t[below(word, a.time_rows)];
    return unit(word);
}

KERNEL(draw, Draw) {
    u32 groups = (a.data + 3) / 4;
    u64 iteration = *a.iteration;
    EACH(i, n) {
        u32 sample = (u32)(i / groups), group = (u32)(i % groups);
        int given = a.x_1 != 0;
        struct Random random = philox(a.seed, iteration, sample, 0);
        u64 row = given ? sample : below(random.word[0], a.rows);
        float t = a.first_time;
        if (t < 0.0f)
            t = given ? a.t[sample] : drawn_time(a, iteration, sample, random.word[1]);
        const float *x_1 = (given ? a.x_1 : a.rows_x) + row * a.data;
        float *inputs = a.inputs + (u64)sample * a.stride;
        float *wanted = a.wanted + (u64)sample * a.data;
        struct Random noise = philox(a.seed, iteration, sample, 2 + group);
        for (u32 k = 4 * group; k < a.data && k < 4 * group + 4; k++) {
            float x_0;
            if (given)
                x_0 = a.x_0[(u64)sample * a.data + k];
            else if (a.source_rows)
                x_0 = a.rows_source[(u64)below(random.word[2], a.source_rows) * a.data + k];
            else
                x_0 = normal(noise, k & 3);
            int endpoint = a.first_time >= 0.0f;
            inputs[1 + k] = endpoint ? x_0 : (1.0f - t) * x_0 + t * x_1[k];
            wanted[k] = endpoint ? x_1[k] : x_1[k] - x_0;
        }
        if (group == 0) {
            inputs[0] = t;
            const float *c = (given ? a.c : a.rows_c) + row * a.conditions;
            float kept = given || unit(random.word[3]) >= a.dropout ? 1.0f : 0.0f;
            for (u32 k = 0; k < a.conditions; k++)
                inputs[1 + a.data + k] = kept * c[k];
        }
    }
}

/* The activations, by the number of their kind, and their derivatives. */
FUNCTION float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/* sigmoid's argument in GELU's tanh form. */
FUNCTION float gelu_argument(float x) { return 1.595769122f * (x + 0.044715f * x * x * x); }

FUNCTION float activation(u32 kind, float x) {
    switch (kind) {
    case 0: /* GELU */
        return 0.5f * x * (1.0f + erff(0.70710678f * x));
    case 1: /* its tanh form */
        return x * sigmoid(gelu_argument(x));
    case 2: /* SiLU */
        return x * sigmoid(x);
    case 3: /* SELU */
        return x > 0.0f ? 1.05070099f * x : 1.75809934f * expm1f(x);
    case 4:
        return tanhf(x);
    case 5: /* ReLU */
        return x > 0.0f ? x : 0.0f;
    case 6: /* ELU */
        return x > 0.0f ? x : expm1f(x);
    default: { /* Mish: x n / (n + 2) with n = u (u + 2), u = exp(x) */
        float u = expf(x > 20.0f ? 20.0f : x), count = u * (u + 2.0f);
        return x * (count / (count + 2.0f));
    }
    }
}

FUNCTION float slope(u32 kind, float x) {
    switch (kind) {
    case 0:
        return 0.5f * (1.0f + erff(0.70710678f * x)) + x * 0.39894228f * expf(-0.5f * x * x);
    case 1: {
        /* Beyond 9 the slope is 0 or 1; without the limit a large x would give 0 times infinity. */
        float y = x > 9.0f ? 9.0f : x < -9.0f ? -9.0f : x;
        float s = sigmoid(gelu_argument(y));
        return s + y * s * (1.0f - s) * 1.595769122f * (1.0f + 0.134145f * y * y);
    }
    case 2: {
        float s = sigmoid(x);
        return s + x * s * (1.0f - s);
    }
    case 3:
        return x > 0.0f ? 1.05070099f : 1.75809934f * expf(x);
    case 4: {
        float y = tanhf(x);
        return 1.0f - y * y;
    }
    case 5:
        return x > 0.0f ? 1.0f : 0.0f;
    case 6:
        return x > 0.0f ? 1.0f : expf(x);
    default: {
        float y = x > 20.0f ? 20.0f : x, u = expf(y), count = u * (u + 2.0f), ratio = 1.0f / (count + 2.0f);
        return count * ratio + 4.0f * y * u * (1.0f + u) * ratio * ratio;
    }
    }
}

/* h = activation(z + bias), for n units of `width` columns. */
struct Activate {
    const float *z;
    const float *bias;
    float *h;
    u32 width;
    u32 kind;
};

KERNEL(activate, Activate) {
    EACH(i, n) {
        u32 unit = (u32)i % a.width;
        a.h[i] = activation(a.kind, a.z[i] + a.bias[unit]);
    }
}

/* Turns the gradient with respect to activations into that with respect to their arguments, for n rows of `width`
   columns, and sums it over the rows: the bias's gradient, in a part for each chunk of rows. */
struct Slope {
    const float *z;
    const float *bias;
    float *gradient;
    float *sums;
    u32 width;
    /* The distance from one chunk's sums to the next. */
    u32 biases;
    u32 kind;
    /* Whether the sums are added to those of later steps of a solver. */
    u32 add;
};

KERNEL(slopes, Slope) {
    EACH_COLUMN(column, a.width) {
        float sum = 0.0f;
        if (column < a.width) {
            float bias = a.bias[column];
            EACH_ROW(row, n) {
                u64 i = row * a.width + column;
                float gradient = a.gradient[i] * slope(a.kind, a.z[i] + bias);
                a.gradient[i] = gradient;
                sum += gradient;
            }
        }
        sum = column_sum(sum);
        if (FIRST_OF_COLUMN && column < a.width) {
            float *part = a.sums + (u64)CHUNK * a.biases + column;
            *part = a.add ? *part + sum : sum;
        }
    }
}

/* The squared error of n rows of `data` coordinates, as a sum for each block, and its gradients. The network's answer
   is y + bias; the prediction is the answer or, for endpoints, x + dt times it, with x in the inputs of the last step. */
struct Error {
    /* Afterwards the gradient with respect to the answer. */
    float *y;
    const float *bias;
    const float *wanted;
    /* Null for velocities. */
    const float *inputs;
    /* The gradient with respect to the prediction; null where it is not needed. */
    float *gradient;
    double *errors;
    /* As in Slope. */
    float *sums;
    u32 data;
    u32 biases;
    u32 stride;
    float dt;
    /* 2 / (n data): the loss is the mean. */
    float scale;
};

KERNEL(error, Error) {
    double error = 0.0;
    EACH_COLUMN(column, a.data) {
        float sum = 0.0f;
        if (column < a.data)
            EACH_ROW(row, n) {
                u64 i = row * a.data + column;
                float predicted = a.y[i] + a.bias[column];
                if (a.inputs)
                    predicted = a.inputs[row * a.stride + 1 + column] + a.dt * predicted;
                float difference = predicted - a.wanted[i];
                error += (double)difference * difference;
                float gradient = a.scale * difference;
                if (a.gradient)
                    a.gradient[i] = gradient;
                if (a.inputs)
                    gradient *= a.dt;
                a.y[i] = gradient;
                sum += gradient;
            }
        sum = column_sum(sum);
        if (FIRST_OF_COLUMN && column < a.data)
            a.sums[(u64)CHUNK * a.biases + column] = sum;
    }
    error = block_sum(error);
    if (FIRST)
        a.errors[BLOCK] = error;
}

/* Writes the inputs of a solver's next step, x + dt (y + bias) at the time t. n counts all columns of all samples. */
struct Advance {
    const float *inputs;
    const float *y;
    const float *bias;
    float *next;
    u32 data;
    u32 stride;
    float t;
    float dt;
};

KERNEL(advance, Advance) {
    EACH(i, n) {
        u64 sample = i / a.stride;
        u32 column = (u32)(i - sample * a.stride);
        float value = a.inputs[i];
        if (column == 0)
            value = a.t;
        else if (column <= a.data)
            value += a.dt * (a.y[sample * a.data + column - 1] + a.bias[column - 1]);
        a.next[i] = value;
    }
}

/* Adds a step's gradient with respect to its n rows of coordinates to that of the points after it, and writes the
   gradient with respect to the answer of the step before, and its sums as in Slope. */
struct Chain {
    float *gradient;
    const float *through;
    float *y;
    float *sums;
    u32 data;
    u32 biases;
    float dt;
};

KERNEL(chain, Chain) {
    EACH_COLUMN(column, a.data) {
        float sum = 0.0f;
        if (column < a.data)
            EACH_ROW(row, n) {
                u64 i = row * a.data + column;
                float gradient = a.gradient[i] + a.through[i];
                a.gradient[i] = gradient;
                a.y[i] = a.dt * gradient;
                sum += a.dt * gradient;
            }
        sum = column_sum(sum);
        if (FIRST_OF_COLUMN && column < a.data)
            a.sums[(u64)CHUNK * a.biases + column] += sum;
    }
}

/* Finishes the biases' gradients, which are behind those of n weights, and sums the squares of all gradients, in a part
   for each block. */
struct Squares {
    float *gradient;
    /* [chunks][biases] */
    const float *sums;
    double *squares;
    u32 biases;
    u32 chunks;
    /* Blocks of 32 biases each, which come first. */
    u32 tiles;
};

KERNEL(squares, Squares) {
    double squares = 0.0;
    if (IN_TILES(a.tiles))
        EACH_COLUMN(bias, a.biases) {
            float sum = 0.0f;
            if (bias < a.biases)
                EACH_ROW(chunk, a.chunks) { sum += a.sums[chunk * a.biases + bias]; }
            sum = column_sum(sum);
            if (FIRST_OF_COLUMN && bias < a.biases) {
                a.gradient[n + bias] = sum;
                squares += (double)sum * sum;
            }
        }
    EACH_AFTER_TILES(i, n, a.tiles) { squares += (double)a.gradient[i] * a.gradient[i]; }
    squares = block_sum(squares);
    if (FIRST)
        a.squares[BLOCK] = squares;
}

/* What differs from one iteration to the next. */
struct Now {
    u64 iteration;
    /* In the tables. */
    u64 place;
    /* rate / (1 - beta1^k), 1 / (1 - beta2^k), the weights' decay, the average's decay, and the gradient's factor */
    float step[5];
};

/* In one block: finishes the sums, keeps loss and norm, and sets what Adam needs. n counts the errors' sums. */
struct Finish {
    const double *errors;
    const double *squares;
    /* [places][4] */
    const float *table;
    float *losses;
    float *norms;
    struct Now *now;
    u32 square_sums;
    /* The largest norm of the gradient; 0 for none. */
    float clip;
    /* Of the errors' sum, to make it a mean. */
    double scale;
};

KERNEL(finish, Finish) {
    double errors = 0.0, squares = 0.0;
    EACH_OF_BLOCK(i, n) { errors += a.errors[i]; }
    EACH_OF_BLOCK(i, a.square_sums) { squares += a.squares[i]; }
    errors = block_sum(errors);
    squares = block_sum(squares);
    if (FIRST) {
        u64 place = a.now->place;
        float norm = (float)sqrt(squares);
        a.losses[place] = (float)(errors * a.scale);
        a.norms[place] = norm;
        for (u32 k = 0; k < 4; k++)
            a.now->step[k] = a.table[4 * place + k];
        a.now->step[4] = a.clip > 0.0f && norm > a.clip ? a.clip / norm : 1.0f;
        a.now->place = place + 1;
        a.now->iteration += 1;
    }
}

/* A step of Adam for n weights, and of their average where one is kept. */
struct Adam {
    float *weights;
    const float *gradient;
    float *m;
    float *v;
    float *average;
    const struct Now *now;
};

KERNEL(adam, Adam) {
    const float *step = a.now->step;
    float rate = step[0], scale_v = step[1], decay = step[2], average = step[3], clip = step[4];
    EACH(i, n) {
        float gradient = clip * a.gradient[i];
        float m = 0.9f * a.m[i] + 0.1f * gradient;
        float v = 0.999f * a.v[i] + 0.001f * gradient * gradient;
        float weight = decay * a.weights[i] - rate * m / (sqrtf(scale_v * v) + 1e-8f);
        a.m[i] = m;
        a.v[i] = v;
        a.weights[i] = weight;
        if (a.average)
            a.average[i] = average * a.average[i] + (1.0f - average) * weight;
    }
}
