"""Trains both networks on the synthetic gestures: `python -m heed.zoo.radar.train`.

Needs the `train` extra: `pip install -e '.[train]'`. Sequences are generated once and kept in
`build/radar`; delete the folder after a change of the generator. Only the training and the
validation users are touched.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heed.zoo.radar import cnn_tcn, transformer
from heed.zoo.radar.augment import augment
from heed.zoo.radar.data import NETWORKS, save_weights
from heed.zoo.radar.dataset import load_split
from heed.zoo.radar.layers import Weights

try:
    import torch
    from torch.nn import functional as F

    from heed.zoo.radar import torch_nets
except ImportError as error:
    raise ImportError("training needs PyTorch: pip install -e '.[train]'") from error

CACHE = Path("build/radar")


@dataclass(frozen=True)
class Recipe:
    """How a network is trained: AdamW, one cycle of the learning rate.

    Parameters
    ----------
    epochs, batch
        Passes over the data, sequences a step.
    rate, decay
        The largest learning rate, and AdamW's weight decay.
    dropout
        Share of the CNN's features, or of what joins the Transformer's residual stream.
    smoothing
        Of the labels.
    """

    epochs: int
    batch: int
    rate: float
    decay: float
    dropout: float
    smoothing: float = 0.05


RECIPES = {
    cnn_tcn.NAME: Recipe(epochs=10, batch=32, rate=4e-3, decay=0.02, dropout=0.2),
    transformer.NAME: Recipe(epochs=30, batch=32, rate=1.5e-3, decay=0.05, dropout=0.1),
}


def train(
    name: str,
    seed: int,
    training: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    recipe: Recipe | None = None,
    progress: Callable[[str], None] = lambda text: None,
) -> Weights:
    """Return float32 weights; the same seed gives the same weights on the same machine.

    Parameters
    ----------
    name
        "cnn_tcn" or "transformer".
    seed
        Decides initial weights, order, augmentation and dropout.
    training, validation
        Sequences int8 [N, 5, 32, 492, 2] and their gestures [N]; validation is only reported.
    recipe
        Default: the one of RECIPES.
    progress
        Called with a line of text every epoch.
    """
    recipe = recipe or RECIPES[name]
    torch.set_num_threads(1)  # sums in one order
    torch.manual_seed(seed)
    chance = np.random.default_rng(seed)
    shapes = NETWORKS[name].parameter_shapes()
    parameters = torch_nets.initial(shapes, torch.Generator().manual_seed(seed))
    statistics = torch_nets.Statistics() if name == cnn_tcn.NAME else None
    sequences, labels = training
    steps = recipe.epochs * (len(labels) // recipe.batch)
    optimiser = torch.optim.AdamW(
        parameters.values(), lr=recipe.rate, weight_decay=recipe.decay, betas=(0.9, 0.98)
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.rate, total_steps=steps)
    for epoch in range(recipe.epochs):
        began, losses = time.monotonic(), []
        order = chance.permutation(len(labels))[: len(labels) // recipe.batch * recipe.batch]
        for batch in order.reshape(-1, recipe.batch):
            inputs = torch.from_numpy(augment(sequences[batch], chance))
            logits = _logits(name, parameters, inputs, statistics, recipe.dropout)
            loss = _loss(logits, labels[batch], recipe.smoothing)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters.values(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
        text = f"{name}: epoch {epoch + 1} of {recipe.epochs}, loss {np.mean(losses):.3f}"
        if validation:
            plain = statistics.fold(parameters) if statistics else parameters
            text += f", validation {accuracy(name, plain, *validation):.2%}"
        progress(f"{text}, {time.monotonic() - began:.0f} s")
    plain = statistics.fold(parameters) if statistics else parameters
    weights = {key: value.detach().numpy().copy() for key, value in plain.items()}
    _same_network(name, weights, plain, sequences[:4])
    return weights


def _logits(name, parameters, inputs, statistics=None, dropout=0.0) -> "torch.Tensor":
    more = (statistics,) if name == cnn_tcn.NAME else ()
    return torch_nets.FORWARDS[name](parameters, inputs, *more, dropout=dropout)


def _loss(logits, labels, smoothing) -> "torch.Tensor":
    """Cross entropy of the last row; rows of earlier frames, if any, count half in all."""
    wanted = torch.from_numpy(labels)

    def entropy(rows, targets):
        return F.cross_entropy(rows, targets, label_smoothing=smoothing)

    loss = entropy(logits[:, -1], wanted)
    early = logits[:, :-1]
    if early.shape[1]:
        loss = loss + 0.5 * entropy(early.flatten(0, 1), wanted.repeat_interleave(early.shape[1]))
    return loss


def accuracy(name: str, parameters, sequences: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of sequences that the trained network classifies as labelled."""
    right = 0
    with torch.no_grad():
        for start in range(0, len(labels), 32):
            part = torch.from_numpy(sequences[start : start + 32])
            seen = _logits(name, parameters, part)[:, -1].argmax(-1).numpy()
            right += int((seen == labels[start : start + 32]).sum())
    return right / len(labels)


def _same_network(name, weights, parameters, sequences) -> None:
    """Raise RuntimeError if the numpy network computes anything else than the trained one."""
    with torch.no_grad():
        trained = _logits(name, parameters, torch.from_numpy(sequences)).numpy()
    error = np.abs(NETWORKS[name].forward(weights, sequences)["classify"] - trained).max()
    if error > 1e-3:
        raise RuntimeError(f"the numpy network differs from the trained one by {error:.2g}")


def main() -> None:
    """Generate the sequences, train and write `data/`."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), help="default: both")
    parser.add_argument("--cache", type=Path, default=CACHE, help="where sequences are kept")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    def progress(text: str) -> None:
        print(text, flush=True)

    training = load_split("training", arguments.cache, progress)
    validation = load_split("validation", arguments.cache, progress)
    for name in arguments.networks:
        weights = train(name, arguments.seed, training, validation, progress=progress)
        save_weights(name, weights)


if __name__ == "__main__":
    main()
