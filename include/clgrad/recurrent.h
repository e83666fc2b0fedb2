// SPDX-License-Identifier: MIT
// Recurrent layers and their cells. Parameters have PyTorch's names, shapes and order of gates.
#ifndef CLGRAD_RECURRENT_H
#define CLGRAD_RECURRENT_H

#include <clgrad/nn.h>

CLG_BEGIN

// One step of a plain recurrent cell.
//
//   h' = tanh(x w_ih^T + b_ih + h w_hh^T + b_hh), or relu of it
//
// x       [N,I] or [I]  float
// h       [N,H] or [H]
// w_ih, w_hh   [H,I], [H,H]
// b_ih, b_hh   [H]; both may be NULL
// result  shape of h
// grad    all
// errors  CLG_ESHAPE    sizes differ; those of clg_matmul
CLG_API clg_tensor clg_rnn_cell(clg_tensor x, clg_tensor h, clg_tensor w_ih, clg_tensor w_hh,
                                clg_tensor b_ih, clg_tensor b_hh, bool relu);

// One step of a cell with long short-term memory.
//
//   i, f, g, o = x w_ih^T + b_ih + h w_hh^T + b_hh, in this order
//   c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c')
//
// x       [N,I] or [I]  float
// h, c    [N,H] or [H]
// w_ih, w_hh   [4H,I], [4H,H]
// b_ih, b_hh   [4H]; both may be NULL
// new_c   where c' goes, may be NULL
// result  h', shape of h
// grad    all
// errors  as of clg_rnn_cell
// source  Hochreiter and Schmidhuber 1997
CLG_API clg_tensor clg_lstm_cell(clg_tensor x, clg_tensor h, clg_tensor c, clg_tensor w_ih,
                                 clg_tensor w_hh, clg_tensor b_ih, clg_tensor b_hh,
                                 clg_tensor *new_c);

// One step of a gated recurrent unit.
//
//   r, z, n of x: x w_ih^T + b_ih; of h: h w_hh^T + b_hh, in this order
//   r = sigmoid(r_x + r_h), z = sigmoid(z_x + z_h), n = tanh(n_x + r n_h), h' = (1 - z) n + z h
//
// x       [N,I] or [I]  float
// h       [N,H] or [H]
// w_ih, w_hh   [3H,I], [3H,H]
// b_ih, b_hh   [3H]; both may be NULL
// result  shape of h
// grad    all
// errors  as of clg_rnn_cell
// source  Cho et al. 2014
CLG_API clg_tensor clg_gru_cell(clg_tensor x, clg_tensor h, clg_tensor w_ih, clg_tensor w_hh,
                                clg_tensor b_ih, clg_tensor b_hh);

struct clg_nn_recurrent_params {
    size_t size;
    int hidden;         // H
    int layers;         // 0: 1
    bool bidirectional; // a second set of cells goes from the end
    bool batch_first;   // x and the result are [N,T,...]
    bool no_bias;
    bool relu;          // in place of tanh, clg_nn_rnn only
    double dropout;     // between layers, while the store trains
    clg_tensor lengths; // [N] integers, steps of each row; NULL: all
    clg_tensor h0, c0;  // [layers*D,N,H], first states; NULL: 0. c0: clg_nn_lstm only
    clg_tensor *h_n, *c_n; // where the last states go, of the shape of h0; may be NULL
};
#define clg_nn_recurrent_params(...)                                                               \
    (&(struct clg_nn_recurrent_params) {                                                           \
        .size = sizeof(struct clg_nn_recurrent_params), __VA_ARGS__ })

// Layers of plain recurrent cells over a sequence.
//
//   y[t] = h[t] of the last layer, both directions beside each other
//
// Beyond a row's length results are 0, and its last state is the one at its length; the reverse
// direction starts there, with the first state.
//
// s, name the store; parameters name.weight_ih_l0 [H,I], weight_hh_l0 [H,H], bias_ih_l0 [H] and
//         bias_hh_l0 [H], those of other layers with their number, of the reverse direction with
//         _reverse behind; uniform within 1 / sqrt(H) first
// x       [T,N,I], [N,T,I] with batch_first, or [T,I]   F32
// p       hidden is needed
// result  [T,N,D*H] where x has N, D = 2 with bidirectional, else 1
// grad    x, the parameters, and first states
// errors  CLG_ESHAPE    x of another rank, no hidden, or states and lengths of another shape
//         CLG_EINVAL    NULL, dropout not from 0 to 1, lengths without a batch, c0 where there is
//                       no c, or p is refused by clg_params_read; those of clg_store_param
CLG_API clg_tensor clg_nn_rnn(clg_store s, const char *name, clg_tensor x,
                              const struct clg_nn_recurrent_params *p);

// Layers of cells with long short-term memory over a sequence: as clg_nn_rnn.
//
//   y[t] = h[t] of the last layer, both directions beside each other
//
// s, name as of clg_nn_rnn, with 4H for the H rows of all parameters
// x, p    as of clg_nn_rnn
// result  as of clg_nn_rnn
// grad    as of clg_nn_rnn
// errors  as of clg_nn_rnn
CLG_API clg_tensor clg_nn_lstm(clg_store s, const char *name, clg_tensor x,
                               const struct clg_nn_recurrent_params *p);

// Layers of gated recurrent units over a sequence: as clg_nn_rnn.
//
//   y[t] = h[t] of the last layer, both directions beside each other
//
// s, name as of clg_nn_rnn, with 3H for the H rows of all parameters
// x, p    as of clg_nn_rnn
// result  as of clg_nn_rnn
// grad    as of clg_nn_rnn
// errors  as of clg_nn_rnn
CLG_API clg_tensor clg_nn_gru(clg_store s, const char *name, clg_tensor x,
                              const struct clg_nn_recurrent_params *p);

CLG_END
#endif
