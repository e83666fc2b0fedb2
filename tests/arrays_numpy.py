#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""arrays_numpy.py > tests/data/arrays.txt: small .npy and .npz files that NumPy and Python's zipfile write. Needs NumPy,
once. A line: npy or the name of an npz's member, type, shape (0x3; - for none), the file (=: that of the line before),
the elements, little-endian, in hexadecimal."""
import io
import struct
import zipfile

import numpy as np

rng = np.random.default_rng(5)
NAMES = {'f32': 'f4', 'f64': 'f8', 'i32': 'i4', 'i64': 'i8', 'u8': 'u1', 'bool': 'b1', 'f16': 'f2', 'i8': 'i1', 'i16': 'i2',
         'u16': 'u2', 'u32': 'u4', 'u64': 'u8'}
SHAPES = [(), (3,), (2, 3), (3, 2, 4), (0,), (2, 0, 3), (1, 1, 1, 2, 1, 1, 1, 1)]
last = None


def some(dtype, shape):
    n = int(np.prod(shape, dtype=int))
    if dtype == 'b1':
        return rng.integers(0, 2, n).astype(bool).reshape(shape)
    return np.frombuffer(rng.bytes(n * np.dtype(dtype).itemsize), dtype).reshape(shape)


def saved(a, version=None):
    b = io.BytesIO()
    np.lib.format.write_array(b, a, version=version)
    return b.getvalue()


def line(kind, name, a, file):
    global last
    little = a.astype(a.dtype.newbyteorder('<')) if a.dtype.kind != 'V' else a
    print(kind, name, 'x'.join(map(str, a.shape)) or '-', '=' if file == last else file.hex(),
          np.ascontiguousarray(little).tobytes().hex() or '-')
    last = file


def rewritten(file, old, new):
    """The header's text in other words, padded."""
    n = struct.unpack('<H', file[8:10])[0]
    text = file[10:10 + n].decode().rstrip()
    assert old in text
    text = text.replace(old, new)
    text += ' ' * (-(len(text) + 11) % 16) + '\n'
    return file[:8] + struct.pack('<H', len(text)) + text.encode() + file[10 + n:]


for name, dtype in NAMES.items():
    for i, shape in enumerate(SHAPES):
        a = some(dtype, shape)
        line('npy', name, a, saved(a, [(1, 0), (2, 0), (3, 0)][i % 3]))
    a = some(dtype, (2, 3, 2))
    line('npy', name, np.asfortranarray(a), saved(np.asfortranarray(a)))
    line('npy', name, a, saved(a.astype(a.dtype.newbyteorder('>'))))
    line('npy', name, a, saved(np.asfortranarray(a.astype(a.dtype.newbyteorder('>')))))
a = np.frombuffer(rng.bytes(12), 'V2').reshape(2, 3)
line('npy', 'bf16', a, saved(a))
line('npy', 'bf16', np.asfortranarray(a), saved(np.asfortranarray(a)))
a = some('f4', (2, 3))
file = saved(a)
for old, new in (("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", '{"shape":(2,3),"fortran_order":False,"descr":"<f4"}'),
                 ('(2, 3)', '(2L, 3L,)'), ("{'descr'", "{\n 'descr'")):
    line('npy', 'f32', a, rewritten(file, old, new))

arrays = {'w': some('f4', (2, 3)), 'scalar': some('i8', ()), 'none': some('f8', (0, 2)),
          '\u00e9/\u20ac': some('u1', (5,)), 'rep': np.zeros((40, 5), 'i2'), '': some('f2', (2,))}
for writer in np.savez, np.savez_compressed:
    b = io.BytesIO()
    writer(b, **arrays)
    for name, a in arrays.items():
        line('npz:' + name, {np.dtype(v): k for k, v in NAMES.items()}[a.dtype], a, b.getvalue())


def zip64(a):
    """All numbers of the directory in its zip64 field, and a directory of 64 bits."""
    npy, name = saved(a), b'far.npy'
    import zlib
    local = struct.pack('<4sHHHHHIIIHH', b'PK\3\4', 45, 0, 0, 0, 33, zlib.crc32(npy), 2**32 - 1, 2**32 - 1, len(name), 20)
    local += name + struct.pack('<HHQQ', 1, 16, len(npy), len(npy)) + npy
    entry = struct.pack('<4sHHHHHHIIIHHHHHII', b'PK\1\2', 45, 45, 0, 0, 0, 33, zlib.crc32(npy), 2**32 - 1, 2**32 - 1,
                        len(name), 28 + 5, 0, 0, 0, 0, 2**32 - 1)
    entry += name + struct.pack('<HHx', 7, 1) + struct.pack('<HHQQQ', 1, 24, len(npy), len(npy), 0)
    end = struct.pack('<4sQHHIIQQQQ', b'PK\6\6', 44, 45, 45, 0, 0, 1, 1, len(entry), len(local))
    end += struct.pack('<4sIQI', b'PK\6\7', 0, len(local) + len(entry), 1)
    end += struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, 65535, 65535, 2**32 - 1, 2**32 - 1, 0)
    return local + entry + end


a = some('f4', (3,))
line('npz:far', 'f32', a, zip64(a))
b = io.BytesIO()
with zipfile.ZipFile(b, 'w') as z: # of another writer: a text beside, sizes behind the data, a comment
    z.writestr('read.me', 'hello')
    with z.open('a.npy', 'w', force_zip64=True) as f:
        f.write(saved(a))
    z.comment = b'a comment'
line('npz:a', 'f32', a, b.getvalue())
