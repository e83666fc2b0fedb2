#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""curves_torch.py > data/curves.txt: losses of twenty steps of networks by PyTorch, in double and in single precision.

A line: NETWORK TYPE and numbers: a loss a step (dcgan: of the discriminator, of the generator), and last that of the network in
evaluation, by its running statistics. TYPE far: how far, in parts of the loss, roundings to single precision have led,
the most of that curve and of twelve in double precision whose weights are shaken by 2^-23 of themselves a step. Weights and data are functions of a name and a place (drawn), which
test_curves.c computes too; every number of them is an F32."""
import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)
STEPS, BATCHES = 20, 4


# ---- weights and data

def drawn(name, n):
    """n 16-bit numbers that look random."""
    h = 2166136261
    for c in name.encode():
        h = (h ^ c) * 16777619 % 2**32
    with np.errstate(over='ignore'):
        x = np.uint32(h) + np.arange(n, dtype=np.uint32) * np.uint32(0x9E3779B9)
        x = (x ^ x >> np.uint32(16)) * np.uint32(0x7FEB352D)
        x = (x ^ x >> np.uint32(15)) * np.uint32(0x846CA68B)
    return (x ^ x >> np.uint32(16)) >> np.uint32(16)


def uniform(name, *shape):
    """In [-1, 1)."""
    v = drawn(name, math.prod(shape)).astype(np.float64) / 32768 - 1
    return torch.tensor(v.reshape(shape), dtype=torch.get_default_dtype())


def classes(name, k, *shape):
    return torch.tensor((drawn(name, math.prod(shape)) % k).astype(np.int64).reshape(shape))


def first_numbers(net):
    with torch.no_grad():
        for name, p in net.named_parameters():
            u = uniform(name, *p.shape)
            if p.dim() < 2:
                p.copy_(1 + u / 8 if name.endswith('weight') else u / 16)
            else:
                p.copy_(u * 2.0 ** math.floor(math.log2(math.sqrt(6 / math.prod(p.shape[1:])))))
    return net


# ---- networks

def conv(i, o, k, s=1, g=1):
    return nn.Conv2d(i, o, k, s, k // 2, groups=g, bias=False)


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(20, 32), nn.Linear(32, 32), nn.Linear(32, 10)

    def forward(self, x):
        return self.fc3(F.relu(self.fc2(F.relu(self.fc1(x)))))


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.avg_pool2d(torch.tanh(self.conv1(x)), 2)
        x = F.avg_pool2d(torch.tanh(self.conv2(x)), 2).flatten(1)
        return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(x)))))


class Residual(nn.Module):
    def __init__(self, i, o, s):
        super().__init__()
        self.conv1, self.bn1, self.conv2, self.bn2 = conv(i, o, 3, s), nn.BatchNorm2d(o), conv(o, o, 3), nn.BatchNorm2d(o)
        self.downsample = nn.Sequential(conv(i, o, 1, s), nn.BatchNorm2d(o)) if s != 1 else None

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(y + (self.downsample(x) if self.downsample else x))


class ResNet18(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width)
        for l in range(4):
            o = width << l
            setattr(self, f'layer{l + 1}', nn.Sequential(Residual(o >> (l > 0), o, 2 if l else 1), Residual(o, o, 1)))
        self.fc = nn.Linear(8 * width, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        return self.fc(self.layer4(self.layer3(self.layer2(self.layer1(x)))).mean((2, 3)))


class Inverted(nn.Module):
    def __init__(self, i, o, s, expand):
        super().__init__()
        wide = i * expand
        self.skip, self.expand = s == 1 and i == o, expand > 1
        if self.expand:
            self.conv1, self.bn1 = conv(i, wide, 1), nn.BatchNorm2d(wide)
        self.conv2, self.bn2 = conv(wide, wide, 3, s, wide), nn.BatchNorm2d(wide)
        self.conv3, self.bn3 = conv(wide, o, 1), nn.BatchNorm2d(o)

    def forward(self, x):
        y = F.relu6(self.bn1(self.conv1(x))) if self.expand else x
        y = self.bn3(self.conv3(F.relu6(self.bn2(self.conv2(y)))))
        return x + y if self.skip else y


class MobileNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.ModuleDict({'conv': conv(3, 8, 3, 2), 'bn': nn.BatchNorm2d(8)})
        self.blocks = nn.Sequential(Inverted(8, 4, 1, 1), Inverted(4, 6, 2, 6), Inverted(6, 6, 1, 6), Inverted(6, 8, 2, 6),
                                    Inverted(8, 8, 1, 6))
        self.head = nn.ModuleDict({'conv': conv(8, 32, 1), 'bn': nn.BatchNorm2d(32)})
        self.fc = nn.Linear(32, 10)

    def forward(self, x):
        x = self.blocks(F.relu6(self.stem['bn'](self.stem['conv'](x))))
        return self.fc(F.relu6(self.head['bn'](self.head['conv'](x))).mean((2, 3)))


class Twice(nn.Module):
    def __init__(self, i, o):
        super().__init__()
        self.conv1, self.bn1, self.conv2, self.bn2 = conv(i, o, 3), nn.BatchNorm2d(o), conv(o, o, 3), nn.BatchNorm2d(o)

    def forward(self, x):
        return F.relu(self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class UNet(nn.Module):
    def __init__(self, levels=2, width=4):
        super().__init__()
        self.down = nn.ModuleList(Twice(width << l >> 1 if l else 3, width << l) for l in range(levels))
        self.middle = Twice(width << levels - 1, width << levels)
        self.up = nn.ModuleList(nn.ConvTranspose2d(width << l + 1, width << l, 2, 2) for l in range(levels))
        self.merge = nn.ModuleList(Twice(width << l + 1, width << l) for l in range(levels))
        self.last = nn.Conv2d(width, 4, 1)

    def forward(self, x):
        skips = []
        for down in self.down:
            skips.append(down(x))
            x = F.max_pool2d(skips[-1], 2)
        x = self.middle(x)
        for l in reversed(range(len(skips))):
            x = self.merge[l](torch.cat([skips[l], self.up[l](x)], 1))
        return self.last(x)


class Vit(nn.Module):
    def __init__(self, blocks=2, width=16, heads=2):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 4, 4)
        self.first, self.place = nn.Parameter(torch.empty(1, 1, width)), nn.Parameter(torch.empty(1, 17, width))
        self.blocks = nn.ModuleList(nn.TransformerEncoderLayer(width, heads, 2 * width, 0, 'gelu', batch_first=True,
                                                               norm_first=True) for _ in range(blocks))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.first.expand(len(x), -1, -1), x], 1) + self.place
        for b in self.blocks:
            x = b(x)
        return self.head(self.norm(x)[:, 0])


class Lstm(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.lstm, self.fc = nn.Embedding(30, 8), nn.LSTM(8, 12, batch_first=True), nn.Linear(12, 10)

    def forward(self, x):
        return self.fc(self.lstm(self.table(x))[0][:, -1])


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, 4, 2, 1), nn.Conv2d(8, 16, 4, 2, 1)
        self.mean, self.log_variance, self.wide = nn.Linear(256, 4), nn.Linear(256, 4), nn.Linear(4, 256)
        self.deconv1, self.deconv2 = nn.ConvTranspose2d(16, 8, 4, 2, 1), nn.ConvTranspose2d(8, 1, 4, 2, 1)

    def forward(self, x, noise):
        x = F.relu(self.conv2(F.relu(self.conv1(x)))).flatten(1)
        mean, log_variance = self.mean(x), self.log_variance(x)
        x = F.relu(self.wide(mean + noise * torch.exp(0.5 * log_variance))).view(-1, 16, 4, 4)
        divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum(1).mean()
        return torch.sigmoid(self.deconv2(F.relu(self.deconv1(x)))), divergence


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.deconv1, self.bn1 = nn.ConvTranspose2d(8, 16, 4, 1, 0, bias=False), nn.BatchNorm2d(16)
        self.deconv2, self.bn2 = nn.ConvTranspose2d(16, 8, 4, 2, 1, bias=False), nn.BatchNorm2d(8)
        self.deconv3 = nn.ConvTranspose2d(8, 1, 4, 2, 1, bias=False)

    def forward(self, z):
        return torch.tanh(self.deconv3(F.relu(self.bn2(self.deconv2(F.relu(self.bn1(self.deconv1(z))))))))


class Discriminator(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 8, 4, 2, 1, bias=False), nn.Conv2d(8, 16, 4, 2, 1, bias=False)
        self.bn2, self.conv3 = nn.BatchNorm2d(16), nn.Conv2d(16, 1, 4, bias=False)

    def forward(self, x):
        x = F.leaky_relu(self.conv1(x), 0.2)
        return self.conv3(F.leaky_relu(self.bn2(self.conv2(x)), 0.2)).flatten()


# ---- training

def images(c, side, n=4, k=10):
    return lambda b: (uniform(f'x{b}', n, c, side, side), classes(f'y{b}', k, n))


def class_loss(net, batch):
    return F.cross_entropy(net(batch[0]), batch[1])


def vae_loss(net, batch):
    y, divergence = net(batch[0], batch[1])
    return F.binary_cross_entropy(y, batch[0], reduction='sum') / len(y) + divergence


def sgd(p):
    return torch.optim.SGD(p, lr=0.02, momentum=0.9, weight_decay=1e-4)


def adam(p):
    return torch.optim.Adam(p, lr=0.01)


# name: network, optimizer, largest norm of the gradients, batch, loss
NETS = {
    'mlp': (Mlp, lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), 0,
            lambda b: (uniform(f'x{b}', 16, 20), classes(f'y{b}', 10, 16)), class_loss),
    'lenet': (LeNet, adam, 0, images(1, 28, 8), class_loss),
    'resnet18': (ResNet18, sgd, 0, images(3, 44, 8), class_loss),
    'mobilenet': (MobileNet, sgd, 0, images(3, 32), class_loss),
    'unet': (UNet, adam, 0, lambda b: (uniform(f'x{b}', 2, 3, 16, 16), classes(f'y{b}', 4, 2, 16, 16)), class_loss),
    'vit': (Vit, lambda p: torch.optim.AdamW(p, lr=0.003, weight_decay=0.05), 0, images(3, 16), class_loss),
    'lstm': (Lstm, adam, 0.5, lambda b: (classes(f'x{b}', 30, 8, 6), classes(f'y{b}', 10, 8)), class_loss),
    'vae': (Vae, adam, 0, lambda b: ((uniform(f'x{b}', 8, 1, 16, 16) + 1) / 2, uniform(f'noise{b}', 8, 4) * 2), vae_loss),
}


def shake(seed, *nets):
    """As if the weights had been stored in single precision, rounded otherwise in every step."""
    with torch.no_grad():
        for net in nets if seed else ():
            for p in net.parameters():
                p.mul_(1 + (torch.rand(p.shape) * 2 - 1) * 2.0**-23)


def train(seed, make, optimizer, most, batch, loss_of):
    torch.manual_seed(seed)
    net, losses = first_numbers(make()), []
    o = optimizer(net.parameters())
    shake(seed, net)
    for i in range(STEPS):
        loss = loss_of(net, batch(i % BATCHES))
        o.zero_grad()
        loss.backward()
        if most:
            nn.utils.clip_grad_norm_(net.parameters(), most)
        o.step()
        shake(seed, net)
        losses.append(loss.item())
    net.eval()
    with torch.no_grad():
        return losses + [loss_of(net, batch(0)).item()]


def train_gan(seed):
    torch.manual_seed(seed)
    g, d, losses = first_numbers(Generator()), first_numbers(Discriminator()), []
    og, od = (torch.optim.Adam(n.parameters(), lr=0.002, betas=(0.5, 0.999)) for n in (g, d))
    score = F.binary_cross_entropy_with_logits
    one, zero = torch.ones(8), torch.zeros(8)
    for i in range(STEPS):
        fake = g(uniform(f'z{i % BATCHES}', 8, 8, 1, 1))
        loss = score(d(uniform(f'x{i % BATCHES}', 8, 1, 16, 16)), one) + score(d(fake.detach()), zero)
        od.zero_grad()
        loss.backward()
        od.step()
        shake(seed, d)
        losses.append(loss.item())
        og.zero_grad()
        loss = score(d(fake), one)
        loss.backward()
        og.step()
        shake(seed, g)
        losses.append(loss.item())
    g.eval()
    d.eval()
    with torch.no_grad():
        return losses + [score(d(g(uniform('z0', 8, 8, 1, 1))), one).item()]


def curve(name, seed=0):
    return train(seed, *NETS[name]) if name in NETS else train_gan(seed)


print('# torch', torch.__version__.split('+')[0])
for name in list(NETS) + ['dcgan']:
    torch.set_default_dtype(torch.float32)
    single = curve(name)
    torch.set_default_dtype(torch.float64)
    double = curve(name)
    others = [single] + [curve(name, seed) for seed in range(1, 13)]
    print(name, 'f64', *('%.17g' % v for v in double))
    print(name, 'f32', *('%.9g' % v for v in single))
    print(name, 'far', *('%.1e' % max(abs(o[i] - v) / abs(v) for o in others) for i, v in enumerate(double)), flush=True)
