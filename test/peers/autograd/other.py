"""Recurrent, segmenting, one- and three-dimensional networks, and rarer layers."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrizations


class Recurrent(nn.Module):
    """A recurrent layer over (N, steps, features); its last step is classified."""

    def __init__(self, layer: nn.Module, width: int, final: str):
        super().__init__()
        self.layer, self.final, self.head = layer, final, nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        y, state = self.layer(x)
        if self.final == "mean":
            return self.head(y.mean(1))
        hidden = state[0] if isinstance(state, tuple) else state
        return self.head(y[:, -1] if self.final == "last" else torch.cat([*hidden[-2:]], 1))


def lstm() -> nn.Module:
    """Hochreiter and Schmidhuber 1997; two layers."""
    return Recurrent(nn.LSTM(12, 24, 2, batch_first=True), 24, "last")


def lstm_bidirectional() -> nn.Module:
    return Recurrent(nn.LSTM(12, 16, bidirectional=True, batch_first=True), 32, "mean")


def gru_bidirectional() -> nn.Module:
    """Cho et al. 2014, arXiv:1406.1078; the final states of both directions."""
    return Recurrent(nn.GRU(12, 16, 2, bidirectional=True, batch_first=True), 32, "state")


def rnn_tanh() -> nn.Module:
    return Recurrent(nn.RNN(12, 24, batch_first=True), 24, "last")


def double_conv(cin: int, cout: int) -> nn.Module:
    layers: list[nn.Module] = []
    for width in (cin, cout):
        layers += [nn.Conv2d(width, cout, 3, padding=1), nn.BatchNorm2d(cout), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """
    Ronneberger et al. 2015, arXiv:1505.04597. One score per class and pixel, or pooled: log Σ exp over the pixels, so
    that every pixel has a gradient of its own.
    """

    def __init__(self, up: str, pooled: bool = True):
        super().__init__()
        self.up, self.pooled = up, pooled
        self.enter, self.down, self.low = double_conv(3, 12), double_conv(12, 24), double_conv(24, 48)
        self.rise2, self.rise1 = self._rise(48, 24), self._rise(24, 12)
        self.join2, self.join1 = double_conv(48, 24), double_conv(24, 12)
        self.classes = nn.Conv2d(12, 10, 1)

    def _rise(self, cin: int, cout: int) -> nn.Module:
        if self.up == "transpose":
            return nn.ConvTranspose2d(cin, cout, 2, 2)
        if self.up == "bicubic":
            grow = nn.Upsample(scale_factor=2, mode="bicubic", align_corners=False)
        elif self.up == "bilinear":
            grow = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        else:
            grow = nn.Upsample(scale_factor=2, mode="nearest")
        return nn.Sequential(grow, nn.Conv2d(cin, cout, 1))

    def forward(self, x: Tensor) -> Tensor:
        a = self.enter(x)
        b = self.down(F.max_pool2d(a, 2))
        c = self.low(F.max_pool2d(b, 2))
        b = self.join2(torch.cat([self.rise2(c), b], 1))
        a = self.join1(torch.cat([self.rise1(b), a], 1))
        scores = self.classes(a)
        return scores.flatten(2).logsumexp(2) if self.pooled else scores


def unet_transpose() -> nn.Module:
    return UNet("transpose")


def unet_pixels() -> nn.Module:
    return UNet("transpose", pooled=False)


def unet_bilinear() -> nn.Module:
    return UNet("bilinear")


def unet_nearest() -> nn.Module:
    return UNet("nearest")


def unet_bicubic() -> nn.Module:
    return UNet("bicubic")


def norms() -> nn.Module:
    """GroupNorm, InstanceNorm, LocalResponseNorm and weight normalisation, with reflected borders."""
    weighted = parametrizations.weight_norm(nn.Conv2d(16, 24, 3, padding=1))
    return nn.Sequential(
        nn.ReflectionPad2d(2),
        nn.Conv2d(3, 16, 5),
        nn.GroupNorm(4, 16),
        nn.SiLU(),
        weighted,
        nn.InstanceNorm2d(24, affine=True),
        nn.ReLU6(),
        nn.LPPool2d(2, 2),
        nn.Conv2d(24, 24, 3, padding=1, padding_mode="circular"),
        nn.LocalResponseNorm(3),
        nn.AvgPool2d((4, 8)),
        nn.Flatten(),
        nn.LayerNorm(192),
        nn.Linear(192, 10),
    )


class Activations(nn.Module):
    """Every activation of `torch.nn` that has a derivative, one to each group of channels."""

    def __init__(self):
        super().__init__()
        self.acts = nn.ModuleList(
            [nn.PReLU(8), nn.Mish(), nn.CELU(0.7), nn.SELU(), nn.ELU(0.8), nn.Softplus(2.0)]
            + [nn.LeakyReLU(0.1), nn.Hardswish(), nn.Hardsigmoid(), nn.Hardtanh(-0.7, 0.9), nn.Tanh()]
            + [nn.GELU(), nn.GELU("tanh"), nn.SiLU(), nn.Softsign(), nn.LogSigmoid(), nn.Tanhshrink()]
            + [nn.Softshrink(0.3), nn.ReLU(), nn.ReLU6(), nn.Hardshrink(0.2), nn.GLU(1)]
        )
        self.first = nn.Conv2d(3, 8 * len(self.acts), 3, 2, 1)
        self.second = nn.Conv2d(8 * len(self.acts) - 4, 24, 3, 2, 1)
        self.head = nn.Linear(24, 10)

    def forward(self, x: Tensor) -> Tensor:
        parts = self.first(x).chunk(len(self.acts), 1)
        y = self.second(torch.cat([act(part) for act, part in zip(self.acts, parts)], 1))
        return self.head(F.softmax(y, 1).amax((2, 3)) + y.mean((2, 3)))


def audio() -> nn.Module:
    """One-dimensional convolutions over a waveform, dilated, then a convolution that grows (arXiv:1609.03499)."""
    layers: list[nn.Module] = [nn.Conv1d(1, 12, 9, 4, 4), nn.BatchNorm1d(12), nn.ReLU()]
    for dilation in (1, 2, 4):
        conv = nn.Conv1d(12, 12, 3, padding=dilation, dilation=dilation)
        layers += [conv, nn.BatchNorm1d(12), nn.LeakyReLU(0.2)]
    grow = nn.ConvTranspose1d(12, 16, 4, 2, 1, output_padding=1, groups=2)
    pool = [nn.MaxPool1d(4), nn.AvgPool1d(3, 2, 1), nn.AdaptiveMaxPool1d(1)]
    return nn.Sequential(*layers, grow, nn.ELU(), *pool, nn.Flatten(), nn.Linear(16, 10))


def video() -> nn.Module:
    """Three-dimensional convolutions: Tran et al. 2014, arXiv:1412.0767."""
    return nn.Sequential(
        nn.Conv3d(3, 12, 3, padding=1),
        nn.BatchNorm3d(12),
        nn.ReLU(),
        nn.MaxPool3d((1, 2, 2)),
        nn.Conv3d(12, 24, (1, 3, 3), padding=(0, 1, 1), groups=3),
        nn.Conv3d(24, 24, (3, 1, 1), padding=(1, 0, 0)),
        nn.BatchNorm3d(24),
        nn.ReLU(),
        nn.AvgPool3d(2),
        nn.ConvTranspose3d(24, 8, 2, 2),
        nn.AdaptiveAvgPool3d(1),
        nn.Flatten(),
        nn.Linear(8, 10),
    )


class SuperResolution(nn.Module):
    """Sub-pixel convolution (Shi et al. 2016, arXiv:1609.05158) and its inverse, read at a grid of points."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(12, 24, 3, padding=1)
        self.wide = nn.Conv2d(6, 10, 3, padding=1)
        turn = torch.tensor([[[0.8, 0.3, 0.05], [-0.2, 0.7, -0.1]]])
        self.register_buffer("grid", F.affine_grid(turn, (1, 10, 16, 16), align_corners=False))

    def forward(self, x: Tensor) -> Tensor:
        y = self.wide(F.pixel_shuffle(torch.tanh(self.body(F.pixel_unshuffle(x, 2))), 2))
        grid = self.grid.expand(x.shape[0], -1, -1, -1)
        return F.grid_sample(y, grid, align_corners=False).pow(2).mean((2, 3)).sqrt()


class Tabular(nn.Module):
    """Self-normalising layers, a sorted half and a running sum; Klambauer et al. 2017, arXiv:1706.02515."""

    def __init__(self):
        super().__init__()
        self.enter, self.gate, self.head = nn.Linear(30, 64), nn.Linear(64, 64), nn.Linear(160, 10)

    def forward(self, x: Tensor) -> Tensor:
        y = F.selu(self.enter(x))
        z = y * torch.sigmoid(self.gate(y))
        top = z.topk(32, 1).values
        return self.head(torch.cat([top, z.cumsum(1), F.normalize(y, dim=1)], 1))
