// SPDX-License-Identifier: MIT
// How texts of descriptions fall apart, for the pages made of them.
#ifndef CLG_TOOLS_PIECES_H
#define CLG_TOOLS_PIECES_H

#include "command.h"

// PIECE_LINE: begins with a space and stays as it is; PIECE_BREAK: a paragraph ends.
typedef enum piece_kind { PIECE_END, PIECE_WORD, PIECE_LINE, PIECE_BREAK } piece_kind;
// The next one: where it starts and how long it is; *at moves past it.
piece_kind next_piece(const char **at, const char **start, int *n);
#endif
