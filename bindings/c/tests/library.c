/* Holds the C library against its promises: samples, and the answers to bad input. Prints the first sample. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlet.h"

#define EXPECT(call, status) \
    do { \
        const int32_t found_ = (call); \
        if (found_ != (status)) { \
            fprintf(stderr, "line %d: expected %d, found %d\n", __LINE__, (int)(status), (int)found_); \
            return 1; \
        } \
    } while (0)

static uint8_t file[1 << 20];

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    FILE *opened = fopen(argv[1], "rb");
    if (!opened) return 2;
    const size_t length = fread(file, 1, sizeof file, opened);
    fclose(opened);

    uint64_t model = 0, other = 0;
    EXPECT(flowlet_open(NULL, 10, NULL, 0, &model), FLOWLET_NULL);
    EXPECT(flowlet_open(file, length, NULL, 0, NULL), FLOWLET_NULL);
    EXPECT(flowlet_open(file, 3, NULL, 0, &model), FLOWLET_NOT_A_MODEL);
    EXPECT(flowlet_open(file, 0, NULL, 0, &model), FLOWLET_NOT_A_MODEL);
    EXPECT(flowlet_open(file, length / 2, NULL, 0, &model), FLOWLET_NOT_A_MODEL);
    EXPECT(flowlet_open(file, length, "dopri5", 0, &model), FLOWLET_ARGUMENT);
    EXPECT(flowlet_open(file, length, NULL, 4000000000u, &model), FLOWLET_ARGUMENT);
    char message[16];
    if (flowlet_message(message, sizeof message) <= sizeof message || strlen(message) != sizeof message - 1) return 1;
    if (flowlet_message(NULL, 0) < 20) return 1;
    EXPECT(flowlet_close(model), FLOWLET_CLOSED);
    EXPECT(flowlet_open(file, length, NULL, 0, &model), FLOWLET_OK);
    EXPECT(flowlet_self_test(model), FLOWLET_OK);

    flowlet_description description;
    EXPECT(flowlet_describe(model, NULL), FLOWLET_NULL);
    EXPECT(flowlet_describe(model, &description), FLOWLET_OK);
    if (description.data == 0 || description.data > 2 || description.is_integer) return 1;

    float x[8] = {0}, all[8];
    int32_t whole[8];
    const uint32_t d = description.data;
    EXPECT(flowlet_noise_f32(model, 7, 0, NULL, d), FLOWLET_NULL);
    EXPECT(flowlet_noise_f32(model, 7, 0, (float *)((char *)x + 1), d), FLOWLET_NULL);
    EXPECT(flowlet_noise_i32(model, 7, 0, whole, d), FLOWLET_KIND);
    EXPECT(flowlet_sample_i32(model, NULL, 0, whole, d), FLOWLET_KIND);
    if (d > 1) EXPECT(flowlet_noise_f32(model, 7, 0, x, d + 1), FLOWLET_SIZE);
    EXPECT(flowlet_noise_f32(model, 7, 0, x, SIZE_MAX / d * d), FLOWLET_SIZE);
    EXPECT(flowlet_noise_f32(model, 7, 0, x, 2 * d), FLOWLET_OK);
    EXPECT(flowlet_sample_f32(model, x, description.conditions + 1, x, 2 * d), FLOWLET_SIZE);
    EXPECT(flowlet_step_f32(model, description.steps, NULL, 0, x, 0), FLOWLET_ARGUMENT);
    EXPECT(flowlet_apply_columns_i32(model, whole, d), FLOWLET_KIND);
    EXPECT(flowlet_apply_columns_f32(model, NULL, d), FLOWLET_NULL);
    EXPECT(flowlet_apply_columns_f32(model, x, 2 * d), FLOWLET_OK);

    if (description.conditions == 0) {
        EXPECT(flowlet_guide(model, 2, &other), FLOWLET_ARGUMENT);
        EXPECT(flowlet_sample_f32(model, NULL, 0, x, 0), FLOWLET_OK);
        /* All steps one by one end where flowlet_sample_f32 does. */
        memcpy(all, x, sizeof all);
        EXPECT(flowlet_sample_f32(model, NULL, 0, all, 2 * d), FLOWLET_OK);
        for (uint32_t i = 0; i < description.steps; i++) EXPECT(flowlet_step_f32(model, i, NULL, 0, x, 2 * d), FLOWLET_OK);
        EXPECT(flowlet_to_data_f32(model, x, 2 * d), FLOWLET_OK);
        if (memcmp(x, all, 2 * d * sizeof *x) != 0) return 1;
        printf("%.9g\n", all[0]);
    }
    EXPECT(flowlet_open(file, length, "ab2", 4, &other), FLOWLET_OK);
    EXPECT(flowlet_step_f32(other, 0, NULL, 0, x, 0), FLOWLET_ARGUMENT);
    EXPECT(flowlet_close(other), FLOWLET_OK);
    EXPECT(flowlet_close(model), FLOWLET_OK);
    EXPECT(flowlet_close(model), FLOWLET_CLOSED);
    EXPECT(flowlet_self_test(model), FLOWLET_CLOSED);
    EXPECT(flowlet_close(0), FLOWLET_CLOSED);
    return 0;
}
