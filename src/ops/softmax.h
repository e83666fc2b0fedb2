// SPDX-License-Identifier: MIT
// What the loss of logits is made of, in one pass over them.
#ifndef CLG_OPS_SOFTMAX_H
#define CLG_OPS_SOFTMAX_H

#include "graph/build.h"

// Of logits [N,K,...] and labels [N,...] of type I32: -log_softmax(logits, 1) at the label, anything where that is no
// class; and, where wanted, log_softmax(logits, 1), which nothing has to store. Both are of the wide type.
void clg__label_loss(clg_tensor logits, clg_tensor label, clg_tensor *loss, clg_tensor *logp);
#endif
