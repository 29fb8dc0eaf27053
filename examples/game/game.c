/* The game of src/main.rs through the C library. It prints the same hash. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flowlet.h"

enum { THINGS = 1000, DATA = 2, PLACES = 8 };

/* The game's state. A snapshot is a copy. */
typedef struct {
    uint32_t tick;
    float x[THINGS * DATA];
} world;

static uint64_t model;

static void check(int32_t status) {
    if (status == FLOWLET_OK) return;
    char message[200];
    flowlet_message(message, sizeof message);
    fprintf(stderr, "error: %s\n", message);
    exit(1);
}

/* Thing k goes to place k mod 8. From tick 25 on, a player sends thing 7 to place 0, once that input has arrived. */
static int place(int thing, uint32_t tick, int arrived) {
    return arrived && thing == 7 && tick >= 25 ? 0 : thing % PLACES;
}

static void play(world *w, uint32_t until, int arrived) {
    for (; w->tick < until; w->tick++) {
        static float conditions[THINGS * PLACES];
        memset(conditions, 0, sizeof conditions);
        for (int k = 0; k < THINGS; k++) conditions[k * PLACES + place(k, w->tick, arrived)] = 1;
        check(flowlet_step_f32(model, w->tick, conditions, THINGS * PLACES, w->x, THINGS * DATA));
    }
}

static uint64_t hash(const world *w) {
    uint64_t digest = 0xcbf29ce484222325u;
    for (int k = 0; k < THINGS * DATA; k++) {
        uint32_t bits;
        memcpy(&bits, &w->x[k], 4);
        for (int byte = 0; byte < 4; byte++, bits >>= 8) digest = (digest ^ (bits & 255)) * 0x100000001b3u;
    }
    return digest;
}

int main(int argc, char **argv) {
    static uint8_t file[1 << 20];
    FILE *opened = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (!opened) return fprintf(stderr, "usage: game model.safetensors\n"), 2;
    const size_t length = fread(file, 1, sizeof file, opened);
    fclose(opened);
    check(flowlet_open(file, length, NULL, 0, &model));
    check(flowlet_self_test(model));

    static world snapshot, wrong, first, second;
    check(flowlet_noise_f32(model, 7, 0, snapshot.x, THINGS * DATA));
    play(&snapshot, 25, 0);
    wrong = first = second = snapshot;
    play(&wrong, 35, 0);
    play(&first, 35, 1);
    play(&second, 35, 1);
    if (hash(&first) != hash(&second)) return fprintf(stderr, "two replays differ\n"), 1;
    if (hash(&first) == hash(&wrong)) return fprintf(stderr, "the input has no effect\n"), 1;
    play(&second, 50, 1);
    printf("%016llx\n", (unsigned long long)hash(&second));
    check(flowlet_close(model));
    return 0;
}
