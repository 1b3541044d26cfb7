"""What `heed sim` reads and prints: images, classes, layers, the verdict."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heed.cli.ui import say, show, table
from heed.errors import HeedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from heed.run import ImageRun, Mismatch, NetworkRun

SHADES = " .:-=+*#%@"


def picture(image: np.ndarray, top: int) -> list[str]:
    """Lines of characters for an image of pixels 0 to `top`, two characters a pixel."""
    levels = np.asarray(image, dtype=np.int64) * (len(SHADES) - 1) // top
    return ["".join(SHADES[level] * 2 for level in row) for row in levels]


def read_images(file: Path) -> np.ndarray:
    """Read one image, or several stacked, from a .npy file; always returns a stack."""
    try:
        array = np.load(file, allow_pickle=False)
    except FileNotFoundError:
        raise HeedError(f"--image-file {file}: there is no such file", status=2) from None
    except (OSError, ValueError, EOFError) as error:
        raise HeedError(
            f"--image-file {file}: is not a readable .npy file of numbers ({error})", status=2
        ) from None
    if not isinstance(array, np.ndarray):
        raise HeedError(f"--image-file {file}: is an archive, but must be one .npy array", status=2)
    return array if array.ndim == 3 else array[None]


def quantised(images: np.ndarray, origin: str) -> list[np.ndarray]:
    from heed.zoo.digits_vit import quantise_input

    if images.ndim and not len(images):
        raise HeedError(f"{origin}: holds no image", status=2)
    try:
        return [quantise_input(image) for image in images]
    except ValueError as error:
        raise HeedError(f"{origin}: {error}", status=2) from None


def show_image(number: int, image: np.ndarray, label: int | None, logits: np.ndarray) -> bool:
    """Print one picture beside its logits and classes; returns whether the class is right."""
    logits = np.asarray(logits).reshape(-1)
    predicted = int(logits.argmax())
    facts = [f"image {number}", ""]
    facts += ["class " + "".join(f"{index:>8}" for index in range(len(logits)))]
    facts += ["logit " + "".join(f"{value:>8}" for value in logits), ""]
    truth = "unknown" if label is None else str(label)
    facts += [f"predicted {predicted}, true {truth}"]
    if label is not None:
        facts[-1] += " (right)" if predicted == label else " (WRONG)"
    lines = picture(image, 16)
    width = len(lines[0])
    say("+" + "-" * width + "+")
    for index, line in enumerate(lines):
        say(f"|{line}|  {facts[index] if index < len(facts) else ''}".rstrip())
    say("+" + "-" * width + "+")
    return label is None or predicted == label


def layer_table(title: str, image: "ImageRun") -> None:
    """Print where each layer of an image ran, its work and its time."""
    from heed.bench.network import layer_rows

    result = table("layer", "where", "MACs", "cycles", "MAC/cycle", "utilisation", left=2)
    for row in layer_rows(image):
        result.add_row(*row, end_section=row[0] == image.layers[-1].name)
    show(title, result)


def verdict(name: str, run: "NetworkRun", mismatches: "Sequence[Mismatch | None]") -> None:
    """Print the closing line of a run.

    Raises
    ------
    HeedError
        When a tensor of an image differs from the reference, or was not kept for comparison.
    """
    hidden = sorted({tensor for image in run.images for tensor in image.hidden})
    wrong = [(image, found) for image, found in enumerate(mismatches) if found is not None]
    exact = "NOT bit-exact" if wrong else "all tensors bit-exact"
    if hidden and not wrong:
        exact = f"tensors bit-exact but {len(hidden)} that were not kept"
    say(f"{name}: {run.cycles} cycles, {run.khz:.1f} kHz, {exact}")
    if wrong:
        image, found = wrong[0]
        raise HeedError(f"image {image}: {found}")
    if hidden:
        raise HeedError(f"not compared, since memory did not keep them: {', '.join(hidden)}")
