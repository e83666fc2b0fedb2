// SPDX-License-Identifier: MIT
// Recurrent layers against PyTorch's results and gradients (data/recurrent.txt, made by recurrent_torch.py), cells
// against the layers, and what is refused.
#include "numbers.h"

typedef struct setup {
    char kind[8], text[128];
    int t, n, i, h, layers, d, first, bias, relu, states, n_lengths;
    int64_t length[8];
} setup;

static clg_tensor call(const setup *c, clg_store s, clg_tensor x, const struct clg_nn_recurrent_params *p)
{
    return c->kind[0] == 'r' ? clg_nn_rnn(s, "net", x, p) : c->kind[0] == 'l' ? clg_nn_lstm(s, "net", x, p) : clg_nn_gru(s, "net", x, p);
}

static void check_case(const setup *c)
{
    clg_scope scope = clg_scope_push(dev);
    clg_store s = clg_store_create(dev, 1);
    const bool lstm = c->kind[0] == 'l';
    const clg_shape in = c->n == 0 ? CLG_SHAPE(c->t, c->i) : c->first ? CLG_SHAPE(c->n, c->t, c->i) : CLG_SHAPE(c->t, c->n, c->i);
    const clg_shape of = c->n == 0 ? CLG_SHAPE(c->layers * c->d, c->h) : CLG_SHAPE(c->layers * c->d, c->n, c->h);
    clg_tensor x = tensor_of(line_of("x"), in), last[2] = { NULL, NULL }, wrt[PARAMS + 1], g[PARAMS + 1];
    if (c->n_lengths) { // what lies beyond a row's end plays no part
        clg_tensor t = clg_reshape(clg_arange(dev, CLG_I64, 0, c->t, 1), c->first ? CLG_SHAPE(c->t, 1) : CLG_SHAPE(c->t, 1, 1));
        clg_tensor n = clg_reshape(clg_upload(dev, CLG_I64, CLG_SHAPE(c->n), c->length), c->first ? CLG_SHAPE(c->n, 1, 1) : CLG_SHAPE(c->n, 1));
        x = clg_where(clg_lt(t, n), x, clg_full(dev, CLG_F32, CLG_SCALAR, NAN));
    }
    x = clg_track(x);
    struct clg_nn_recurrent_params p = { .size = sizeof p, .hidden = c->h, .layers = c->layers, .bidirectional = c->d == 2,
                                         .batch_first = c->first, .no_bias = !c->bias, .relu = c->relu, .h_n = &last[0] };
    p.c_n = lstm ? &last[1] : NULL;
    p.h0 = c->states ? tensor_of(line_of("h0"), of) : NULL;
    p.c0 = c->states && lstm ? tensor_of(line_of("c0"), of) : NULL;
    p.lengths = c->n_lengths ? clg_upload(dev, CLG_I64, CLG_SHAPE(c->n), c->length) : NULL;
    ok(call(c, s, x, &p)->status); // makes the parameters
    int n = 1, n_params = 0;
    const char *names[PARAMS + 1];
    for (int k = 0; k < n_lines; k++) {
        char name[80];
        if (strncmp(lines[k].name, "param ", 6) != 0)
            continue;
        snprintf(name, sizeof name, "net.%s", lines[k].name + 6);
        clg_var v = clg_store_find(s, name);
        ck_assert_msg(v != NULL, "%s: no parameter %s", c->text, name);
        ok(clg_assign_n(&v, (clg_tensor[]) { tensor_of(&lines[k], clg_var_value(v)->shape) }, 1));
        names[n_params++] = lines[k].name + 6;
    }
    ck_assert_int_eq(clg_store_count(s), n_params);
    clg_tensor y = call(c, s, x, &p);
    ok(y->status);
    wrt[0] = x;
    for (int k = 0; k < n_params; k++) {
        char name[80];
        snprintf(name, sizeof name, "net.%s", names[k]);
        wrt[n++] = clg_var_value(clg_store_find(s, name));
    }
    float w[NUMBERS];
    const int64_t all = clg_numel(y->shape);
    for (int64_t i = 0; i < all; i++)
        w[i] = (float) ((double) ((7 * i) % 11 - 5) / 5);
    clg_tensor loss = clg_add(clg_sum(clg_mul(y, clg_upload(dev, CLG_F32, y->shape, w)), CLG_ALL, false), clg_sum(last[0], CLG_ALL, false));
    loss = lstm ? clg_add(loss, clg_sum(last[1], CLG_ALL, false)) : loss;
    ok(clg_grad_n(loss, wrt, n, g));
    compare(c->text, "y", y);
    compare(c->text, "h_n", last[0]);
    if (lstm)
        compare(c->text, "c_n", last[1]);
    compare(c->text, "dx", g[0]);
    for (int k = 0; k < n_params; k++) {
        char name[80];
        snprintf(name, sizeof name, "grad %s", names[k]);
        compare(c->text, name, g[k + 1]);
    }
    clg_store_destroy(&s);
    clg_scope_pop(scope);
}

START_TEST(as_pytorch)
{
    static char line[1 << 16];
    const char *path = getenv("CLGRAD_RECURRENT");
    FILE *f = fopen(path ? path : "tests/data/recurrent.txt", "r");
    ck_assert_msg(f != NULL, "the data is missing: set CLGRAD_RECURRENT");
    setup c = { 0 };
    int cases = 0;
    while (fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        char *at = line;
        if (strncmp(line, "case ", 5) == 0) {
            int used = 0;
            n_lines = 0;
            c = (setup) { 0 };
            snprintf(c.text, sizeof c.text, "%.100s", line + 5);
            ck_assert_int_eq(sscanf(line, "case %7s %d %d %d %d %d %d %d %d %d %d%n", c.kind, &c.t, &c.n, &c.i, &c.h, &c.layers,
                                    &c.d, &c.first, &c.bias, &c.relu, &c.states, &used), 11);
            for (at += used; *at && c.n_lengths < 8; c.n_lengths++) {
                char *end;
                c.length[c.n_lengths] = strtoll(at, &end, 10);
                if (end == at)
                    break;
                at = end;
            }
        } else if (strcmp(line, "end") == 0) {
            if (in_turn(cases++, 5)) // kernels of its own each
                check_case(&c);
        } else if (line[0] != '#') {
            read_line(line);
        }
    }
    fclose(f);
    ck_assert_int_ge(cases, 13);
}
END_TEST

// A cell is a layer of one step; a row of no steps keeps its first state.
START_TEST(cells_and_rows_of_nothing)
{
    clg_scope scope = clg_scope_push(dev);
    clg_store s = clg_store_create(dev, 7);
    float some[64];
    const int64_t length[2] = { 0, 1 };
    clg_tensor x = upload(CLG_SHAPE(1, 2, 3), some), h = upload(CLG_SHAPE(1, 2, 4), some), c = upload(CLG_SHAPE(1, 2, 4), some), h_n, c_n, c1;
    clg_tensor y = clg_nn_lstm(s, "net", x, clg_nn_recurrent_params(.hidden = 4, .h0 = h, .c0 = c, .h_n = &h_n, .c_n = &c_n,
                                                                    .lengths = clg_upload(dev, CLG_I64, CLG_SHAPE(2), length)));
    ok(y->status);
#define VALUE(name) clg_var_value(clg_store_find(s, "net." name))
    clg_tensor z = clg_lstm_cell(clg_select(x, 0, 0), clg_select(h, 0, 0), clg_select(c, 0, 0), VALUE("weight_ih_l0"), VALUE("weight_hh_l0"),
                                 VALUE("bias_ih_l0"), VALUE("bias_hh_l0"), &c1);
    clg_tensor row = clg_lstm_cell(clg_reshape(clg_select(clg_select(x, 0, 0), 0, 1), CLG_SHAPE(3)), clg_select(clg_select(h, 0, 0), 0, 1),
                                   clg_select(clg_select(c, 0, 0), 0, 1), VALUE("weight_ih_l0"), VALUE("weight_hh_l0"),
                                   VALUE("bias_ih_l0"), VALUE("bias_hh_l0"), NULL);
    double *yy = read_all(y), *zz = read_all(z), *hh = read_all(h_n), *cc = read_all(c_n), *h0 = read_all(h), *c0 = read_all(c), *new_c = read_all(c1), *r = read_all(row);
    for (int i = 0; i < 4; i++) {
        ck_assert(yy[i] == 0 && hh[i] == h0[i] && cc[i] == c0[i]);
        ck_assert(fabs(yy[4 + i] - zz[4 + i]) < 1e-6 && hh[4 + i] == yy[4 + i] && fabs(cc[4 + i] - new_c[4 + i]) < 1e-6);
        ck_assert(fabs(r[i] - zz[4 + i]) < 1e-6);
    }
    double *all[] = { yy, zz, hh, cc, h0, c0, new_c, r };
    for (int i = 0; i < 8; i++)
        free(all[i]);
    clg_store_destroy(&s);
    clg_scope_pop(scope);
}
END_TEST

START_TEST(refused)
{
    clg_scope scope = clg_scope_push(dev);
    clg_store s = clg_store_create(dev, 7);
    float some[64];
    clg_tensor x = upload(CLG_SHAPE(3, 2, 3), some), two = upload(CLG_SHAPE(2, 4), some);
    ck_assert(clg_nn_lstm(s, "a", x, NULL)->status == CLG_EINVAL);
    ck_assert(clg_nn_lstm(s, "a", x, clg_nn_recurrent_params(.hidden = 0))->status == CLG_ESHAPE);
    ck_assert(clg_nn_gru(s, "a", x, clg_nn_recurrent_params(.hidden = 4, .c0 = two))->status == CLG_EINVAL);
    ck_assert(clg_nn_rnn(s, "a", x, clg_nn_recurrent_params(.hidden = 4, .h0 = two))->status == CLG_ESHAPE);
    ck_assert(clg_nn_rnn(s, "a", x, clg_nn_recurrent_params(.hidden = 4, .dropout = 2))->status == CLG_EINVAL);
    ck_assert(clg_nn_rnn(s, "a", x, clg_nn_recurrent_params(.hidden = 4, .lengths = two))->status == CLG_ESHAPE);
    ck_assert(clg_gru_cell(two, two, two, two, NULL, NULL)->status == CLG_ESHAPE);
    ck_assert_int_eq(clg_store_count(s), 0);
    clg_store_destroy(&s);
    clg_scope_pop(scope);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("recurrent");
    TCase *t = tcase_create("recurrent");
    tcase_set_timeout(t, 0);
    tcase_add_test(t, as_pytorch);
    tcase_add_test(t, cells_and_rows_of_nothing);
    tcase_add_test(t, refused);
    suite_add_tcase(s, t);
    return run_suite(s);
}
