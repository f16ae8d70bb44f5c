"""Convolutional classifiers with the layers of their papers, narrow enough for a check."""

import torch
from torch import Tensor, nn


def conv_bn(
    cin: int, cout: int, kernel: int | tuple[int, int] = 1, stride: int = 1, groups: int = 1
) -> list[nn.Module]:
    """Conv without bias that keeps the size (divided by the stride), then BatchNorm."""
    size = (kernel, kernel) if isinstance(kernel, int) else kernel
    pad = tuple((k - 1) // 2 for k in size)
    conv = nn.Conv2d(cin, cout, size, stride, pad, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(cout)]


def head(channels: int, classes: int = 10) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes)]


class Residual(nn.Module):
    """y = act(short(x) + body(x))."""

    def __init__(self, body: nn.Module, short: nn.Module, act: nn.Module):
        super().__init__()
        self.body, self.short, self.act = body, short, act

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.short(x) + self.body(x))


def basic_block(cin: int, cout: int, stride: int) -> nn.Module:
    body = [*conv_bn(cin, cout, 3, stride), nn.ReLU(inplace=True), *conv_bn(cout, cout, 3)]
    same = stride == 1 and cin == cout
    short = nn.Identity() if same else nn.Sequential(*conv_bn(cin, cout, 1, stride))
    return Residual(nn.Sequential(*body), short, nn.ReLU(inplace=True))


def bottleneck(cin: int, cout: int, stride: int, groups: int = 1) -> nn.Module:
    width = cout // 4 * groups
    body = [*conv_bn(cin, width), nn.ReLU(), *conv_bn(width, width, 3, stride, groups), nn.ReLU()]
    same = stride == 1 and cin == cout
    short = nn.Identity() if same else nn.Sequential(*conv_bn(cin, cout, 1, stride))
    return Residual(nn.Sequential(*body, *conv_bn(width, cout)), short, nn.ReLU())


def resnet_basic() -> nn.Module:
    """He et al. 2015, arXiv:1512.03385: 18 layers, the stem for small pictures."""
    widths = [(16, 16, 1), (16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]
    blocks = [basic_block(*width) for width in widths]
    return nn.Sequential(*conv_bn(3, 16, 3), nn.ReLU(inplace=True), *blocks, *head(64))


def resnet_bottleneck() -> nn.Module:
    """The same paper's deeper block and ImageNet stem; one grouped block as in ResNeXt (arXiv:1611.05431)."""
    stem = [*conv_bn(3, 16, 7, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    blocks = [bottleneck(16, 64, 1), bottleneck(64, 64, 1), bottleneck(64, 128, 2, groups=2)]
    return nn.Sequential(*stem, *blocks, bottleneck(128, 128, 1), *head(128))


class Squeeze(nn.Module):
    """Squeeze and excitation: Hu et al. 2017, arXiv:1709.01507."""

    def __init__(self, channels: int, inner: int, act: nn.Module, gate: nn.Module):
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, inner, 1),
            act,
            nn.Conv2d(inner, channels, 1),
            gate,
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.gate(x) * x


def inverted(
    cin: int, wide: int, cout: int, kernel: int, stride: int, act: nn.Module, squeeze: nn.Module
) -> nn.Module:
    """Inverted residual: Sandler et al. 2018, arXiv:1801.04381."""
    expand = [] if wide == cin else [*conv_bn(cin, wide), act]
    depthwise = [*conv_bn(wide, wide, kernel, stride, wide), act]
    body = nn.Sequential(*expand, *depthwise, squeeze, *conv_bn(wide, cout))
    return Residual(body, nn.Identity(), nn.Identity()) if stride == 1 and cin == cout else body


def mobilenet_v3() -> nn.Module:
    """Howard et al. 2019, arXiv:1905.02244."""
    swish, relu = nn.Hardswish(), nn.ReLU()

    def squeeze(channels: int) -> nn.Module:
        return Squeeze(channels, channels // 4, nn.ReLU(), nn.Hardsigmoid())

    return nn.Sequential(
        *conv_bn(3, 16, 3, 2),
        swish,
        inverted(16, 16, 16, 3, 1, relu, squeeze(16)),
        inverted(16, 64, 24, 3, 2, relu, nn.Identity()),
        inverted(24, 72, 24, 5, 1, swish, squeeze(72)),
        inverted(24, 96, 40, 5, 2, swish, squeeze(96)),
        *conv_bn(40, 96),
        swish,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(96, 128),
        swish,
        nn.Dropout(0.2),
        nn.Linear(128, 10),
    )


def efficientnet() -> nn.Module:
    """Tan and Le 2019, arXiv:1905.11946."""
    act = nn.SiLU(inplace=True)

    def block(cin: int, cout: int, kernel: int, stride: int, ratio: int) -> nn.Module:
        gate = Squeeze(ratio * cin, max(1, cin // 4), nn.SiLU(), nn.Sigmoid())
        return inverted(cin, ratio * cin, cout, kernel, stride, act, gate)

    blocks = [block(16, 16, 3, 1, 1), block(16, 24, 3, 2, 6), block(24, 24, 3, 1, 6)]
    tail = [block(24, 40, 5, 2, 6), block(40, 40, 5, 1, 6), *conv_bn(40, 128), act]
    return nn.Sequential(*conv_bn(3, 16, 3, 2), act, *blocks, *tail, nn.Dropout(), *head(128))


class DenseLayer(nn.Module):
    def __init__(self, cin: int, growth: int):
        super().__init__()
        inner = [nn.BatchNorm2d(cin), nn.ReLU(), nn.Conv2d(cin, 4 * growth, 1, bias=False)]
        outer = [nn.BatchNorm2d(4 * growth), nn.ReLU()]
        last = nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        self.body = nn.Sequential(*inner, *outer, last)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x, self.body(x)], 1)


def densenet() -> nn.Module:
    """Huang et al. 2016, arXiv:1608.06993."""
    layers: list[nn.Module] = [*conv_bn(3, 24, 3), nn.ReLU()]
    channels = 24
    for block in range(3):
        for _ in range(3):
            layers.append(DenseLayer(channels, 12))
            channels += 12
        if block < 2:
            half = nn.Conv2d(channels, channels // 2, 1, bias=False)
            layers += [nn.BatchNorm2d(channels), nn.ReLU(), half, nn.AvgPool2d(2)]
            channels //= 2
    return nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(), *head(channels))


def vgg() -> nn.Module:
    """Simonyan and Zisserman 2014, arXiv:1409.1556."""
    layers: list[nn.Module] = []
    cin = 3
    for width in [16, 16, 0, 32, 32, 0, 64, 64, 0]:
        if width == 0:
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(cin, width, 3, padding=1), nn.ReLU(inplace=True)]
            cin = width
    pooled = [nn.AdaptiveAvgPool2d((2, 2)), nn.Flatten(), nn.Linear(4 * 64, 128)]
    return nn.Sequential(*layers, *pooled, nn.ReLU(), nn.Dropout(), nn.Linear(128, 10))


class Branches(nn.Module):
    """Branches side by side, joined along the channels."""

    def __init__(self, *branches: nn.Module):
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([branch(x) for branch in self.branches], 1)


def inception() -> nn.Module:
    """Szegedy et al. 2015, arXiv:1512.00567, figures 5 to 7."""

    def chain(cin: int, *layers: tuple[int, int | tuple[int, int]]) -> list[nn.Module]:
        made: list[nn.Module] = []
        for cout, kernel in layers:
            made += [*conv_bn(cin, cout, kernel), nn.ReLU()]
            cin = cout
        return made

    def mixed(cin: int) -> nn.Module:
        pool = [nn.AvgPool2d(3, 1, 1, count_include_pad=False), *chain(cin, (16, 1))]
        asymmetric = chain(cin, (12, 1), (16, (1, 7)), (16, (7, 1)))
        split = Branches(
            nn.Sequential(*chain(16, (8, (1, 3)))), nn.Sequential(*chain(16, (8, (3, 1))))
        )
        branches = [chain(cin, (16, 1)), chain(cin, (12, 1), (16, 5)), asymmetric, pool]
        return Branches(
            *(nn.Sequential(*b) for b in branches), nn.Sequential(*chain(cin, (16, 3)), split)
        )

    halve = Branches(
        nn.MaxPool2d(3, 2, ceil_mode=True),
        nn.Sequential(*chain(80, (24, 1)), nn.Conv2d(24, 16, 3, 2), nn.ReLU(), nn.ZeroPad2d((0, 1, 0, 1))),
    )
    return nn.Sequential(*chain(3, (24, 3)), mixed(24), halve, mixed(96), *head(80))


class ConvNextBlock(nn.Module):
    """Liu et al. 2022, arXiv:2201.03545."""

    def __init__(self, width: int):
        super().__init__()
        self.depthwise = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.scale = nn.Parameter(0.5 + torch.rand(width))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        return x + (self.scale * self.mlp(y)).permute(0, 3, 1, 2)


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of NCHW."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def convnext() -> nn.Module:
    stem = [nn.Conv2d(3, 24, 4, 4), ChannelNorm(24), ConvNextBlock(24), ConvNextBlock(24)]
    down = [ChannelNorm(24), nn.Conv2d(24, 48, 2, 2), ConvNextBlock(48)]
    pooled = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.LayerNorm(48), nn.Linear(48, 10)]
    return nn.Sequential(*stem, *down, *pooled)


class ShuffleUnit(nn.Module):
    """Ma et al. 2018, arXiv:1807.11164."""

    def __init__(self, width: int):
        super().__init__()
        half = width // 2
        depthwise = conv_bn(half, half, 3, 1, half)
        self.body = nn.Sequential(
            *conv_bn(half, half), nn.ReLU(), *depthwise, *conv_bn(half, half), nn.ReLU()
        )

    def forward(self, x: Tensor) -> Tensor:
        kept, changed = x.chunk(2, 1)
        y = torch.cat([kept, self.body(changed)], 1)
        # The channels of the two halves in turn.
        return y.unflatten(1, (2, -1)).transpose(1, 2).flatten(1, 2)


def shufflenet() -> nn.Module:
    stem = [*conv_bn(3, 24, 3, 2), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, ShuffleUnit(24), ShuffleUnit(24), *head(24))
