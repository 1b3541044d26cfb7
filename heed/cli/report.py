"""What `heed sim` reads and prints: images, classes, layers, the verdict."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from heed.cli.ui import console, say, table
from heed.errors import HeedError

if TYPE_CHECKING:
    from heed.run import LayerRun

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


def layer_table(title: str, layers: "list[LayerRun]") -> None:
    """Print where each layer ran, its work and its time."""
    result = table(title, "layer", "where", "MACs", "cycles", "MAC/cycle", "utilisation", left=2)
    for layer in layers:
        rate = layer.macs / layer.cycles if layer.cycles else 0.0
        use = "" if layer.utilisation is None else f"{100 * layer.utilisation:.1f} %"
        macs = f"{layer.macs:,}" if layer.macs else ""
        result.add_row(
            layer.name, layer.where, macs, f"{layer.cycles:,}", f"{rate:.1f}" if macs else "", use
        )
    result.add_section()
    total = sum(layer.cycles for layer in layers)
    macs = sum(layer.macs for layer in layers)
    result.add_row("all layers", "", f"{macs:,}", f"{total:,}", f"{macs / max(total, 1):.1f}", "")
    console().print(result)


def verdict(name: str, cycles: int, seconds: float, mismatch: str | None) -> None:
    """Print the closing line of a run.

    Raises
    ------
    HeedError
        When a tensor differs from the reference.
    """
    speed = cycles / seconds / 1000 if seconds else 0.0
    outcome = "all tensors bit-exact" if mismatch is None else "NOT bit-exact"
    say(f"{name}: {cycles:,} cycles, {speed:.1f} kHz, {outcome}")
    if mismatch is not None:
        raise HeedError(mismatch)
