"""An ONNX file as a PyTorch function, in the form its author would have written: see `simplify.py`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from onnx import numpy_helper
from torch import Tensor


@dataclass
class Node:
    op: str
    inputs: list[str]
    outputs: list[str]
    attrs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Graph:
    nodes: list[Node]
    constants: dict[str, Tensor]
    input: str
    output: str

    def readers(self, value: str) -> list[Node]:
        return [node for node in self.nodes if value in node.inputs]

    def producer(self, value: str) -> Node | None:
        return next((node for node in self.nodes if value in node.outputs), None)


def load(path: str) -> Graph:
    model = onnx.load(path).graph
    constants = {
        tensor.name: torch.from_numpy(np.array(numpy_helper.to_array(tensor)))
        for tensor in model.initializer
    }
    nodes = []
    for proto in model.node:
        attrs = {attr.name: onnx.helper.get_attribute_value(attr) for attr in proto.attribute}
        node = Node(proto.op_type, list(proto.input), list(proto.output), attrs)
        if node.op == "Constant":
            constants[node.outputs[0]] = torch.from_numpy(numpy_helper.to_array(attrs["value"]))
        else:
            nodes.append(node)
    inputs = [value.name for value in model.input if value.name not in constants]
    return Graph(nodes, constants, inputs[0], model.output[0].name)


def pads(attrs: dict[str, Any], rank: int) -> tuple[int, ...]:
    """Equal on both sides, as PyTorch's own padding is."""
    auto = attrs.get("auto_pad", b"NOTSET").decode()
    sizes = attrs.get("pads", [0] * 2 * rank)
    if auto not in ("NOTSET", "VALID") or sizes[:rank] != sizes[rank:]:
        raise NotImplementedError(f"padding {auto} {sizes}")
    return tuple(sizes[:rank])


def conv(attrs: dict[str, Any], x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    rank = w.dim() - 2
    stride = tuple(attrs.get("strides", [1] * rank))
    dilation = tuple(attrs.get("dilations", [1] * rank))
    run = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
    return run(x, w, b, stride, pads(attrs, rank), dilation, attrs.get("group", 1))


def pool(attrs: dict[str, Any], x: Tensor) -> Tensor:
    kernel = attrs["kernel_shape"]
    stride = attrs.get("strides", [1] * len(kernel))
    return F.max_pool2d(x, tuple(kernel), tuple(stride), pads(attrs, len(kernel)))


def gemm(attrs: dict[str, Any], a: Tensor, b: Tensor, c: Tensor | None = None) -> Tensor:
    if attrs.get("alpha", 1.0) != 1 or attrs.get("beta", 1.0) != 1 or attrs.get("transA", 0):
        raise NotImplementedError("a scaled or transposed Gemm")
    return F.linear(a, b if attrs.get("transB", 0) else b.t(), c)


def hard_sigmoid(attrs: dict[str, Any], x: Tensor) -> Tensor:
    alpha, beta = attrs.get("alpha", 0.2), attrs.get("beta", 0.5)
    if abs(alpha - 1 / 6) < 1e-6 and beta == 0.5:
        return F.hardsigmoid(x)
    return torch.clamp(alpha * x + beta, 0, 1)


def layer_norm(attrs: dict[str, Any], x: Tensor, w: Tensor, b: Tensor | None = None) -> Tensor:
    return F.layer_norm(x, w.shape, w, b, attrs.get("epsilon", 1e-5))


def batch_norm(attrs: dict[str, Any], x: Tensor, *rest: Tensor) -> Tensor:
    scale, bias, mean, variance = rest
    return F.batch_norm(x, mean, variance, scale, bias, eps=attrs.get("epsilon", 1e-5))


def reshape(attrs: dict[str, Any], x: Tensor, target: Tensor) -> Tensor:
    sizes = [x.shape[k] if size == 0 else size for k, size in enumerate(target.tolist())]
    return x.reshape(sizes)


def gather(attrs: dict[str, Any], x: Tensor, index: Tensor) -> Tensor:
    axis = attrs.get("axis", 0)
    return x.select(axis, int(index)) if index.dim() == 0 else x.index_select(axis, index)


def reduce_mean(attrs: dict[str, Any], x: Tensor, axes: Tensor | None = None) -> Tensor:
    dims = attrs["axes"] if axes is None else axes.tolist()
    return x.mean(tuple(dims), keepdim=bool(attrs.get("keepdims", 1)))


OPERATORS: dict[str, Callable[..., Tensor]] = {
    "Add": lambda _, a, b: a + b,
    "BatchNormalization": batch_norm,
    "Concat": lambda attrs, *xs: torch.cat(xs, attrs["axis"]),
    "Conv": conv,
    "Div": lambda _, a, b: a / b,
    "Erf": lambda _, x: torch.erf(x),
    "Expand": lambda _, x, shape: x * torch.ones(shape.tolist(), dtype=x.dtype),
    "Flatten": lambda attrs, x: torch.flatten(x, attrs.get("axis", 1)),
    "Gather": gather,
    "Gemm": gemm,
    "GlobalAveragePool": lambda _, x: F.adaptive_avg_pool2d(x, 1),
    "HardSigmoid": hard_sigmoid,
    "HardSwish": lambda _, x: F.hardswish(x),
    "Identity": lambda _, x: x,
    "LayerNormalization": layer_norm,
    "MatMul": lambda _, a, b: a @ b,
    "MaxPool": pool,
    "Mul": lambda _, a, b: a * b,
    "ReduceMean": reduce_mean,
    "Relu": lambda _, x: F.relu(x),
    "Reshape": reshape,
    "Shape": lambda _, x: torch.tensor(x.shape),
    "Sigmoid": lambda _, x: torch.sigmoid(x),
    "Softmax": lambda attrs, x: F.softmax(x, attrs.get("axis", -1)),
    "Sub": lambda _, a, b: a - b,
    "Transpose": lambda attrs, x: x.permute(tuple(attrs["perm"])),
    # What `simplify` puts in place of several.
    "_attention": lambda attrs, q, k, v: F.scaled_dot_product_attention(
        q, k.transpose(-2, -1), v, scale=attrs["scale"]
    ),
    "_gelu": lambda _, x: F.gelu(x),
    "_linear": lambda _, x, w, b: F.linear(x, w, b),
    "_relu": lambda _, x: F.relu_(x),
}


def compute(node: Node, values: dict[str, Tensor]) -> Tensor:
    operator = OPERATORS.get(node.op)
    if operator is None:
        raise NotImplementedError(f"operator {node.op}")
    return operator(node.attrs, *(values[name] if name else None for name in node.inputs))


class Network:
    """Runs the nodes one after the other; weights ask for no gradient."""

    def __init__(self, graph: Graph, memory_format: torch.memory_format):
        self.graph = graph
        self.constants = {
            name: value.contiguous(memory_format=memory_format) if value.dim() == 4 else value
            for name, value in graph.constants.items()
        }

    def __call__(self, x: Tensor) -> Tensor:
        values = {**self.constants, self.graph.input: x}
        for node in self.graph.nodes:
            values[node.outputs[0]] = compute(node, values)
        return values[self.graph.output]
