#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tool.py CLGRAD [--short] [--plain] [--no-images] [--device D]: the command-line tool as a user and as a program meet it.

Makes a small data set of its own; then help, exit codes, JSON, equal runs, runs that are killed or
interrupted and resumed, terminals, full disks and hostile files. --short: a few of these, for slow
devices; --plain: a build that draws no pictures; --no-images: that reads none. Exit status 77 where there is no device."""
import csv
import gzip
import json
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import unittest
import zlib

from terminal import Terminal, default_signals

TOOL = os.path.abspath(sys.argv[1])
SHORT = "--short" in sys.argv
DEVICE = sys.argv[sys.argv.index("--device") + 1] if "--device" in sys.argv else None
SEED = int(os.environ.get("CLGRAD_TEST_SEED", time.time_ns() % 100000))
RANDOM = random.Random(SEED)
TOP = tempfile.mkdtemp(prefix="clgrad-tool-")
DATA = os.path.join(TOP, "data")
PICTURED = "--plain" not in sys.argv
FILES = ["metrics.csv", "model.safetensors"]
if PICTURED:
    FILES = ["confusion.png", "curve.png"] + FILES + ["samples.png"]
EPOCHS, BATCH, PICTURES, TESTED = (1, 10, 20, 20) if SHORT else (3, 50, 300, 200)
STEPS = EPOCHS * PICTURES // BATCH


def in_turn(k, every):
    """What costs many kernels: one in `every` for about an hour, as testing.h has it; all with tools/check --all."""
    return unittest.skipUnless("CLGRAD_TEST_FULL" in os.environ or (k + int(time.time()) // 4096) % every == 0,
                               "another hour's turn")


# ---- the data set

def idx(array, *shape):
    head = struct.pack(">I", 0x800 + len(shape)) + struct.pack(f">{len(shape)}I", *shape)
    return head + bytes(array)


def write(path, data):
    with open(path, "wb") as f:
        f.write(gzip.compress(data, 1) if path.endswith(".gz") else data)


def make_pictures(n, noise):
    """Each class lights another tenth of the rows; noise makes some of them hard."""
    pixels, labels = bytearray(), bytearray()
    for _ in range(n):
        k = noise.randrange(10)
        labels.append(k)
        for row in range(28):
            bright = 60 if row * 10 // 28 == k else 0
            pixels += bytes(min(255, bright + b) for b in noise.randbytes(28))
    return pixels, labels


def make_data(folder):
    os.makedirs(folder)
    noise = random.Random(7)
    for name, n in (("train", PICTURES), ("t10k", TESTED)):
        pixels, labels = make_pictures(n, noise)
        write(f"{folder}/{name}-images-idx3-ubyte.gz", idx(pixels, n, 28, 28))
        write(f"{folder}/{name}-labels-idx1-ubyte", idx(labels, n))


# ---- running the tool

def command(*args):
    return [TOOL, *args]


def train(out, *args, data=DATA):
    device = ["--device", DEVICE] if DEVICE else []
    return command("train", "fashion-mnist", "--data", data, "--out", out, "--batch",
                   str(BATCH), "--epochs", str(EPOCHS), *device, *args)


def run(args, **more):
    more = {"stdout": subprocess.PIPE, **more}
    return subprocess.run(args, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=300,
                          **more)


def start(args):
    return subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def read(path):
    with open(path, "rb") as f:
        return f.read()


def metrics(out):
    """The rows of metrics.csv without the times."""
    with open(f"{out}/metrics.csv", newline="") as f:
        return [row[:4] for row in csv.reader(f)]


def metadata(out):
    data = read(f"{out}/model.safetensors")
    return json.loads(data[8:8 + struct.unpack("<Q", data[:8])[0]])["__metadata__"]


def results(out):
    """What must be equal in equal runs: all but the times."""
    same = {name: read(f"{out}/{name}") for name in FILES if name != "metrics.csv"}
    same["metrics.csv"] = metrics(out)
    return same


def check_png(data):
    """Signature, chunk sums, and the number of bytes that the picture says."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, pixels, kinds = 8, b"", []
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        (crc,) = struct.unpack(">I", data[at + 8 + length:at + 12 + length])
        assert zlib.crc32(kind + body) == crc, kind
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack(">IIBB", body[:10])
        if kind == b"IDAT":
            pixels += body
        kinds.append(kind)
        at += 12 + length
    assert kinds[0] == b"IHDR" and kinds[-1] == b"IEND" and at == len(data)
    assert (depth, color) == (8, 2) and 300 < width < 2000 and 300 < height < 2000
    raw = zlib.decompress(pixels)
    assert len(raw) == height * (1 + 3 * width)
    return len(set(raw)) > 20


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(dir=TOP)
        self.out = os.path.join(self.dir, "out")

    def tearDown(self):
        shutil.rmtree(self.dir, ignore_errors=True)

    def refused(self, args, code, lines=None, **more):
        """A failure is one message on stderr, with the right status and nothing written."""
        r = run(args, **more)
        text = r.stderr.decode()
        self.assertEqual(r.returncode, code, (args, text))
        self.assertRegex(text, r"^clgrad( \w+)?: \S", args)
        self.assertEqual(text.count("\n"), lines or (2 if code == 2 else 1), text)
        if code == 2:
            self.assertRegex(text, r"\nTry: clgrad .*--help\n$", args)
        self.assertNotIn("\033", text)
        return text

    def complete(self, out):
        self.assertEqual(sorted(os.listdir(out)), FILES)
        self.assertEqual([row[0] for row in metrics(out)[1:]], [str(i + 1) for i in range(EPOCHS)])

    def equal(self, a, b):
        for name in FILES:
            self.assertTrue(a[name] == b[name], f"{name} differs (CLGRAD_TEST_SEED={SEED})")


# ---- what a program or a user meets first

class Commands(Case):
    def test_help(self):
        for args in ([], ["devices"], ["train"], ["bench"], ["cache"]):
            for flag in ("--help", "-h"):
                r = run(command(*args, flag))
                text = r.stdout.decode()
                self.assertEqual((r.returncode, r.stderr), (0, b""), args)
                self.assertTrue(text.startswith("usage: clgrad"), text)
                self.assertLess(max(map(len, text.split("\n"))), 81, text)
        text = run(command("train", "--help")).stdout.decode()
        for word in ("--data", "--device", "--epochs", "--batch", "--lr", "--seed", "--out",
                     "--resume", "--json", "--steps", "Ctrl-C", "130", "earlier-", "0.003", "128"):
            self.assertIn(word, text)
        self.assertRegex(run(command("--version")).stdout.decode(), r"^clgrad \d+\.\d+\.\d+\n$")

    def test_usage_errors(self):
        r = run(command())
        self.assertEqual((r.returncode, r.stdout), (2, b""))
        self.assertIn(b"usage: clgrad", r.stderr)
        for args in (["nonsense"], ["--nonsense"], ["devices", "x"], ["devices", "--jsn"],
                     ["devices", "--json=1"], ["train"], ["train", "cifar"],
                     ["train", "fashion-mnist", "x"], ["bench", "no_such_case"],
                     ["bench", "--nonsense"], ["bench", "--family", "no_such"], ["bench", "--family"],
                     ["bench", "--worst", "0"], ["bench", "--worst", "x"], ["bench", "--plan", "--cases"],
                     ["bench", "--cases", "--quick"], ["bench", "add", "--compare"], ["bench", "gemm"],
                     ["bench", "--plan", "--family=gemm"], ["bench", "--peer", "oneDNN"], ["bench", "--net", "vgg"],
                     ["bench", "--net", "mlp", "--quick"], ["bench", "--net", "mlp", "--plan"], ["bench", "--profile"],
                     ["bench", "--first"], ["bench", "--net", "mlp", "--first", "--keep", "x"],
                     ["bench", "--net", "mlp", "--seconds", "0"], ["bench", "--seconds", "1"],
                     ["bench", "--keep", "x"], ["bench", "--net", "mlp", "--profile", "--first"],
                     ["cache", "x"], ["cache", "warm"], ["cache", "warm", "--net", "vgg"], ["cache", "--net", "mlp"],
                     ["cache", "clear", "--json"], ["cache", "warm", "--driver", "--net", "mlp"],
                     ["compile-kernels", "x"]):
            self.refused(command(*args), 2)
        for args in (["--epochs", "0"], ["--epochs", "1.5"], ["--epochs", "x"], ["--epochs=-3"],
                     ["--epochs", "99999999999999999999"], ["--batch", "0"], ["--lr", "nan"],
                     ["--lr", "inf"], ["--lr", "0"], ["--lr", "-1"], ["--lr", "1x"],
                     ["--seed", "-1"],
                     ["--seed"], ["--out"], ["--data="], ["--out", "--resume"], ["--steps", "0"],
                     ["--epoch", "3"], ["-x"], ["--out", "x" * 2000]):
            text = self.refused(train(self.out, *args), 2)
            self.assertIn(args[0].split("=")[0], text)
            self.assertFalse(os.path.exists(self.out), args)

    def test_devices(self):
        r = run(command("devices"))
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        self.assertRegex(r.stdout.decode(), r"(?m)^[* ] 0  \S")
        r = run(command("devices", "--json"))
        devices = json.loads(r.stdout)
        self.assertEqual([d["index"] for d in devices], list(range(len(devices))))
        self.assertLessEqual(sum(d["default"] for d in devices), 1)
        for d in devices:
            self.assertEqual(d["default"] and d["passed_over"] is not None, False)
            self.assertGreater(d["global_bytes"], 0)
        r = run(command("devices", "--variants"))
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        self.assertRegex(r.stdout.decode(), r"(?m)^matmul +clblast\b")
        self.assertRegex(r.stdout.decode(), r"(?m)^ +cpu_tile +rows=1\.\.8 of a register tile, vectors=1\.\.3 ")

    def test_bench(self):
        r = run(command("bench", "--list"))
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        families = {line.split()[0]: int(line.split()[1]) for line in r.stdout.decode().splitlines()}
        self.assertLess({"gemm", "gemm_small", "gemm_skinny", "gemm_batched", "conv3x3", "conv_nets", "conv1x1",
                         "conv_strided", "depthwise", "grouped", "conv_c1", "conv_wide", "pointwise", "math", "reduce",
                         "rows", "norm", "pool", "move", "gather", "random"}, set(families))
        self.assertTrue(all(families.values()), families)
        r = run(command("bench", "--list", "--family", "optim,rows"))
        self.assertEqual(r.stdout.decode().count("\n"), 2 + families["optim"] + families["rows"])
        r = run(command("bench", "--list", "--cases"))
        self.assertRegex(r.stdout.decode(), r"(?m)^add +a \+ b")

    @in_turn(0, 3)
    def test_bench_networks(self):
        r = run(command("bench", "--net", "all", "--list"))
        names = [line.split()[0] for line in r.stdout.decode().splitlines()]
        self.assertTrue(r.returncode == 0 and {"demo", "resnet18_1", "embedding"} < set(names), names)
        r = run(command("bench", "--net", "mlp,mlp_1", "--json", "--keep", self.dir, "--seconds", "0.01"))
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        net, one = json.loads(r.stdout)
        self.assertEqual((one["net"], len(one["losses"]), "step" in one), ("mlp_1", 1, False), "inference alone")
        self.assertEqual((net["net"], len(net["losses"])), ("mlp", 4))
        self.assertAlmostEqual(net["losses"][0], net["losses"][1], 5, "the first step's loss is that of the inference")
        self.assertLess(net["losses"][3], net["losses"][1] - 1e-4, "it does not learn")
        for what in ("forward", "step"):
            self.assertTrue(0 < net[what]["best"] <= net[what]["median"], net)
        for what, tensor in (("weights", b'"fc3.bias"'), ("data", b'"in1"')):
            self.assertIn(tensor, read(f"{self.dir}/mlp_1.{what}.safetensors")[:2000])
        self.refused(command("bench", "--net", "mlp_1", "--keep", "/nonexistent"), 1)
        r = run(command("bench", "--net", "mlp_1,mlp", "--first", "--json"))
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        self.assertEqual([(n["net"], n["train"]) for n in json.loads(r.stdout)], [("mlp", True), ("mlp_1", False)])
        r = run(command("bench", "launch"))
        self.assertEqual((r.returncode, r.stdout.decode().split()[::2][0]), (0, "launch"))

    @in_turn(1, 3)
    def test_cache(self):
        """What a network takes is compiled once; clearing takes what is a cache's, and nothing else."""
        ours, pocls = os.path.join(self.dir, "ours"), os.path.join(self.dir, "pocl")
        env = dict(os.environ, CLGRAD_CACHE_DIR=ours, POCL_CACHE_DIR=pocls, CLGRAD_COMPILERS="0")
        caches = lambda: {c["name"]: c for c in json.loads(run(command("cache", "--json"), env=env).stdout)}
        self.assertFalse(caches()["clgrad"]["exists"])
        for _ in range(2):
            r = run(command("cache", "warm", "--net", "mlp_1"), env=env)
            self.assertEqual((r.returncode, r.stderr), (0, b""))
            self.assertRegex(r.stdout.decode(), r"^mlp_1 +compiled in [\d.]+ s\n$")
        self.assertGreater(caches()["clgrad"]["files"], 1)
        self.assertIn("MB", run(command("cache"), env=env).stdout.decode())
        for keep in (f"{ours}/letter.txt", f"{ours}/a.clbin.txt", f"{self.dir}/compiled"):
            write(keep, b"mine")
        os.makedirs(f"{pocls}/AB/photos", exist_ok=True)
        write(f"{pocls}/AB/photos/compiled", b"mine")
        write(f"{pocls}/notes", b"mine")
        r = run(command("cache", "clear", "--driver"), env=env)
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        self.assertEqual(sorted(os.listdir(ours)), ["a.clbin.txt", "letter.txt"])
        self.assertEqual([sorted(f) for _, _, f in os.walk(pocls) if f], [["notes"], ["compiled"]])
        self.assertEqual(run(command("cache", "clear"), env=dict(env, CLGRAD_CACHE_DIR="/nonexistent")).returncode, 0)

    def shapes(self, text):
        path = os.path.join(self.dir, "shapes.txt")
        write(path, text.encode())
        return dict(os.environ, CLGRAD_SHAPES=path)

    def test_bench_shapes_that_are_wrong(self):
        for line, words in (("gemm 2x2 NN", "gemm"), ("gemm 8x8x8 NX", "NT"), ("gemm 8x8x8 NN f65", "f65"),
                            ("conv 1x3x8x8 o4 k9", "window"), ("conv 1x3x8x8 o4 k3 g2", "groups"), ("conv 1x3x8 k3", "o and k"),
                            ("conv 1x3x8x8 o4 k3x3x3", "k3x3x3"), ("optim adam 5", "optim"), ("optim muon 1x5", "RULE"),
                            ("x | exp(a)", "INPUTS"), ("x | nothing(a) | [4]", "nothing"), ("x | exp(a) | [4] | fast", "fast"),
                            ("x | exp(a) | [4] | flops=2*", "flops=2*"), ("x | exp(a) | [4] | ops=-1", "ops=-1"),
                            ("x | exp(a) | [4] | loads=", "loads="), ("x | exp(a) | [4] | launches=2x3", "launches=2x3"),
                            ("x | exp(b) | [4]", "input b"), ("hello", "hello"), ("[f] again", "already"),
                            ("gemm 4x4x4 NN\ngemm 4x4x4 NN", "line 3")):
            text = self.refused(command("bench", "--list"), 1, env=self.shapes("# here\n[f] of one\n" + line))
            self.assertIn(words, text)
            self.assertRegex(text, r"shapes\.txt:[345]: ")
        self.refused(command("bench", "--list"), 1, env=self.shapes("gemm 4x4x4 NN"))
        self.refused(command("bench", "--list"), 1, env=dict(os.environ, CLGRAD_SHAPES="/nonexistent"))

    @in_turn(2, 3)
    def test_bench_families(self):
        """Every kind of line on tiny shapes, alone and beside the peers of this build."""
        env = self.shapes("""[products] some
gemm 64x48x80 TT quick
gemm 4x16x8x8 NT
gemm 4x16x8x8 NN heads2
gemm 1x64x32 NN
gemm 64x32x1 TN
[convolutions] some
conv 2x4x9x8 o6 k3x2 s2 p1x0 g2 quick
conv 1x4x7x6 o4 k3 s2 p1 transposed
conv 2x3x40 o5 k4 d2
[memory] some
add  | add(a, b)         | [64,1000] [1000]          | quick
rows | softmax(a, -1)    | real(-3,3)[100,30]        | grad
pick | index_select(a, 0, b) | [1000,8] i64(0,1000)[50] | takes=a grad linear
none | uniform(a, [5000], 0, 1) | [1]
said | exp(a)            | [40]                      | flops=3*7 ops=2*5*11 loads=9 launches=2
inv  | inv(a)            | [5,8,8]                   | grad
look | scaled_dot_product_attention(a, b, c, is_causal=true) | [2,6,8] [2,10,8] [2,10,4] | grad
[steps] some
optim adam 3x1000 quick
""")
        device = ["--device", DEVICE] if DEVICE else []
        peers = os.path.exists(os.path.join(os.path.dirname(TOOL), "clgrad-peers.so"))
        if not peers:
            self.assertIn("-Dpeers=auto", self.refused(command("bench", "--compare", *device), 1, env=env))
        r = run(command("bench", "--json", *device, *["--compare"] * peers), env=env)
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        found = json.loads(r.stdout)
        cases = {c["name"]: c for c in found["cases"]}
        self.assertEqual(len(cases), 5 + 9 + 11 + 1)
        self.assertEqual({f: v["count"] for f, v in found["families"].items()},
                         {"products": 5, "convolutions": 9, "memory": 11, "steps": 1})
        for c in found["cases"]:
            work = c["flops"] or c["bytes"]
            self.assertEqual(c["unit"], "GFLOP/s" if c["flops"] else "GB/s")
            self.assertAlmostEqual(c["ours"] / (1e-9 * work / c["seconds"]), 1, 4)
            self.assertTrue(c["seconds"] <= c["median"] and c["roofline"] > 0 and c["noise"] >= 0, c)
            self.assertEqual(c["peer"] is None, c["peer_name"] is None)
            if c["peer"]:
                self.assertTrue(c["agrees"])
                self.assertAlmostEqual(c["ratio"] / (c["ours"] / c["peer"]), 1, 4)
        self.assertEqual(cases["64x48x80 TT"]["flops"], 2 * 64 * 48 * 80)
        self.assertEqual(cases["4x16x8x8 NT"]["bytes"], 4 * 4 * (16 * 8 + 8 * 8 + 16 * 8))
        self.assertEqual(cases["2x4x9x8 o6 k3x2 s2 p1x0 g2 dw"]["flops"], 2 * 2 * 6 * 5 * 4 * 2 * 6)
        self.assertEqual(cases["1x4x7x6 o4 k3 s2 p1 transposed y"]["bytes"], 4 * (4 * 42 + 4 * 13 * 11 + 4 * 4 * 9))
        self.assertEqual(cases["add"]["bytes"], 4 * (64000 + 1000 + 64000))
        self.assertEqual(cases["rows dx"]["bytes"], 3 * 4 * 3000)
        self.assertEqual(cases["pick dx"]["bytes"], 1600 + 32000 + 400)
        self.assertTrue(2 * 1600 + 400 < cases["pick"]["bytes"] < 1600 + 50 * 64 + 400, "whole lines are read")
        self.assertEqual((cases["pick"]["loads"], cases["pick dx"]["loads"]), (50, 50))
        self.assertEqual((cases["none"]["bytes"], cases["none"]["products"]), (20000, 5 * 5000))
        self.assertEqual([cases["said"][k] for k in ("flops", "ops", "loads", "launch", "chain")], [21, 110, 9, 2, 0])
        self.assertEqual((cases["inv"]["flops"], cases["inv dx"]["flops"]), (5 * 2 * 512, 5 * 4 * 512))
        self.assertEqual((cases["look"]["flops"], cases["look dx"]["flops"]), (2 * 60 * 12, 2 * 60 * 20))
        self.assertEqual((cases["add"]["ops"], cases["rows"]["ops"], cases["add"]["launch"]), (0, 16 * 3000, 1))
        names = {"bytes", "flops", "ops", "products", "loads", "chain", "launch"}
        self.assertLessEqual({c["bound"] for c in cases.values()}, names)
        self.assertGreater(found["machine"]["launch_us"], 0)
        self.assertEqual(cases["adam 3x1000"]["bytes"], 7 * 4 * 3000)
        self.assertTrue(not peers or all(cases[n]["peer_name"] == "memcpy" for n in ("add", "rows dx", "pick")))
        r = run(command("bench", "--quick", "--family", "memory,steps", "--worst", "1", *device),
                env={**env, "CLGRAD_LOG": "build"})
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(SHORT or re.search(rb"clgrad build: kernel pointwise_\w+ compiled by the driver and run once, "
                                           rb"\d+\.\d{3} s\n", r.stderr), r.stderr)  # PoCL's way
        self.assertRegex(r.stdout.decode(), r"(?s)^memory: some\n.*\n  add +\d.*\nsteps: some\n.*the worst by share.*"
                         r"\nmemory +1 .*\nsteps +1 .*driver.*roof: flops +\d+ GFLOP/s.*\n +launch +\d")

    def test_no_opencl(self):
        env = dict(os.environ, OCL_ICD_VENDORS="/nonexistent")
        for args in (command("devices"), command("devices", "--json"), command("bench", "add"),
                     train(self.out)):
            self.assertEqual(run(args, env=env).stdout, b"")
            self.refused(args, 1, env=env)
        self.assertFalse(os.path.exists(self.out))

    def test_unknown_device(self):
        for name in ("99", "no such device"):
            self.assertIn(name, self.refused(train(self.out, "--device", name), 1))
        self.assertFalse(os.path.exists(self.out))

    def test_output_that_cannot_be_written(self):
        out, again = self.out, os.path.join(self.dir, "again")
        for args in (command("--help"), command("devices"), command("devices", "--json"),
                     command("train", "--help"), train(out)):
            with open("/dev/full", "wb") as full:
                self.assertIn("standard output", self.refused(args, 1, stdout=full))
        self.assertEqual(metadata(out)["step"], "6", "saved before the line that failed")
        for args in (command("devices"), train(again)):
            self.assertIn("standard output", self.refused(
                ["sh", "-c", 'exec "$@" >&-', "sh", *args], 1))
            r, w = os.pipe()
            os.close(r)
            if args[1] == "devices":
                self.refused(args, 1, stdout=w)
            os.close(w)
        self.assertEqual(run(train(out, "--resume")).returncode, 0)
        self.equal(results(out), BASE)


class Refused(Case):
    """Data and folders that do not do."""

    def bad_data(self, name, content, expect):
        folder = os.path.join(self.dir, "data")
        shutil.copytree(DATA, folder)
        path = f"{folder}/{name}"
        if content is None:
            os.remove(path)
        else:
            with open(path, "wb") as f:
                f.write(content)
        text = self.refused(train(self.out, data=folder), 1)
        self.assertIn(expect, text)
        self.assertFalse(os.path.exists(self.out), name)
        shutil.rmtree(folder)

    def test_data(self):
        images, labels = "train-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte"
        good = read(f"{DATA}/{images}")
        self.assertIn("--data", self.refused(train(self.out, data="/nonexistent"), 1))
        self.assertIn("--data", self.refused(train(self.out, data=TOOL), 1))
        self.bad_data(images, None, "train-images")
        self.bad_data(images, b"", "train-images")
        self.bad_data(images, good[:len(good) // 2], "train-images")
        self.bad_data(images, good[:-6] + b"\0\0\0\0\0\0", "train-images")
        self.bad_data(images, b"\x1f\x8b" + bytes(500), "train-images")
        self.bad_data(images, RANDOM.randbytes(5000), "train-images")
        self.bad_data(images, gzip.compress(idx(b"", 2**31 - 1, 2**31 - 1, 28)), "train-images")
        self.bad_data(images, gzip.compress(idx(bytes(300 * 27 * 28), 300, 27, 28)), "28 x 28")
        self.bad_data(images, gzip.compress(idx(b"", 0, 28, 28)), "train")
        self.bad_data(images, gzip.compress(idx(bytes(784 * 299), 299, 28, 28)), "as many")
        self.bad_data(labels, idx(b"\x0a" * 200, 200), "above 9")
        self.bad_data(labels, idx(bytes(400), 200, 2), "labels")

    def test_folders(self):
        plain = os.path.join(self.dir, "plain")
        write(plain, b"mine")
        self.assertIn("plain", self.refused(train(plain), 1))
        self.assertIn("plain", self.refused(train(plain + "/deeper"), 1))
        self.assertEqual(read(plain), b"mine")
        self.refused(train("/proc/clgrad"), 1)

    def test_a_full_disk(self):
        def limit():  # the model has 5 MB
            resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, 4 << 20))
        self.assertEqual(run(train(self.out, "--steps", "4")).returncode, 0)
        before = read(f"{self.out}/model.safetensors")
        text = self.refused(train(self.out, "--resume"), 1, preexec_fn=limit)
        self.assertIn("model.safetensors", text)
        self.assertEqual(os.listdir(self.out), ["model.safetensors"])
        self.assertTrue(before == read(f"{self.out}/model.safetensors"))


# ---- training

class Training(Case):
    def test_a_run(self):
        """What the run of setUpModule left, and what it printed."""
        text = FIRST.stdout.decode()
        self.assertEqual(FIRST.returncode, 0)
        self.assertTrue(SHORT or FIRST.stderr == b"", FIRST.stderr)  # some drivers chat
        for bad in ("\r", "\033", "#"):
            self.assertNotIn(bad, text)
        line = (r"(?m)^epoch \d/\d  loss \d\.\d{4}  test accuracy \d\.\d{4} "
                r"\(people: 0\.835\)  \d+\.\d s$")
        self.assertEqual(len(re.findall(line, text)), EPOCHS)
        self.assertLessEqual(max(map(len, text.replace(TOP, "").split("\n"))), 80)
        self.complete(f"{TOP}/base")
        rows = metrics(f"{TOP}/base")
        self.assertEqual(rows[0], ["epoch", "train_loss", "test_loss", "test_accuracy"])
        with open(f"{TOP}/base/metrics.csv") as f:
            self.assertEqual(f.readline(), "epoch,train_loss,test_loss,test_accuracy,seconds\n")
            self.assertTrue(all(float(line.split(",")[4]) >= 0 for line in f))
        self.assertTrue(SHORT or float(rows[3][3]) > 0.5, "it does not learn")
        for name in FILES:
            self.assertIn(name, text)
            if name.endswith(".png"):
                self.assertTrue(check_png(BASE[name]), name)
        self.assertEqual("draws no pictures" in text, not PICTURED)
        self.assertEqual(metadata(f"{TOP}/base")["step"], str(STEPS))
        self.assertNotIn(b"seconds", BASE["model.safetensors"][:8192])

    def test_equal_runs_and_json(self):
        r = run(train(self.out, "--json"))
        rows = [json.loads(line) for line in r.stdout.decode().splitlines()]
        self.assertEqual(r.returncode, 0)
        self.equal(results(self.out), BASE)
        self.assertEqual([["%d" % j["epoch"], "%.6f" % j["train_loss"], "%.6f" % j["test_loss"], "%.4f" % j["test_accuracy"]]
                          for j in rows], metrics(self.out)[1:])
        self.assertTrue(all(j["seconds"] >= 0 and j["human_accuracy"] == 0.835 for j in rows))

    @in_turn(1, 2)
    def test_statistics(self):
        """--stats changes nothing else, and adds a table, a picture and objects; a resumed run goes on with the table."""
        more = FILES + ["statistics.csv"] + (["layers.png"] if PICTURED else [])
        half = str(STEPS // 2)
        self.assertEqual(run(train(self.out, "--stats", "2", "--steps", half)).returncode, 0)
        r = run(train(self.out, "--stats", "2", "--json", "--resume"))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertEqual(sorted(os.listdir(self.out)), sorted(more))
        self.equal(results(self.out), BASE)
        with open(f"{self.out}/statistics.csv", newline="") as f:
            rows = list(csv.DictReader(f))
        steps = {int(row["step"]) for row in rows}
        self.assertEqual(steps, set(range(1, STEPS // 2 + 1, 2)) | set(range(STEPS // 2 + 1, STEPS + 1, 2)))
        self.assertEqual({row["kind"] for row in rows}, {"output", "output_grad", "param", "param_grad", "update"})
        self.assertEqual({row["layer"] for row in rows}, {"conv1", "bn1", "conv2", "bn2", "fc1", "fc2"})
        for row in rows:
            self.assertTrue(float(row["norm"]) >= 0 and 0 <= float(row["zeros"]) <= 1 and float(row["nan"]) == 0, row)
            self.assertEqual(row["kind"] == "update", row["ratio"] != "nan", row)
        last = json.loads(r.stdout.decode().splitlines()[-1])
        self.assertEqual({j["layer"] for j in last["layers"]}, {row["layer"] for row in rows})
        self.assertTrue(all((j["finding"] == "none") == (j["text"] == "") for j in last["layers"]))
        if PICTURED:
            self.assertTrue(check_png(read(f"{self.out}/layers.png")))

    def test_seeds_differ(self):
        self.assertEqual(run(train(self.out, "--seed", "2")).returncode, 0)
        self.assertFalse(read(f"{self.out}/model.safetensors") == BASE["model.safetensors"])

    def test_steps_then_resume(self):
        for steps in ("1",) if SHORT else ("1", "6", "7", "7"):
            r = run(train(self.out, "--resume", "--steps", steps))
            self.assertEqual(r.returncode, 0, r.stderr)
            self.assertIn(b"after step " + steps.encode(), r.stdout)
        args = train(self.out, "--resume")
        at = args.index("--batch")  # what the saved run knows
        r = run(args[:at] + args[at + 4:])
        self.assertEqual(r.returncode, 0, r.stderr)
        self.equal(results(self.out), BASE)

    def test_resume_options(self):
        shutil.copytree(f"{TOP}/base", self.out)
        for args in (["--lr", "0.5"], ["--seed", "9"], ["--batch", "60"], ["--epochs", "2"]):
            self.assertIn(args[0], self.refused(train(self.out, "--resume", *args), 2))
        self.equal(results(self.out), BASE)
        r = run(train(self.out, "--resume"))
        self.assertEqual(r.returncode, 0)
        self.assertIn(b"finished", r.stdout)
        os.remove(f"{self.out}/{FILES[0]}")
        if PICTURED:
            os.remove(f"{self.out}/metrics.csv")
        self.assertEqual(run(train(self.out, "--resume")).returncode, 0)
        self.equal(results(self.out), BASE)
        r = run(train(self.out, "--resume", "--epochs", "4"))
        self.assertEqual(r.returncode, 0)
        self.assertIn(b"now gets 4", r.stdout)
        self.assertEqual(metrics(self.out)[:4], BASE["metrics.csv"])
        self.assertEqual(len(metrics(self.out)), 5)
        other = os.path.join(self.dir, "data")
        shutil.copytree(DATA, other)
        write(f"{other}/t10k-labels-idx1-ubyte", idx(bytes(200), 200))
        text = self.refused(train(self.out, "--resume", "--epochs", "5", data=other), 2)
        self.assertIn("other data", text)

    def test_resume_of_what_is_no_run(self):
        os.makedirs(self.out)
        path = f"{self.out}/model.safetensors"
        for content in (b"", b"nonsense", RANDOM.randbytes(3000), BASE["model.safetensors"][:-5],
                        struct.pack("<Q", 2) + b"{}"):
            write(path, content)
            self.assertIn("model.safetensors", self.refused(train(self.out, "--resume"), 1))
            self.assertEqual(read(path), content)

    def test_a_new_run_destroys_nothing(self):
        shutil.copytree(f"{TOP}/base", self.out)
        write(f"{self.out}/mine.txt", b"mine")
        for n in (1, 2):
            r = run(train(self.out))
            self.assertEqual(r.returncode, 0)
            self.assertIn(b"earlier-%d" % n, r.stdout)
            self.equal(results(f"{self.out}/earlier-{n}"), BASE)
        self.equal(results(self.out), BASE)
        self.assertEqual(read(f"{self.out}/mine.txt"), b"mine")


@unittest.skipUnless(PICTURED and "--no-images" not in sys.argv, "a build that reads or draws no pictures")
class Gradient(Case):
    """Which pixels matter, of the model that setUpModule left."""

    def setUp(self):
        super().setUp()
        self.picture, self.drawn = f"{self.dir}/in.png", f"{self.dir}/out.png"
        pixels, _ = make_pictures(1, random.Random(3))
        chunk = lambda kind, body: struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        write(self.picture, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 28, 28, 8, 0, 0, 0, 0)) +
              chunk(b"IDAT", zlib.compress(b"".join(b"\0" + pixels[i * 28:i * 28 + 28] for i in range(28)))) + chunk(b"IEND", b""))

    def grad(self, *args, model=None):
        device = ["--device", DEVICE] if DEVICE else []
        return command("grad", self.picture, "--model", model or f"{TOP}/base/model.safetensors", "--out", self.drawn, *device, *args)

    def test_methods(self):
        shown = set()
        for method in ("gradient", "integrated", "smoothgrad"):
            r = run(self.grad("--method", method, "--json", "--class", "BAG", "--samples", "16"))
            self.assertEqual((r.returncode, r.stderr), (0, b""))
            j = json.loads(r.stdout)
            self.assertEqual((j["class"], j["number"], j["method"]), ("Bag", 8, method))
            self.assertTrue(0 <= j["probability"] <= j["likeliest_probability"] <= 1, j)
            self.assertTrue(check_png(read(self.drawn)))
            shown.add(read(self.drawn))
            if method == "integrated":
                self.assertAlmostEqual(j["sum"], j["score_change"], delta=0.1 * abs(j["score_change"]) + 0.02)
        self.assertEqual(len(shown), 3)
        r = run(self.grad())
        self.assertEqual((r.returncode, r.stderr), (0, b""))
        self.assertRegex(r.stdout.decode(), r"^[\w -]+  \d+\.\d %  by cnn of 10 classes; written to /")

    def test_refused(self):
        model = f"{TOP}/base/model.safetensors"
        for args in (["grad"], ["grad", self.picture], ["grad", "--model", model], ["grad", "a", "b", "--model", model],
                     ["grad", self.picture, "--model", model, "--method", "x"], ["grad", self.picture, "--model", model, "--samples", "0"]):
            self.refused(command(*args), 2)
        self.assertIn("no class 'x'", self.refused(self.grad("--class", "x"), 1))
        self.assertIn("no class '10'", self.refused(self.grad("--class", "10"), 1))
        self.assertIn("in.png", self.refused(self.grad(model=self.picture), 1))
        self.assertIn("PNG", self.refused(self.grad("--out", f"{self.dir}/x.jpg"), 2))
        self.assertIn("no/such", self.refused(self.grad("--out", f"{self.dir}/no/such.png"), 1))
        write(self.picture, b"nonsense")
        self.assertIn("in.png", self.refused(self.grad(), 1))
        self.assertFalse(os.path.exists(self.drawn))


# ---- stopped at any moment

def changes(out):
    """Something that differs after each step of writing the results."""
    try:
        return sorted((e.name, e.stat().st_mtime_ns) for e in os.scandir(out))
    except OSError:
        return []


class Stopped(Case):
    def stop_at(self, process, when):
        """Waits for seconds, or for changes of the folder (a save begins, ends, ...)."""
        timed = isinstance(when, float)
        end, seen, last = time.monotonic() + (when if timed else 200), 0, changes(self.out)
        while time.monotonic() < end and process.poll() is None and (timed or seen < when):
            now = changes(self.out)
            seen += now != last
            last = now
            time.sleep(0.002 if timed else 0)

    def to_the_end(self, moments, stop):
        for i, when in enumerate(moments):
            p = start(train(self.out, "--resume"))
            self.stop_at(p, when)
            stop(p, i)
            p.communicate(timeout=200)
            if p.returncode == 0:
                break
            if stop is self.interrupt:
                self.assertEqual(p.returncode, 130)
            if os.path.exists(f"{self.out}/metrics.csv"):
                meta = metadata(self.out)
                self.assertLessEqual(len(metrics(self.out)) - 1, meta["metrics"].count("\n"))
                self.assertEqual(metrics(self.out), BASE["metrics.csv"][:len(metrics(self.out))])
        r = run(train(self.out, "--resume"))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.complete(self.out)
        self.equal(results(self.out), BASE)

    def kill(self, process, _):
        process.kill()

    def interrupt(self, process, i):
        process.send_signal((signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[i % 3])
        if i % 2:
            time.sleep(0.01)
            process.send_signal(signal.SIGINT)

    def test_killed_at_random(self):
        self.to_the_end([RANDOM.uniform(0.1, 1.2) for _ in range(6)], self.kill)

    def test_killed_while_saving(self):
        for moments in ([2, 3, 4], [5, 6, 7, 8], [9, 10, 11]):
            self.to_the_end(moments, self.kill)
            shutil.rmtree(self.out)

    def test_interrupted(self):
        self.to_the_end([RANDOM.uniform(0.3, 1.2) for _ in range(3)] + [3, 4, 5], self.interrupt)

    def test_interrupted_before_the_start(self):
        p = start(train(self.out))
        self.interrupt(p, 0)
        _, text = p.communicate(timeout=100)
        self.assertIn(p.returncode, (130, -signal.SIGINT), text)
        self.assertEqual(run(train(self.out)).returncode, 0)
        self.complete(self.out)  # what was not trained yet is not kept


class OnTerminal(Case):
    def test_bar(self):
        t = Terminal(train(self.out))
        self.assertEqual(t.finish(), 0, t.text)
        self.assertRegex(t.text, r"epoch 1/3 \[#*\.*\]")
        self.assertRegex(t.text, r"images/s +\d+:\d\d left")
        self.assertRegex(t.text, r"testing \d+/200")
        for line in re.split(r"\r\n", t.text):
            shown = re.sub(r"\033\[K", "", line.split("\r")[-1])
            self.assertNotIn("[#", shown, "a bar is left behind")
            for bar in (x for x in line.split("\r") if " [" in x):
                self.assertLess(len(re.sub(r"\033\[K", "", bar)), 80)
        self.equal(results(self.out), BASE)

    def test_no_bar_in_a_dumb_terminal_or_pipe(self):
        os.environ["TERM"] = "xterm"
        r = run(train(self.out, "--steps", "2"))
        self.assertEqual((r.returncode, r.stderr), (0, b""))

    def ctrl_c(self, pattern, times):
        t = Terminal(train(self.out, "--resume"))
        self.assertTrue(t.read_until(pattern), t.text)
        for _ in range(times):
            t.type("\x03")
        self.assertEqual(t.finish(), 130, t.text)
        self.assertRegex(t.text, r"stopped after step \d+ of 18 and saved")

    def test_ctrl_c(self):
        self.ctrl_c(r"epoch 1/3 \[", 1)
        self.ctrl_c(r"testing \d+/200", 2)
        self.ctrl_c(r"epoch 3/3 \[", 1)
        self.assertEqual(run(train(self.out, "--resume")).returncode, 0)
        self.equal(results(self.out), BASE)


def setUpModule():
    global FIRST, BASE
    make_data(DATA)
    FIRST = run(train(f"{TOP}/base"))
    if FIRST.returncode != 0:
        raise AssertionError(FIRST.stderr.decode())
    BASE = results(f"{TOP}/base")


def tearDownModule():
    shutil.rmtree(TOP, ignore_errors=True)


def main(me, short):
    """The tests of a module; with --short those named."""
    if run(command("devices")).returncode != 0:
        print("skipped: no OpenCL device")
        return 77
    print(f"CLGRAD_TEST_SEED={SEED}", flush=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    load = unittest.defaultTestLoader
    suite = load.loadTestsFromNames(short, me) if SHORT else load.loadTestsFromModule(me)
    started = time.monotonic()
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2).run(suite)
    print(f"{time.monotonic() - started:.1f} s")
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(sys.modules[__name__], ["Commands.test_devices", "Training.test_a_run", "Training.test_equal_runs_and_json",
                                          "Training.test_steps_then_resume"]))
