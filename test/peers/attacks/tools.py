"""How each peer is called. An attack is named by its class there, with the arguments of its constructor."""

import importlib
import importlib.metadata
import inspect
import logging
import os
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

Attack = Callable[[Tensor, Tensor], Tensor]

norms = {"linf": "Linf", "l2": "L2", "l1": "L1"}

packages = {
    "foolbox": ("foolbox", "foolbox"),
    "torchattacks": ("torchattacks", "torchattacks"),
    "art": ("art.attacks.evasion", "adversarial-robustness-toolbox"),
}


def versions() -> dict[str, str]:
    """Of those that can be imported; AutoAttack from the folder that GAUNTLET_PEERS_AUTOATTACK names."""
    found = {}
    for tool, (module, package) in packages.items():
        try:
            importlib.import_module(module)
            found[tool] = importlib.metadata.version(package)
        except ImportError as error:
            print(f"{tool} is left out: {error}", file=sys.stderr)
    # ART says at each call which of its defaults it takes.
    logging.disable(logging.WARNING)
    folder = os.environ.get("GAUNTLET_PEERS_AUTOATTACK")
    if folder:
        sys.path.append(folder)
    try:
        importlib.import_module("autoattack")
        found["autoattack"] = "by its authors"
    except ImportError as error:
        print(f"autoattack is left out: {error}", file=sys.stderr)
    return found


def attack_of(request: dict[str, Any], model: torch.nn.Module, norm: str, epsilon: float) -> Attack:
    name, args, seed = request["name"], request["args"], request["seed"]
    if request["tool"] == "autoattack":
        return autoattack(model, norm, epsilon, closest=request["closest"], seed=seed, **args)
    if request["tool"] == "torchattacks":
        return torchattacks(model, name, args, seed)
    return globals()[request["tool"]](model, name, args, None if request["closest"] else epsilon)


def foolbox(model: torch.nn.Module, name: str, args: dict[str, Any], epsilon: float | None) -> Attack:
    import foolbox as fb

    attack = getattr(fb.attacks, name)(**args)
    wrapped = fb.PyTorchModel(model, bounds=(0, 1), device="cpu")
    # Without an epsilon an attack of minimum norm gives what it found as it is.
    return lambda x, y: attack(wrapped, x, y, epsilons=epsilon)[0 if epsilon is None else 1]


def torchattacks(model: torch.nn.Module, name: str, args: dict[str, Any], seed: int) -> Attack:
    import torchattacks as ta

    kind = getattr(ta, name)
    # Some seed themselves, and would draw the same whatever the seed is.
    seeded = {"seed": seed} if "seed" in inspect.signature(kind.__init__).parameters else {}
    return kind(model, **args, **seeded)


def art(model: torch.nn.Module, name: str, args: dict[str, Any], _: float | None) -> Attack:
    from art.attacks import evasion
    from art.estimators.classification import PyTorchClassifier

    def run(x: Tensor, y: Tensor) -> Tensor:
        loss = torch.nn.CrossEntropyLoss()
        shape, classes = tuple(x.shape[1:]), model(x[:1]).shape[1]
        classifier = PyTorchClassifier(model, loss, shape, classes, clip_values=(0, 1), device_type="cpu")
        kind = getattr(evasion, name)
        # A progress bar, where the attack has one.
        quiet = {"verbose": False} if "verbose" in inspect.signature(kind.__init__).parameters else {}
        attack = kind(classifier, **quiet, **args)
        one_hot = np.eye(classes, dtype=np.float32)[y.numpy()]
        return torch.from_numpy(attack.generate(x=x.numpy(), y=one_hot))

    return run


def autoattack(
    model: torch.nn.Module,
    norm: str,
    epsilon: float,
    *,
    parts: list[str],
    steps: int = 100,
    queries: int = 5000,
    restarts: int = 1,
    closest: bool = False,
    seed: int,
) -> Attack:
    from autoattack import AutoAttack

    # Its FAB keeps only what lies within epsilon, unless it is asked for one class at a time.
    options = {"verbose": False, "version": "custom", "attacks_to_run": parts, "device": "cpu"}
    attack = AutoAttack(model, norm=norms[norm], eps=epsilon, seed=seed, **options)
    for part in (attack.apgd, attack.apgd_targeted, attack.fab):
        part.n_restarts, part.n_iter = 1, steps
    attack.apgd.n_restarts = restarts
    attack.square.n_queries = queries
    # As its standard version in L1: from larger radii inward.
    attack.apgd.use_largereps = attack.apgd_targeted.use_largereps = norm == "l1"
    if closest:
        return lambda x, y: closest_of(attack.fab, x, y, norm)
    return lambda x, y: attack.run_standard_evaluation(x, y, bs=len(x))


def closest_of(fab: Any, x: Tensor, y: Tensor, norm: str) -> Tensor:
    """FAB-T towards nine classes, whatever the distance; the closest of each sample."""
    best, reach = x.clone(), torch.full((len(x),), float("inf"))
    order = {"linf": float("inf"), "l2": 2, "l1": 1}[norm]
    for rank in range(2, 11):
        fab.target_class = rank
        found = fab.attack_single_run(x, y, use_rand_start=False, is_targeted=True)
        length = (found - x).flatten(1).norm(order, dim=1)
        nearer = (length > 0) & (length < reach)
        best[nearer], reach[nearer] = found[nearer], length[nearer]
    return best
