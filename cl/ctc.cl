// SPDX-License-Identifier: MIT
// Connectionist temporal classification. x [steps][batch][classes] logarithms of probabilities; the labels of a row with
// blanks between and around them are its states, 2 length + 1 of them, one row's after another's in columns of
// alpha [steps][columns]. One work-group per row of the batch, whose items share the states; CPU class: one item, which
// takes sixteen states at a time.
//
//   alpha[t,s] = x[t,label s] + log(sum of e^alpha[t-1,s'], s' = s, s-1, and s-2 where its label is another one)
//
// alpha is less what the largest states before were, which is kept apart: so its digits are those of the differences.
// The gradient is that of PyTorch, of logits that log_softmax follows: e^x less the probability of each class at t.
#pragma OPENCL FP_CONTRACT OFF
#ifndef CTC // these are for a file read alone: src/ops/ctc.c gives names and order
#define CTC int steps, int batch, int classes, int blank, long row, long total
#endif
#ifndef ITEMS
#define ITEMS 64
#endif
#include "ctc.clh"
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
        BLOCKS(s, l.states)
        {
            V v = (V)(-INFINITY);
            for (int k = 0; t == 0 && k < min(LANES, 2 - s); k++)
                LANE(v, k) = (E)0;
            if (t > 0)
                v = NAME(log_sum)(NAME(some)(before, s, l.states), NAME(some)(before, s - 1, l.states),
                                  NAME(skipped)(before, labels, s, l.states, -2)) - (V)(top);
            v += NAME(class_values)(now, labels, s, l.states, classes, blank);
            NAME(put)(v, u, s, l.states);
            peak = NAME(peak_of)(v, peak);
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
    const V both = NAME(log_sum)((V)(last[0]), (V)(l.states > 1 ? last[-1] : (E)(-INFINITY)), (V)(-INFINITY));
    const E v = LANE(both, 0);
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
        BLOCKS(s, l.states)
        {
            const V own = NAME(class_values)(now, labels, s, l.states, classes, blank);
            V v = (V)(-INFINITY);
            for (int k = max(0, l.states - 2 - s); t == l.steps - 1 && k < min(LANES, l.states - s); k++)
                LANE(v, k) = (E)0;
            if (t < l.steps - 1)
                v = NAME(log_sum)(NAME(some)(after, s, l.states), NAME(some)(after, s + 1, l.states),
                                  NAME(skipped)(after, labels, s, l.states, 2)) - (V)(top);
            const V q = own == (V)(-INFINITY) ? own : NAME(some)(u, s, l.states) + v;
            NAME(put)(q, share, s, l.states);
            NAME(put)(v + own, b, s, l.states);
            most = NAME(peak_of)(q, most);
            peak = NAME(peak_of)(v + own, peak);
        }
        top = NAME(finite)(NAME(largest)(peak, all));
        most = NAME(finite)(NAME(largest)(most, all));
        MEET;
        BLOCKS(s, l.states) NAME(put)(EXP_NEG(NAME(some)(share, s, l.states) - (V)(most)), share, s, l.states);
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
        E blanks = share[0];
        for (int s = 1; s < l.states; s += 2) {
            const int c = NAME(class_of)(labels, s, classes, blank);
            blanks += share[s + 1];
            if (c >= 0)
                dx[place + c] += share[s];
        }
        dx[place + blank] += blanks;
        BLOCKS(c, classes)
        {
            const V part = NAME(some)(dx + place, c, classes);
            NAME(put)((exp(NAME(some)(now, c, classes)) - part / (V)(sum)) * (V)(by), dx + place, c, classes);
        }
#endif
    }
}
