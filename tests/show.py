#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""show.py CLGRAD: `clgrad show` against numbers made here, on every format and type, and on files that are damaged.

Needs no device."""
import gzip
import json
import math
import os
import random
import re
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile
import zlib

TOOL = os.path.abspath(sys.argv.pop(1))
SEED = int(os.environ.get("CLGRAD_TEST_SEED", time.time_ns() % 100000))
RANDOM = random.Random(SEED)
ROUNDS = 10 if "CLGRAD_TEST_FULL" in os.environ else 1  # tools/check --all
NAN, INF = math.nan, math.inf
# name: NumPy's, safetensors', struct's
TYPES = {"f16": ("<f2", "F16", "e"), "f32": ("<f4", "F32", "f"), "f64": ("<f8", "F64", "d"), "i8": ("|i1", "I8", "b"),
         "i16": ("<i2", "I16", "h"), "i32": ("<i4", "I32", "i"), "i64": ("<i8", "I64", "q"), "u8": ("|u1", "U8", "B"),
         "u16": ("<u2", "U16", "H"), "u32": ("<u4", "U32", "I"), "u64": ("<u8", "U64", "Q"), "bool": ("|b1", "BOOL", "?")}


def show(*args, locale="C.UTF-8"):
    env = dict(os.environ, LC_ALL=locale)
    r = subprocess.run([TOOL, "show", *args], stdin=subprocess.DEVNULL, capture_output=True, timeout=60, env=env)
    return r.returncode, r.stdout.decode(), r.stderr.decode()


def packed(dtype, values):
    return struct.pack(f"<{len(values)}{TYPES[dtype][2]}", *values)


def npy(dtype, shape, values):
    head = repr({"descr": TYPES[dtype][0], "fortran_order": False, "shape": tuple(shape)}).encode() + b" " * 20 + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head + packed(dtype, values)


def safetensors(tensors, **metadata):
    head, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, (dtype, shape, content) in tensors.items():
        head[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + data


def png(width, height, rgb, channels=3):
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    rows = b"".join(b"\0" + rgb[channels * width * y:channels * width * (y + 1)] for y in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def numbers(dtype, n):
    if dtype == "bool":
        return [RANDOM.random() < 0.3 for _ in range(n)]
    bits = 8 * struct.calcsize("<" + TYPES[dtype][2])
    if dtype[0] in "iu":
        lo, hi = (-2**(bits - 1), 2**(bits - 1) - 1) if dtype[0] == "i" else (0, 2**bits - 1)
        return [RANDOM.choice((lo, hi, 0, RANDOM.randint(lo, hi))) for _ in range(n)]
    size = RANDOM.choice((1e-3, 1.0, 1e4))
    some = [RANDOM.choice((0.0, RANDOM.gauss(0, size), RANDOM.gauss(0, size))) for _ in range(n)]
    some = struct.unpack(f"<{n}{TYPES[dtype][2]}", packed(dtype, some))
    return [RANDOM.choice((NAN, INF, -INF)) if RANDOM.random() < 0.05 else v for v in some]


def pixels(png):
    """Rows of (r, g, b), of what libpng writes for 8 bits."""
    at, data = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        if kind == b"IHDR":
            width, height, *form = struct.unpack(">IIBBBBB", png[at + 8:at + 21])
        data += png[at + 8:at + 8 + length] if kind == b"IDAT" else b""
        at += 12 + length
    assert form == [8, 2, 0, 0, 0], form
    raw, above, rows = zlib.decompress(data), bytearray(3 * width), []
    for y in range(height):
        kind, *line = raw[y * (3 * width + 1):(y + 1) * (3 * width + 1)]
        for x, v in enumerate(line):
            a, b, c = (line[x - 3], above[x], above[x - 3]) if x > 2 else (0, above[x], 0)
            paeth = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            line[x] = (v + (0, a, b, (a + b) // 2, paeth)[kind]) & 255
        above = line
        rows.append([tuple(line[3 * x:3 * x + 3]) for x in range(width)])
    return rows


def said_of(content, *args):
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/x", "wb") as f:
            f.write(content)
        return show(f"{folder}/x", *args)[2]


HAS_IMAGES = "built without" not in said_of(png(1, 1, b"abc"))
DRAWS = HAS_IMAGES and "draws no pictures" not in said_of(npy("u8", [1], [1]), "--out", "/nonexistent/x.png")


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="clgrad-show-")

    def tearDown(self):
        self.folder.cleanup()

    def path(self, name, content=None):
        path = os.path.join(self.folder.name, name)
        if content is not None:
            with open(path, "wb") as f:
                f.write(content)
        return path

    def described(self, *args):
        code, text, said = show(*args, "--json")
        self.assertEqual((code, said), (0, ""), (args, SEED))
        return json.loads(text)

    def check(self, a, dtype, shape, values):
        """An array's description against sums without rounding."""
        finite = [v for v in values if math.isfinite(v)]
        size = struct.calcsize("<" + TYPES[dtype][2])
        self.assertEqual((a["dtype"], a["shape"], a["elements"], a["bytes"]),
                         (dtype, list(shape), len(values), size * len(values)))
        self.assertEqual((a["zeros"], a["nan"], a["inf"]), (sum(v == 0 for v in values), sum(v != v for v in values),
                                                           sum(v in (INF, -INF) for v in values)))
        if not finite:
            self.assertEqual([a[k] for k in ("min", "max", "mean", "std", "histogram")], [None] * 4 + [[]])
            return
        self.assertEqual((a["min"], a["max"]), (min(finite), max(finite)), SEED)
        scale = max(map(abs, finite)) or 1
        mean = math.fsum(v / scale for v in finite) / len(finite)
        std = math.sqrt(math.fsum((v / scale - mean)**2 for v in finite) / len(finite))
        for got, want in ((a["mean"], mean), (a["std"], std)):
            self.assertLessEqual(abs(got - want * scale), 1e-13 * scale + 5e-324, SEED)
        self.assertEqual(sum(a["histogram"]), len(finite))
        self.assertTrue(1 <= len(a["histogram"]) <= 40 and a["histogram"][0] > 0 and a["histogram"][-1] > 0)
        first = [float(v) if isinstance(v, str) else v for v in a["first"]]
        self.assertEqual(len(first), min(8, len(values)))
        for got, want in zip(first, values):
            got = struct.unpack("<" + TYPES[dtype][2], packed(dtype, [got]))[0]
            self.assertTrue(got == want or (got != got and want != want), (got, want, dtype))


class Formats(Case):
    def test_every_type(self):
        for dtype in TYPES:
            for shape in ((), (0, 3), (1,), (7,), (3, 5, 41), (1, 2, 1, 2, 1, 2, 1, 2)):
                n = math.prod(shape)
                values = numbers(dtype, n)
                (a,) = self.described(self.path("x.npy", npy(dtype, shape, values)))[0]["arrays"]
                self.check(a, dtype, shape, values)

    def test_hard_numbers(self):
        top = 1.7976931348623157e308
        for values in ([top, -top, top], [5e-324, 0.0, 1e-323], [1e16 + 2 * i for i in range(50)], [0.1] * 1000,
                       [NAN], [INF, -INF, NAN], [-0.0, 0.0], [1e300, 1e-300], [1.0] + [1e-20] * 5000):
            (a,) = self.described(self.path("x.npy", npy("f64", [len(values)], values)))[0]["arrays"]
            self.check(a, "f64", [len(values)], values)
        (a,) = self.described(self.path("x.npy", npy("f64", [3], [0.1] * 3)))[0]["arrays"]
        self.assertEqual((a["mean"], a["std"]), (0.1, 0))

    def test_safetensors(self):
        f32 = numbers("f32", 33)
        bf16 = struct.pack("<4H", 0x3f80, 0xc000, 0x7f80, 0x0001)
        path = self.path("x", safetensors({"a.weight": ("F32", [3, 11], packed("f32", f32)),
                                           "odd": ("U8", [3], b"\1\2\3"), "b.weight": ("BF16", [4], bf16),
                                           "small": ("F8_E4M3", [5], b"12345")}, format="pt", note="a\u00e9\n\033[2Jb"))
        (f,) = self.described(path)
        self.assertEqual((f["format"], f["metadata"]), ("safetensors", {"format": "pt", "note": "a\u00e9\n\033[2Jb"}))
        by_name = {a["name"]: a for a in f["arrays"]}
        self.check(by_name["a.weight"], "f32", [3, 11], f32)
        b = by_name["b.weight"]
        self.assertEqual((b["min"], b["max"], b["inf"], b["first"][:3]), (-2, 1, 1, [1, -2, "inf"]))
        self.assertEqual((by_name["small"]["dtype"], by_name["small"]["bytes"]), (None, 5))
        self.assertEqual([a["name"] for a in self.described(path, "--name", "*.weight")[0]["arrays"]],
                         ["a.weight", "b.weight"])
        code, text, said = show(path)
        self.assertEqual((code, said), (0, ""))
        self.assertIn("note: a\u00e9\\x0a\\x1b[2Jb\n", text)
        self.assertRegex(text, r"(?m)^a\.weight  f32 \[3,11\], 33 elements, 132 bytes$")
        self.assertEqual(show(path, "--name", "none*")[0], 1)

    def test_npz_idx_cifar(self):
        with zipfile.ZipFile(self.path("x.npz"), "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("one.npy", npy("i16", [2, 2], [1, -2, 3, 4]))
            z.writestr("two.npy", npy("f32", [], [2.5]))
        one, two = self.described(self.path("x.npz"))[0]["arrays"]
        self.check(one, "i16", [2, 2], [1, -2, 3, 4])
        self.check(two, "f32", [], [2.5])
        idx = struct.pack(">I3I", 0x803, 2, 2, 3) + bytes(range(12))
        for name, content in (("x", idx), ("x.gz", gzip.compress(idx))):
            (a,) = self.described(self.path(name, content))[0]["arrays"]
            self.check(a, "u8", [2, 2, 3], list(range(12)))
        for labels, name in ((b"\7", "CIFAR-10"), (b"\23\143", "CIFAR-100")):
            pixels = RANDOM.randbytes(3072)
            (f,) = self.described(self.path("x.bin", (labels + pixels) * 2))
            self.assertEqual(f["format"], name)
            self.check(f["arrays"][0], "u8", [2, 3, 32, 32], list(pixels * 2))
            self.assertEqual(f["arrays"][1]["first"], list(labels * 2))

    @unittest.skipUnless(HAS_IMAGES, "built without libpng")
    def test_images(self):
        rgb = RANDOM.randbytes(5 * 4 * 3)
        (f,) = self.described(self.path("x.png", png(5, 4, rgb)))
        self.assertEqual(f["format"], "PNG")
        self.check(f["arrays"][0], "u8", [4, 5, 3], list(rgb))


class Text(Case):
    def test_values(self):
        path = self.path("x.npy", npy("f32", [2, 2, 3], [1, 2.5, -3, 0, 0.125, 7, NAN, INF, 1, 2, 3, 4]))
        code, text, said = show(path, "--values")
        self.assertEqual((code, said), (0, ""))
        self.assertTrue(text.endswith("""
[[[ 1.     2.5   -3.   ]
  [ 0.     0.125  7.   ]]

 [[   nan    inf  1.   ]
  [ 2.     3.     4.   ]]]
"""), text)
        self.assertEqual(self.described(path, "--values")[0]["arrays"][0]["values"],
                         [[[1, 2.5, -3], [0, 0.125, 7]], [["nan", "inf", 1], [2, 3, 4]]])
        for values, dtype, line in (([1e-7, 2.0], "f32", "[1.e-07 2.e+00]"), ([True, False], "bool", "[ True False]"),
                                    ([-1, 100], "i64", "[ -1 100]"), ([1 / 3, 1.0], "f64", "[0.33333333 1.        ]"),
                                    ([2**64 - 1, 0], "u64", "[18446744073709551615                    0]"),
                                    ([0.1, 0.2], "f16", "[0.1 0.2]")):
            text = show(self.path("y.npy", npy(dtype, [2], values)), "--values")[1]
            self.assertEqual(text.split("\n")[-2], line)
        self.assertEqual(show(self.path("y.npy", npy("f64", [], [0.1])))[1].split("\n")[-2], "  0.1")
        self.assertEqual(show(self.path("y.npy", npy("f64", [0], [])))[1].split("\n")[-2], "  []")

    def test_bars_follow_the_locale(self):
        path = self.path("x.npy", npy("u8", [6], [0, 1, 1, 3, 3, 3]))
        self.assertIn("|\u2583\u2585 \u2588|", show(path)[1])
        self.assertTrue(show(path, locale="C")[1].isascii())
        for dtype in TYPES:
            text = show(self.path("y.npy", npy(dtype, [500], numbers(dtype, 500))))[1].replace(self.folder.name, "")
            self.assertLess(max(map(len, text.split("\n"))), 81, text)
            self.assertNotIn("\033", text)


@unittest.skipUnless(DRAWS, "built without cairo or libpng")
class Pictures(Case):
    BLUE, WHITE, VERMILLION, BROKEN = (0, 0x72, 0xb2), (255, 255, 255), (0xd5, 0x5e, 0), (0xe6, 0, 0x7e)

    def drawn(self, content, *args, size_alone=False):
        path, out = self.path("x", content), self.path("out.png")
        code, text, said = show(path, "--out", out, *args)
        self.assertEqual((code, said), (0, ""))
        with open(out, "rb") as f:
            picture = f.read()
        return struct.unpack(">II", picture[16:24]) if size_alone else pixels(picture)

    def test_a_matrix_is_a_map(self):
        rows = self.drawn(npy("f32", [2, 3], [-4, 0, 4, 2, NAN, INF]))
        cell = lambda i, k: rows[96 + 40 * i + 20][28 + 40 * k + 20]
        self.assertEqual([cell(0, k) for k in range(3)], [self.BLUE, self.WHITE, self.VERMILLION])
        self.assertEqual([cell(1, 1), cell(1, 2)], [self.BROKEN] * 2)
        half = cell(1, 0)
        self.assertTrue(all(abs(2 * h - v - w) < 3 for h, v, w in zip(half, self.VERMILLION, self.WHITE)), half)

    def test_an_image_is_itself(self):
        rgb = RANDOM.randbytes(4 * 3 * 3)
        rows = self.drawn(png(4, 3, rgb))
        width = sum(p != self.WHITE for p in rows[96 + 3]) // 4
        self.assertGreater(width, 20)
        for y in range(3):
            for x in range(4):
                at = 3 * (4 * y + x)
                self.assertEqual(rows[96 + width * y + width // 2][28 + width * x + width // 2], tuple(rgb[at:at + 3]))

    def test_alpha_lets_white_through(self):
        rows = self.drawn(png(2, 1, bytes([10, 20, 30, 255, 100, 0, 200, 51]), channels=4))
        self.assertEqual(rows[110][40], (10, 20, 30))
        for got, want in zip(rows[110][28 + 90], (224, 204, 244)):
            self.assertLessEqual(abs(got - want), 1)

    def test_an_overview_has_a_row_for_each(self):
        heights = []
        for n in (2, 5):
            tensors = {f"layer{i}.weight": ("F32", [6], packed("f32", numbers("f32", 6))) for i in range(n)}
            heights.append(self.drawn(safetensors({**tensors, "odd": ("F8_E5M2", [2], b"ab")}), size_alone=True)[1])
        self.assertEqual(heights[1] - heights[0], 3 * 36)

    def test_every_shape_has_a_picture(self):
        for shape in ((), (0,), (0, 2, 2, 2), (1,), (5000,), (1, 1), (3, 2000), (300, 2), (1, 1, 3), (2, 3, 4, 5), (40, 30, 3, 3),
                      (2, 40, 50, 3), (9, 1, 900), (1, 2, 1, 2, 1, 2, 1, 2))[:: 1 if ROUNDS > 1 else RANDOM.choice((2, 3))]:
            dtype = RANDOM.choice(list(TYPES))
            w, h = self.drawn(npy(dtype, shape, numbers(dtype, math.prod(shape))), size_alone=True)
            self.assertTrue(150 < h < 1500 and 600 < w < 1300, (shape, dtype, w, h))

    def test_refusals(self):
        path = self.path("x.npy", npy("u8", [2], [1, 2]))
        for args in ([path, "--out", self.path("x.jpg")], [path, path, "--out", self.path("o.png")], [path, "--out", ".png"]):
            self.assertEqual(show(*args)[::2][0], 2, args)
        code, _, said = show(path, "--out", self.path("no/o.png"))
        self.assertEqual((code, said.count("\n")), (1, 1), said)


class Wrong(Case):
    def refused(self, path, *args):
        code, text, said = show(path, *args)
        self.assertEqual((code, text, said.count("\n")), (1, "", 1), (said, SEED))
        self.assertTrue(said.startswith("clgrad show: "), said)
        self.assertNotIn("\033", said)
        return said

    def test_what_is_no_file(self):
        self.assertEqual(show()[0], 2)
        self.assertIn("No such file", self.refused(self.path("none\033[2J")))
        self.assertIn("directory", self.refused(self.folder.name))
        for content in (b"", b"x", b"hello, I am a text\n" * 9, b"{}"):
            self.assertIn("neither", self.refused(self.path("x", content)))
        good = self.path("x.npy", npy("u8", [2], [1, 2]))
        os.mkfifo(self.path("pipe"))
        self.assertIn("not a file", self.refused(self.path("pipe")))
        huge = safetensors({"a": ("U8", [2**40, 0], b""), "b": ("I8", [0], b"")})
        arrays = self.described(self.path("huge", huge), "--values")[0]["arrays"]
        self.assertEqual([(a["elements"], a["values"]) for a in arrays], [(0, [])] * 2)
        many = safetensors({}, **{f"key{i}": "v" * (i % 5) for i in range(20000)})
        self.assertEqual(len(self.described(self.path("many", many))[0]["metadata"]), 20000)
        code, text, said = show(self.path("none"), good, "--json")
        self.assertEqual((code, len(json.loads(text)), said.count("\n")), (1, 1, 1))
        self.assertEqual(json.loads(show(self.path("none"), "--json")[1]), [])

    def test_damaged_files(self):
        """Cut short anywhere is refused; changed anywhere is refused or shown, never a crash."""
        with zipfile.ZipFile(self.path("z"), "w") as z:
            z.writestr("one.npy", npy("f32", [9], numbers("f32", 9)))
        with open(self.path("z"), "rb") as f:
            zipped = f.read()
        whole = [png(9, 9, RANDOM.randbytes(243))] if HAS_IMAGES else []
        whole += [npy("f32", [20], numbers("f32", 20)), zipped,
                 safetensors({"a": ("F32", [8], RANDOM.randbytes(32)), "b": ("I8", [2], b"ab")}, k="v"),
                 struct.pack(">I2I", 0x802, 5, 8) + RANDOM.randbytes(40), bytes([3]) + RANDOM.randbytes(3072)]
        for content in whole:
            self.assertEqual(show(self.path("x", content))[0], 0)
            for _ in range(2 * ROUNDS):
                end = len(content) - 12 if content.startswith(b"\x89PNG") else len(content)  # its last chunk holds nothing
                self.refused(self.path("x", content[:RANDOM.randrange(end)]))
            for _ in range(3 * ROUNDS):
                broken = bytearray(content)
                for _ in range(RANDOM.randrange(1, 4)):
                    broken[RANDOM.randrange(min(len(broken), 200))] = RANDOM.randrange(256)
                code, _, said = show(self.path("x", bytes(broken)), "--values")
                self.assertIn(code, (0, 1), (said, SEED))
                self.assertEqual(said.count("\n"), code, said)


if __name__ == "__main__":
    print(f"CLGRAD_TEST_SEED={SEED}", flush=True)
    unittest.main(verbosity=2)
