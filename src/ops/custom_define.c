// SPDX-License-Identifier: MIT
// Defining custom operations: what is wrong with a definition is said here, and equal ones are one.
#include "ops/custom.h"

#include "base/alloc.h"
#include "base/format.h"
#include "base/hash.h"
#include "ops/custom_text.h"

#include <string.h>

typedef struct definition {
    clg_device dev;
    const char *call; // the public function, for messages
    clg__custom *c;
    char why[CLG__ERR_TEXT];
} definition;

static clg_custom fail(definition *d, clg_status st, const char *what)
{
    char text[CLG__ERR_TEXT];
    if (d->c && d->c->name)
        clg__format(text, sizeof text, "%s '%s': %s", d->call, d->c->name, what);
    else
        clg__format(text, sizeof text, "%s: %s", d->call, what);
    clg__publish(d->dev, st, text);
    return NULL;
}

static void free_definition(clg__custom *c)
{
    for (int i = 0; i < c->n_strings; i++)
        clg__free(c->strings[i]);
    clg__str_free(&c->identity);
    clg__free(c);
}

static void free_all(void *customs)
{
    for (clg__custom *c = customs, *next; c; c = next) {
        next = c->next;
        free_definition(c);
    }
}

static char *copy(clg__custom *c, const char *text)
{
    char *s = c->n_strings < (int) (sizeof c->strings / sizeof c->strings[0]) ? clg__strdup(text) : NULL;
    if (s)
        c->strings[c->n_strings++] = s;
    return s;
}

static bool is_name(const char *name)
{
    if (!name || !*name || strlen(name) > 60)
        return false;
    for (const char *p = name; *p; p++) {
        if (!clg__is_letter(*p) && !clg__is_digit(*p) && !strchr("_.-", *p))
            return false;
    }
    return true;
}

static bool is_taken(const clg__custom *c, const char *name)
{
    bool taken = false;
    for (int i = 0; i < c->n_in; i++)
        taken |= strcmp(c->in[i], name) == 0;
    for (int i = 0; i < c->n_out; i++)
        taken |= strcmp(c->out[i], name) == 0;
    for (int i = 0; i < c->n_scalars; i++)
        taken |= strcmp(c->scalars[i], name) == 0;
    for (int i = 0; i < c->n_ints; i++)
        taken |= strcmp(c->ints[i], name) == 0;
    return taken;
}

// Blank-separated names into list; false: d->why.
static bool split(definition *d, const char *what, const char *names, int most, const char **list, int *n)
{
    char *at = copy(d->c, names ? names : "");
    if (!at) {
        clg__format(d->why, sizeof d->why, "out of host memory");
        return false;
    }
    for (*n = 0; *(at += strspn(at, " "));) {
        char *name = at;
        at += strcspn(at, " ");
        const bool last = *at == '\0';
        *at = '\0';
        if (*n == most) {
            clg__format(d->why, sizeof d->why, "more than %d %s", most, what);
            return false;
        }
        if (!clg__custom_is_name(name) || is_taken(d->c, name)) {
            clg__format(d->why, sizeof d->why, "'%.60s' among the %s %s", name, what,
                        is_taken(d->c, name) ? "is there twice" : "cannot be a name");
            return false;
        }
        list[(*n)++] = name;
        at += !last;
    }
    return true;
}

// A part of the identity, which no other is the beginning of.
static void identify(clg__str *s, const char *text)
{
    clg__str_printf(s, "%zu:%s;", text ? strlen(text) : 0, text ? text : "");
}

static const char *look_through(definition *d, clg__text_kind kind, const char *what, const char *text, const char *id)
{
    clg__str clean = { 0 };
    char why[CLG__ERR_TEXT];
    const char *kept = NULL;
    if (!clg__custom_text(kind, text, id, &clean, why)) {
        clg__format(d->why, sizeof d->why, "%s: %s", what, why);
    } else {
        kept = clean.failed ? NULL : copy(d->c, clg__str_text(&clean));
        if (!kept)
            clg__format(d->why, sizeof d->why, "out of host memory");
    }
    clg__str_free(&clean);
    return kept;
}

static bool begin(definition *d, clg_device dev, const char *call, const char *wrong)
{
    *d = (definition) { .dev = clg__is_open(dev) ? dev : NULL, .call = call };
    if (!d->dev)
        clg__misuse(NULL, "%s: %s", call, clg__why_no_device(dev));
    else if (wrong)
        fail(d, CLG_EINVAL, wrong);
    if (!d->dev || wrong)
        return false;
    d->c = clg__calloc(1, sizeof *d->c);
    if (!d->c)
        fail(d, CLG_ENOMEM, "out of host memory");
    return d->c != NULL;
}

static clg_custom give_up(definition *d, clg_status st)
{
    fail(d, st, d->why);
    free_definition(d->c);
    return NULL;
}

// The name, and what tells definitions apart; false: d->why, or an equal one in *known.
static bool name_it(definition *d, const char *name, clg_custom *known)
{
    clg__custom *c = d->c;
    *known = NULL;
    if (!is_name(name)) {
        clg__format(d->why, sizeof d->why, "the name is %s", !name || !*name ? "missing" : "longer than 60, or has other characters than letters, digits, '_', '.' and '-'");
        return false;
    }
    identify(&c->identity, name);
    c->name = copy(c, name);
    if (c->identity.failed || !c->name) {
        clg__format(d->why, sizeof d->why, "out of host memory");
        return false;
    }
    for (const clg__custom *o = d->dev->customs; o; o = o->next) {
        if (strcmp(o->name, name) != 0)
            continue;
        if (o->identity.length == c->identity.length && o->kernel == c->kernel && o->integers == c->integers &&
            memcmp(o->identity.text, c->identity.text, c->identity.length) == 0 && o->shape == c->shape &&
            o->grid == c->grid && o->scratch == c->scratch && o->scratch_bytes == c->scratch_bytes && o->backward == c->backward && o->user == c->user)
            *known = o->handle;
        else
            clg__format(d->why, sizeof d->why, "the name is that of another definition");
        return false;
    }
    clg__hash_hex(c->identity.text, c->identity.length, c->id);
    c->id[16] = '\0';
    return true;
}

static clg_custom finish(definition *d)
{
    clg__custom *c = d->c;
    clg_device dev = d->dev;
    c->handle = clg__slot_new(&dev->custom_slots);
    if (!c->handle) {
        clg__format(d->why, sizeof d->why, "out of host memory");
        return give_up(d, CLG_ENOMEM);
    }
    *c->handle = (struct clg_custom_t) { dev, c };
    c->next = dev->customs;
    dev->customs = c;
    dev->customs_free = free_all;
    return c->handle;
}

static clg_status status_of(const definition *d)
{
    return strcmp(d->why, "out of host memory") == 0 ? CLG_ENOMEM : CLG_EINVAL;
}

static clg_custom refused(definition *d, clg_custom known)
{
    if (!known)
        return give_up(d, status_of(d));
    free_definition(d->c);
    return known;
}

static bool divides(const char *text)
{
    return strpbrk(text, "/%") != NULL;
}

static bool read_pointwise(definition *d, const struct clg_custom_pointwise_params *q)
{
    clg__custom *c = d->c;
    const char *id = c->id;
    if (!split(d, "inputs", q->inputs, CLG_CUSTOM_NUMBERS, c->in, &c->n_in) ||
        !split(d, "scalars", q->scalars, CLG_CUSTOM_NUMBERS, c->scalars, &c->n_scalars))
        return false;
    if (c->n_in == 0 || c->n_in + c->n_scalars > CLG_CUSTOM_NUMBERS) {
        clg__format(d->why, sizeof d->why, "%d inputs and %d scalars, expected 1 to %d in all, an input among them", c->n_in,
                    c->n_scalars, CLG_CUSTOM_NUMBERS);
        return false;
    }
    c->inputs = copy(c, q->inputs);
    c->functions = look_through(d, CLG__FUNCTIONS, "functions", q->functions, id);
    if (!c->functions || !c->inputs)
        return false;
    for (int i = 0; i < c->n_in + c->n_scalars; i++)
        c->operands[i] = i < c->n_in ? c->in[i] : c->scalars[i - c->n_in];
    for (int k = 0; k < CLG_CUSTOM_OUTPUTS; k++) {
        const char *text = k ? q->more[k - 1] : q->expression;
        char what[32];
        if (k && !text) {
            for (int i = k; i < CLG_CUSTOM_OUTPUTS - 1; i++) {
                if (!q->more[i])
                    continue;
                clg__format(d->why, sizeof d->why, "more[%d] is NULL, more[%d] is not", k - 1, i);
                return false;
            }
            break;
        }
        clg__format(what, sizeof what, k ? "expression %d" : "expression", k);
        text = look_through(d, CLG__EXPRESSION, what, text, id);
        if (!text)
            return false;
        if (c->integers && (divides(text) || divides(c->functions))) {
            clg__format(d->why, sizeof d->why, "%s: / and %% trap where integers are divided by 0", what);
            return false;
        }
        c->own[k] = (clg__own) { .id = c->id, .name = c->name, .result = k, .expression = text, .functions = c->functions,
                                 .names = c->operands, .n = c->n_in + c->n_scalars };
        c->own[k].vectors = !*c->functions && clg__custom_is_formula(text, c->operands, c->own[k].n);
        c->op[k] = (clg__op) { .name = c->name, .kind = CLG__POINTWISE, .text = "own", .arity = c->own[k].n,
                               .domain = c->integers ? CLG__NUMERIC : CLG__FLOATING, .own = &c->own[k],
                               .vjp_all = c->backward ? clg__custom_backward : NULL, .key = clg__custom_key,
                               .params_bytes = sizeof(clg__custom_node) };
        c->n_out = k + 1;
    }
    return true;
}

clg_custom clg_custom_pointwise(clg_device dev, const struct clg_custom_pointwise_params *p)
{
    struct clg_custom_pointwise_params q;
    definition d;
    clg_custom known;
    if (!begin(&d, dev, "custom_pointwise", p ? clg_params_read(&q, sizeof q, p) : "the definition is NULL"))
        return NULL;
    clg__custom *c = d.c;
    c->integers = q.integers;
    c->backward = q.backward;
    c->user = q.user;
    const char *parts[] = { q.inputs, q.scalars, q.expression, q.more[0], q.more[1], q.more[2], q.functions };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        identify(&c->identity, parts[i]);
    if (!name_it(&d, q.name, &known))
        return refused(&d, known);
    clg__format(d.why, sizeof d.why, "out of host memory");
    if (!read_pointwise(&d, &q))
        return refused(&d, NULL);
    return finish(&d);
}

static bool read_kernel(definition *d, const struct clg_custom_kernel_params *q)
{
    clg__custom *c = d->c;
    const char *id = c->id;
    if (!split(d, "inputs", q->inputs, CLG_CUSTOM_INPUTS, c->in, &c->n_in) ||
        !split(d, "outputs", q->outputs ? q->outputs : "y", CLG_CUSTOM_OUTPUTS, c->out, &c->n_out) ||
        !split(d, "scalars", q->scalars, CLG_CUSTOM_NUMBERS, c->scalars, &c->n_scalars) ||
        !split(d, "ints", q->ints, CLG_CUSTOM_NUMBERS, c->ints, &c->n_ints))
        return false;
    if (c->n_in == 0 || c->n_out == 0) {
        clg__format(d->why, sizeof d->why, "there are no %s", c->n_in ? "outputs" : "inputs");
        return false;
    }
    c->inputs = copy(c, q->inputs);
    c->functions = look_through(d, CLG__FUNCTIONS, "functions", q->functions, id);
    c->body = c->functions ? look_through(d, CLG__BODY, "body", q->body, id) : NULL;
    if (!c->body || !c->inputs)
        return false;
    uint32_t numbers = 0;
    for (int i = 0; i < c->n_scalars; i++)
        numbers |= 1u << (c->n_in + i);
    c->variant = (clg__variant) { .name = "custom", .plan = clg__custom_plan };
    c->op[0] = (clg__op) { .name = c->name, .kind = CLG__KERNEL, .vjp_all = c->backward ? clg__custom_backward : NULL,
                           .key = clg__custom_key, .params_bytes = sizeof(clg__custom_node), .variants = &c->variant,
                           .n_variants = 1, .scalar_inputs = numbers };
    return true;
}

clg_custom clg_custom_kernel(clg_device dev, const struct clg_custom_kernel_params *p)
{
    struct clg_custom_kernel_params q;
    definition d;
    clg_custom known;
    if (!begin(&d, dev, "custom_kernel", p ? clg_params_read(&q, sizeof q, p) : "the definition is NULL"))
        return NULL;
    clg__custom *c = d.c;
    c->kernel = true;
    c->shape = q.shape;
    c->grid = q.grid;
    c->scratch = q.scratch;
    c->scratch_bytes = q.scratch_bytes;
    c->backward = q.backward;
    c->user = q.user;
    const char *parts[] = { q.inputs, q.outputs, q.scalars, q.ints, q.body, q.functions };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        identify(&c->identity, parts[i]);
    if (!name_it(&d, q.name, &known))
        return refused(&d, known);
    clg__format(d.why, sizeof d.why, "out of host memory");
    if (!read_kernel(&d, &q))
        return refused(&d, NULL);
    return finish(&d);
}
