/* flowlet: samples flow-matching models. Written by cbindgen from bindings/c/src: do not edit.
 *
 * A program reads a model's file into memory, opens it, and samples. Every function may be called from any thread. A model
 * is a number, not a pointer: one that was closed, or never opened, gives FLOWLET_CLOSED.
 *
 * Every function returns a status. FLOWLET_OK is 0; for another status, flowlet_message says what was wrong. A function
 * that fails has written nothing. Buffers of one call must not overlap.
 */

#ifndef FLOWLET_H
#define FLOWLET_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Done.
#define FLOWLET_OK 0

// A pointer is null or not aligned.
#define FLOWLET_NULL -1

// A length is not what the model needs.
#define FLOWLET_SIZE -2

// The bytes are not a model's file.
#define FLOWLET_NOT_A_MODEL -3

// The model is of whole numbers and the function of floats, or the other way round.
#define FLOWLET_KIND -4

// No model has this number: it was closed, or never opened.
#define FLOWLET_CLOSED -5

// An argument has a value that is not allowed.
#define FLOWLET_ARGUMENT -6

// This machine computes other bits than the model's golden ones.
#define FLOWLET_OTHER_BITS -7

// A mistake in this library. Please report it.
#define FLOWLET_BUG -8

// What a model is.
typedef struct {
  // A digest of the weights. Programs with the same fingerprint compute the same bits.
  uint64_t fingerprint;
  // Numbers in a point.
  uint32_t data;
  // Numbers in a condition; 0 for none.
  uint32_t conditions;
  // Steps of a path.
  uint32_t steps;
  // Evaluations of the network for a path.
  uint32_t evaluations;
  // 1 if the model is of whole numbers: it takes the functions that end in `_i32`.
  uint32_t is_integer;
  // Fraction bits of data units, if it is.
  int32_t data_bits;
  // Fraction bits of conditions, if it is.
  int32_t condition_bits;
  // The version of the numeric contract.
  uint32_t contract;
} flowlet_description;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

// Copies the message of the last function that failed on this thread to `buffer`, cut to `length` bytes with its closing
// zero. Returns the bytes that the whole message needs. With a null buffer it only returns that.
//
// # Safety
//
// `buffer` is null or points to `length` bytes.
size_t flowlet_message(char *buffer,
                       size_t length);

// Opens a model from the bytes of its file, which are copied, and writes its number to `model`. `solver` is null for the
// model's own, or euler, midpoint, heun, rk4 or ab2; `steps` is 0 for the model's own.
//
// # Safety
//
// `bytes` points to `length` bytes, `solver` is null or a string that ends with a zero, and `model` points to a number.
int32_t flowlet_open(const uint8_t *bytes,
                     size_t length,
                     const char *solver,
                     uint32_t steps,
                     uint64_t *model);

// Writes the number of a model that is `model` with classifier-free guidance: each evaluation costs two. Both are to be
// closed.
//
// # Safety
//
// `guided` points to a number.
int32_t flowlet_guide(uint64_t model,
                      float weight,
                      uint64_t *guided);

// Closes a model. Calls in other threads that are using it end as usual.
int32_t flowlet_close(uint64_t model);

// Describes a model.
//
// # Safety
//
// `description` points to a description.
int32_t flowlet_describe(uint64_t model, flowlet_description *description);

// Takes the golden steps in the model's file, and compares every bit. Call it when your program starts.
int32_t flowlet_self_test(uint64_t model);

// Writes starting points `first`, `first` + 1, ... of `seed` to `x`: noise, in flow units. Each is a pure function of its
// index and the seed. `length` is the number of points times the model's data dimensions.
//
// # Safety
//
// `x` points to `length` numbers.
int32_t flowlet_noise_f32(uint64_t model,
                          uint64_t seed,
                          uint64_t first,
                          float *x,
                          size_t length);

// Replaces the starting points in `x` by samples in data units: all steps. `condition` has the model's conditions once for
// all points, or for each point; null and 0 for a model without conditions.
//
// # Safety
//
// `condition` points to `condition_length` numbers, `x` to `length` others.
int32_t flowlet_sample_f32(uint64_t model,
                           const float *condition,
                           size_t condition_length,
                           float *x,
                           size_t length);

// Takes step `step` (from 0) of the points in `x`, in flow units. A path goes through all steps in order; `x` is all its
// state, so a copy is a snapshot.
//
// # Safety
//
// `condition` points to `condition_length` numbers, `x` to `length` others.
int32_t flowlet_step_f32(uint64_t model,
                         uint32_t step,
                         const float *condition,
                         size_t condition_length,
                         float *x,
                         size_t length);

// Converts points in place, from flow units to data units.
//
// # Safety
//
// `x` points to `length` numbers.
int32_t flowlet_to_data_f32(uint64_t model, float *x, size_t length);

// Makes samples, in place and in data units, such as the columns can hold: whole numbers are rounded, bounds kept, and of
// a category's columns the largest becomes 1 and the others 0, as the model's file says.
//
// # Safety
//
// `x` points to `length` numbers.
int32_t flowlet_apply_columns_f32(uint64_t model,
                                  float *x,
                                  size_t length);

// Converts points in place, from data units to flow units.
//
// # Safety
//
// `x` points to `length` numbers.
int32_t flowlet_from_data_f32(uint64_t model, float *x, size_t length);

// Writes starting points `first`, `first` + 1, ... of `seed` to `x`: noise, in flow units. Each is a pure function of its
// index and the seed. `length` is the number of points times the model's data dimensions.
//
// # Safety
//
// `x` points to `length` numbers.
int32_t flowlet_noise_i32(uint64_t model,
                          uint64_t seed,
                          uint64_t first,
                          int32_t *x,
                          size_t length);

// Replaces the starting points in `x` by samples in data units: all steps. `condition` has the model's conditions once for
// all points, or for each point; null and 0 for a model without conditions.
//
// # Safety
//
// `condition` points to `condition_length` numbers, `x` to `length` others.
int32_t flowlet_sample_i32(uint64_t model,
                           const int32_t *condition,
                           size_t condition_length,
                           int32_t *x,
                           size_t length);

// Takes step `step` (from 0) of the points in `x`, in flow units. A path goes through all steps in order; `x` is all its
// state, so a copy is a snapshot.
//
// # Safety
//
// `condition` points to `condition_length` numbers, `x` to `length` others.
int32_t flowlet_step_i32(uint64_t model,
                         uint32_t step,
                         const int32_t *condition,
                         size_t condition_length,
                         int32_t *x,
                         size_t length);

// Converts points in place, from flow units to data units.
//
// # Safety
//
// `x` points to `length` numbers.
int32_t flowlet_to_data_i32(uint64_t model, int32_t *x, size_t length);

// Makes samples, in place and in data units, such as the columns can hold: whole numbers are rounded, bounds kept, and of
// a category's columns the largest becomes 1 and the others 0, as the model's file says.
//
// # Safety
//
// `x` points to `length` numbers.
int32_t flowlet_apply_columns_i32(uint64_t model,
                                  int32_t *x,
                                  size_t length);

// Converts points in place, from data units to flow units.
//
// # Safety
//
// `x` points to `length` numbers.
int32_t flowlet_from_data_i32(uint64_t model, int32_t *x, size_t length);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* FLOWLET_H */
