// SPDX-License-Identifier: MIT
// Connectionist temporal classification. x [steps][batch][classes] logarithms of probabilities; the labels of a row with
// blanks between and around them are its states, 2 length + 1 of them, one row's after another's in columns of
// alpha [steps][columns]. One work-group per row of the batch, whose items share the states.
//
//   alpha[t,s] = x[t,label s] + log(sum of e^alpha[t-1,s'], s' = s, s-1, and s-2 where its label is another one)
//
// alpha is less what the largest states before were, which is kept apart: so its digits are those of the differences.
// The gradient is that of PyTorch, of logits that log_softmax follows: e^x less the probability of each class at t.
#pragma OPENCL FP_CONTRACT OFF
#include "element.clh"
#ifndef CTC // these are for a file read alone: src/ops/ctc.c gives names and order
#define CTC int steps, int batch, int classes, int blank, long row, long total
#endif
#ifndef ITEMS
#define ITEMS 64
#endif
#if ITEMS > 1
#define MEET barrier(CLK_LOCAL_MEM_FENCE | CLK_GLOBAL_MEM_FENCE)
#else
#define MEET
#endif
#define LABELS                                                                                     \
    __global const E *restrict x, long x_offset, __global const int *restrict labels, long labels_offset,     \
        __global const int *restrict steps_of, long steps_offset, __global const int *restrict length_of, long length_offset

typedef struct NAME(line) {
    long column; // of the first state in alpha, where its labels begin
    long first;
    int states, steps;
} NAME(line);

// Rows of labels: each `row` long, or (row below 0) one after another.
static NAME(line) NAME(line_of)(int n, __global const int *length_of, __global const int *steps_of, CTC)
{
    NAME(line) l;
    l.first = row < 0 ? 0 : n * row;
    for (int k = 0; row < 0 && k < n; k++)
        l.first += max(length_of[k], 0);
    l.first = min(l.first, total);
    const long most = row < 0 ? total - l.first : row;
    l.column = 2 * l.first + n;
    l.states = 2 * (int)min((long)max(length_of[n], 0), most) + 1;
    l.steps = clamp(steps_of[n], 0, steps);
    return l;
}

// The class of a state, -1 where that is none.
static int NAME(class_of)(__global const int *labels, int s, int classes, int blank)
{
    const int c = s % 2 ? labels[s / 2] : blank;
    return c >= 0 && c < classes ? c : -1;
}

static E NAME(at)(__global const E *x, int c)
{
    return c < 0 ? (E)(-INFINITY) : x[c];
}

static E NAME(log_sum)(E a, E b, E c)
{
    const E m = fmax(fmax(a, b), c);
    return m == (E)(-INFINITY) ? m : m + log(exp(a - m) + exp(b - m) + exp(c - m));
}

// The largest of all items' v; every item gets it.
static E NAME(largest)(E v, __local E *all)
{
#if ITEMS > 1
    all[get_local_id(0)] = v;
    MEET;
    for (int k = 0; k < ITEMS; k++)
        v = fmax(v, all[k]);
    MEET;
#endif
    return v;
}

static E NAME(finite)(E v)
{
    return isfinite(v) ? v : (E)0;
}

__attribute__((reqd_work_group_size(ITEMS, 1, 1))) __kernel void
NAME(ctc)(LABELS, __global E *restrict loss, __global E *restrict alpha, CTC)
{
    __local E all[ITEMS];
    const int n = get_group_id(0), lid = get_local_id(0);
    x += x_offset;
    length_of += length_offset;
    steps_of += steps_offset;
    const NAME(line) l = NAME(line_of)(n, length_of, steps_of, steps, batch, classes, blank, row, total);
    labels += labels_offset + l.first;
    const long columns = 2 * total + batch;
    E top = 0, sum = 0, rest = 0; // of the tops, and what their sum lost
    for (int t = 0; t < l.steps; t++) {
        __global const E *now = x + ((long)t * batch + n) * classes;
        __global E *u = alpha + t * columns + l.column, *before = u - columns;
        E peak = -INFINITY;
        for (int s = lid; s < l.states; s += ITEMS) {
            const int c = NAME(class_of)(labels, s, classes, blank);
            E v = s < 2 ? (E)0 : (E)(-INFINITY);
            if (t > 0) {
                const E one = s > 0 ? before[s - 1] : (E)(-INFINITY);
                const bool skips = s % 2 && s > 2 && labels[s / 2] != labels[s / 2 - 1];
                v = NAME(log_sum)(before[s], one, skips ? before[s - 2] : (E)(-INFINITY)) - top;
            }
            v += NAME(at)(now, c);
            u[s] = v;
            peak = fmax(peak, v);
        }
        if (t + 1 < l.steps) {
            const E next = sum + top, part = next - sum;
            rest += (sum - (next - part)) + (top - part);
            sum = next;
            top = NAME(finite)(NAME(largest)(peak, all));
        }
        MEET;
    }
    if (lid > 0)
        return;
    if (l.steps == 0) {
        loss[n] = l.states == 1 ? (E)0 : (E)INFINITY;
        return;
    }
    const __global E *last = alpha + (l.steps - 1) * columns + l.column + l.states - 1;
    const E v = NAME(log_sum)(last[0], l.states > 1 ? last[-1] : (E)(-INFINITY), (E)(-INFINITY));
    loss[n] = -((v + rest) + (l.steps > 1 ? sum + top : (E)0));
}

__attribute__((reqd_work_group_size(ITEMS, 1, 1))) __kernel void
NAME(ctc_back)(LABELS, __global const E *restrict loss, long loss_offset, __global const E *restrict alpha, long alpha_offset,
               __global const E *restrict g, long g_offset, __global E *restrict dx, __global E *restrict beta,
               __global E *restrict share, CTC)
{
    __local E all[ITEMS];
    const int n = get_group_id(0), lid = get_local_id(0);
    x += x_offset;
    length_of += length_offset;
    steps_of += steps_offset;
    const NAME(line) l = NAME(line_of)(n, length_of, steps_of, steps, batch, classes, blank, row, total);
    labels += labels_offset + l.first;
    const long columns = 2 * total + batch;
    const E by = g[g_offset + n];
    const bool possible = loss[loss_offset + n] < (E)INFINITY;
    share += l.column;
    for (int t = possible ? l.steps : 0; t < steps; t++) {
        const E v = possible || t >= l.steps || by == 0 ? (E)0 : (E)NAN;
        for (int c = lid; c < classes; c += ITEMS)
            dx[((long)t * batch + n) * classes + c] = v;
    }
    if (!possible)
        return;
    E top = 0;
    for (int t = l.steps - 1; t >= 0; t--) {
        const long place = ((long)t * batch + n) * classes;
        __global const E *now = x + place, *u = alpha + alpha_offset + t * columns + l.column;
        __global E *b = beta + (t % 2) * columns + l.column, *after = beta + (1 - t % 2) * columns + l.column;
        E peak = -INFINITY, most = -INFINITY;
        for (int s = lid; s < l.states; s += ITEMS) {
            const E own = NAME(at)(now, NAME(class_of)(labels, s, classes, blank));
            E v = s > l.states - 3 ? (E)0 : (E)(-INFINITY);
            if (t < l.steps - 1) {
                const E one = s + 1 < l.states ? after[s + 1] : (E)(-INFINITY);
                const bool skips = s % 2 && s + 2 < l.states && labels[s / 2] != labels[s / 2 + 1];
                v = NAME(log_sum)(after[s], one, skips ? after[s + 2] : (E)(-INFINITY)) - top;
            }
            const E q = own == (E)(-INFINITY) ? own : u[s] + v;
            share[s] = q;
            most = fmax(most, q);
            b[s] = v + own;
            peak = fmax(peak, v + own);
        }
        top = NAME(finite)(NAME(largest)(peak, all));
        most = NAME(finite)(NAME(largest)(most, all));
        MEET;
        for (int s = lid; s < l.states; s += ITEMS)
            share[s] = exp(share[s] - most);
        MEET;
        E sum = 0;
        for (int s = 0; s < l.states; s++)
            sum += share[s];
#if ITEMS > 1
        for (int c = lid; c < classes; c += ITEMS) {
            E v = 0;
            for (int s = 0; s < l.states; s++)
                if (NAME(class_of)(labels, s, classes, blank) == c)
                    v += share[s];
            dx[place + c] = (exp(now[c]) - v / sum) * by;
        }
        MEET;
#else
        for (int c = 0; c < classes; c++)
            dx[place + c] = 0;
        for (int s = 0; s < l.states; s++) {
            const int c = NAME(class_of)(labels, s, classes, blank);
            if (c >= 0)
                dx[place + c] += share[s];
        }
        for (int c = 0; c < classes; c++)
            dx[place + c] = (exp(now[c]) - dx[place + c] / sum) * by;
#endif
    }
}
