#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""transforms_torch.py > tests/data/transforms.txt: what torchvision's transforms.v2 make of the images that
test_transforms.c draws. Needs torchvision, once. A line: case, type of the image, type, sizes and
elements (big-endian, in hexadecimal) of the result.

transforms_torch.py --replay [--random N] [PHOTOGRAPHS...] | BUILD/tests/replay_transforms: all of data/transform_cases.txt on
middle parts of photographs, and on N random images of ten sizes, noise or smooth or of few colors, the last tenth gray; with
these also images of one or two pixels a side. Photographs come from wherever the caller has them; nothing of them is written."""
import argparse
import pathlib
import sys

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

# ---- any images

TYPES = {'f32': torch.float32, 'u8': torch.uint8, 'i16': torch.int16, 'i32': torch.int32, 'f64': torch.float64}
NAMES = {t: n for n, t in TYPES.items()}
FILTERS = [I.BILINEAR, I.NEAREST, I.NEAREST_EXACT, I.BICUBIC]
MARGINS = ['constant', 'edge', 'reflect', 'symmetric']


def points(v, x):
    """Whole pixels of an image, from parts of it."""
    h, w = x.shape[-2:]
    return [[int(a * (w - 1)), int(b * (h - 1))] for a, b in zip(v[::2], v[1::2])]


def whole(v):
    return [int(a) for a in v]


def resized(x, h, w, f, plain):
    """PyTorch takes the rows of floating images a pixel wide for their channels: of those the column is there twice."""
    smooth = x.is_floating_point() and FILTERS[int(f)] in (I.BILINEAR, I.BICUBIC)
    if smooth and w == 1 < x.shape[-1]:
        x = F.resize(x, [x.shape[-2], 1], FILTERS[int(f)], antialias=not plain)
    if x.shape[-1] > 1 or not smooth:
        return F.resize(x, whole([h, w]), FILTERS[int(f)], antialias=not plain)
    return F.resize(x.repeat(1, 1, 1, 2), whole([h, max(w, 2)]), FILTERS[int(f)], antialias=not plain)[..., :int(w)]


# A call with the numbers of a line of transform_cases.txt
REPLAY = {
    'normalize': lambda x, *v: F.normalize(F.to_dtype(x, torch.float32, scale=True), v[:3], v[3:]),
    'resize': resized,
    'rescale': lambda x, sh, sw, *how: resized(x, max(1, int(x.shape[-2] * sh)), max(1, int(x.shape[-1] * sw)), *how),
    'resize_short': lambda x, s, most, f: F.resize(x, [int(s)], FILTERS[int(f)], max_size=int(most) or None),
    'crop': lambda x, *v: F.crop(x, *whole(v)),
    'center_crop': lambda x, *v: F.center_crop(x, whole(v)),
    'five_crop': lambda x, *v: torch.stack(F.five_crop(x, whole(v))),
    'pad': lambda x, l, t, r, b, mode, fill: F.pad(x, whole([l, t, r, b]), int(fill), MARGINS[int(mode)]),
    'hflip': F.horizontal_flip,
    'vflip': F.vertical_flip,
    'rotate': lambda x, d, f, expand, centered, cx, cy, *fill: F.rotate(
        x, d, FILTERS[int(f)], bool(expand), [cx, cy] if centered else None, list(fill) or None),
    'affine': lambda x, d, tx, ty, s, sx, sy, f, centered, cx, cy, *fill: F.affine(
        x, d, [tx, ty], s, [sx, sy], FILTERS[int(f)], list(fill) or None, [cx, cy] if centered else None),
    'perspective': lambda x, *v: F.perspective(x, points(v[:8], x), points(v[8:16], x), FILTERS[int(v[16])],
                                               list(v[17:]) or None),
    'blur': lambda x, kw, kh, sx, sy: F.gaussian_blur(x, whole([kw, kh]), [sx, sy] if sx else None),
    'erase': lambda x, t, l, h, w, *c: F.erase(x, *whole([t, l, h, w]), torch.tensor(c).reshape(3, 1, 1).to(x.dtype)),
    'grayscale': lambda x, n: F.rgb_to_grayscale(x, int(n)),
    'brightness': F.adjust_brightness,
    'contrast': F.adjust_contrast,
    'saturation': F.adjust_saturation,
    'hue': F.adjust_hue,
    'sharpness': F.adjust_sharpness,
    'gamma': F.adjust_gamma,
    'invert': F.invert,
    'posterize': lambda x, n: F.posterize(x, int(n)),
    'solarize': lambda x, a, b: F.solarize(x, a if x.dtype == torch.uint8 else b / 1000),
    'autocontrast': F.autocontrast,
    'equalize': F.equalize,
}


def photographs(paths):
    """Of each the middle, as 96 x 128 pixels."""
    from PIL import Image
    made = []
    for path in paths:
        p = Image.open(path).convert('RGB')
        scale = max(96 / p.height, 128 / p.width)
        p = p.resize((max(128, round(p.width * scale)), max(96, round(p.height * scale))), Image.LANCZOS)
        x, y = (p.width - 128) // 2, (p.height - 96) // 2
        made.append(torch.from_numpy(np.array(p.crop((x, y, x + 128, y + 96)))).permute(2, 0, 1))
    return [torch.stack(made)] if made else []


def random_images(n):
    torch.manual_seed(9)
    sizes = [(48, 64), (41, 53), (64, 48), (80, 47), (33, 100), (57, 57), (96, 45), (50, 129), (128, 128), (40, 40)]
    made = []
    for k, (h, w) in enumerate(sizes):
        each = n // len(sizes)
        x = torch.randint(0, 256, (each, 3, h, w), dtype=torch.uint8)
        few = torch.randint(0, 256, (each, 3, 6, 6)).float()
        smooth = torch.nn.functional.interpolate(few, (h, w), mode='bicubic').clamp(0, 255).to(torch.uint8)
        x[1::3], x[2::3] = smooth[1::3], smooth[2::3] // 64 * 85
        made.append(x[:, :1] if (h, w) == sizes[-1] else x)
    for h, w in (1, 1), (1, 9), (12, 1), (2, 3):
        made.append(torch.randint(0, 256, (2, 3, h, w), dtype=torch.uint8))
    return made


def skipped(name, x):
    """Where there is nothing to compare: corners of a line, colors of three for gray images."""
    side = min(x.shape[-2:])
    return name == 'perspective' and side < 4 or name == 'erase' and x.shape[-3] != 3 or name == 'normalize' and x.shape[-3] != 3


def send(out, head, x):
    out.write(f'{head} {NAMES[x.dtype]} {" ".join(map(str, x.shape))}\n'.encode())
    out.write(x.contiguous().numpy().tobytes())


def replay(images):
    cases = (pathlib.Path(__file__).parent / 'data/transform_cases.txt').read_text().split('\n')
    out = sys.stdout.buffer
    for x in (y for x in images for y in (x, x.float() / 255)):
        send(out, 'image', x)
        for case in (c for c in cases if c and c[0] != '#'):
            name, *v = case.split()
            if skipped(name, x):
                continue
            out.write(f'case {case}\n'.encode())
            try:
                y = F.to_dtype(x, TYPES[v[0]], scale=True) if name == 'to_dtype' else REPLAY[name](x, *map(float, v))
            except (RuntimeError, ValueError, TypeError, IndexError) as error:
                print(f'{case} {NAMES[x.dtype]}: torchvision: {str(error)[:100]}', file=sys.stderr)
                if 'INTERNAL ASSERT' not in str(error):
                    out.write(b'refused\n')
                continue
            send(out, 'result', y)


def own_images():
    for name, (kind, call) in CASES.items():
        for floating in False, True:
            y = call(image(kind, floating)).contiguous()
            a = y.numpy()
            print(name, 'f32' if floating else 'u8', 'f32' if y.dtype == torch.float32 else 'u8',
                  'x'.join(map(str, a.shape)), a.astype(a.dtype.newbyteorder('>')).tobytes().hex())


parser = argparse.ArgumentParser()
parser.add_argument('--replay', action='store_true')
parser.add_argument('--random', type=int, default=0)
parser.add_argument('photographs', nargs='*')
given = parser.parse_args()
if given.replay:
    replay(photographs(given.photographs) + (random_images(given.random) if given.random else []))
else:
    own_images()
