// SPDX-License-Identifier: MIT
// kill_save write|check PATH N: for kill.sh. "write" saves tensors full of N and says what went wrong; "check"
// succeeds when the file is whole and holds N or the number before it.
#include <clgrad/io.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 20000 };

static int save(const char *path, float value)
{
    static float v[COUNT];
    char error[300] = "";
    for (int i = 0; i < COUNT; i++)
        v[i] = value;
    const clg_safetensor t[] = { { "a", true, CLG_F32, CLG_SHAPE(COUNT), v, sizeof v },
                                 { "b", true, CLG_F32, CLG_SHAPE(1), v, sizeof v[0] } };
    const clg_status st = clg_safetensors_write(path, t, 2, NULL, error, sizeof error);
    if (st < 0)
        printf("%d %s\n", st, error);
    return st < 0;
}

static int check(const char *path, float value)
{
    char error[300] = "";
    clg_safetensors f;
    if (clg_safetensors_open(&f, path, error, sizeof error) < 0) {
        printf("%s\n", error);
        return 1;
    }
    const clg_safetensor *t = clg_safetensors_find(f, "a");
    float first, x;
    int bad = !t || t->bytes != COUNT * sizeof x;
    for (size_t i = 0; i < COUNT && !bad; i++) {
        memcpy(&x, (const char *) t->data + i * sizeof x, sizeof x);
        first = i ? first : x;
        bad = x != first || (x != value && x != value - 1);
    }
    if (bad)
        printf("%s: neither the old file nor the new one\n", path);
    clg_safetensors_close(&f);
    return bad;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const float value = strtof(argv[3], NULL);
    return strcmp(argv[1], "write") == 0 ? save(argv[2], value) : check(argv[2], value);
}
