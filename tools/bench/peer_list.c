// SPDX-License-Identifier: MIT
// The peers that were there when the project was configured.
#include "peers.h"

extern const peer peer_memcpy;
#ifdef HAVE_OPENBLAS
extern const peer peer_openblas;
#endif
#ifdef HAVE_ONEDNN
extern const peer peer_onednn;
#endif
#ifdef HAVE_CLBLAST
extern const peer peer_clblast;
#endif

const peer *const *bench_peers(void)
{
    static const peer *const all[] = {
#ifdef HAVE_OPENBLAS
        &peer_openblas,
#endif
#ifdef HAVE_ONEDNN
        &peer_onednn,
#endif
#ifdef HAVE_CLBLAST
        &peer_clblast,
#endif
        &peer_memcpy,
        NULL,
    };
    return all;
}
