// SPDX-License-Identifier: MIT
// Bodies: compact, and numbered by their text.
#include "sched/body.h"

#include "base/alloc.h"
#include "base/hash.h"

#include <stddef.h>
#include <string.h>

enum { ALIGN = sizeof(max_align_t) };

static size_t padded(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

clg__compact_body *clg__body_compact(const clg__body *body)
{
    const size_t operands = padded((size_t) body->n_operands * sizeof body->operands[0]),
                 insns = padded((size_t) body->n_insns * sizeof body->insns[0]),
                 outputs = padded((size_t) body->n_outputs * sizeof body->outputs[0]),
                 reductions = padded((size_t) body->n_reductions * sizeof body->reductions[0]);
    char *at = clg__malloc(padded(sizeof(clg__compact_body)) + operands + insns + outputs + reductions);
    clg__compact_body *b = (clg__compact_body *) at;
    if (!b)
        return NULL;
    *b = (clg__compact_body) { .shape = body->shape, .n_operands = body->n_operands, .n_insns = body->n_insns,
                               .n_per_element = body->n_per_element, .n_outputs = body->n_outputs,
                               .n_reductions = body->n_reductions };
    memcpy(b->reduced, body->reduced, sizeof b->reduced);
    at += padded(sizeof *b);
    b->operands = memcpy(at, body->operands, (size_t) body->n_operands * sizeof body->operands[0]);
    b->insns = memcpy(at += operands, body->insns, (size_t) body->n_insns * sizeof body->insns[0]);
    b->outputs = memcpy(at += insns, body->outputs, (size_t) body->n_outputs * sizeof body->outputs[0]);
    b->reductions = memcpy(at + outputs, body->reductions, (size_t) body->n_reductions * sizeof body->reductions[0]);
    return b;
}

void clg__body_expand(const clg__compact_body *b, clg__body *body)
{
    body->shape = b->shape;
    memcpy(body->reduced, b->reduced, sizeof body->reduced);
    memset(body->ones, 0, sizeof body->ones);
    body->n_operands = b->n_operands;
    body->n_insns = b->n_insns;
    body->n_per_element = b->n_per_element;
    body->n_outputs = b->n_outputs;
    body->n_reductions = b->n_reductions;
    memcpy(body->operands, b->operands, (size_t) b->n_operands * sizeof body->operands[0]);
    memcpy(body->insns, b->insns, (size_t) b->n_insns * sizeof body->insns[0]);
    memcpy(body->outputs, b->outputs, (size_t) b->n_outputs * sizeof body->outputs[0]);
    memcpy(body->reductions, b->reductions, (size_t) b->n_reductions * sizeof body->reductions[0]);
}

// ---- texts

typedef struct entry { // of bodies, or of texts
    clg__str bytes;
    uint64_t hash;
    int number;
} entry;

typedef struct table {
    entry *entries;
    int n, capacity;
    int *slots, n_slots; // open addressing, at most half full
} table;

struct clg__texts {
    const clg__caps *caps;
    table bodies, texts;
    clg__str key; // of the body that is looked up
};

clg__texts *clg__texts_new(const clg__caps *caps)
{
    clg__texts *t = clg__calloc(1, sizeof *t);
    if (t)
        t->caps = caps;
    return t;
}

static void free_table(table *t)
{
    for (int i = 0; i < t->n; i++)
        clg__str_free(&t->entries[i].bytes);
    clg__free(t->entries);
    clg__free(t->slots);
}

void clg__texts_free(clg__texts *t)
{
    if (!t)
        return;
    free_table(&t->bodies);
    free_table(&t->texts);
    clg__str_free(&t->key);
    clg__free(t);
}

static bool grow(table *t)
{
    const int n = t->n_slots ? 2 * t->n_slots : 64;
    int *slots = clg__malloc((size_t) n * sizeof *slots);
    if (!slots)
        return false;
    for (int i = 0; i < n; i++)
        slots[i] = -1;
    for (int i = 0; i < t->n; i++) {
        size_t at = t->entries[i].hash & (uint64_t) (n - 1);
        while (slots[at] >= 0)
            at = (at + 1) & (size_t) (n - 1);
        slots[at] = i;
    }
    clg__free(t->slots);
    t->slots = slots;
    t->n_slots = n;
    return true;
}

// The entry of these bytes; *is_new: it was made now, and has no number yet. NULL: out of memory
static entry *find(table *t, const clg__str *bytes, bool *is_new)
{
    *is_new = false;
    if (bytes->failed || (2 * t->n >= t->n_slots && !grow(t)))
        return NULL;
    const uint64_t hash = clg__hash(clg__str_text(bytes), bytes->length, 0);
    size_t at = hash & (uint64_t) (t->n_slots - 1);
    for (; t->slots[at] >= 0; at = (at + 1) & (size_t) (t->n_slots - 1)) {
        entry *e = &t->entries[t->slots[at]];
        if (e->hash == hash && e->bytes.length == bytes->length &&
            memcmp(clg__str_text(&e->bytes), clg__str_text(bytes), bytes->length) == 0)
            return e;
    }
    if (!clg__grow((void **) &t->entries, &t->capacity, t->n + 1, sizeof *t->entries))
        return NULL;
    entry *e = &t->entries[t->n];
    *e = (entry) { .hash = hash, .number = -1 };
    clg__str_add_n(&e->bytes, clg__str_text(bytes), bytes->length);
    if (e->bytes.failed) {
        clg__str_free(&e->bytes);
        return NULL;
    }
    *is_new = true;
    t->slots[at] = t->n++;
    return e;
}

// Field by field, without what a body is bound to; offsets are arguments of a kernel.
static void write_key(const clg__compact_body *b, clg__str *k)
{
    const size_t rank = (size_t) b->shape.rank;
    const int head[6] = { b->shape.rank, b->n_operands, b->n_insns, b->n_per_element, b->n_outputs, b->n_reductions };
    clg__str_clear(k);
    clg__str_add_n(k, head, sizeof head);
    clg__str_add_n(k, b->shape.dim, rank * sizeof b->shape.dim[0]);
    for (int i = 0; i < b->n_operands; i++) {
        const clg__operand *o = &b->operands[i];
        const int what[4] = { (int) o->kind, (int) o->dtype, (int) o->random, o->access.windowed };
        const double numbers[3] = { o->fill, o->a, o->b };
        clg__str_add_n(k, what, sizeof what);
        clg__str_add_n(k, o->access.stride, rank * sizeof o->access.stride[0]);
        if (o->access.windowed) {
            clg__str_add_n(k, o->access.lo, rank * sizeof o->access.lo[0]);
            clg__str_add_n(k, o->access.hi, rank * sizeof o->access.hi[0]);
        }
        clg__str_add_n(k, numbers, sizeof numbers);
    }
    for (int i = 0; i < b->n_insns; i++) {
        const clg__insn *in = &b->insns[i];
        const int what[3] = { (int) in->kind, (int) in->dtype, in->operand };
        clg__str_add_n(k, what, sizeof what);
        clg__str_add_n(k, in->src, sizeof in->src);
        clg__str_add_n(k, &in->op, sizeof in->op);
        clg__str_add_n(k, &in->value, sizeof in->value);
    }
    for (int i = 0; i < b->n_outputs; i++) {
        const int what[2] = { b->outputs[i].insn, (int) b->outputs[i].dtype };
        clg__str_add_n(k, what, sizeof what);
    }
}

static bool text_of(clg__texts *t, const clg__compact_body *b, clg__body *room, int *number)
{
    clg__str text = { 0 };
    bool is_new;
    clg__body_expand(b, room);
    if (!clg__codegen_text(room, t->caps, &text)) {
        clg__str_free(&text);
        return false;
    }
    entry *e = text.length ? find(&t->texts, &text, &is_new) : NULL;
    const bool ok = text.length == 0 || e;
    if (e && is_new)
        e->number = t->texts.n - 1;
    *number = e ? e->number : -1;
    clg__str_free(&text);
    return ok;
}

bool clg__text_number(clg__texts *t, const clg__compact_body *b, clg__body *room, int *number)
{
    bool is_new;
    write_key(b, &t->key);
    entry *e = find(&t->bodies, &t->key, &is_new);
    if (!e)
        return false;
    if (is_new && !text_of(t, b, room, &e->number))
        return false;
    *number = e->number;
    return true;
}
