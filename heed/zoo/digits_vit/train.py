"""Trains the network in float. Needs the `train` extra: `pip install -e '.[train]'`.

The split is fixed: 450 of the 1797 digits are held out and serve nothing but the accuracy that
is reported; training sees the others, shifted, turned and scaled at random.
"""

from collections.abc import Callable

import numpy as np

from heed.zoo.digits_vit.architecture import (
    HEAD_DIM,
    HEADS,
    IMAGE,
    LAYERS,
    PATCH,
    TOKENS,
    Weights,
    forward,
    parameter_shapes,
)

HELD_OUT = 450
EPOCHS = 200
BATCH = 64
RATE = 3e-3
WEIGHT_DECAY = 0.05
LABEL_SMOOTHING = 0.05

#: Largest random shift (pixels), turn (radians) and scaling of a training image.
SHIFT, TURN, SCALE = 0.9, 0.2, 0.1

try:
    import torch
    from torch.nn import functional as F
except ImportError as error:
    raise ImportError(
        "training needs PyTorch and scikit-learn: pip install -e '.[train]'"
    ) from error


def load_split() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return (training images, labels, held-out images, labels); images uint8 [N, 8, 8]."""
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("the digits need scikit-learn: pip install -e '.[train]'") from error
    digits = load_digits()
    order = np.random.RandomState(0).permutation(len(digits.target))
    images = digits.images.astype(np.uint8)[order]
    labels = digits.target.astype(np.uint8)[order]
    return images[HELD_OUT:], labels[HELD_OUT:], images[:HELD_OUT], labels[:HELD_OUT]


def _initial(generator: torch.Generator) -> dict[str, torch.Tensor]:
    parameters = {}
    for name, shape in parameter_shapes().items():
        if name.endswith("bias"):
            value = torch.zeros(shape)
        elif len(shape) == 1:
            value = torch.ones(shape)
        else:
            spread = 0.02 if name == "position" else shape[1] ** -0.5
            value = torch.randn(shape, generator=generator) * spread
        parameters[name] = value.requires_grad_()
    return parameters


def _forward(p: dict[str, torch.Tensor], pixels: torch.Tensor) -> torch.Tensor:
    def linear(x, name):
        return F.linear(x, p[name + ".weight"], p[name + ".bias"])

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], p[name + ".weight"], p[name + ".bias"])

    def heads(x):
        return x.reshape(len(x), TOKENS, HEADS, HEAD_DIM).transpose(1, 2)

    side = IMAGE // PATCH
    cut = pixels.reshape(-1, side, PATCH, side, PATCH).transpose(2, 3)
    x = linear(cut.reshape(-1, TOKENS, PATCH * PATCH), "embed") + p["position"]
    for layer in range(LAYERS):
        at = f"layer{layer}."
        normed = norm(x, at + "norm1")
        q, k, v = (heads(linear(normed, at + name)) for name in ("query", "key", "value"))
        attended = torch.softmax(q @ k.transpose(-1, -2) * HEAD_DIM**-0.5, -1) @ v
        x = x + linear(attended.transpose(1, 2).reshape(x.shape), at + "project")
        hidden = F.gelu(linear(norm(x, at + "norm2"), at + "expand"), approximate="tanh")
        x = x + linear(hidden, at + "reduce")
    return F.linear(norm(x, "norm").mean(1), p["classify.weight"])


def _augment(pixels: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return the images, each moved, turned and scaled by chance; outside is background."""

    def chance(limit):
        return (torch.rand(len(pixels), generator=generator) * 2 - 1) * limit

    turn, scale = chance(TURN), 1 + chance(SCALE)
    cos, sin = torch.cos(turn) * scale, torch.sin(turn) * scale
    move = 2 / IMAGE * SHIFT
    rows = (torch.stack([cos, -sin, chance(move)], 1), torch.stack([sin, cos, chance(move)], 1))
    grid = F.affine_grid(torch.stack(rows, 1), [len(pixels), 1, IMAGE, IMAGE], align_corners=False)
    return F.grid_sample((pixels + 1)[:, None], grid, align_corners=False)[:, 0] - 1


def train(
    seed: int,
    images: np.ndarray,
    labels: np.ndarray,
    progress: Callable[[str], None] = lambda text: None,
) -> Weights:
    """Return float32 weights trained on these images; the same seed gives the same weights.

    Parameters
    ----------
    seed
        Decides initial weights, order and augmentation.
    images, labels
        Training images uint8 [N, 8, 8], pixels 0..16, and their classes.
    progress
        Called with a line of text now and then.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums in one order
    try:
        generator = torch.Generator().manual_seed(seed)
        parameters = _initial(generator)
        pixels = torch.tensor(images, dtype=torch.float32) / 8 - 1
        classes = torch.tensor(labels, dtype=torch.long)
        steps = EPOCHS * (len(images) // BATCH)
        optimiser = torch.optim.AdamW(parameters.values(), lr=RATE, weight_decay=WEIGHT_DECAY)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
        for epoch in range(EPOCHS):
            order = torch.randperm(len(images), generator=generator)
            for batch in order[: len(images) // BATCH * BATCH].split(BATCH):
                output = _forward(parameters, _augment(pixels[batch], generator))
                loss = F.cross_entropy(output, classes[batch], label_smoothing=LABEL_SMOOTHING)
                optimiser.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
                optimiser.step()
                schedule.step()
            if (epoch + 1) % 20 == 0:
                progress(f"seed {seed}: epoch {epoch + 1} of {EPOCHS}, loss {loss.item():.3f}")
        weights = {name: value.detach().numpy().copy() for name, value in parameters.items()}
        _same_network(weights, parameters, pixels[:16], images[:16])
        return weights
    finally:
        torch.set_num_threads(threads)


def _same_network(weights, parameters, pixels, images) -> None:
    """Raise RuntimeError if the numpy network computes anything else than the trained one."""
    with torch.no_grad():
        trained = _forward(parameters, pixels).numpy()
    error = np.abs(forward(weights, images)["classify"][:, 0] - trained).max()
    if error > 1e-3:
        raise RuntimeError(f"the numpy network differs from the trained one by {error:.2g}")
