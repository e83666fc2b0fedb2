// SPDX-License-Identifier: MIT
// The text of generated kernels, both classes, against the files of golden/. No device. After a change
// that is meant: CLGRAD_CODEGEN_WRITE=1 writes the files anew; read the difference before it is committed.
#include "codegen/codegen.h"
#include "graph/build.h"

#include "checks.h"
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const clg__op op_add = { .name = "add", .kind = CLG__POINTWISE, .text = "a + b", .arity = 2 };
static const clg__op op_exp = { .name = "exp", .kind = CLG__POINTWISE, .text = "exp(a)", .arity = 1 };
static const clg__op op_pow = { .name = "pow", .kind = CLG__POINTWISE, .text = "H_POW(a, b)",
                                .arity = 2 };
static const clg__op op_relu = { .name = "relu", .kind = CLG__POINTWISE,
                                 .text = "SEL(a < K(0), K(0), a)", .arity = 1 };

static int operand(clg__body *body, clg__operand_kind kind, clg_dtype t, clg__access access)
{
    const int k = body->n_operands++;
    body->operands[k] = (clg__operand) { .kind = kind, .dtype = t, .input = k, .access = access, .b = 1 };
    body->insns[body->n_insns] = (clg__insn) { .kind = CLG__I_LOAD, .dtype = t, .operand = k };
    return body->n_insns++;
}

static int insn(clg__body *body, clg__insn in)
{
    body->insns[body->n_insns] = in;
    return body->n_insns++;
}

static int ew(clg__body *body, const clg__op *op, clg_dtype t, int a, int b)
{
    return insn(body, (clg__insn) { .kind = CLG__I_EW, .dtype = t, .op = op, .src = { a, b } });
}

static void output(clg__body *body, int from, clg_dtype t)
{
    body->outputs[body->n_outputs] = (clg__output) { .insn = from, .output = 100 + body->n_outputs, .dtype = t };
    body->n_outputs++;
}

static clg__access whole(const clg__body *body)
{
    return clg__access_contiguous(&body->shape);
}

// ---- the bodies

static void contiguous(clg__body *body)
{
    body->shape = CLG_SHAPE(8, 64);
    const int a = operand(body, CLG__FROM_BUFFER, CLG_F32, whole(body));
    const int b = operand(body, CLG__FROM_BUFFER, CLG_F32, whole(body));
    output(body, ew(body, &op_relu, CLG_F32, ew(body, &op_add, CLG_F32, a, b), 0), CLG_F32);
    body->n_per_element = body->n_insns;
}

static void broadcast(clg__body *body)
{
    body->shape = CLG_SHAPE(5, 7);
    clg__access row = whole(body), column = whole(body);
    row.stride[0] = 0;
    column.stride[0] = 1;
    column.stride[1] = 0;
    const int a = operand(body, CLG__FROM_BUFFER, CLG_F32, row);
    const int b = operand(body, CLG__FROM_BUFFER, CLG_I32, column);
    const int c = operand(body, CLG__FROM_SCALAR, CLG_F32, (clg__access) { 0 });
    const int d = insn(body, (clg__insn) { .kind = CLG__I_CAST, .dtype = CLG_F32, .src = { b } });
    const int e = insn(body, (clg__insn) { .kind = CLG__I_CONST, .dtype = CLG_F32, .value = 0.5 });
    const int f = ew(body, &op_add, CLG_F32, ew(body, &op_pow, CLG_F32, a, d), c);
    output(body, ew(body, &op_add, CLG_F32, f, e), CLG_F32);
    output(body, f, CLG_F32);
    body->n_per_element = body->n_insns;
}

static void window(clg__body *body)
{
    const clg_shape inner = CLG_SHAPE(4, 30);
    body->shape = CLG_SHAPE(6, 40);
    clg__access p = clg__access_contiguous(&inner);
    clg__access_flip(&p, 1, 30);
    clg__access_pad(&p, &inner, (int64_t[]) { 1, 4 }, (int64_t[]) { 1, 6 });
    const int a = operand(body, CLG__FROM_BUFFER, CLG_F64, p);
    const int b = operand(body, CLG__FROM_IOTA, CLG_F64, whole(body));
    output(body, ew(body, &op_pow, CLG_F64, a, b), CLG_F64);
    body->n_per_element = body->n_insns;
}

static void random_numbers(clg__body *body)
{
    body->shape = CLG_SHAPE(100);
    const int a = operand(body, CLG__FROM_RANDOM, CLG_F32, whole(body));
    body->operands[0].random = CLG__RAND_NORMAL;
    output(body, ew(body, &op_exp, CLG_F32, a, 0), CLG_F32);
    body->n_per_element = body->n_insns;
}

static void reduce_rows(clg__body *body)
{
    body->shape = CLG_SHAPE(3, 50);
    body->reduced[1] = true;
    clg__access kept = { .stride = { 1, 0 } };
    const int a = operand(body, CLG__FROM_BUFFER, CLG_F32, whole(body));
    const int b = ew(body, &op_exp, CLG_F32, a, 0);
    body->n_per_element = body->n_insns;
    body->reductions[body->n_reductions++] = (clg__reduction) { CLG__RED_SUM, b, CLG_F32 };
    body->reductions[body->n_reductions++] = (clg__reduction) { CLG__RED_MAX, a, CLG_F32 };
    const int s = insn(body, (clg__insn) { .kind = CLG__I_REDUCED, .dtype = CLG_F32, .operand = 0 });
    const int m = insn(body, (clg__insn) { .kind = CLG__I_REDUCED, .dtype = CLG_F32, .operand = 1 });
    const int c = operand(body, CLG__FROM_BUFFER, CLG_F32, kept);
    output(body, ew(body, &op_add, CLG_F32, s, c), CLG_F32);
    output(body, m, CLG_F32);
}

static void reduce_columns(clg__body *body)
{
    body->shape = CLG_SHAPE(40, 9);
    body->reduced[0] = true;
    const int a = operand(body, CLG__FROM_BUFFER, CLG_I64, whole(body));
    body->n_per_element = body->n_insns;
    body->reductions[body->n_reductions++] = (clg__reduction) { CLG__RED_ARGMAX, a, CLG_I64 };
    output(body, insn(body, (clg__insn) { .kind = CLG__I_REDUCED, .dtype = CLG_I64, .operand = 0 }), CLG_I64);
}

static void reduce_all(clg__body *body)
{
    body->shape = CLG_SHAPE(1000, 1000);
    body->reduced[0] = body->reduced[1] = true;
    const int a = operand(body, CLG__FROM_BUFFER, CLG_F32, whole(body));
    body->n_per_element = body->n_insns;
    body->reductions[body->n_reductions++] = (clg__reduction) { CLG__RED_SUM, a, CLG_F32 };
    output(body, insn(body, (clg__insn) { .kind = CLG__I_REDUCED, .dtype = CLG_F32, .operand = 0 }), CLG_F32);
}

static const struct {
    const char *name;
    void (*make)(clg__body *body);
    int n; // bodies in one launch
} cases[] = {
    { "contiguous", contiguous, 1 },       { "broadcast", broadcast, 1 }, { "window", window, 1 },
    { "random", random_numbers, 1 },       { "three", contiguous, 3 },
    { "reduce_rows", reduce_rows, 1 },     { "reduce_columns", reduce_columns, 1 },
    { "reduce_all", reduce_all, 1 },
};

// ---- text of a plan, compared with a file

static void describe(clg__str *out, const clg__kplan *p)
{
    static const char *const kinds[] = { "in", "in_offset", "out", "temp", "geo", "scalar", "seed",
                                         "i32", "i64", "local", "epilogue" };
    for (int k = 0; k < p->n_launches; k++) {
        const clg__launch *l = &p->launches[k];
        clg__str_printf(out, "// %s: %zu x %zu groups of %zu items, arguments", l->entry, l->grid[0],
                        l->grid[1], l->group[0]);
        for (int i = 0; i < l->n_args; i++)
            clg__str_printf(out, " %s", kinds[l->args[i].kind]);
        clg__str_printf(out, "\n%s", clg__str_text(&l->text));
    }
    clg__str_add(out, "// geometry:");
    for (int k = 0; k < p->n_geo; k++)
        clg__str_printf(out, " %lld", (long long) p->geo[k]);
    clg__str_add(out, "\n");
}

static void generate(int which, bool cpu, clg__str *out)
{
    static clg__body bodies[3];
    const clg__body *list[3];
    clg__kplan p;
    clg__caps caps = { 0 };
    caps.cpu_class = caps.is_cpu = cpu;
    caps.compute_units = 4;
    caps.max_work_group = 256;
    clg__kplan_init(&p);
    memset(bodies, 0, sizeof bodies);
    for (int k = 0; k < cases[which].n; k++) {
        cases[which].make(&bodies[k]);
        for (int i = 0; i < bodies[k].n_operands; i++)
            bodies[k].operands[i].input += 10 * k;
        list[k] = &bodies[k];
    }
    ck_assert_int_ge(clg__codegen(list, cases[which].n, &caps, &p), 0);
    describe(out, &p);
    clg__kplan_free(&p);
}

static void check_file(const char *path, const char *text)
{
    char *want = NULL;
    long size = 0;
    if (getenv("CLGRAD_CODEGEN_WRITE")) {
        FILE *f = fopen(path, "w");
        ck_assert_msg(f && fputs(text, f) >= 0 && fclose(f) == 0, "%s cannot be written", path);
        return;
    }
    FILE *f = fopen(path, "r");
    ck_assert_msg(f != NULL, "%s is missing: CLGRAD_CODEGEN_WRITE=1 writes it", path);
    fseek(f, 0, SEEK_END);
    size = ftell(f);
    rewind(f);
    want = calloc((size_t) size + 1, 1);
    ck_assert_uint_eq(fread(want, 1, (size_t) size, f), (size_t) size);
    fclose(f);
    int line = 1;
    const char *a = want, *b = text;
    while (*a && *a == *b) {
        line += *a == '\n';
        a++;
        b++;
    }
    ck_assert_msg(*a == *b, "%s:%d: expected \"%.60s\", generated \"%.60s\"; if that is meant, "
                  "CLGRAD_CODEGEN_WRITE=1", path, line, a, b);
    free(want);
}

START_TEST(text_is_as_it_was)
{
    const char *folder = getenv("CLGRAD_CODEGEN");
    for (int class = 0; class < 2; class++) {
        char path[1024];
        clg__str text = { 0 };
        snprintf(path, sizeof path, "%s/%s.%s.cl", folder ? folder : "tests/golden", cases[_i].name,
                 class ? "gpu" : "cpu");
        generate(_i, class == 0, &text);
        ck_assert(!text.failed);
        check_file(path, clg__str_text(&text));
        clg__str_free(&text);
    }
}
END_TEST

// What must not reach the text: extents, offsets, run-time numbers.
START_TEST(another_shape_is_the_same_text)
{
    clg__caps caps = { 0 };
    clg__body a = { 0 }, b = { 0 };
    clg__str texts[3] = { { 0 } };
    caps.cpu_class = true;
    caps.compute_units = 4;
    caps.max_work_group = 256;
    broadcast(&a);
    broadcast(&b);
    b.shape = CLG_SHAPE(11, 13);
    b.operands[0].access.offset = 5;
    ck_assert(clg__codegen_text(&a, &caps, &texts[0]) && clg__codegen_text(&b, &caps, &texts[1]));
    ck_assert_str_eq(clg__str_text(&texts[0]), clg__str_text(&texts[1]));
    b.operands[0].dtype = b.insns[0].dtype = CLG_F64;
    ck_assert(clg__codegen_text(&b, &caps, &texts[2]));
    ck_assert_str_ne(clg__str_text(&texts[0]), clg__str_text(&texts[2]));
    for (int i = 0; i < 3; i++)
        clg__str_free(&texts[i]);
}
END_TEST

// Merging groups asks for accesses between shapes that have only their number of elements, 0, in common.
START_TEST(an_empty_tensor_is_seen_as_any_shape)
{
    const clg_shape os = CLG_SHAPE(0, 19), ms = CLG_SHAPE(19, 0);
    const clg__access outer = clg__access_contiguous(&os), inner = clg__access_contiguous(&ms);
    clg__access g;
    clg__looked looked;
    ck_assert(clg__access_compose(&outer, &os, &inner, &ms, &g, &looked));
    ck_assert(clg__access_is_contiguous(&g, &os));
}
END_TEST

int main(void)
{
    setlocale(LC_ALL, "");
    Suite *s = suite_create("codegen");
    TCase *c = tcase_create("text");
    tcase_add_loop_test(c, text_is_as_it_was, 0, (int) (sizeof cases / sizeof cases[0]));
    tcase_add_test(c, another_shape_is_the_same_text);
    tcase_add_test(c, an_empty_tensor_is_seen_as_any_shape);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    const int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
