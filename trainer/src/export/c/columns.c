//#if columns
//#if rounds
//#if float
/* Rounds to the nearest whole number, and to the even one of two: from 2^23 on a float has no fraction bits left. */
static float model_round(float x) {
    const float whole = 8388608.0f;
    if (x >= 0.0f && x < whole) return (x + whole) - whole;
    if (x < 0.0f && x > -whole) return ((x - whole) + whole) + 0.0f; /* not -0 */
    return x;
}
//#else
/* Rounds to the nearest whole number, and to the even one of two. */
static int32_t model_round(int32_t x) {
    const int64_t even = (x >> MODEL_DATA_BITS) & 1;
    const int64_t whole = (x + ((int64_t)1 << (MODEL_DATA_BITS - 1)) - 1 + even) >> MODEL_DATA_BITS;
    return model_saturate(whole * ((int64_t)1 << MODEL_DATA_BITS));
}
//#endif
//#endif

int model_columns($number$ *x) {
    if (!x) return MODEL_NULL;
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        const $number$ least = $READ$(model_column_least + k), most = $READ$(model_column_most + k);
//#if rounds
        if (MODEL_READ_32(model_column_kind + k) == 1) x[k] = model_round(x[k]);
//#endif
        if (x[k] < least) x[k] = least;
        if (x[k] > most) x[k] = most;
    }
//#if categories
    /* Of the columns with the same kind from 2 on, the largest, the first of several, becomes 1. */
    for (uint32_t first = 0; first < MODEL_DATA; first++) {
        const $KIND$ kind = MODEL_READ_32(model_column_kind + first);
        uint32_t chosen = first;
        int is_first = kind >= 2;
        for (uint32_t k = 0; k < first; k++) {
            if (MODEL_READ_32(model_column_kind + k) == kind) is_first = 0;
        }
        if (!is_first) continue;
        for (uint32_t k = first; k < MODEL_DATA; k++) {
            if (MODEL_READ_32(model_column_kind + k) == kind && x[k] > x[chosen]) chosen = k;
        }
        for (uint32_t k = first; k < MODEL_DATA; k++) {
            if (MODEL_READ_32(model_column_kind + k) == kind) x[k] = k == chosen ? $UNIT$ : 0;
        }
    }
//#endif
    return MODEL_OK;
}

//#endif
