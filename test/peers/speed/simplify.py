"""
Rewrites an ONNX graph as its author would have written it in PyTorch, so that PyTorch is measured at its best: what no
input changes is computed once, BatchNorm is folded into Conv, and linear layers, GELU and attention are one call each.
"""

import math

import torch
from torch import Tensor

from network import Graph, Node, compute


def simplify(graph: Graph, x: Tensor) -> Graph:
    """@param x - a batch of the size that will be run"""
    drop_identities(graph)
    fold_constants(graph, x)
    for change in (fold_batch_norm, fuse_linear, fuse_gelu, fuse_attention, drop_dead, relu_in_place):
        change(graph)
    return graph


def rename(graph: Graph, old: str, new: str) -> None:
    for node in graph.nodes:
        node.inputs = [new if name == old else name for name in node.inputs]
    if graph.output == old:
        graph.output = new


def drop_identities(graph: Graph) -> None:
    for node in [node for node in graph.nodes if node.op in ("Identity", "Dropout")]:
        graph.nodes.remove(node)
        rename(graph, node.outputs[0], node.inputs[0])


def fold_constants(graph: Graph, x: Tensor) -> None:
    """Shapes count as constants: the batch is fixed."""
    values = {**graph.constants, graph.input: x}
    kept = []
    with torch.no_grad():
        for node in graph.nodes:
            values[node.outputs[0]] = compute(node, values)
            known = all(name in graph.constants for name in node.inputs if name)
            if known or node.op == "Shape":
                graph.constants[node.outputs[0]] = values[node.outputs[0]]
            else:
                kept.append(node)
    graph.nodes = kept


def drop_dead(graph: Graph) -> None:
    needed = {graph.output}
    kept = []
    for node in reversed(graph.nodes):
        if needed & set(node.outputs):
            needed.update(node.inputs)
            kept.append(node)
    graph.nodes = kept[::-1]


def only_reader(graph: Graph, value: str, op: str) -> Node | None:
    readers = graph.readers(value)
    return readers[0] if len(readers) == 1 and readers[0].op == op else None


def fold_batch_norm(graph: Graph) -> None:
    """BN(Conv(x, w, b)) = Conv(x, w·s, (b − mean)·s + bias), s = scale ÷ √(variance + ε)"""
    for node in [node for node in graph.nodes if node.op == "Conv"]:
        after = only_reader(graph, node.outputs[0], "BatchNormalization")
        if not after:
            continue
        scale, bias, mean, variance = (graph.constants[name] for name in after.inputs[1:])
        factor = scale / torch.sqrt(variance + after.attrs.get("epsilon", 1e-5))
        weight = graph.constants[node.inputs[1]]
        before = graph.constants[node.inputs[2]] if len(node.inputs) > 2 else 0.0
        name = after.outputs[0]
        graph.constants[f"{name}/w"] = weight * factor.view(-1, *[1] * (weight.dim() - 1))
        graph.constants[f"{name}/b"] = (before - mean) * factor + bias
        node.inputs, node.outputs = [node.inputs[0], f"{name}/w", f"{name}/b"], [name]
        graph.nodes.remove(after)


def fuse_linear(graph: Graph) -> None:
    """x·W + b with constants is a linear layer."""
    for node in [node for node in graph.nodes if node.op == "MatMul"]:
        weight = graph.constants.get(node.inputs[1])
        after = only_reader(graph, node.outputs[0], "Add")
        if weight is None or weight.dim() != 2 or not after:
            continue
        other = next(name for name in after.inputs if name != node.outputs[0])
        bias = graph.constants.get(other)
        if bias is None or bias.numel() != weight.shape[1]:
            continue
        name = after.outputs[0]
        graph.constants[f"{name}/w"] = weight.t().contiguous()
        graph.constants[f"{name}/b"] = bias.reshape(-1)
        node.op, node.inputs = "_linear", [node.inputs[0], f"{name}/w", f"{name}/b"]
        node.outputs = [name]
        graph.nodes.remove(after)


def constant_of(graph: Graph, node: Node) -> tuple[str, float | None]:
    """The input of a node that is computed, and the other one if it is a number."""
    for k, name in enumerate(node.inputs):
        value = graph.constants.get(name)
        if value is not None and value.numel() == 1:
            return node.inputs[1 - k], value.item()
    return node.inputs[0], None


def fuse_gelu(graph: Graph) -> None:
    """x·(1 + erf(x ÷ √2))·½"""
    for erf in [node for node in graph.nodes if node.op == "Erf"]:
        divided = graph.producer(erf.inputs[0])
        plus = only_reader(graph, erf.outputs[0], "Add")
        if not divided or divided.op != "Div" or not plus:
            continue
        x, root = constant_of(graph, divided)
        times = only_reader(graph, plus.outputs[0], "Mul")
        half = only_reader(graph, times.outputs[0], "Mul") if times and x in times.inputs else None
        if not half or root is None or abs(root - math.sqrt(2)) > 1e-5:
            continue
        if constant_of(graph, plus)[1] == 1 and constant_of(graph, half)[1] == 0.5:
            half.op, half.inputs, half.attrs = "_gelu", [x], {}


def fuse_attention(graph: Graph) -> None:
    """softmax(q·kᵀ·scale)·v"""
    for softmax in [node for node in graph.nodes if node.op == "Softmax"]:
        scaled, mixed = graph.producer(softmax.inputs[0]), None
        if scaled and scaled.op == "Mul":
            mixed = only_reader(graph, softmax.outputs[0], "MatMul")
        if not mixed or mixed.inputs[0] != softmax.outputs[0]:
            continue
        product, scale = constant_of(graph, scaled)
        scores = graph.producer(product)
        if scale is not None and scores and scores.op == "MatMul":
            mixed.op, mixed.attrs = "_attention", {"scale": scale}
            mixed.inputs = [*scores.inputs, mixed.inputs[1]]


def relu_in_place(graph: Graph) -> None:
    """As `nn.ReLU(inplace=True)`, where nobody else reads the value and its own gradient does not need it."""
    for node in graph.nodes:
        if node.op == "Relu" and len(graph.readers(node.inputs[0])) == 1:
            before = graph.producer(node.inputs[0])
            if before and before.op in ("Conv", "Add", "Gemm", "_linear"):
                node.op = "_relu"
