"""Classifiers built on attention or on mixing tokens."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Patches(nn.Module):
    """(N, C, H, W) → (N, tokens, width)"""

    def __init__(self, width: int, patch: int):
        super().__init__()
        self.conv = nn.Conv2d(3, width, patch, patch)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x).flatten(2).transpose(1, 2)


def mlp(width: int, inner: int, act: nn.Module) -> nn.Module:
    return nn.Sequential(nn.Linear(width, inner), act, nn.Dropout(0.1), nn.Linear(inner, width))


class ModuleAttention(nn.Module):
    """PyTorch's own layer."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class FunctionAttention(nn.Module):
    """One product for queries, keys and values, then `scaled_dot_product_attention`."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        qkv = self.qkv(x).reshape(n, tokens, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v)
        return self.out(y.transpose(1, 2).reshape(n, tokens, width))


class Block(nn.Module):
    """y = x + mix(norm(x)), z = y + mlp(norm(y))"""

    def __init__(self, width: int, mix: nn.Module):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.mlp = mix, mlp(width, 4 * width, nn.GELU())

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.mix(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class VisionTransformer(nn.Module):
    """Dosovitskiy et al. 2020, arXiv:2010.11929."""

    def __init__(self, attention: type[nn.Module]):
        super().__init__()
        width, tokens = 48, 16
        self.patches = Patches(width, 8)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.position = nn.Parameter(0.3 * torch.randn(1, tokens + 1, width))
        self.blocks = nn.Sequential(*(Block(width, attention(width, 4)) for _ in range(3)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        rows = self.patches(x)
        rows = torch.cat([self.token.expand(rows.shape[0], -1, -1), rows], 1) + self.position
        return self.head(self.norm(self.blocks(rows))[:, 0])


def vit_module() -> nn.Module:
    return VisionTransformer(ModuleAttention)


def vit_function() -> nn.Module:
    return VisionTransformer(FunctionAttention)


class WindowAttention(nn.Module):
    """Shifted windows with a relative position bias: Liu et al. 2021, arXiv:2103.14030."""

    def __init__(self, width: int, heads: int, size: int, window: int, shift: int):
        super().__init__()
        self.heads, self.size, self.window, self.shift = heads, size, window, shift
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.bias = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads))
        steps = torch.arange(window)
        points = torch.stack(torch.meshgrid(steps, steps, indexing="ij")).flatten(1)
        offsets = points[:, :, None] - points[:, None, :] + window - 1
        self.register_buffer("index", (2 * window - 1) * offsets[0] + offsets[1])
        self.register_buffer("mask", self._mask() if shift else None)

    def _mask(self) -> Tensor:
        """−100 between tokens of one window that were no neighbours before the roll."""
        region = torch.zeros(1, self.size, self.size, 1)
        cuts = (slice(0, -self.window), slice(-self.window, -self.shift), slice(-self.shift, None))
        for k, (rows, columns) in enumerate((r, c) for r in cuts for c in cuts):
            region[:, rows, columns] = k
        ids = self._split(region).squeeze(-1)
        return -100.0 * (ids[:, None, :] != ids[:, :, None]).float()

    def _split(self, x: Tensor) -> Tensor:
        """(N, S, S, C) → (N·windows, window², C)"""
        n, w, count, width = x.shape[0], self.window, self.size // self.window, x.shape[-1]
        windows = x.view(n, count, w, count, w, width).permute(0, 1, 3, 2, 4, 5)
        return windows.reshape(-1, w * w, width)

    def forward(self, x: Tensor) -> Tensor:
        n, tokens, width = x.shape
        w, count, heads = self.window, self.size // self.window, self.heads
        x = x.view(n, self.size, self.size, width)
        if self.shift:
            x = torch.roll(x, (-self.shift, -self.shift), (1, 2))
        windows = self._split(x)
        qkv = self.qkv(windows).reshape(-1, w * w, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]
        scores = (q * (width // heads) ** -0.5) @ k.transpose(-2, -1)
        bias = self.bias[self.index.flatten()].view(w * w, w * w, heads).permute(2, 0, 1)
        scores = scores + bias.unsqueeze(0)
        if self.shift:
            rows = scores.view(n, count * count, heads, w * w, w * w)
            scores = (rows + self.mask[None, :, None]).view(-1, heads, w * w, w * w)
        y = (scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, w * w, width)
        y = self.out(y).view(n, count, count, w, w, width).permute(0, 1, 3, 2, 4, 5)
        y = y.reshape(n, self.size, self.size, width)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        return y.reshape(n, tokens, width)


class PatchMerging(nn.Module):
    """Four neighbours become one token of twice the width."""

    def __init__(self, width: int, size: int):
        super().__init__()
        self.size = size
        self.norm = nn.LayerNorm(4 * width)
        self.reduce = nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        n, _, width = x.shape
        x = x.view(n, self.size, self.size, width)
        parts = [x[:, i::2, j::2] for j in (0, 1) for i in (0, 1)]
        return self.reduce(self.norm(torch.cat(parts, -1).view(n, -1, 4 * width)))


class Pooled(nn.Module):
    """Mean over the tokens, then a linear layer."""

    def __init__(self, width: int):
        super().__init__()
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(x).mean(1))


def swin() -> nn.Module:
    blocks = [Block(24, WindowAttention(24, 3, 8, 4, shift)) for shift in (0, 2)]
    last = Block(48, WindowAttention(48, 6, 4, 4, 0))
    return nn.Sequential(
        Patches(24, 4), nn.LayerNorm(24), *blocks, PatchMerging(24, 8), last, Pooled(48)
    )


class MixerBlock(nn.Module):
    """Tolstikhin et al. 2021, arXiv:2105.01601."""

    def __init__(self, tokens: int, width: int):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.tokens, self.channels = mlp(tokens, 32, nn.GELU()), mlp(width, 96, nn.GELU("tanh"))

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.tokens(self.norm1(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.norm2(x))


def mixer() -> nn.Module:
    return nn.Sequential(Patches(48, 8), MixerBlock(16, 48), MixerBlock(16, 48), Pooled(48))


class Encoder(nn.Module):
    """`nn.TransformerEncoder` over embedded tokens with a causal mask: Vaswani et al. 2017, arXiv:1706.03762."""

    def __init__(self, norm_first: bool):
        super().__init__()
        act = F.gelu if norm_first else F.relu
        layer = nn.TransformerEncoderLayer(
            32, 4, 64, activation=act, batch_first=True, norm_first=norm_first
        )
        self.enter = nn.Linear(12, 32)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.register_buffer("mask", nn.Transformer.generate_square_subsequent_mask(20))
        self.head = nn.Linear(32, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.enter(x), mask=self.mask, is_causal=True).mean(1))


def encoder_post_norm() -> nn.Module:
    return Encoder(norm_first=False)


def encoder_pre_norm() -> nn.Module:
    return Encoder(norm_first=True)
