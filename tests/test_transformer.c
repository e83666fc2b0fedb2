// SPDX-License-Identifier: MIT
// Multi-head attention and transformers' layers against PyTorch's results and gradients (data/transformer.txt, made by
// transformer_torch.py), and what is refused.
#include "numbers.h"

enum { WIDTH = 6, HEADS = 2, QUERIES = 3, KEYS = 4, ROWS = 2, INNER = 5 }; // as there

static bool has(const char *flags, const char *flag)
{
    const size_t n = strlen(flag);
    for (const char *at = strstr(flags, flag); at; at = strstr(at + 1, flag)) {
        if ((at[n] == ' ' || at[n] == 0) && at[-1] == ' ')
            return true;
    }
    return false;
}

static clg_shape shape_of(const char *flags, int64_t length, int64_t width)
{
    return has(flags, "single") ? CLG_SHAPE(length, width)
           : has(flags, "first") ? CLG_SHAPE(ROWS, length, width) : CLG_SHAPE(length, ROWS, width);
}

static clg_tensor attn_mask(const char *flags, int64_t keys)
{
    uint8_t m[QUERIES * KEYS];
    for (int i = 0; i < QUERIES; i++) {
        for (int j = 0; j < keys; j++)
            m[i * keys + j] = (3 * i + j) % 5 == 1;
    }
    return has(flags, "bool")    ? clg_upload(dev, CLG_BOOL, CLG_SHAPE(QUERIES, keys), m)
           : has(flags, "heads") ? tensor_of(line_of("mask"), CLG_SHAPE(ROWS * HEADS, QUERIES, keys)) : NULL;
}

static clg_tensor pad_mask(const char *flags, int64_t keys)
{
    uint8_t m[ROWS * KEYS] = { 0 };
    m[keys - 1] = 1;
    return has(flags, "pad") ? clg_upload(dev, CLG_BOOL, CLG_SHAPE(ROWS, keys), m) : NULL;
}

// in: the inputs, of which those that are not there are NULL.
static clg_tensor call(const char *flags, clg_store s, const clg_tensor *in, clg_tensor *weights)
{
    const bool first = has(flags, "first"), decoder = in[1] != NULL;
    if (strncmp(flags, "attention", 9) == 0) {
        const clg_tensor k = in[1] ? in[1] : in[0], v = in[2] ? in[2] : k;
        const int64_t keys = in[1] ? KEYS : QUERIES;
        return clg_nn_multihead_attention(s, "net", in[0], k, v, clg_nn_attention_params(
            .heads = HEADS, .attn_mask = attn_mask(flags, keys), .key_padding_mask = pad_mask(flags, keys), .batch_first = first,
            .no_bias = has(flags, "nobias"), .weights = weights, .per_head = has(flags, "each")));
    }
    const struct clg_nn_transformer_params *p = clg_nn_transformer_params(
        .heads = HEADS, .feedforward = INNER, .gelu = has(flags, "gelu"), .norm_first = has(flags, "before"), .batch_first = first,
        .no_bias = has(flags, "nobias"), .mask = attn_mask(flags, QUERIES), .key_padding_mask = pad_mask(flags, QUERIES),
        .final_norm = true);
    if (has(flags, "stack"))
        return decoder ? clg_nn_transformer_decoder(s, "net", in[0], in[1], 2, p) : clg_nn_transformer_encoder(s, "net", in[0], 2, p);
    return decoder ? clg_nn_transformer_decoder_layer(s, "net", in[0], in[1], p) : clg_nn_transformer_encoder_layer(s, "net", in[0], p);
}

static void check_case(const char *flags)
{
    static const char *const names[2][3] = { { "x", "memory", "" }, { "q", "k", "v" } };
    clg_scope scope = clg_scope_push(dev);
    clg_store s = clg_store_create(dev, 1);
    const bool attention = strncmp(flags, "attention", 9) == 0, wide = has(flags, "wide");
    clg_tensor in[3] = { NULL, NULL, NULL }, wrt[PARAMS + 3], g[PARAMS + 3], weights = NULL;
    const char *what[PARAMS + 3];
    char full[PARAMS + 3][80];
    int n = 0;
    for (int i = 0; i < 3; i++) {
        const numbers *l = line_of(names[attention][i]);
        if (l)
            in[i] = clg_track(tensor_of(l, shape_of(flags, i ? KEYS : QUERIES, !wide || i == 0 ? WIDTH : i == 1 ? 5 : 3)));
    }
    ok(call(flags, s, in, &weights)->status); // makes the parameters
    for (int i = 0; i < 3; i++) {
        if (in[i]) {
            snprintf(full[n], sizeof full[n], "d%s", names[attention][i]);
            what[n] = full[n];
            wrt[n++] = in[i];
        }
    }
    const int inputs = n;
    for (int k = 0; k < n_lines; k++) {
        char name[80];
        if (strncmp(lines[k].name, "param ", 6) != 0)
            continue;
        snprintf(name, sizeof name, "net.%s", lines[k].name + 6);
        clg_var v = clg_store_find(s, name);
        ck_assert_msg(v != NULL, "%s: no parameter %s", flags, name);
        ok(clg_assign_n(&v, (clg_tensor[]) { tensor_of(&lines[k], clg_var_value(v)->shape) }, 1));
        snprintf(full[n], sizeof full[n], "grad %s", lines[k].name + 6);
        what[n] = full[n];
        n++;
    }
    ck_assert_int_eq(clg_store_count(s), n - inputs);
    clg_tensor y = call(flags, s, in, &weights);
    ok(y->status);
    for (int k = inputs; k < n; k++) {
        char name[80];
        snprintf(name, sizeof name, "net.%s", what[k] + 5);
        wrt[k] = clg_var_value(clg_store_find(s, name));
    }
    float w[NUMBERS];
    const int64_t all = clg_numel(y->shape);
    for (int64_t i = 0; i < all; i++)
        w[i] = (float) ((double) ((7 * i) % 11 - 5) / 5);
    ok(clg_vjp_n(y, clg_upload(dev, CLG_F32, y->shape, w), wrt, n, false, g));
    compare(flags, "y", y);
    if (attention)
        compare(flags, "weights", weights);
    for (int k = 0; k < n; k++)
        compare(flags, what[k], g[k]);
    clg_store_destroy(&s);
    clg_scope_pop(scope);
}

START_TEST(as_pytorch)
{
    static char line[1 << 16], flags[128];
    const char *path = getenv("CLGRAD_TRANSFORMER");
    FILE *f = fopen(path ? path : "tests/data/transformer.txt", "r");
    ck_assert_msg(f != NULL, "the data is missing: set CLGRAD_TRANSFORMER");
    int cases = 0;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        if (strncmp(line, "case ", 5) == 0) {
            n_lines = 0;
            snprintf(flags, sizeof flags, "%.120s", line + 5);
        } else if (strcmp(line, "end") == 0) {
            if (in_turn(cases++, 6)) // kernels of its own each
                check_case(flags);
        } else if (line[0] != '#') {
            read_line(line);
        }
    }
    fclose(f);
    ck_assert_int_ge(cases, 12);
}
END_TEST

// A causal layer sees nothing of later steps, also beside a mask; a query that sees no key is the output's bias.
START_TEST(later_keys_play_no_part)
{
    clg_scope scope = clg_scope_push(dev);
    clg_store s = clg_store_create(dev, 7);
    float some[64];
    clg_tensor x = upload(CLG_SHAPE(1, 3, 4), some);
    some[8] += 1;
    clg_tensor z = clg_upload(dev, CLG_F32, CLG_SHAPE(1, 3, 4), some), pad = clg_zeros(dev, CLG_BOOL, CLG_SHAPE(1, 3)), w;
    for (int masked = 0; masked < 2; masked++) {
        const struct clg_nn_attention_params *p = clg_nn_attention_params(.heads = 2, .is_causal = true, .batch_first = true,
                                                                          .key_padding_mask = masked ? pad : NULL, .weights = &w);
        double *a = read_all(clg_nn_multihead_attention(s, "net", x, x, x, p));
        double *b = read_all(clg_nn_multihead_attention(s, "net", z, z, z, p)), *weight = read_all(w);
        ck_assert(memcmp(a, b, 8 * sizeof *a) == 0 && memcmp(a + 8, b + 8, 4 * sizeof *a) != 0);
        ck_assert(weight[0] == 1 && weight[1] == 0 && weight[5] == 0);
        free(a);
        free(b);
        free(weight);
    }
    double *none = read_all(clg_nn_multihead_attention(s, "net", x, x, x, clg_nn_attention_params(
        .heads = 2, .batch_first = true, .key_padding_mask = clg_ones(dev, CLG_BOOL, CLG_SHAPE(1, 3)))));
    for (int i = 0; i < 12; i++)
        ck_assert(none[i] == 0); // its first value
    free(none);
    clg_store_destroy(&s);
    clg_scope_pop(scope);
}
END_TEST

START_TEST(refused)
{
    clg_scope scope = clg_scope_push(dev);
    clg_store s = clg_store_create(dev, 7);
    float some[64];
    clg_tensor x = upload(CLG_SHAPE(3, 2, 4), some), two = upload(CLG_SHAPE(2, 4), some), whole = clg_zeros(dev, CLG_I32, CLG_SHAPE(3, 3));
#define MHA(q, k, v, ...) clg_nn_multihead_attention(s, "a", q, k, v, clg_nn_attention_params(__VA_ARGS__))->status
    ck_assert_int_eq(clg_nn_multihead_attention(s, "a", x, x, x, NULL)->status, CLG_EINVAL);
    ck_assert_int_eq(MHA(x, x, x, .heads = 3), CLG_ESHAPE);
    ck_assert_int_eq(MHA(x, x, x, .heads = 0), CLG_ESHAPE);
    ck_assert_int_eq(MHA(x, two, x, .heads = 2), CLG_ESHAPE);
    ck_assert_int_eq(MHA(x, x, x, .heads = 2, .dropout = NAN), CLG_EINVAL);
    ck_assert_int_eq(MHA(x, x, x, .heads = 2, .attn_mask = two), CLG_ESHAPE);
    ck_assert_int_eq(MHA(x, x, x, .heads = 2, .attn_mask = whole), CLG_EDTYPE);
    ck_assert_int_eq(MHA(x, x, x, .heads = 2, .key_padding_mask = two), CLG_ESHAPE);
    ck_assert_int_eq(clg_nn_transformer_encoder(s, "a", x, 0, clg_nn_transformer_params(.heads = 2))->status, CLG_EINVAL);
    ck_assert_int_eq(clg_nn_transformer_encoder_layer(s, "a", x, clg_nn_transformer_params(.heads = 2, .feedforward = -1))->status,
                     CLG_ESHAPE);
    ck_assert_int_eq(clg_nn_transformer_decoder_layer(s, "a", x, two, clg_nn_transformer_params(.heads = 2))->status, CLG_ESHAPE);
    ck_assert_int_eq(clg_store_count(s), 0); // what was made before it was refused is gone
    clg_store_destroy(&s);
    clg_scope_pop(scope);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transformer");
    TCase *c = tcase_create("layers");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, as_pytorch);
    tcase_add_test(c, later_keys_play_no_part);
    tcase_add_test(c, refused);
    suite_add_tcase(s, c);
    return run_suite(s);
}
