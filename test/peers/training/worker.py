"""
Trains in PyTorch for `training.mjs` and `training.test.ts`, turn by turn: one request a line on stdin, one answer a line
on stdout, both JSON. {"do": "export"} → a network as ONNX, as it is in training; {"do": "losses"} → the loss of each
step from the exported weights; {"do": "load"}, {"do": "time"} → milliseconds of a step in the fastest form.
"""

import copy
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent.parent / "speed"))

from networks import NETWORKS  # noqa: E402
from serve import milliseconds, serve  # noqa: E402

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def make_optimizer(network: nn.Module, kind: str, options: dict[str, Any]) -> torch.optim.Optimizer:
    return OPTIMIZERS[kind](network.parameters(), **options)


def batches(request: dict[str, Any]) -> tuple[Tensor, Tensor]:
    x = np.fromfile(request["x"], dtype=np.float32).reshape(-1, request["batch"], *request["shape"])
    labels = np.fromfile(request["labels"], dtype=np.int32).astype(np.int64).reshape(-1, request["batch"])
    return torch.from_numpy(x), torch.from_numpy(labels)


class Worker:
    def __init__(self) -> None:
        self.network: nn.Module | None = None
        self.step: Any = None

    def export(self, request: dict[str, Any]) -> dict[str, Any]:
        title, build, shape = NETWORKS[request["network"]]
        torch.manual_seed(request.get("seed", 0))
        self.network = build().train()
        with redirect_stdout(io.StringIO()):
            torch.onnx.export(
                # Not a copy: the exporter runs it, which moves its running statistics.
                self.network,
                (torch.zeros(2, *shape),),
                request["path"],
                training=torch.onnx.TrainingMode.TRAINING,
                do_constant_folding=False,
                input_names=["x"],
                output_names=["logits"],
                dynamic_axes={"x": {0: "N"}, "logits": {0: "N"}},
                opset_version=17,
                dynamo=False,
            )
        return {"title": title, "shape": shape, "torch": torch.__version__}

    def losses(self, request: dict[str, Any]) -> dict[str, Any]:
        """Loss of each step, and what the trained network says of the first batch when it is run."""
        torch.set_num_threads(1)
        network = copy.deepcopy(self.network).to(getattr(torch, request.get("dtype", "float32")))
        optimizer = make_optimizer(network, request["optimizer"], request["options"])
        x, labels = batches(request)
        x = x.to(next(network.parameters()).dtype)
        found = []
        for images, classes in zip(x, labels):
            optimizer.zero_grad()
            loss = F.cross_entropy(network(images), classes)
            loss.backward()
            if request.get("clip"):
                nn.utils.clip_grad_norm_(network.parameters(), request["clip"])
            optimizer.step()
            found.append(loss.item())
        with torch.no_grad():
            logits = network.eval()(x[0])
        return {"losses": found, "logits": logits.flatten().tolist()}

    def load(self, request: dict[str, Any]) -> dict[str, Any]:
        torch.set_num_threads(request["threads"])
        x, labels = batches(request)
        forms = {"contiguous": torch.contiguous_format}
        if any(isinstance(layer, nn.Conv2d) for layer in self.network.modules()):
            forms["channels_last"] = torch.channels_last
        found = {}
        for name, form in forms.items():
            step = self.make_step(request, x[0].contiguous(memory_format=form), labels[0], form)
            milliseconds(step, request["warmMs"])
            found[name] = (min(milliseconds(step, request["warmMs"]) for _ in range(2)), step)
        fastest = min(found, key=lambda name: found[name][0])
        self.step = found[fastest][1]
        return {"form": fastest, "forms": {name: best for name, (best, _) in found.items()}}

    def make_step(self, request: dict[str, Any], x: Tensor, labels: Tensor, form: torch.memory_format) -> Any:
        network = copy.deepcopy(self.network).to(memory_format=form)
        optimizer = make_optimizer(network, request["optimizer"], request["options"])

        def step() -> float:
            optimizer.zero_grad()
            loss = F.cross_entropy(network(x), labels)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    def time(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"ms": milliseconds(self.step, request["leastMs"])}


if __name__ == "__main__":
    serve(Worker())
