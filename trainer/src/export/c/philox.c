/* Four random words: a pure function of the seed, the index of a starting point, and the block of four coordinates. */
static void model_philox(uint64_t seed, uint64_t index, uint32_t block, uint32_t *words) {
    uint32_t a = (uint32_t)index, b = (uint32_t)(index >> 32), c = block, d = 0;
    uint32_t key = (uint32_t)seed, other_key = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        const uint64_t first = (uint64_t)a * 0xd2511f53u, second = (uint64_t)c * 0xcd9e8d57u;
        a = (uint32_t)(second >> 32) ^ b ^ key;
        b = (uint32_t)second;
        c = (uint32_t)(first >> 32) ^ d ^ other_key;
        d = (uint32_t)first;
        key += 0x9e3779b9u;
        other_key += 0xbb67ae85u;
    }
    words[0] = a;
    words[1] = b;
    words[2] = c;
    words[3] = d;
}

