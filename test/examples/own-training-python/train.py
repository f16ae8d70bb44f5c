"""A training of one's own, outside Gauntlet: softmax regression with numpy alone.

    python3 train.py --data DATA.npz --out MODEL.onnx --seed 1

DATA.npz holds `x`, samples as the data set has them (here bytes), and `y`, their labels. MODEL.onnx must be left.
"""

import argparse

import numpy as np


def train(x, y, classes, seed, epochs=60, batch=32, rate=0.1):
    """Stochastic gradient descent on the mean cross-entropy of small batches."""
    rng = np.random.default_rng(seed)
    weight = np.zeros((classes, x.shape[1]))
    bias = np.zeros(classes)
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        for start in range(0, len(x), batch):
            rows = order[start : start + batch]
            scores = x[rows] @ weight.T + bias
            scores = np.exp(scores - scores.max(axis=1, keepdims=True))
            gradient = scores / scores.sum(axis=1, keepdims=True)
            gradient[np.arange(len(rows)), y[rows]] -= 1
            weight -= rate * gradient.T @ x[rows] / len(rows)
            bias -= rate * gradient.mean(axis=0)
    right = (np.argmax(x @ weight.T + bias, axis=1) == y).mean()
    print(f"{right:.1%} of the training samples are right")
    return weight.astype("<f4"), bias.astype("<f4")


# The network as ONNX, written field by field as onnx.proto3 numbers them.


def varint(value):
    out = bytearray()
    while value > 127:
        out.append(value % 128 | 128)
        value //= 128
    return bytes(out + bytes([value]))


def number(field, value):
    return varint(field * 8) + varint(value)


def data(field, value):
    return varint(field * 8 + 2) + varint(len(value)) + value


def text(field, value):
    return data(field, value.encode())


def message(field, *parts):
    return data(field, b"".join(parts))


def tensor(name, array):
    dims = [number(1, size) for size in array.shape]
    return message(5, *dims, number(2, 1), text(8, name), data(9, array.tobytes()))


def value(field, name, shape):
    """An input or output: float32 (1), of a batch of any size N."""
    axes = [message(1, text(2, "N")), *(message(1, number(1, size)) for size in shape)]
    return message(field, text(1, name), message(2, message(1, number(1, 1), message(2, *axes))))


def onnx(weight, bias, shape):
    flatten = message(1, text(1, "x"), text(2, "flat"), text(4, "Flatten"))
    gemm = message(
        1,
        *(text(1, name) for name in ("flat", "w", "b")),
        text(2, "logits"),
        text(4, "Gemm"),
        message(5, text(1, "transB"), number(3, 1), number(20, 2)),  # transB = 1, an INT
    )
    graph = message(
        7,
        flatten,
        gemm,
        text(2, "own"),
        tensor("w", weight),
        tensor("b", bias),
        value(11, "x", shape),
        value(12, "logits", bias.shape),
    )
    return number(1, 8) + graph + message(8, text(1, ""), number(2, 13))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    loaded = np.load(args.data)
    x, y = loaded["x"], loaded["y"]
    scale = 255 if x.dtype == np.uint8 else 1
    weight, bias = train(x.reshape(len(x), -1) / scale, y, int(y.max()) + 1, args.seed)
    with open(args.out, "wb") as file:
        file.write(onnx(weight, bias, x.shape[1:]))


main()
