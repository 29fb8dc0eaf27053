/* $TITLE$
 *
 * $SHAPE$
 * $SOLVER$
 * $SIZE$
//#if cost
 *
 * Instructions of one evaluation of the network by the Rust crate at opt-level s (an emulator's count, not cycles). Where
 * a floating-point unit is, this file takes about as many:
$COST$
//#endif
 *
 * Written by flowlet $VERSION$ (`flowlet export`). This file and MODEL.c are under the licence of your model; the code in
 * them, apart from its numbers, is under MIT or Apache-2.0, at your option.
 *
//#if float
 * The output bits are those of the Rust crate flowlet for the same file, seed, condition and solver, on every target whose
 * float is IEEE-754's binary32 and that rounds each operation by itself. MODEL.c asks the compiler for that. Call
 * model_self_test when your program starts: it finds a machine, a compiler or an option that does something else.
//#else
 * Everything is in whole numbers: no float is used, and the numbers are those of the Rust crate flowlet on every target
 * and with every compiler option. The numbers have fixed fraction bits: 1.5 with 20 fraction bits is 1.5 * 2^20.
//#endif
 *
 * No function allocates, keeps a state of its own or calls itself, so all of them may be called from several threads.
 * Points are in flow units (the noise has mean 0 and deviation 1) unless a comment says data units.
 */
#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Numbers in a point: $COLUMNS$. */
#define MODEL_DATA $D$
//#if condition
/* Numbers in a condition: $CONDITIONS$. */
//#else
/* Numbers in a condition: the model has no conditions. */
//#endif
#define MODEL_CONDITIONS $C$
/* Hidden units in a layer, and layers between hidden layers. */
#define MODEL_WIDTH $H$
#define MODEL_HIDDEN_LAYERS $L$
/* Steps of a path, and evaluations of the network for it. */
#define MODEL_STEPS $N$
#define MODEL_EVALUATIONS $EVALUATIONS$
//#if integer
/* Fraction bits of points and velocities, of times, of guidance weights. */
#define MODEL_STATE_BITS 20
#define MODEL_TIME_BITS 30
#define MODEL_WEIGHT_BITS 16
/* Fraction bits of data units. Negative: multiples of a power of two. */
#define MODEL_DATA_BITS $DATA_BITS$
//#if condition
/* Fraction bits of conditions. */
#define MODEL_CONDITION_BITS $CONDITION_BITS$
//#endif
//#endif

/* Programs with the same fingerprint compute the same bits. It is also that of the Rust crate: compare it between players
 * or in a bug report. */
#define MODEL_FINGERPRINT $FINGERPRINT$ULL

/* Results. */
#define MODEL_OK 0      /* done */
#define MODEL_NULL (-1) /* an argument is a null pointer: nothing was written */
#define MODEL_SIZE (-2) /* a length is not a multiple of MODEL_DATA: nothing was written */

/* A path from noise to data. model_start sets it. To go back, copy it and put the copy back. */
typedef struct {
    uint32_t i; /* the number of steps taken */
    $number$ x[MODEL_DATA]; /* the point after them */
//#if ab2
    $number$ before[MODEL_DATA]; /* the velocity at the start of the last step */
//#endif
} model_path;

//#if condition
/* Every `condition` below has MODEL_CONDITIONS numbers in your units$CONDITION_FORMAT$. */

//#endif
/* Writes starting point `index` of `seed`: noise, a pure function of both. */
int model_noise(uint64_t seed, uint64_t index, $number$ *x);

/* Writes the velocity dx/dt at the time t (0 is noise, $ONE$ is data) and the point x. */
int model_velocity($number$ t, const $number$ *x,$CONDITION$ $number$ *velocity);

/* Begins a path at x_0. */
int model_start(model_path *path, const $number$ *x_0);

/* Takes one step. Returns 1, or MODEL_OK after the last step: the path is then at its end and stays there. */
int model_step(model_path *path$LAST_CONDITION$);

/* Takes all steps from x_0 and writes the sample in data units. */
int model_sample(const $number$ *x_0,$CONDITION$ $number$ *sample);

/* Writes samples in data units, the first from starting point `first` of `seed`, the next from first + 1, and so on.
 * `length` is how many numbers fit into `samples`: MODEL_DATA for each sample. */
int model_sample_n(uint64_t seed, uint64_t first,$CONDITION$ $number$ *samples, uint32_t length);
//#if guidance

/* The same with classifier-free guidance: a weight$WEIGHT$ above 1 makes the condition count more. It doubles the cost,
 * and needs a model that was trained with --label-dropout. */
int model_velocity_guided($number$ weight, $number$ t, const $number$ *x, const $number$ *condition, $number$ *velocity);
int model_step_guided($number$ weight, model_path *path, const $number$ *condition);
int model_sample_guided($number$ weight, const $number$ *x_0, const $number$ *condition, $number$ *sample);
int model_sample_n_guided($number$ weight, uint64_t seed, uint64_t first, const $number$ *condition, $number$ *samples,
                          uint32_t length);
//#endif

/* Convert a point in place, from flow units to data units and back. */
int model_to_data($number$ *x);
int model_from_data($number$ *x);

//#if columns
/* Makes a point in data units, in place, one that the columns can hold: whole numbers are rounded, bounds kept, and of a
 * category's columns the largest becomes 1 and the others 0. The samples above are such. */
int model_columns($number$ *x);

//#endif
/* Takes four golden steps. Returns MODEL_OK if every bit is as expected, else the number of the first wrong step, from 1.
 */
int model_self_test(void);

#ifdef __cplusplus
}
#endif

#endif
