#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""images_torch.py > tests/data/images.txt: small PNG and JPEG files and what torchvision reads from them, or where
torchvision has no answer, what the formats' text says. Needs torchvision and Pillow, once.

A line: name, mode (0 unchanged, 1 gray, 2 gray and alpha, 3 RGB, 4 RGBA), e (EXIF orientation) w (16 bits) or -,
height, width, channels, bits, the file (=: that of the line before)
and the pixels (big-endian) in hexadecimal."""
import io
import struct
import zlib

import numpy as np
import torch
from PIL import Image
from torchvision.io import ImageReadMode, decode_image

rng = np.random.default_rng(7)
H, W = 6, 9
GRAY, RGB, PALETTE, GRAY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GRAY: 1, RGB: 3, PALETTE: 1, GRAY_ALPHA: 2, RGBA: 4}


def chunk(name, data):
    return struct.pack('>I', len(data)) + name + data + struct.pack('>I', zlib.crc32(name + data))


def filtered(rows, pixel):
    """Each row with another of the five filters."""
    out, above = b'', bytes(len(rows[0])) if rows else b''
    for y, row in enumerate(rows):
        kind, line = y % 5, []
        for x, v in enumerate(row):
            a = row[x - pixel] if x >= pixel else 0
            b, c = above[x], above[x - pixel] if x >= pixel else 0
            p = a + b - c
            paeth = min((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c))[2]
            line.append((v - (0, a, b, (a + b) // 2, paeth)[kind]) % 256)
        out, above = out + bytes([kind]) + bytes(line), row
    return out


def packed(a, depth):
    rows = []
    for row in a.reshape(a.shape[0], -1):
        if depth == 16:
            rows.append(row.astype('>u2').tobytes())
        elif depth == 8:
            rows.append(row.astype('u1').tobytes())
        else:
            bits = ''.join(format(v, f'0{depth}b') for v in row)
            bits += '0' * (-len(bits) % 8)
            rows.append(bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8)))
    return rows


def png(a, kind, depth, interlaced=False, palette=None, trns=None, exif=None, exif_last=False):
    pixel = max(1, CHANNELS[kind] * depth // 8)
    passes = [(0, 0, 1, 1)]
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
    data = b''
    for y, x, dy, dx in passes:
        part = a[y::dy, x::dx]
        if part.size:
            data += filtered(packed(part, depth), pixel)
    out = b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', a.shape[1], a.shape[0], depth, kind, 0, 0,
                                                            interlaced))
    out += chunk(b'gAMA', struct.pack('>I', 100000)) if depth == 8 and kind == RGB and interlaced else b''
    out += chunk(b'PLTE', palette.astype('u1').tobytes()) if palette is not None else b''
    out += chunk(b'tRNS', trns) if trns is not None else b''
    out += chunk(b'eXIf', exif) if exif and not exif_last else b''
    z = zlib.compress(data)
    out += chunk(b'IDAT', z[:9]) + chunk(b'IDAT', z[9:])
    out += chunk(b'eXIf', exif) if exif and exif_last else b''
    return out + chunk(b'IEND', b'')


def tiff(orientation, order='<'):
    return (b'II*\0' if order == '<' else b'MM\0*') + struct.pack(
        order + 'IHHHIIHHIHHI', 8, 2, 0x10F, 2, 4, 0x41424300 if order == '>' else 0x434241, 0x112, 3, 1,
        orientation, 0, 0)


def as_mode(a, mode, most):
    """Of the channels that a file has, without torchvision."""
    c = a.shape[2]
    if mode == 0:
        return a
    alpha = a[..., -1:] if c in (2, 4) else np.full_like(a[..., :1], most)
    rgb = np.repeat(a[..., :1], 3, 2) if c < 3 else a[..., :3]
    w = rgb.astype(np.int64)
    gray = a[..., :1] if c < 3 else ((9794 * w[..., :1] + 19234 * w[..., 1:2] + 3740 * w[..., 2:] +
                                                 (16384 if most > 255 else 0)) >> 15)
    out = {1: [gray], 2: [gray, alpha], 3: [rgb], 4: [rgb, alpha]}[mode]
    return np.concatenate(out, 2).astype(a.dtype)


def turned(a, o):
    if o >= 5:
        a = a.transpose(1, 0, 2)
    return {1: a, 2: a[:, ::-1], 3: a[::-1, ::-1], 4: a[::-1], 5: a, 6: a[:, ::-1], 7: a[::-1, ::-1], 8: a[::-1]}[o]


last = b''


def line(name, mode, flags, file, a, check=True):
    if check:
        t = decode_image(torch.frombuffer(bytearray(file), dtype=torch.uint8), ImageReadMode(mode),
                         apply_exif_orientation='e' in flags).permute(1, 2, 0).numpy()
        if a is None:
            a = t
        assert t.shape == a.shape and t.dtype == a.dtype and (t == a).all(), (name, mode, t.shape, a.shape, t - a)
    global last
    bits = 8 * a.dtype.itemsize
    print(name, mode, flags or '-', *a.shape, bits, '=' if file == last else file.hex(),
          np.ascontiguousarray(a).astype('>u2' if bits == 16 else 'u1').tobytes().hex())
    last = file


def pngs():
    for kind, name in ((GRAY, 'gray'), (GRAY_ALPHA, 'gray-alpha'), (RGB, 'rgb'), (RGBA, 'rgba')):
        for depth in (1, 2, 4, 8, 16) if kind == GRAY else (8, 16):
            for interlaced in (False, True):
                a = rng.integers(0, 2**depth, (H, W, CHANNELS[kind]))
                file, most = png(a, kind, depth, interlaced), 65535 if depth == 16 else 255
                a = a.astype(np.uint16) if depth == 16 else (a * (255 // (2**depth - 1))).astype(np.uint8)
                label = f'{name}{depth}' + interlaced * '-interlaced'
                for mode in (0, 1, 2, 3, 4) if depth in (4, 8) and not interlaced else (0, 3):
                    line(label, mode, 'w', file, as_mode(a, mode, most), depth >= 8 or mode in (0, 1, 3))
                if depth == 16:
                    line(label, 0, '', file, ((a.astype(np.int64) * 255 + 32767) // 65535).astype(np.uint8), False)
    for depth in (1, 2, 4, 8):
        n = min(2**depth, 20)
        palette, alpha = rng.integers(0, 256, (n, 3)), rng.integers(0, 256, (n + 1) // 2)
        a = rng.integers(0, n, (H, W, 1))
        rgb = palette[a[..., 0]].astype(np.uint8)
        full = np.concatenate([alpha, np.full(n - len(alpha), 255)])[a].astype(np.uint8)
        plain, clear = png(a, PALETTE, depth, depth == 4, palette), png(a, PALETTE, depth, depth == 2, palette,
                                                                        bytes(alpha.tolist()))
        for mode in (0, 1, 2, 3, 4):
            line(f'palette{depth}', mode, '', plain, as_mode(rgb, mode, 255), mode in (1, 3))
        for mode in (0, 1, 2, 3, 4):
            line(f'palette{depth}-trns', mode, '', clear, as_mode(np.concatenate([rgb, full], 2), mode, 255), mode > 0)
    for kind, depth in ((GRAY, 4), (GRAY, 8), (GRAY, 16), (RGB, 8), (RGB, 16)):
        a = rng.integers(0, 2**depth, (H, W, CHANNELS[kind]))
        clear = np.all(a == a[2, 3], 2, keepdims=True)
        file = png(a, kind, depth, False, None, struct.pack(f'>{CHANNELS[kind]}H', *a[2, 3].tolist()))
        most = 65535 if depth == 16 else 255
        b = a.astype(np.uint16) if depth == 16 else (a * (255 // (2**depth - 1))).astype(np.uint8)
        for mode in (0, 1, 2, 3, 4):
            wanted = as_mode(b, mode, most)
            if mode in (2, 4):
                wanted[..., -1:] = np.where(clear, 0, most)
            line(f'trns-{kind}-{depth}', mode, 'w', file, wanted, mode in (0, 1, 3))
    for o in range(0, 10):
        a = rng.integers(0, 256, (3, 4, 3)).astype(np.uint8)
        right = turned(a, o if 1 <= o <= 8 else 1)
        line(f'exif-png{o}', 0, 'e', png(a, RGB, 8, exif=tiff(o, '<>'[o % 2])), right)
        line(f'exif-png-last{o}', 0, 'e', png(a, RGB, 8, exif=tiff(o), exif_last=True), right, False)
    line('exif-ignored', 0, '', png(a, RGB, 8, exif=tiff(6)), a)


def jpeg(image, **more):
    b = io.BytesIO()
    image.save(b, 'JPEG', **more)
    return b.getvalue()


def jpegs():
    smooth = np.clip(128 + 90 * np.sin(np.arange(3) + np.add.outer(np.arange(21) / 5, np.arange(18) / 3)[..., None]) +
                     rng.normal(0, 9, (21, 18, 3)), 0, 255).astype(np.uint8)
    image = Image.fromarray(smooth)
    for name, file in (('gray', jpeg(image.convert('L'))), ('444', jpeg(image, subsampling=0)),
                       ('422', jpeg(image, subsampling=1)), ('420', jpeg(image, quality=90)),
                       ('progressive', jpeg(image, progressive=True)), ('coarse', jpeg(image, quality=5)),
                       ('rgb', jpeg(image, keep_rgb=True)), ('restarts', jpeg(image, restart_marker_blocks=1))):
        for mode in (0, 1, 3):
            line(f'jpeg-{name}', mode, '', file, None)
        if name in ('gray', '420'):
            for mode, base in ((2, 1), (4, 3)):
                t = decode_image(torch.frombuffer(bytearray(file), dtype=torch.uint8), ImageReadMode(base))
                a = t.permute(1, 2, 0).numpy()
                line(f'jpeg-{name}', mode, '', file, np.concatenate([a, np.full_like(a[..., :1], 255)], 2), False)
    cmyk = Image.fromarray(rng.integers(0, 256, (3, 4, 4)).astype(np.uint8).repeat(5, 0).repeat(5, 1), 'CMYK')
    file = jpeg(cmyk, quality=90)
    at = file.index(b'Adobe') # its last byte says what the four channels are: 0 CMYK, 2 YCCK
    for name, data in (('cmyk', file), ('ycck', file[:at + 11] + b'\2' + file[at + 12:])):
        for mode in (0, 1, 3):
            line(f'jpeg-{name}', mode, '', data, None)
    for o in range(0, 10):
        line(f'exif-jpeg{o}', 0, 'e', jpeg(image.crop((0, 0, 11, 5)), exif=b'Exif\0\0' + tiff(o, '<>'[o % 2])), None)


pngs()
jpegs()
