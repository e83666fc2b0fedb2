#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""folder.py CLGRAD [--plain] [--device D]: `clgrad train DIR` and `clgrad classify`, options as of tool.py.

Makes folders of small pictures; then a network learns them, is stopped and resumed, asked, and given what is no picture.
A run costs what its kernels take to compile: so the network is the smallest, and batches are few sizes."""
import json
import os
import random
import shutil
import signal
import struct
import sys
import time
import unittest
import zlib

import tool
from tool import TOP, command, in_turn, metadata, metrics, read, results, run, start, write

PICTURES = os.path.join(TOP, "pictures")
CLASSES = ["across", "check ed", "für up"]
EACH, BATCH, EPOCHS, SIZE = 62, 50, 6, 8
LEARNT = 3 * (EACH - round(EACH / 5))


# ---- pictures

def png(rows, channels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    width = len(rows[0]) // channels
    head = struct.pack(">IIBBBBB", width, len(rows), 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + bytes(r) for r in rows)))
            + chunk(b"IEND", b""))


def picture(kind, noise, channels=1):
    """Bright above, in two corners, or on one side, of any size."""
    side = noise.randrange(16, 40)
    low, high, turn = noise.randrange(0, 90), noise.randrange(160, 256), noise.randrange(2)
    width, height = side + noise.randrange(3), side + noise.randrange(3)
    def at(x, y):
        a, b = y < height // 2, (x < width // 2) ^ turn
        v = high if (a, a ^ b, b)[kind] else low
        return [v] if channels == 1 else [v, v // 2, 255 - v, 255][:channels]
    return png([[v for x in range(width) for v in at(x, y)] for y in range(height)], channels)


def make(folder, each, seed, channels=1, classes=CLASSES):
    noise = random.Random(seed)
    for k, name in enumerate(classes):
        os.makedirs(f"{folder}/{name}", exist_ok=True)
        for i in range(each):
            write(f"{folder}/{name}/{i:03}.png", picture(k, noise, channels))


def learn(folder, out, *args, batch=BATCH, epochs=EPOCHS, size=SIZE):
    return command("train", folder, "--out", out, "--batch", str(batch), "--epochs", str(epochs), "--size", str(size),
                   *device(), *args)


def device():
    return ["--device", tool.DEVICE] if tool.DEVICE else []


def form(out):
    return json.loads(metadata(out)["model"])


class Learning(tool.Case):
    def test_a_run(self):
        text, said = FIRST.stdout.decode(), FIRST.stderr.decode()
        self.assertEqual(FIRST.returncode, 0, said)
        self.assertIn(f"{LEARNT} to learn from, {3 * EACH - LEARNT} to be tested on", text)
        self.assertRegex(text, r"3 classes, gray, 8 x 8, augmentation light\nnetwork +cnn by adamw, one-cycle")
        self.assertNotIn("people", text)
        self.assertRegex(said, r"across/bro\?ken\.png: starts with .*\n.*: 1 of \d+ pictures cannot be read and are left out\n")
        self.assertEqual(sorted(os.listdir(f"{TOP}/base")), tool.FILES)
        self.assertEqual(len(metrics(f"{TOP}/base")), EPOCHS + 1)
        self.assertTrue(float(metrics(f"{TOP}/base")[-1][3]) > 0.9, "it does not learn")
        model = form(f"{TOP}/base")
        self.assertEqual((model["net"], model["classes"], model["channels"], model["size"], model["resize"]),
                         ("cnn", CLASSES, 1, 8, 9))

    def test_steps_then_resume(self):
        for steps in ("4", "11"):
            r = run(learn(PICTURES, self.out, "--resume", "--steps", steps))
            self.assertEqual(r.returncode, 0, r.stderr)
        r = run(command("train", PICTURES, "--out", self.out, "--resume", *device()))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.equal(results(self.out), BASE)

    @in_turn(0, 24)
    def test_killed(self):
        p = start(learn(PICTURES, self.out))
        end = time.monotonic() + 100
        while not os.path.exists(f"{self.out}/metrics.csv") and time.monotonic() < end:
            time.sleep(0.002)
        time.sleep(tool.RANDOM.uniform(0, 0.5))
        p.kill()
        p.communicate()
        p = start(learn(PICTURES, self.out, "--resume"))
        time.sleep(tool.RANDOM.uniform(0.2, 0.6))
        p.send_signal(signal.SIGINT)
        p.communicate(timeout=100)
        self.assertIn(p.returncode, (0, 130))
        self.assertEqual(run(learn(PICTURES, self.out, "--resume")).returncode, 0)
        self.equal(results(self.out), BASE)

    def test_resume_of_something_else(self):
        shutil.copytree(f"{TOP}/base", self.out)
        other = os.path.join(self.dir, "pictures")
        shutil.copytree(PICTURES, other)
        for args in (["--net", "resnet8"], ["--size", "32"], ["--val", "0.3"], ["--augment", "none"], ["--amp", "f16"],
                     ["--optim", "sgd"], ["--schedule", "cosine"], ["--seed", "2"]):
            text = self.refused(command("train", other, "--out", self.out, "--resume", *args), 2)
            self.assertIn(" ".join(args), text)
        os.rename(f"{other}/across/001.png", f"{other}/across/0001.png")
        self.assertIn("added, removed or changed", self.refused(learn(other, self.out, "--resume"), 2))
        os.rename(f"{other}/across/0001.png", f"{other}/across/001.png")
        write(f"{other}/across/001.png", read(f"{other}/across/001.png") + b"\0")
        self.assertIn("added, removed or changed", self.refused(learn(other, self.out, "--resume"), 2))
        self.equal(results(self.out), BASE)

    def test_a_picture_that_goes(self):
        """What could be read and cannot be any more ends the run: left out, it would not be the same run."""
        other = os.path.join(self.dir, "pictures")
        shutil.copytree(PICTURES, other)
        self.assertEqual(run(learn(other, self.out, "--steps", "1")).returncode, 0)
        path = f"{other}/check ed/005.png"
        good = read(path)
        write(path, bytes(len(good)))
        r = run(learn(other, self.out, "--resume"))
        self.assertEqual(r.returncode, 1)
        self.assertRegex(r.stderr.decode(), r"^clgrad train: .*check ed/005\.png: .*--resume goes on from the last save\n$")
        write(path, good)
        self.assertEqual(run(learn(other, self.out, "--resume")).returncode, 0)
        self.assertEqual(metrics(self.out), BASE["metrics.csv"])


class Others(tool.Case):
    """Networks, types and parts, a step or two each."""

    def step(self, *args, folder=None, each=5, channels=3, **more):
        folder = folder or os.path.join(self.dir, "pictures")
        if not os.path.exists(folder):
            make(folder, each, 5, channels)
        r = run(learn(folder, self.out, *args, epochs=1, batch=more.pop("batch", 6), **more))
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertTrue(all(c in "0123456789." for c in metrics(self.out)[1][1]), metrics(self.out))
        return r.stdout.decode()

    @in_turn(1, 24)
    def test_resnet8(self):
        self.step("--net", "resnet8", "--augment", "strong")
        self.assertEqual((form(self.out)["channels"], len(form(self.out)["mean"])), (3, 3))

    @in_turn(1, 24)
    def test_policies(self):
        for how in ("randaugment", "augmix", "resizedcrop"):
            self.step("--augment", how, batch=8, size=16)

    @in_turn(2, 24)
    def test_resnet18(self):
        self.step("--net", "resnet18", size=32, batch=11)  # a last batch of one, which becomes one pixel

    @in_turn(3, 24)
    def test_mobilenet(self):
        self.step("--net", "mobilenet_v2", "--schedule", "cosine", size=32)

    @in_turn(4, 24)
    def test_vit(self):
        self.step("--net", "vit_tiny", "--amp", "bf16", size=16)

    @in_turn(5, 24)
    def test_half(self):
        self.step("--amp", "f16", "--val", "0", size=16)
        self.assertEqual(metrics(self.out)[1][2:], ["nan", "nan"])

    @in_turn(6, 24)
    def test_parts_and_alpha(self):
        folder = os.path.join(self.dir, "pictures")
        make(f"{folder}/train", 4, 1, 4)
        make(f"{folder}/test", 2, 2, 3, CLASSES[1:])  # none of one class
        shutil.copytree(f"{folder}/train/{CLASSES[0]}", f"{folder}/test/{CLASSES[1]}/deeper")
        self.assertIn("12 to learn from, 8 to be tested on", self.step("--optim", "adam", folder=folder, size=16))
        self.assertIn("--val", self.refused(learn(folder, self.out, "--val", "0.5"), 2))
        make(f"{folder}/val", 1, 3, 1, ["zebra"])
        self.assertIn("zebra", self.refused(learn(folder, self.out), 1))


class Refused(tool.Case):
    def test_folders(self):
        self.assertIn("nowhere", self.refused(command("train", "./nowhere"), 1))
        self.assertIn("nowhere", self.refused(command("train", "nowhere"), 2))
        self.assertIn("no folders", self.refused(command("train", self.dir), 1))
        make(f"{self.dir}/one", 2, 1, 1, ["a"])
        self.assertIn("one class alone, 'a'", self.refused(command("train", f"{self.dir}/one"), 1))
        os.makedirs(f"{self.dir}/one/b")
        self.assertIn("without images", self.refused(command("train", f"{self.dir}/one"), 1))
        write(f"{self.dir}/one/b/x.png", b"no picture")
        self.assertIn("none of the pictures of the class 'b'", self.refused(learn(f"{self.dir}/one", self.out), 1, 3))
        for i in range(2):
            write(f"{self.dir}/one/a/{i:03}.png", b"no picture")
        self.assertIn("none of the 3 pictures", self.refused(learn(f"{self.dir}/one", self.out), 1, 4))
        os.rename(f"{self.dir}/one/b".encode(), f"{self.dir}/one/".encode() + b"\xff\n")
        self.assertIn("UTF-8", self.refused(learn(f"{self.dir}/one", self.out), 1))
        self.assertFalse(os.path.exists(self.out))

    def test_options(self):
        for args in (["--net", "vgg"], ["--augment", "some"], ["--amp", "f64"], ["--optim", "lion"], ["--schedule", "step"],
                     ["--size", "7"], ["--size", "30", "--net", "vit_tiny"], ["--size", "16", "--net", "resnet18"],
                     ["--val", "1"], ["--val", "nan"], ["--watch", "--amp", "f16"], ["--data", "x"]):
            self.assertIn(args[0], self.refused(command("train", PICTURES, "--out", self.out, *args), 2))
        for args in (["--net", "cnn"], ["--size", "28"], ["--augment", "none"], ["--val", "0.1"]):
            self.assertIn(args[0], self.refused(command("train", "fashion-mnist", "--out", self.out, *args), 2))
        self.assertFalse(os.path.exists(self.out))


class Classify(tool.Case):
    MODEL = f"{TOP}/base/model.safetensors"

    def ask(self, *args, model=None):
        return run(command("classify", model or self.MODEL, *args, *device()))

    def test_pictures(self):
        make(f"{self.dir}/new", 10, 77)
        r = self.ask(f"{self.dir}/new", "--json", "--batch", "10")
        answers = [json.loads(line) for line in r.stdout.decode().splitlines()]
        self.assertEqual((r.returncode, len(answers)), (0, 30), r.stderr)
        right = sum(a["top"][0]["class"] == a["file"].split("/")[-2] for a in answers)
        self.assertTrue(right > 27, f"{right} of 30 right")
        for a in answers:
            p = [t["probability"] for t in a["top"]]
            self.assertTrue(len(p) == 3 and p == sorted(p, reverse=True) and abs(sum(p) - 1) < 1e-4, a)
        one = f"{self.dir}/new/across/000.png"
        r = self.ask(one, "--top", "1", *[one] * 9)
        self.assertRegex(r.stdout.decode(), r"^(.*/across/000\.png  across \d+\.\d %\n){10}$")
        self.assertRegex(r.stderr.decode(), r"^cnn of 3 classes; pictures become gray, their shorter side 9 .* 8 x 8 .*\n$")
        self.assertIn(b"inverted", self.ask(f"{self.dir}/absent.png", "--invert").stderr)

    def test_what_is_no_picture(self):
        good = f"{PICTURES}/across/000.png"
        odd = os.path.join(self.dir, "a\nb.png")
        write(odd, read(good)[:60])
        r = self.ask(good, odd, f"{self.dir}/absent.jpg", *[good] * 9, "--json")
        self.assertEqual(r.returncode, 1)
        answers = [json.loads(line) for line in r.stdout.decode().splitlines()]
        self.assertEqual([("top" in a, "error" in a) for a in answers], [(True, False), (False, True), (False, True)] + [(True, False)] * 9)
        self.assertEqual(answers[0], answers[11])
        self.assertEqual(r.stderr.count(b"\n"), 3)
        empty = os.path.join(self.dir, "empty")
        os.makedirs(empty)
        self.assertIn("has no pictures", self.ask(empty).stderr.decode())

    def test_what_is_no_model(self):
        good = f"{PICTURES}/across/000.png"
        for args in ([], [self.MODEL]):
            self.refused(command("classify", *args), 2)
        self.refused(command("classify", good, good, *device()), 1)
        self.refused(command("classify", "/nonexistent", good, *device()), 1)
        whole, path = read(self.MODEL), os.path.join(self.dir, "m.safetensors")
        for a, b in ((whole[-7:], b""), (b'\\"net\\":\\"cnn\\"', b'\\"net\\":\\"abc\\"'),
                     (b'\\"resize\\":9', b'\\"resize\\":7'), (b'"model":', b'"modle":'), (b'\\"channels\\":1', b'\\"channels\\":9')):
            self.assertEqual(whole.count(a), 1, a)
            write(path, whole.replace(a, b))
            self.assertIn("m.safetensors", self.refused(command("classify", path, good, *device()), 1))


def setUpModule():
    global FIRST, BASE
    make(PICTURES, EACH, 1)
    write(f"{PICTURES}/across/bro\nken.png", b"no picture")
    FIRST = run(learn(PICTURES, f"{TOP}/base"))
    if FIRST.returncode != 0:
        raise AssertionError(FIRST.stderr.decode())
    BASE = results(f"{TOP}/base")


tearDownModule = tool.tearDownModule


if __name__ == "__main__":
    sys.exit(tool.main(sys.modules[__name__], []))
