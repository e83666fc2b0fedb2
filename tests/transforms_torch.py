#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""transforms_torch.py > tests/data/transforms.txt: what torchvision's transforms.v2 make of the images that
test_transforms.c draws. Needs torchvision, once. A line: case, type of the image, type, sizes and
elements (big-endian, in hexadecimal) of the result."""
import numpy as np
import torch
from torchvision.transforms import InterpolationMode as I
from torchvision.transforms.v2 import functional as F

SHAPES = {3: (2, 3, 6, 7), 1: (2, 1, 6, 7), 30: (1, 3, 20, 30), 16: (1, 3, 16, 16)}


def image(kind, floating):
    shape, state, out = SHAPES[kind], 1, []
    for _ in range(int(np.prod(shape))):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    a = torch.tensor(out, dtype=torch.uint8).reshape(shape)
    return a.float() / 256 if floating else a


POINTS = [[0, 0], [6, 0], [6, 5], [0, 5]], [[1, 0], [5, 1], [6, 4], [0, 5]]
# name: images, call
CASES = {
    'to_float': (3, lambda x: F.to_dtype(x, torch.float32, scale=True)),
    'to_u8': (3, lambda x: F.to_dtype(x, torch.uint8, scale=True)),
    'normalize': (3, lambda x: F.normalize(F.to_dtype(x, torch.float32, scale=True), [.485, .456, .406], [.229, .224, .225])),
    'resize_small': (30, lambda x: F.resize(x, [7, 11])),
    'resize_large': (3, lambda x: F.resize(x, [13, 9])),
    'resize_short': (30, lambda x: F.resize(x, [13])),
    'resize_max': (30, lambda x: F.resize(x, [13], max_size=17)),
    'resize_plain': (30, lambda x: F.resize(x, [7, 11], antialias=False)),
    'resize_cubic': (30, lambda x: F.resize(x, [9, 40], interpolation=I.BICUBIC)),
    'resize_nearest': (30, lambda x: F.resize(x, [7, 41], interpolation=I.NEAREST)),
    'resize_exact': (30, lambda x: F.resize(x, [7, 41], interpolation=I.NEAREST_EXACT)),
    'crop': (3, lambda x: F.crop(x, 1, 2, 3, 4)),
    'crop_outside': (3, lambda x: F.crop(x, -1, 5, 9, 4)),
    'crop_away': (3, lambda x: F.crop(x, 10, 0, 2, 2)),
    'center_crop': (3, lambda x: F.center_crop(x, [3, 4])),
    'center_large': (3, lambda x: F.center_crop(x, [9, 4])),
    'five_crop': (3, lambda x: torch.stack(F.five_crop(x, [3, 4]))),
    'pad_constant': (3, lambda x: F.pad(x, [1, 2, 3, 0], fill=1)),
    'pad_edge': (3, lambda x: F.pad(x, [1, 2, 3, 0], padding_mode='edge')),
    'pad_reflect': (3, lambda x: F.pad(x, [1, 2, 3, 0], padding_mode='reflect')),
    'pad_symmetric': (3, lambda x: F.pad(x, [1, 2, 3, 0], padding_mode='symmetric')),
    'hflip': (3, F.horizontal_flip),
    'vflip': (3, F.vertical_flip),
    'rotate': (3, lambda x: F.rotate(x, 33, interpolation=I.BILINEAR)),
    'rotate_nearest': (3, lambda x: F.rotate(x, -71, interpolation=I.NEAREST, fill=[1, 0, 1])),
    'rotate_expand': (3, lambda x: F.rotate(x, 400, interpolation=I.BILINEAR, expand=True, fill=[1])),
    'rotate_90': (16, lambda x: F.rotate(x, 90)),
    'rotate_90_expand': (3, lambda x: F.rotate(x, -90, expand=True)),
    'rotate_center': (3, lambda x: F.rotate(x, 20, interpolation=I.BILINEAR, center=[1, 2])),
    'affine': (3, lambda x: F.affine(x, 20, [1, -2], 1.3, [10, -5], interpolation=I.BILINEAR)),
    'affine_nearest': (3, lambda x: F.affine(x, -13, [1, 1], .7, [4, 3], interpolation=I.NEAREST, fill=[1, 1, 0])),
    'affine_center': (3, lambda x: F.affine(x, 20, [0, 0], .8, [0, 0], interpolation=I.BILINEAR, center=[0, 0])),
    'perspective': (3, lambda x: F.perspective(x, *POINTS, interpolation=I.BILINEAR)),
    'perspective_fill': (3, lambda x: F.perspective(x, *POINTS, interpolation=I.NEAREST, fill=[0, 1, 1])),
    'blur': (3, lambda x: F.gaussian_blur(x, [5, 3], [1.2, .7])),
    'blur_default': (3, lambda x: F.gaussian_blur(x, [3, 5])),
    'blur_gray': (1, lambda x: F.gaussian_blur(x, [3, 3], [2., 2.])),
    'erase': (3, lambda x: F.erase(x, 1, 2, 3, 4, torch.tensor([1, 0, 1]).reshape(3, 1, 1).to(x.dtype))),
    'gray': (3, lambda x: F.rgb_to_grayscale(x)),
    'gray_3': (1, lambda x: F.rgb_to_grayscale(x, 3)),
    'brightness': (3, lambda x: F.adjust_brightness(x, 1.7)),
    'contrast': (3, lambda x: F.adjust_contrast(x, .4)),
    'contrast_gray': (1, lambda x: F.adjust_contrast(x, 1.9)),
    'saturation': (3, lambda x: F.adjust_saturation(x, 1.8)),
    'hue': (3, lambda x: F.adjust_hue(x, .21)),
    'hue_back': (3, lambda x: F.adjust_hue(x, -.4)),
    'sharpness': (3, lambda x: F.adjust_sharpness(x, 2.5)),
    'gamma': (3, lambda x: F.adjust_gamma(x, 2.2, 1.1)),
    'invert': (3, F.invert),
    'posterize': (3, lambda x: F.posterize(x, 3)),
    'solarize': (3, lambda x: F.solarize(x, 100 if x.dtype == torch.uint8 else .4)),
    'autocontrast': (3, F.autocontrast),
    'equalize': (16, F.equalize),
    'equalize_few': (3, F.equalize),
}

for name, (kind, call) in CASES.items():
    for floating in False, True:
        y = call(image(kind, floating)).contiguous()
        a = y.numpy()
        print(name, 'f32' if floating else 'u8', 'f32' if y.dtype == torch.float32 else 'u8',
              'x'.join(map(str, a.shape)), a.astype(a.dtype.newbyteorder('>')).tobytes().hex())
