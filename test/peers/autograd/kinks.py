"""Functions at the points where they have no derivative, or where several entries tie."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INF = float("inf")
TIES = [2.0, 1.0, 2.0, 0.0, 2.0]


def each(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Summed over the points, whose derivatives then do not touch."""
    return lambda x: function(x).sum(-1)


def pool(x: Tensor) -> Tensor:
    return F.max_pool1d(x, x.shape[-1]).squeeze(-1)


def against(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Of the points and a constant 2."""
    return each(lambda x: function(x, torch.full_like(x, 2.0)))


# name, function of (N, K, points) that reduces the last axis, points, and why another answer is right where it is:
# one operator of ONNX stands for several functions of PyTorch, whose derivatives at a border differ.
STRAIGHT = "is straight-through, as quantized networks want, and is reported so"
FLOOR = "is x − y · floor(x ÷ y), whose Floor is straight-through"
CLIP = "is a Clip as torch.clamp is, whose derivative on its borders is 1"
REDUCE = "is a ReduceMax as torch.amax is, which shares the gradient among the greatest"
KINKS: list[tuple[str, Callable[[Tensor], Tensor], list[float], str]] = [
    ("relu", each(torch.relu), [-1.0, 0.0, 1.0], ""),
    ("abs", each(torch.abs), [-1.0, 0.0, 1.0], ""),
    ("sign", each(lambda x: torch.sign(x) + x), [-1.0, 0.0, 1.0], STRAIGHT),
    ("leaky_relu", each(lambda x: F.leaky_relu(x, 0.25)), [-1.0, 0.0, 1.0], ""),
    ("prelu", each(lambda x: F.prelu(x, torch.tensor([0.25]))), [-1.0, 0.0, 1.0], ""),
    ("elu", each(lambda x: F.elu(x, 0.5)), [0.0, 1.0], ""),
    ("celu", each(lambda x: F.celu(x, 0.5)), [0.0, 1.0], ""),
    ("selu", each(F.selu), [0.0, 1.0], ""),
    ("hardshrink", each(lambda x: F.hardshrink(x, 0.5)), [-1.0, -0.5, 0.25, 0.5, 1.0], ""),
    ("softshrink", each(lambda x: F.softshrink(x, 0.5)), [-1.0, -0.5, 0.25, 0.5, 1.0], ""),
    ("clamp", each(lambda x: torch.clamp(x, -1, 1)), [-2.0, -1.0, 0.0, 1.0, 2.0], ""),
    ("clamp_min", each(lambda x: torch.clamp(x, min=-1)), [-2.0, -1.0, 0.0], ""),
    ("hardtanh", each(F.hardtanh), [-2.0, -1.0, 0.0, 1.0, 2.0], CLIP),
    ("relu6", each(F.relu6), [-1.0, 0.0, 3.0, 6.0, 7.0], CLIP),
    ("hardsigmoid", each(F.hardsigmoid), [-4.0, -3.0, 0.0, 3.0, 4.0], ""),
    ("hardswish", each(F.hardswish), [-4.0, -3.0, 0.0, 3.0, 4.0], ""),
    ("maximum", against(torch.maximum), [1.0, 2.0, 3.0], ""),
    ("minimum", against(torch.minimum), [1.0, 2.0, 3.0], ""),
    ("where x > 0", each(lambda x: torch.where(x > 0, x, 0.5 * x)), [-1.0, 0.0, 1.0], ""),
    ("pow 2", each(lambda x: x.pow(2)), [-1.0, 0.0, 1.0], ""),
    ("pow 3", each(lambda x: x.pow(3)), [-1.0, 0.0, 1.0], ""),
    ("sqrt", each(lambda x: torch.sqrt(x.abs() + 0.25)), [-1.0, 0.0, 1.0], ""),
    ("round", each(lambda x: torch.round(x) + x), [0.5, 1.0, 1.5], STRAIGHT),
    ("floor", each(lambda x: torch.floor(x) + x), [0.5, 1.0, 1.5], STRAIGHT),
    ("remainder", each(lambda x: torch.remainder(x, 2.0)), [-1.0, 0.0, 2.0, 3.0], FLOOR),
    ("amax, ties", lambda x: x.amax(-1), TIES, ""),
    ("amin, ties", lambda x: (-x).amin(-1), TIES, ""),
    ("max over an axis, ties", lambda x: x.max(-1).values, TIES, REDUCE),
    ("max_pool, ties", pool, TIES, ""),
    ("adaptive_max_pool, ties", lambda x: F.adaptive_max_pool1d(x, 1).squeeze(-1), TIES, ""),
    ("prod, a zero", lambda x: x.prod(-1), [2.0, 0.0, 3.0], ""),
    ("1-norm, a zero", lambda x: x.norm(p=1, dim=-1), [-2.0, 0.0, 3.0], ""),
    ("2-norm of zeros", lambda x: x.norm(dim=-1), [0.0, 0.0, 0.0], ""),
    ("logsumexp, ties", lambda x: x.logsumexp(-1), [1.0, 1.0, 1.0, 1.0], ""),
]


class Lambda(nn.Module):
    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def derivatives(function: Callable[[Tensor], Tensor], points: list[float]) -> list[float]:
    """What autograd gives each point."""
    x = torch.tensor([[points]], requires_grad=True)
    (gradient,) = torch.autograd.grad(function(x).sum(), x)
    return gradient[0, 0].tolist()
