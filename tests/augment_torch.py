#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""augment_torch.py > tests/data/augment.txt: what torchvision's policies of augmentation are made of, for test_auto_augment.c.
Needs torchvision, once. Lines:

magnitude SPACE OP BINS H W, and all magnitudes as hexadecimal bits of F32
policy NUMBER PAIR, and twice: operation, tenths, number of the magnitude
result TYPE CHANNELS BILINEAR FILL OP MAGNITUDE, and the elements of the result (big-endian, in hexadecimal)"""
import struct

import numpy as np
import torch
from torchvision.transforms import InterpolationMode as I
from torchvision.transforms import v2

OPS = ['Identity', 'ShearX', 'ShearY', 'TranslateX', 'TranslateY', 'Rotate', 'Brightness', 'Color', 'Contrast', 'Sharpness',
       'Posterize', 'Solarize', 'AutoContrast', 'Equalize', 'Invert']
SPACES = [v2.RandAugment._AUGMENTATION_SPACE, v2.TrivialAugmentWide._AUGMENTATION_SPACE, v2.AugMix._AUGMENTATION_SPACE]
POLICIES = [v2.AutoAugmentPolicy.IMAGENET, v2.AutoAugmentPolicy.CIFAR10, v2.AutoAugmentPolicy.SVHN]
H, W = 16, 17
FILLS = [[130., 0., 255.], [.5, 0., 1.]] # of bytes, of floating numbers


def bits(v):
    return struct.pack('>f', float(v)).hex()


def magnitudes():
    for s, space in enumerate(SPACES):
        for name, (call, signed) in space.items():
            assert signed == (1 <= OPS.index(name) <= 9), name
            for bins, h, w in ((2, 32, 32), (10, 27, 48), (31, 224, 331), (31, 97, 100)):
                m = call(bins, h, w)
                if m is not None:
                    print('magnitude', s, OPS.index(name), bins, h, w, *(bits(v) for v in m))
    assert SPACES[0].keys() == v2.AutoAugment._AUGMENTATION_SPACE.keys() ^ {'Identity', 'Invert'}


def policies():
    for p, policy in enumerate(POLICIES):
        for k, pair in enumerate(v2.AutoAugment(policy)._policies):
            print('policy', p, k, *(f'{OPS.index(op)} {round(10 * tenths)} {bin or 0}' for op, tenths, bin in pair))


def image(channels, floating):
    state, out = 1, []
    for k in range(channels * H * W): # darker than white, or there would be nothing to stretch
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(20 + (state >> 24) * 3 // 4)
    a = torch.tensor(out, dtype=torch.uint8).reshape(channels, H, W)
    return a.float() / 256 if floating else a


def choices():
    for op in (0, 12, 13, 14):
        yield op, 0.
    for op in range(1, 12):
        for s, bins, at in ((0, 31, 9), (1, 31, 23), (2, 10, 4)):
            m = float(SPACES[s][OPS[op]][0](bins, H, W)[at])
            yield op, m
            if op <= 9 and s == 1:
                yield op, -m


def results():
    for floating, channels, bilinear, fill in ((0, 3, 0, 0), (0, 3, 1, 1), (1, 3, 1, 0), (1, 3, 0, 1), (0, 1, 0, 0)):
        x = image(channels, floating)
        for k, (op, m) in enumerate(choices()):
            if k % (5 if floating else 1 if not bilinear and channels == 3 else 3): # all of them once
                continue
            with_fill = {torch.Tensor: FILLS[floating] if fill else None}
            y = v2.RandAugment()._apply_image_or_video_transform(x, OPS[op], m, I.BILINEAR if bilinear else I.NEAREST, with_fill)
            a = y.contiguous().numpy()
            print('result', floating, channels, bilinear, fill, op, float(m).hex(), a.astype(a.dtype.newbyteorder('>')).tobytes().hex())


magnitudes()
policies()
results()
