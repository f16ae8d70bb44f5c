"""
Times attack steps in PyTorch for `speed.mjs`, turn by turn: one request a line on stdin, one answer a line on stdout,
both JSON. {"do": "load", ...} → forms and the fastest; {"do": "check", "path"} → deviations; {"do": "time"} → ms.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from network import Network, load
from serve import milliseconds, serve
from simplify import simplify


def array(path: str, dims: list[int]) -> Tensor:
    return torch.from_numpy(np.fromfile(path, dtype=np.float32).reshape(dims).copy())


def make_step(
    network: Callable[[Tensor], Tensor], request: dict[str, Any], form: torch.memory_format, compiled: bool
) -> Callable[[], tuple[Tensor, Tensor]]:
    """Gradient of the cross-entropy, and x after one step along its sign within the box."""

    def arranged(name: str) -> Tensor:
        values = array(request[name], request["dims"])
        return values.contiguous(memory_format=form) if values.dim() == 4 else values

    x, lower, upper = arranged("x"), arranged("lower"), arranged("upper")
    labels = torch.arange(x.shape[0]) % request["classes"]

    def loss_of(point: Tensor) -> Tensor:
        return F.cross_entropy(network(point), labels, reduction="sum")

    loss = torch.compile(loss_of) if compiled else loss_of

    def step() -> tuple[Tensor, Tensor]:
        point = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(loss(point), point)
        moved = gradient.sign().mul_(request["stepSize"]).add_(x)
        return gradient, torch.clamp(moved, lower, upper, out=moved)

    return step


class Worker:
    """Holds the forms of one network and times the fastest."""

    def __init__(self) -> None:
        self.step: Callable[[], tuple[Tensor, Tensor]] | None = None

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        torch.set_num_threads(request["threads"])
        x = array(request["x"], request["dims"])
        graph = simplify(load(request["model"]), x)
        forms = {"contiguous": torch.contiguous_format}
        if x.dim() == 4 and any(node.op == "Conv" for node in graph.nodes):
            forms["channels_last"] = torch.channels_last
        found: dict[str, Any] = {}
        for compiled in (False, True) if request["compile"] else (False,):
            for name, form in forms.items():
                title = f"{name}, compiled" if compiled else name
                try:
                    step = make_step(Network(graph, form), request, form, compiled)
                    step()
                    milliseconds(step, request["warmMs"])
                    best = min(milliseconds(step, request["warmMs"]) for _ in range(2))
                    found[title] = (best, step)
                except Exception as error:  # a compiler that is not there: the eager forms remain
                    if not compiled:
                        raise
                    print(f"{title}: {type(error).__name__}: {error}", file=sys.stderr)
        fastest = min(found, key=lambda title: found[title][0])
        self.step = found[fastest][1]
        return {"form": fastest, "forms": {title: best for title, (best, _) in found.items()}}

    def check(self, request: dict[str, Any]) -> dict[str, Any]:
        """The share of elements that differ though their gradient is no rounding error, 1e-4 of the sample's greatest."""
        gradient, moved = self.step()
        theirs = array(request["path"], list(moved.shape))
        axes = tuple(range(1, gradient.dim()))
        counts = gradient.abs() > 1e-4 * gradient.abs().amax(axes, keepdim=True)
        differs = (moved - theirs).abs() > 1e-6
        return {"differing": (differs & counts).float().mean().item()}

    def time(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"ms": milliseconds(self.step, request["leastMs"])}


if __name__ == "__main__":
    serve(Worker())
