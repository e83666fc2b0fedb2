// SPDX-License-Identifier: MIT
// Loads the module of peers, which lies beside the program in a build folder.
#define _GNU_SOURCE // environment and dlopen
#include "families.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef PEERS_MODULE
// OpenBLAS takes CPUs that are younger than it for the smallest it knows; threads that wait for the next call
// take a core from whoever is measured next.
static void prepare_environment(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        setenv("OPENBLAS_CORETYPE", "SkylakeX", 0);
    else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        setenv("OPENBLAS_CORETYPE", "Haswell", 0);
#endif
    setenv("OMP_WAIT_POLICY", "passive", 0);
    setenv("OPENBLAS_THREAD_TIMEOUT", "4", 0);
}
#endif

const peer *const *peers_load(void)
{
#ifndef PEERS_MODULE
    fprintf(stderr, "clgrad bench: --compare: this build has no peers; configure it with -Dpeers=auto\n");
    return NULL;
#else
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 64);
    char *slash = n > 0 ? (path[n] = '\0', strrchr(path, '/')) : NULL;
    prepare_environment();
    if (slash)
        snprintf(slash, 64, "/%s", PEERS_MODULE);
    if (!slash || access(path, R_OK) != 0) {
        fprintf(stderr, "clgrad bench: --compare: the peers are not installed; run the clgrad of a build folder\n");
        return NULL;
    }
    void *module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    void *symbol = module ? dlsym(module, "bench_peers") : NULL;
    if (!symbol) {
        fprintf(stderr, "clgrad bench: --compare: the peers do not load: %s\n", dlerror());
        return NULL;
    }
    bench_peers_function f;
    memcpy(&f, &symbol, sizeof f); // ISO C has no cast for this
    return f();
#endif
}

bool name_listed(const char *names, const char *name)
{
    const size_t n = strlen(name);
    for (const char *at = names; at && *at; at += strcspn(at, ",")) {
        at += *at == ',';
        if (strcspn(at, ",") == n && strncmp(at, name, n) == 0)
            return true;
    }
    return names == NULL;
}
