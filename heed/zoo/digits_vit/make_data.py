"""Makes the committed files anew: `python -m heed.zoo.digits_vit.make_data`.

Needs the `train` extra. The split's images, the weights of the committed seed and their graph.
"""

import numpy as np

from heed.zoo.digits_vit.data import FOLDER, SEED
from heed.zoo.digits_vit.quantise import quantise
from heed.zoo.digits_vit.train import load_split, train

CALIBRATION = 256


def main() -> None:
    """Train, quantise and write `data/`."""
    train_images, train_labels, test_images, test_labels = load_split()
    calibration = train_images[:CALIBRATION]
    np.savez_compressed(
        FOLDER / "images.npz",
        test_images=test_images,
        test_labels=test_labels,
        calibration_images=calibration,
    )
    weights = train(SEED, train_images, train_labels, print)
    np.savez_compressed(FOLDER / "weights.npz", **weights)
    quantise(weights, calibration).save(FOLDER / "graph.npz")


if __name__ == "__main__":
    main()
