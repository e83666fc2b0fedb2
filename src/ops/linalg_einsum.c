// SPDX-License-Identifier: MIT
// Sums of products over indices: the grammar of an equation, the order of its products, and each of them as a matrix
// product, a sum or a broadcast one. tensordot is one of two operands.
#include "ops/linalg.h"

#include "ops/element.h"
#include <clgrad/arrange.h>
#include <clgrad/linalg.h>

#include <math.h>
#include <string.h>

// Letters are numbers: A to Z, a to z, then the dimensions of an ellipsis, the last one last.
enum { LETTERS = 52, ALL = LETTERS + CLG_MAX_RANK, MOST = CLG__EINSUM_OPERANDS, ALL_ORDERS = 5 };

typedef struct operand {
    clg_tensor t; // NULL: used up
    int rank, letter[CLG_MAX_RANK];
} operand;

typedef struct equation {
    const clg__call *call;
    clg_tensor bad;
    int n, deep;       // operands, dimensions of the ellipsis
    operand in[MOST];
    int n_out, out[CLG_MAX_RANK];
    int64_t size[ALL]; // -1: not seen
} equation;

static uint64_t bit(int letter)
{
    return (uint64_t) 1 << letter;
}

static uint64_t letters_of(const operand *a)
{
    uint64_t set = 0;
    for (int d = 0; d < a->rank; d++)
        set |= bit(a->letter[d]);
    return set;
}

static int number_of(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' : c >= 'a' && c <= 'z' ? 26 + c - 'a' : -1;
}

static char name_of(int letter)
{
    return (char) (letter < 26 ? 'A' + letter : letter < LETTERS ? 'a' + letter - 26 : '.');
}

#define FAIL(e, ...) ((e)->bad = clg__call_fail((e)->call, __VA_ARGS__), false)

// ---- the grammar

// Subscripts up to a comma, an arrow or the end: letters as numbers, LETTERS for the ellipsis.
static bool read_subscripts(equation *e, const char **at, int *n, int list[CLG_MAX_RANK + 1])
{
    *n = 0;
    bool dots = false;
    for (const char *s = *at;; s++) {
        const int letter = number_of(*s);
        if (*s == ' ')
            continue;
        if (*s == ',' || *s == '-' || *s == 0) {
            *at = s;
            return true;
        }
        if (*n == CLG_MAX_RANK + 1)
            return FAIL(e, CLG_EINVAL, "more subscripts than a tensor has dimensions");
        if (*s == '.') {
            if (s[1] != '.' || s[2] != '.')
                return FAIL(e, CLG_EINVAL, "a '.' that is not part of an ellipsis");
            if (dots)
                return FAIL(e, CLG_EINVAL, "two ellipses in one operand");
            dots = true;
            s += 2;
            list[(*n)++] = LETTERS;
        } else if (letter < 0) {
            const unsigned byte = (unsigned char) *s; // of a letter beyond ASCII there are several
            return byte < 32 || byte > 126 ? FAIL(e, CLG_EINVAL, "byte 0x%02x is no subscript: expected letters", byte)
                                           : FAIL(e, CLG_EINVAL, "'%c' is no subscript: expected letters", *s);
        } else
            list[(*n)++] = letter;
    }
}

// A diagonal where a letter stands twice; a dimension of 1 that others have larger goes.
static bool label(equation *e, int k, clg_tensor t, int n, const int *list)
{
    operand *a = &e->in[k];
    const int dots = t->shape.rank - (n - 1);
    bool ellipsis = false;
    int full[2 * CLG_MAX_RANK], rank = 0;
    for (int i = 0; i < n; i++)
        ellipsis |= list[i] == LETTERS;
    if (ellipsis ? dots < 0 : n != t->shape.rank)
        return FAIL(e, CLG_ESHAPE, "operand %d has %d dimensions, its subscripts name %d", k, t->shape.rank,
                    n - (int) ellipsis);
    for (int i = 0; i < n; i++) {
        if (list[i] != LETTERS)
            full[rank++] = list[i];
        else {
            e->deep = dots > e->deep ? dots : e->deep;
            for (int d = 0; d < dots; d++)
                full[rank++] = ALL - dots + d;
        }
    }
    for (int d = 0; d < rank && t->status >= 0; d++) {
        int before = 0;
        while (before < a->rank && a->letter[before] != full[d])
            before++;
        if (before == a->rank) {
            a->letter[a->rank++] = full[d];
            continue;
        }
        const int at = a->rank; // of this dimension in t, whose earlier repeats are gone
        if (t->shape.dim[before] != t->shape.dim[at])
            return FAIL(e, CLG_ESHAPE, "'%c' is repeated in operand %d, with sizes %lld and %lld", name_of(full[d]), k,
                        (long long) t->shape.dim[before], (long long) t->shape.dim[at]);
        t = clg_movedim(clg_diagonal(t, 0, before, at), CLG_AXES(-1), CLG_AXES(before));
    }
    a->t = t;
    if (t->status < 0)
        return e->bad = clg__call_own(e->call, t), false;
    for (int d = 0; d < a->rank; d++) {
        int64_t *size = &e->size[a->letter[d]];
        const int64_t own = t->shape.dim[d];
        if (*size > 1 && own > 1 && *size != own)
            return FAIL(e, CLG_ESHAPE, "'%c' is %lld in operand %d, elsewhere %lld", name_of(a->letter[d]),
                        (long long) own, k, (long long) *size);
        if (*size < 0 || *size == 1)
            *size = own;
        else if (own != 1 && own != *size)
            return FAIL(e, CLG_ESHAPE, "'%c' is %lld in operand %d, elsewhere %lld", name_of(a->letter[d]),
                        (long long) own, k, (long long) *size);
    }
    return true;
}

static bool read_output(equation *e, const char *at, const int times[ALL])
{
    int n = 0, list[CLG_MAX_RANK + 1];
    if (!*at) { // the ellipsis, and what stands once, by the alphabet
        for (int d = 0; d < e->deep; d++)
            e->out[e->n_out++] = ALL - e->deep + d;
        for (int letter = 0; letter < LETTERS; letter++) {
            if (times[letter] == 1 && e->n_out == CLG_MAX_RANK)
                return FAIL(e, CLG_ESHAPE, "the result has more than %d dimensions", CLG_MAX_RANK);
            if (times[letter] == 1)
                e->out[e->n_out++] = letter;
        }
        return true;
    }
    at += 2;
    if (!read_subscripts(e, &at, &n, list))
        return false;
    if (*at)
        return FAIL(e, CLG_EINVAL, "'%c' in the result", *at);
    uint64_t seen = 0;
    for (int i = 0; i < n; i++) {
        const int count = list[i] == LETTERS ? e->deep : 1;
        if (e->n_out + count > CLG_MAX_RANK)
            return FAIL(e, CLG_ESHAPE, "the result has more than %d dimensions", CLG_MAX_RANK);
        if (list[i] != LETTERS && (seen & bit(list[i])))
            return FAIL(e, CLG_EINVAL, "'%c' stands twice in the result", name_of(list[i]));
        if (list[i] != LETTERS && times[list[i]] == 0)
            return FAIL(e, CLG_EINVAL, "'%c' of the result is in no operand", name_of(list[i]));
        seen |= list[i] == LETTERS ? 0 : bit(list[i]);
        for (int d = 0; d < count; d++)
            e->out[e->n_out++] = list[i] == LETTERS ? ALL - e->deep + d : list[i];
    }
    return true;
}

static bool parse(equation *e, const char *text, const clg_tensor *t, int n)
{
    int times[ALL] = { 0 };
    const char *at = text;
    for (int k = 0; k < ALL; k++)
        e->size[k] = -1;
    for (;; at++) {
        int count, list[CLG_MAX_RANK + 1];
        if (e->n == n)
            return FAIL(e, CLG_EINVAL, "the equation has more operands than the %d given", n);
        if (!read_subscripts(e, &at, &count, list))
            return false;
        for (int i = 0; i < count; i++)
            times[list[i]] += list[i] != LETTERS;
        if (!label(e, e->n, t[e->n], count, list))
            return false;
        e->n++;
        if (*at != ',')
            break;
    }
    if (e->n != n)
        return FAIL(e, CLG_EINVAL, "the equation has %d operands, %d are given", e->n, n);
    if (*at == '-' && at[1] != '>')
        return FAIL(e, CLG_EINVAL, "'-' without '>'");
    return read_output(e, at, times);
}

// ---- one step: two operands become one

static uint64_t wanted(const equation *e, const operand *left, int n, int i, int j) // by all others and the result
{
    uint64_t set = 0;
    for (int d = 0; d < e->n_out; d++)
        set |= bit(e->out[d]);
    for (int k = 0; k < n; k++) {
        if (left[k].t && k != i && k != j)
            set |= letters_of(&left[k]);
    }
    return set;
}

// A sum in a's own type, over the dimensions of the letters.
static void sum_over(operand *a, uint64_t over)
{
    clg_shape axes = { .rank = 0 };
    operand y = { 0 };
    for (int d = 0; d < a->rank; d++) {
        if (over & bit(a->letter[d]))
            axes.dim[axes.rank++] = d;
        else
            y.letter[y.rank++] = a->letter[d];
    }
    if (!axes.rank)
        return;
    y.t = clg_cast(clg_sum(a->t, axes, false), a->t->dtype);
    *a = y;
}

static clg_tensor arranged(const operand *a, const int *order, int n)
{
    clg_shape axes = { .rank = n };
    for (int i = 0; i < n; i++) {
        axes.dim[i] = 0;
        while (a->letter[axes.dim[i]] != order[i])
            axes.dim[i]++;
    }
    return n ? clg_permute(a->t, axes) : a->t;
}

// t with ones where a lacks a letter of the list.
static clg_tensor spread(const operand *a, const operand *y)
{
    clg_shape s = { .rank = y->rank };
    int order[CLG_MAX_RANK], n = 0;
    for (int d = 0; d < y->rank; d++) {
        s.dim[d] = 1;
        for (int k = 0; k < a->rank; k++) {
            if (a->letter[k] == y->letter[d]) {
                s.dim[d] = a->t->shape.dim[k];
                order[n++] = y->letter[d];
            }
        }
    }
    return clg_reshape(arranged(a, order, n), s);
}

static int list_of(const operand *a, uint64_t set, int *to)
{
    int n = 0;
    for (int d = 0; d < a->rank; d++) {
        if (set & bit(a->letter[d]))
            to[n++] = a->letter[d];
    }
    return n;
}

static int64_t size_of(const equation *e, const int *letters, int n)
{
    int64_t size = 1;
    for (int i = 0; i < n; i++)
        size *= e->size[letters[i]];
    return size;
}

// [batch.., first, second], whose two last dimensions join `na` and `nb` letters.
static clg_tensor matrices(const equation *e, const operand *a, const int *batch, int n, const int *first, int na,
                           const int *second, int nb)
{
    int order[3 * CLG_MAX_RANK];
    memcpy(order, batch, (size_t) n * sizeof *order);
    memcpy(order + n, first, (size_t) na * sizeof *order);
    memcpy(order + n + na, second, (size_t) nb * sizeof *order);
    clg_shape s = { .rank = n + 2 };
    for (int d = 0; d < n; d++)
        s.dim[d] = e->size[batch[d]];
    s.dim[n] = size_of(e, first, na);
    s.dim[n + 1] = size_of(e, second, nb);
    return clg_reshape(arranged(a, order, n + na + nb), s);
}

static operand multiply(const equation *e, operand a, operand b, uint64_t keep)
{
    const uint64_t la = letters_of(&a), lb = letters_of(&b);
    sum_over(&a, la & ~lb & ~keep);
    sum_over(&b, lb & ~la & ~keep);
    int batch[CLG_MAX_RANK], sum[CLG_MAX_RANK], first[CLG_MAX_RANK], second[CLG_MAX_RANK];
    const int n = list_of(&a, la & lb & keep, batch), k = list_of(&a, la & lb & ~keep, sum);
    const int na = list_of(&a, la & ~lb & keep, first), nb = list_of(&b, lb & ~la & keep, second);
    operand y = { 0 };
    for (int d = 0; d < n; d++)
        y.letter[y.rank++] = batch[d];
    for (int d = 0; d < na; d++)
        y.letter[y.rank++] = first[d];
    for (int d = 0; d < nb; d++)
        y.letter[y.rank++] = second[d];
    const bool rows_alone = na + nb == 0 && n > 0; // a product and a sum are one kernel
    if (k == 0)
        y.t = clg_mul(spread(&a, &y), spread(&b, &y));
    else if (rows_alone || n + 2 > CLG_MAX_RANK) {
        operand full = y;
        for (int d = 0; d < k; d++)
            full.letter[full.rank++] = sum[d];
        const clg_dtype t = a.t->dtype;
        full.t = clg_mul(clg__wide(spread(&a, &full)), clg__wide(spread(&b, &full)));
        sum_over(&full, la & lb & ~keep);
        y.t = full.t ? clg_cast(full.t, t) : NULL;
    } else {
        clg_shape s = { .rank = y.rank };
        for (int d = 0; d < y.rank; d++)
            s.dim[d] = e->size[y.letter[d]];
        const clg_tensor ma = matrices(e, &a, batch, n, first, na, sum, k), mb = matrices(e, &b, batch, n, sum, k, second, nb);
        y.t = clg_reshape(clg_matmul(ma, mb), s);
    }
    return y;
}

// ---- the order of the steps

typedef struct cost {
    double flops;
    int rank; // of the largest tensor on the way
} cost;

static double extent(const equation *e, uint64_t set)
{
    double n = 1;
    for (int k = 0; k < ALL; k++)
        n *= set & bit(k) ? (double) e->size[k] : 1;
    return n;
}

static int count(uint64_t set)
{
    int n = 0;
    for (; set; set &= set - 1)
        n++;
    return n;
}

typedef struct plan {
    int n;
    uint64_t set[MOST]; // letters of what is left; bit 63: used up
} plan;

static uint64_t wanted_of(const equation *e, const plan *p, int i, int j)
{
    uint64_t set = 0;
    for (int d = 0; d < e->n_out; d++)
        set |= bit(e->out[d]);
    for (int k = 0; k < p->n; k++) {
        if (!(p->set[k] >> 63) && k != i && k != j)
            set |= p->set[k];
    }
    return set;
}

static double step_cost(const equation *e, const plan *p, int i, int j, uint64_t *result)
{
    const uint64_t keep = wanted_of(e, p, i, j), a = p->set[i], b = p->set[j];
    const uint64_t used = (a & b) | ((a | b) & keep);
    *result = (a | b) & keep;
    return count(*result) > CLG_MAX_RANK ? INFINITY : extent(e, used) + extent(e, a) + extent(e, b) + extent(e, *result);
}

// The cheapest first pair of what is left, by all orders where they are few, else by the step alone.
static double best_pair(const equation *e, const plan *p, int left, int *i, int *j)
{
    double best = INFINITY;
    *i = -1;
    for (int a = 0; a < p->n; a++) {
        for (int b = a + 1; b < p->n && !(p->set[a] >> 63); b++) {
            if (p->set[b] >> 63)
                continue;
            plan next = *p;
            uint64_t result;
            int x, y;
            double all = step_cost(e, p, a, b, &result);
            next.set[a] = result;
            next.set[b] = bit(63);
            if (left > 2 && left <= ALL_ORDERS && all < best)
                all += best_pair(e, &next, left - 1, &x, &y);
            if (left > ALL_ORDERS)
                all -= 2 * (extent(e, p->set[a]) + extent(e, p->set[b])); // what is gone then
            if (*i < 0 || all < best) {
                best = all;
                *i = a;
                *j = b;
            }
        }
    }
    return best;
}

static clg_tensor contract(equation *e)
{
    for (int k = 0; k < e->n; k++) { // what is 1 here and larger elsewhere is repeated: it has no such letter
        operand *a = &e->in[k], y = { 0 };
        clg_shape axes = { .rank = 0 };
        for (int d = 0; d < a->rank; d++) {
            if (a->t->shape.dim[d] == 1 && e->size[a->letter[d]] != 1)
                axes.dim[axes.rank++] = d;
            else
                y.letter[y.rank++] = a->letter[d];
        }
        y.t = axes.rank ? clg_squeeze(a->t, axes) : a->t;
        *a = y;
    }
    for (int k = 0; k < e->n; k++)
        sum_over(&e->in[k], letters_of(&e->in[k]) & ~wanted(e, e->in, e->n, k, k));
    for (int left = e->n; left > 1; left--) {
        plan p = { .n = e->n };
        int i, j;
        for (int k = 0; k < e->n; k++)
            p.set[k] = e->in[k].t ? letters_of(&e->in[k]) : bit(63);
        best_pair(e, &p, left, &i, &j);
        const operand y = multiply(e, e->in[i], e->in[j], wanted(e, e->in, e->n, i, j));
        e->in[i] = y;
        e->in[j].t = NULL;
        if (!y.t || y.t->status < 0)
            return y.t;
    }
    operand *y = &e->in[0];
    for (int k = 0; k < e->n; k++)
        y = e->in[k].t ? &e->in[k] : y;
    sum_over(y, letters_of(y) & ~wanted(e, e->in, 0, 0, 0));
    return arranged(y, e->out, e->n_out);
}

clg_tensor clg_einsum_n(const char *text, const clg_tensor *t, int n)
{
    clg__call c;
    clg_tensor in[MOST];
    if (n < 1 || n > MOST || !t) {
        if (!clg__call_begin(&c, "einsum", "t[]", n > 0 && t ? 1 : 0, t))
            return clg__call_poison(&c);
        return clg__call_fail(&c, CLG_EINVAL, "%d operands, expected 1 to %d", n, MOST);
    }
    if (!clg__call_begin(&c, "einsum", "t[]", n, t))
        return clg__call_poison(&c);
    if (!text)
        return clg__call_fail(&c, CLG_EINVAL, "the equation is NULL");
    const clg_dtype type = clg__result_type(n, t);
    for (int k = 0; k < n; k++) {
        in[k] = clg_cast(t[k], type);
        if (in[k]->status < 0)
            return clg__call_own(&c, in[k]);
    }
    equation e = { .call = &c };
    if (!parse(&e, text, in, n))
        return e.bad;
    return clg__call_own(&c, contract(&e));
}

// ---- tensordot

clg_tensor clg_tensordot_axes(clg_tensor a, clg_tensor b, clg_shape axes_a, clg_shape axes_b)
{
    clg__call c;
    if (!clg__call_begin(&c, "tensordot", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    const clg_dtype type = clg__result_type(2, c.in);
    equation e = { .call = &c, .n = 2 };
    bool flag[2][CLG_MAX_RANK];
    int64_t bad;
    if (axes_a.rank != axes_b.rank || axes_a.rank < 0)
        return clg__call_fail(&c, CLG_EINVAL, "%d axes of a, %d of b", axes_a.rank, axes_b.rank);
    for (int k = 0; k < ALL; k++)
        e.size[k] = -1;
    int next = 0;
    for (int k = 0; k < 2; k++) {
        const clg_shape axes = k ? axes_b : axes_a, s = c.in[k]->shape;
        if (axes.rank > s.rank || (axes.rank && !clg__axes(axes, s.rank, flag[k], &bad)))
            return clg__call_fail(&c, CLG_ESHAPE, "axes of %s are not its own, or doubled", k ? "b" : "a");
        operand *o = &e.in[k];
        o->rank = s.rank;
        o->t = clg_cast(c.in[k], type);
        for (int d = 0; d < s.rank; d++)
            o->letter[d] = -1;
        for (int i = 0; i < axes.rank; i++) {
            int at = 0;
            if (!clg__axis(axes.dim[i], s.rank, &at))
                return clg__call_fail(&c, CLG_ESHAPE, "axis %lld of a tensor of rank %d", (long long) axes.dim[i], s.rank);
            o->letter[at] = i;
        }
        for (int d = 0; d < s.rank; d++) {
            if (o->letter[d] >= 0)
                continue;
            o->letter[d] = CLG_MAX_RANK + next++;
            if (e.n_out == CLG_MAX_RANK)
                return clg__call_fail(&c, CLG_ESHAPE, "the result has more than %d dimensions", CLG_MAX_RANK);
            e.out[e.n_out++] = o->letter[d];
        }
        for (int d = 0; d < s.rank; d++) {
            int64_t *size = &e.size[o->letter[d]];
            if (*size >= 0 && *size != 1 && s.dim[d] != 1 && *size != s.dim[d])
                return clg__call_fail(&c, CLG_ESHAPE, "axes that are summed over have sizes %lld and %lld",
                                      (long long) *size, (long long) s.dim[d]);
            *size = *size < 0 || *size == 1 ? s.dim[d] : *size;
        }
    }
    return clg__call_own(&c, contract(&e));
}

clg_tensor clg_tensordot(clg_tensor a, clg_tensor b, int n)
{
    clg__call c;
    if (!clg__call_begin(&c, "tensordot", "a b", 2, (clg_tensor[]) { a, b }))
        return clg__call_poison(&c);
    if (n < 0 || n > a->shape.rank || n > b->shape.rank)
        return clg__call_fail(&c, CLG_ESHAPE, "%d dimensions are summed over", n);
    clg_shape x = { .rank = n }, y = { .rank = n };
    for (int d = 0; d < n; d++) {
        x.dim[d] = a->shape.rank - n + d;
        y.dim[d] = d;
    }
    return clg__call_own(&c, clg_tensordot_axes(a, b, x, y));
}
