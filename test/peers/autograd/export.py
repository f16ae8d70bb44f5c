"""
Writes every architecture as ONNX files, by both of PyTorch's exporters, with inputs, labels and what autograd says:

    python3 export.py FOLDER [architecture ...]

FOLDER/manifest.json lists what was written; arrays are .npy, one folder per architecture.
"""

import copy
import io
import json
import logging
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import attention
import convolution
import other
from kinks import KINKS, Lambda, derivatives

PICTURE = (3, 32, 32)
SEQUENCE = (20, 12)
# By title: network, shape of a sample.
ARCHITECTURES: dict[str, tuple[Any, tuple[int, ...]]] = {
    "ResNet, basic blocks": (convolution.resnet_basic, PICTURE),
    "ResNet, bottlenecks": (convolution.resnet_bottleneck, PICTURE),
    "MobileNet-V3": (convolution.mobilenet_v3, PICTURE),
    "EfficientNet": (convolution.efficientnet, PICTURE),
    "DenseNet": (convolution.densenet, PICTURE),
    "VGG": (convolution.vgg, PICTURE),
    "Inception": (convolution.inception, PICTURE),
    "ConvNeXt": (convolution.convnext, PICTURE),
    "ShuffleNet-V2": (convolution.shufflenet, PICTURE),
    "ViT, MultiheadAttention": (attention.vit_module, PICTURE),
    "ViT, scaled_dot_product_attention": (attention.vit_function, PICTURE),
    "Swin": (attention.swin, PICTURE),
    "MLP-Mixer": (attention.mixer, PICTURE),
    "TransformerEncoder, norm last": (attention.encoder_post_norm, SEQUENCE),
    "TransformerEncoder, norm first": (attention.encoder_pre_norm, SEQUENCE),
    "LSTM": (other.lstm, SEQUENCE),
    "LSTM, bidirectional": (other.lstm_bidirectional, SEQUENCE),
    "GRU, bidirectional": (other.gru_bidirectional, SEQUENCE),
    "RNN": (other.rnn_tanh, SEQUENCE),
    "U-Net, ConvTranspose": (other.unet_transpose, PICTURE),
    "U-Net, cross-entropy of each pixel": (other.unet_pixels, PICTURE),
    "U-Net, bilinear": (other.unet_bilinear, PICTURE),
    "U-Net, nearest": (other.unet_nearest, PICTURE),
    "U-Net, bicubic": (other.unet_bicubic, PICTURE),
    "Norms": (other.norms, PICTURE),
    "Activations": (other.Activations, PICTURE),
    "Audio, 1-D": (other.audio, (1, 512)),
    "Video, 3-D": (other.video, (3, 4, 16, 16)),
    "Pixel shuffle, grid sample": (other.SuperResolution, PICTURE),
    "Tabular, top-k": (other.Tabular, (30,)),
}
EXPORTS = (("torchscript", 13), ("torchscript", 17), ("dynamo", 18), ("dynamo", 23))
BATCH = 5
# How far autograd in float32 may be from its own float64.
STEADY = 1e-5


def randomise(model: nn.Module) -> nn.Module:
    """Statistics and scales of normalisations as after a training, not 0 and 1."""
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            nn.init.normal_(module.running_mean, 0, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
        if "Norm" in type(module).__name__ and getattr(module, "weight", None) is not None:
            nn.init.uniform_(module.weight, 0.5, 1.5)
            if getattr(module, "bias", None) is not None:
                nn.init.normal_(module.bias, 0, 0.2)
    return model


def gradient_of(model: nn.Module, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Logits, and the gradient of each sample's cross-entropy, summed over its positions."""
    x = x.detach().requires_grad_()
    logits = model(x)
    (gradient,) = torch.autograd.grad(F.cross_entropy(logits, labels, reduction="sum"), x)
    return logits.detach(), gradient


def export(model: nn.Module, x: Tensor, exporter: str, opset: int, path: Path) -> str:
    """@returns why it could not be exported, or nothing"""
    free = {0: torch.export.Dim.DYNAMIC}
    names = {"x": {0: "batch"}, "y": {0: "batch"}}
    shapes = {"dynamic_shapes": (free,)} if exporter == "dynamo" else {"dynamic_axes": names}
    try:
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            torch.onnx.export(
                model,
                (x,),
                str(path),
                dynamo=exporter == "dynamo",
                opset_version=opset,
                input_names=["x"],
                output_names=["y"],
                external_data=False,
                **shapes,
            )
    except Exception as error:  # whatever an exporter raises: the page says it
        return " ".join(str(error).split())[:160] or type(error).__name__
    return ""


def write_architecture(folder: Path, title: str, place: int) -> dict[str, Any]:
    build, shape = ARCHITECTURES[title]
    for seed in range(place, 1000, 100):
        torch.manual_seed(seed)
        model = randomise(build()).eval().requires_grad_(False)
        x = torch.randn(BATCH, *shape)
        # A class for each position of the scores.
        positions = model(x)[:, 0]
        labels = torch.arange(positions.numel()).view(positions.shape) % 10
        _, single = gradient_of(model, x, labels)
        logits, double = gradient_of(copy.deepcopy(model).double(), x.double(), labels)
        # Else an activation lies so near a kink that rounding decides its derivative, in any framework.
        if (single - double).norm() < STEADY * double.norm():
            break
    target = folder / f"{place:02}"
    target.mkdir(parents=True, exist_ok=True)
    files = []
    for exporter, opset in EXPORTS:
        path = target / f"{exporter}-{opset}.onnx"
        reason = export(model, x[:2], exporter, opset, path)
        files.append({"exporter": exporter, "opset": opset, "path": str(path), "reason": reason})
    arrays = {"x": x, "labels": labels, "logits": logits, "single": single, "double": double}
    for name, values in arrays.items():
        np.save(target / f"{name}.npy", values.numpy())
    print(title, flush=True)
    return {"title": title, "folder": str(target), "sampleShape": shape, "files": files}


def write_kinks(folder: Path) -> list[dict[str, Any]]:
    target = folder / "kinks"
    target.mkdir(parents=True, exist_ok=True)
    rows = []
    for k, (name, function, points, differs) in enumerate(KINKS):
        path = target / f"{k:02}.onnx"
        # Three classes that are equal: each is given the seed softmax − one-hot, which is known.
        x = torch.tensor([points]).repeat(1, 3, 1)
        reason = export(Lambda(function), x, "torchscript", 17, path)
        answers = derivatives(function, points)
        rows.append(
            {"name": name, "path": str(path), "reason": reason, "points": points}
            | {"derivatives": answers, "differs": differs}
        )
    return rows


def main(folder: str, *only: str) -> None:
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    # Its fused kernels are no operators of any exporter.
    torch.backends.mha.set_fastpath_enabled(False)
    titles = [title for title in ARCHITECTURES if not only or title in only]
    places = list(ARCHITECTURES)
    networks = [write_architecture(Path(folder), title, places.index(title)) for title in titles]
    manifest = {
        "torch": torch.__version__,
        "networks": networks,
        "kinks": [] if only else write_kinks(Path(folder)),
    }
    (Path(folder) / "manifest.json").write_text(json.dumps(manifest, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
