int model_noise(uint64_t seed, uint64_t index, $number$ *x) {
    if (!x) return MODEL_NULL;
    uint32_t words[4] = {0, 0, 0, 0};
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        if (k % 4 == 0) model_philox(seed, index, k / 4, words);
        x[k] = model_quantile(words[k % 4]);
    }
    return MODEL_OK;
}

int model_to_data($number$ *x) {
    if (!x) return MODEL_NULL;
    model_data_units(x);
    return MODEL_OK;
}

//#include columns
static void model_set_out(model_path *path, const $number$ *x_0) {
    path->i = 0;
    for (uint32_t k = 0; k < MODEL_DATA; k++) {
        path->x[k] = x_0[k];
//#if ab2
        path->before[k] = 0;
//#endif
    }
}

int model_start(model_path *path, const $number$ *x_0) {
    if (!path || !x_0) return MODEL_NULL;
    model_set_out(path, x_0);
    return MODEL_OK;
}

static void model_integrate($FIELD$const $number$ *x_0, $number$ *sample) {
    model_path path;
    model_set_out(&path, x_0);
    while (model_take_step($field$&path) != MODEL_OK) {
    }
    for (uint32_t k = 0; k < MODEL_DATA; k++) sample[k] = path.x[k];
    model_data_units(sample);
//#if columns
    model_columns(sample);
//#endif
}

static int model_integrate_n($FIELD$uint64_t seed, uint64_t first, $number$ *samples, uint32_t length) {
    if (length % MODEL_DATA != 0) return MODEL_SIZE;
    for (uint32_t at = 0; at < length; at += MODEL_DATA) {
        $number$ x_0[MODEL_DATA];
        (void)model_noise(seed, first++, x_0);
        model_integrate($field$x_0, samples + at);
    }
    return MODEL_OK;
}

//#if condition
static void model_begin(model_field *field, const $number$ *condition) {
    model_prefix(field->prefix, condition);
//#if guidance
    field->guided = 0;
//#endif
}

int model_velocity($number$ t, const $number$ *x, const $number$ *condition, $number$ *velocity) {
    if (!x || !condition || !velocity) return MODEL_NULL;
    model_field field;
    model_begin(&field, condition);
    $number$ v[MODEL_DATA];
    model_field_velocity(&field, t, x, v);
    for (uint32_t k = 0; k < MODEL_DATA; k++) velocity[k] = v[k];
    return MODEL_OK;
}

int model_step(model_path *path, const $number$ *condition) {
    if (!path || !condition) return MODEL_NULL;
    model_field field;
    model_begin(&field, condition);
    return model_take_step(&field, path);
}

int model_sample(const $number$ *x_0, const $number$ *condition, $number$ *sample) {
    if (!x_0 || !condition || !sample) return MODEL_NULL;
    model_field field;
    model_begin(&field, condition);
    model_integrate(&field, x_0, sample);
    return MODEL_OK;
}

int model_sample_n(uint64_t seed, uint64_t first, const $number$ *condition, $number$ *samples, uint32_t length) {
    if (!condition || !samples) return MODEL_NULL;
    model_field field;
    model_begin(&field, condition);
    return model_integrate_n(&field, seed, first, samples, length);
}

//#if guidance
static void model_begin_guided(model_field *field, const $number$ *condition, $number$ weight) {
    model_prefix(field->prefix, condition);
    model_prefix(field->null_prefix, 0);
    field->weight = weight;
    field->guided = 1;
}

int model_velocity_guided($number$ weight, $number$ t, const $number$ *x, const $number$ *condition, $number$ *velocity) {
    if (!x || !condition || !velocity) return MODEL_NULL;
    model_field field;
    model_begin_guided(&field, condition, weight);
    $number$ v[MODEL_DATA];
    model_field_velocity(&field, t, x, v);
    for (uint32_t k = 0; k < MODEL_DATA; k++) velocity[k] = v[k];
    return MODEL_OK;
}

int model_step_guided($number$ weight, model_path *path, const $number$ *condition) {
    if (!path || !condition) return MODEL_NULL;
    model_field field;
    model_begin_guided(&field, condition, weight);
    return model_take_step(&field, path);
}

int model_sample_guided($number$ weight, const $number$ *x_0, const $number$ *condition, $number$ *sample) {
    if (!x_0 || !condition || !sample) return MODEL_NULL;
    model_field field;
    model_begin_guided(&field, condition, weight);
    model_integrate(&field, x_0, sample);
    return MODEL_OK;
}

int model_sample_n_guided($number$ weight, uint64_t seed, uint64_t first, const $number$ *condition, $number$ *samples,
                          uint32_t length) {
    if (!condition || !samples) return MODEL_NULL;
    model_field field;
    model_begin_guided(&field, condition, weight);
    return model_integrate_n(&field, seed, first, samples, length);
}

//#endif
//#else
int model_velocity($number$ t, const $number$ *x, $number$ *velocity) {
    if (!x || !velocity) return MODEL_NULL;
    $number$ v[MODEL_DATA];
    model_evaluate(t, x, v);
    for (uint32_t k = 0; k < MODEL_DATA; k++) velocity[k] = v[k];
    return MODEL_OK;
}

int model_step(model_path *path) { return path ? model_take_step(path) : MODEL_NULL; }

int model_sample(const $number$ *x_0, $number$ *sample) {
    if (!x_0 || !sample) return MODEL_NULL;
    model_integrate(x_0, sample);
    return MODEL_OK;
}

int model_sample_n(uint64_t seed, uint64_t first, $number$ *samples, uint32_t length) {
    return samples ? model_integrate_n(seed, first, samples, length) : MODEL_NULL;
}

//#endif
