"""
Runs the attacks of other programs for `attacks.mjs`: one request a line on stdin, one answer a line on stdout, both JSON.
{"do": "tools"} → versions; {"do": "load", ...} → who is classified correctly; {"do": "attack", ...} → outcomes and cost.
"""

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent.parent / "speed"))

from network import Network, load  # noqa: E402
from serve import serve  # noqa: E402
from simplify import simplify  # noqa: E402

import tools  # noqa: E402


class Model(torch.nn.Module):
    """The network as peers take it; counts samples that go backward."""

    def __init__(self, network: Network):
        super().__init__()
        self.network = network
        # Some peers ask the first parameter for its device.
        self.unused = torch.nn.Parameter(torch.zeros(1), requires_grad=False)
        self.gradients = 0

    def forward(self, x: Tensor) -> Tensor:
        # Some attacks of ART count in float64.
        logits = self.network(x.float())
        if logits.requires_grad:
            logits.register_hook(self._count)
        return logits

    def _count(self, gradient: Tensor) -> None:
        self.gradients += len(gradient)


def distances(norm: str, delta: Tensor) -> Tensor:
    flat = delta.double().flatten(1)
    if norm == "l0":
        return (flat != 0).sum(1).double()
    return flat.norm({"linf": float("inf"), "l2": 2.0, "l1": 1.0}[norm], dim=1)


class Worker:
    """Holds one network and its samples."""

    def tools(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"versions": tools.versions()}

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        values = np.fromfile(request["x"], dtype=np.float32).reshape(request["dims"])
        self.x = torch.from_numpy(values.copy())
        self.y = torch.tensor(request["labels"])
        graph = simplify(load(request["model"]), self.x)
        forms = (torch.contiguous_format, torch.channels_last)
        models = [Model(Network(graph, form)).eval() for form in forms]
        self.contiguous = models[0]
        self.fastest = {}
        for threads in request["threads"]:
            torch.set_num_threads(threads)
            # PyTorch in the memory format that is faster for it.
            self.fastest[threads] = min(models, key=self._seconds)
        with torch.no_grad():
            right = self.contiguous(self.x).argmax(1) == self.y
        return {"right": right.tolist()}

    def _seconds(self, model: Model) -> float:
        x = self.x.clone().requires_grad_()
        times = []
        for _ in range(4):
            start = time.perf_counter()
            torch.autograd.grad(model(x).sum(), x)
            times.append(time.perf_counter() - start)
        return min(times)

    def attack(self, request: dict[str, Any]) -> dict[str, Any]:
        rows = torch.tensor(request["rows"])
        x, y = self.x[rows], self.y[rows]
        norm, epsilon, closest = request["norm"], request["epsilon"], request["closest"]
        torch.set_num_threads(request["threads"])
        model = self.fastest[request["threads"]]
        try:
            cost, adversarial = self._shortest(model, request, x, y)
        except RuntimeError as error:
            # Some peers cannot take gradients in the other memory format.
            if "view size" not in str(error):
                raise
            cost, adversarial = self._shortest(self.contiguous, request, x, y)
        # What counts is what the network says of the picture, which must be one.
        with torch.no_grad():
            fooled = model(adversarial).argmax(1) != y
        reach = distances(norm, adversarial - x)
        valid = ((adversarial >= -1e-6) & (adversarial <= 1 + 1e-6)).flatten(1).all(1)
        within = reach <= epsilon * (1 + 1e-5) + 1e-7
        success = fooled & valid & within
        found = [value if ok else None for value, ok in zip(reach.tolist(), (fooled & valid).tolist())]
        return {"success": success.tolist(), "distance": found if closest else [], **cost}

    def _shortest(self, model: Model, request: dict[str, Any], x: Tensor, y: Tensor) -> tuple[dict[str, Any], Tensor]:
        """Of as many runs as fit into a second, at most twenty, with one seed; what they find is the same."""
        runs: list[tuple[dict[str, Any], Tensor]] = []
        begin = time.perf_counter()
        most, seed = (1 if request["once"] else 20), request["seed"]
        while len(runs) < most and (not runs or time.perf_counter() - begin < 1):
            torch.manual_seed(seed)
            np.random.seed(seed)
            run = tools.attack_of(request, model, request["norm"], request["epsilon"])
            model.gradients = 0
            start, before = time.perf_counter(), time.process_time()
            adversarial = run(x, y).detach().float()
            cost = {"seconds": time.perf_counter() - start, "cpu": time.process_time() - before}
            runs.append(({**cost, "gradients": model.gradients}, adversarial))
        return min(runs, key=lambda one: one[0]["seconds"])


if __name__ == "__main__":
    serve(Worker())
