"""Writes the integer graphs of `data/` from the float weights there, calibration included.

`python -m heed.zoo.radar.make_graphs [cnn_tcn] [transformer]`
"""

import argparse

from heed.zoo.radar.data import FOLDER, NETWORKS, load_weights
from heed.zoo.radar.networks import calibration, quantise


def main() -> None:
    """Write the graphs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="*", default=list(NETWORKS), help="default: both")
    sequences = calibration()
    for name in parser.parse_args().networks:
        quantise(name, load_weights(name), sequences).save(FOLDER / f"{name}_graph.npz")


if __name__ == "__main__":
    main()
