"""`heed sim`: images through the bundled network on the RTL."""

from pathlib import Path
from typing import Annotated

import typer

from heed.cli.options import From, Preset, To, Waves, count, preset_config, wave_window
from heed.cli.ui import Progress, say
from heed.errors import HeedError

NAME = "sim"


def command(
    preset: Preset = "tiny",
    images: Annotated[
        int, typer.Option(parser=count, metavar="N", help="How many held-out images.")
    ] = 3,
    image_file: Annotated[
        Path | None, typer.Option(help="Your own image: .npy of 8 x 8 numbers from 0 to 16.")
    ] = None,
    waves: Waves = None,
    first: From = None,
    last: To = None,
) -> None:
    """Run images of handwritten digits through an int8 Transformer on the RTL.

    Every intermediate tensor is compared with the numpy reference, bit for bit.

    A difference names the first tensor and index and exits with 1.
    """
    config = preset_config(preset)
    window = wave_window(waves, first, last)
    from heed.cli import report
    from heed.zoo.digits_vit import load_graph, load_images

    if image_file is not None:
        pixels, labels = report.read_images(image_file), None
        origin = f"--image-file {image_file}"
    else:
        pixels, labels = load_images()
        if images > len(pixels):
            raise HeedError(
                f"--images is {images}, but there are {len(pixels)} held-out images", status=2
            )
        pixels, origin = pixels[:images], "held-out images"
    inputs = report.quantised(pixels, origin)
    from heed import doctor

    doctor.require("sim")
    from heed.run import compare, run_network
    from heed.simulator import Simulator
    from sw_model import reference

    graph = load_graph()
    with Progress() as progress:
        simulator = Simulator.build(config, waves=window is not None, progress=progress)
        run = run_network(
            graph, inputs, config, simulator=simulator, progress=progress, waves=window
        )
        progress("comparing every tensor with the reference")
        mismatches = [
            compare(got, reference.run(graph, {graph.inputs[0]: image}))
            for got, image in zip(run.images, inputs, strict=True)
        ]
    right = 0
    for number, got in enumerate(run.images):
        label = None if labels is None else int(labels[number])
        right += report.show_image(number, pixels[number], label, got.logits)
    report.layer_table(f"{config.name.upper()}, image 0, layer by layer", run.images[0])
    if labels is not None:
        say(f"{right} of {len(inputs)} images classified rightly")
    if waves is not None:
        say(f"waveforms of the first images: {waves}, and beside it save files for the viewers")
    report.verdict(config.name.upper(), run, mismatches)
