"""Jobs of the kernels over images: convolutions and pooling."""

from dataclasses import replace

import numpy as np

from heed.kernels.entries import put_core_entries
from heed.kernels.memory import Job, Memory, Place
from heed.toolchain.kernels import CoreEntries


def _up(count: int) -> int:
    """Return the next multiple of 4."""
    return -(-count // 4) * 4


def conv2d_scratch(kernel_height: int, kernel_width: int, channels: int) -> int:
    """Return `heed_conv2d_scratch` of firmware/kernels/convolution/convolution.h, in bytes.

    Parameters
    ----------
    kernel_height, kernel_width
    channels
        Of the input, in a group.
    """
    row = kernel_width * channels
    return 4 * _up(kernel_height * row) + _up(row)


def depthwise_scratch(
    kernel_height: int, kernel_width: int, stride_width: int, dilation_width: int
) -> int:
    """Return `heed_depthwise_scratch` of the same header, in bytes.

    Parameters
    ----------
    kernel_height, kernel_width, stride_width, dilation_width
    """
    bands = -(-kernel_height // 4)
    columns = 15 * stride_width + (kernel_width - 1) * dilation_width + 1
    return 16 * ((bands + 1) * kernel_width + bands * columns) + 8


def _image(place: Place, channels: int) -> Place:
    """Return a place [N, H, W*C] as [N, H, W, C]."""
    images, height, row = place.shape
    return replace(
        place,
        shape=(images, height, row // channels, channels),
        strides=(*place.strides[:2], channels, 1),
    )


def _put(memory: Memory, x: np.ndarray, pixel_align: int | None) -> Place:
    """Place images; see `conv2d` for `pixel_align`."""
    if pixel_align is not None:
        return memory.put(x, row_align=pixel_align)
    images, height, width, channels = x.shape
    return _image(memory.put(x.reshape(images, height, width * channels)), channels)


def _room(
    memory: Memory, shape: tuple[int, int, int, int], dtype: str, pixel_align: int | None
) -> Place:
    """Leave room for images."""
    if pixel_align is not None:
        return memory.room(shape, dtype, row_align=pixel_align)
    images, height, width, channels = shape
    return _image(memory.room((images, height, width * channels), dtype), channels)


def _distances(name: str, place: Place) -> dict[str, int]:
    image, row, pixel, _ = place.strides
    return {f"{name}_image": image, f"{name}_row": row, f"{name}_pixel": pixel}


def _sizes(x: Place, y: Place) -> dict[str, int]:
    """Return the fields that all jobs here have."""
    images, height, width, channels = x.shape
    return {
        "x": x,
        **_distances("x", x),
        "y": y,
        **_distances("y", y),
        "images": images,
        "height": height,
        "width": width,
        "channels": channels,
        "out_height": y.shape[1],
        "out_width": y.shape[2],
        "x_unsigned": int(x.dtype == "uint8"),
    }


def _reach(
    x: np.ndarray,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    dilation: tuple[int, int],
    padding: tuple[int, int, int, int],
    pool: tuple[int, int],
) -> tuple[int, int]:
    """Return height and width of the result."""
    top, left, bottom, right = padding
    size = []
    for axis, more in ((0, top + bottom), (1, left + right)):
        span = (kernel[axis] - 1) * dilation[axis] + 1
        size.append(((x.shape[1 + axis] + more - span) // stride[axis] + 1) // pool[axis])
    return size[0], size[1]


def _convolution(
    memory: Memory,
    x: np.ndarray,
    kernel: tuple[int, int],
    outputs: int,
    entries: CoreEntries,
    dtype: str,
    scratch: int,
    harts: int,
    *,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    pad_value: int = 0,
    pool: tuple[int, int] = (1, 1),
    pixel_align: int | None = None,
) -> tuple[dict, Place, Place]:
    """Return the fields that `heed_conv2d` and `heed_depthwise` share, the result, the scratch."""
    height, width = _reach(x, kernel, stride, dilation, padding, pool)
    at = _put(memory, x, pixel_align)
    y = _room(memory, (x.shape[0], height, width, outputs), dtype, pixel_align)
    room = memory.room((harts, scratch), "uint8")
    fields = {
        **_sizes(at, y),
        "entries": put_core_entries(memory, entries),
        "scratch": room,
        "scratch_stride": room.stride,
        "kernel_height": kernel[0],
        "kernel_width": kernel[1],
        "stride_height": stride[0],
        "stride_width": stride[1],
        "dilation_height": dilation[0],
        "dilation_width": dilation[1],
        "pad_top": padding[0],
        "pad_left": padding[1],
        "pool_height": pool[0],
        "pool_width": pool[1],
        "pad_value": pad_value,
        "y_unsigned": int(dtype == "uint8"),
    }
    return fields, y, room


def conv2d(
    memory: Memory,
    x: np.ndarray,
    weight: np.ndarray,
    entries: CoreEntries,
    dtype: str = "int8",
    *,
    harts: int,
    groups: int = 1,
    **options,
) -> Job:
    """Place operands of `sw_model.ops.conv2d`: images [N, H, W, C] become "y" [N, oh, ow, Cout].

    Rows of weights are padded to multiples of 4.

    Parameters
    ----------
    memory
        Where they go.
    x, weight, dtype, groups
        Its arguments.
    entries
        One entry an output channel.
    harts
        Largest team that the scratch is made for.
    options
        Its other arguments, and `pixel_align`: pixels begin at multiples of so many bytes. Without,
        pixels lie one right behind the other and rows begin at multiples of 4.
    """
    outputs, *kernel, channels = weight.shape
    scratch = conv2d_scratch(*kernel, channels)
    values, y, room = _convolution(
        memory, x, tuple(kernel), outputs, entries, dtype, scratch, harts, **options
    )
    w = memory.put(weight.reshape(outputs, -1))
    values |= {"w": w, "w_stride": w.stride, "out_channels": outputs, "groups": groups}
    return Job("heed_conv2d", values, {"y": y}, (room,))


def conv1d(
    memory: Memory,
    x: np.ndarray,
    weight: np.ndarray,
    entries: CoreEntries,
    dtype: str = "int8",
    *,
    harts: int,
    stride: int = 1,
    dilation: int = 1,
    padding: tuple[int, int] = (0, 0),
    pool: int = 1,
    **options,
) -> Job:
    """Place operands of `sw_model.ops.conv1d`: [N, T, C] becomes "y" [N, 1, steps, Cout].

    Parameters
    ----------
    memory, x, weight, entries, dtype, stride, dilation, padding, pool
        Its arguments.
    harts, options
        As for `conv2d`.
    """
    return conv2d(
        memory,
        x[:, None],
        weight[:, None],
        entries,
        dtype,
        harts=harts,
        stride=(1, stride),
        dilation=(1, dilation),
        padding=(0, padding[0], 0, padding[1]),
        pool=(1, pool),
        **options,
    )


def depthwise(
    memory: Memory,
    x: np.ndarray,
    weight: np.ndarray,
    entries: CoreEntries,
    dtype: str = "int8",
    *,
    harts: int,
    **options,
) -> Job:
    """Place operands of `sw_model.ops.depthwise`: images [N, H, W, C] become "y" [N, oh, ow, C].

    Weights are turned to have the channels last.

    Parameters
    ----------
    memory, x, weight, entries, dtype
        Its arguments, an entry a channel.
    harts, options
        As for `conv2d`, without pooling.
    """
    channels, *kernel = weight.shape
    across = (options.get(name, (1, 1))[1] for name in ("stride", "dilation"))
    scratch = depthwise_scratch(*kernel, *across)
    values, y, room = _convolution(
        memory, x, tuple(kernel), channels, entries, dtype, scratch, harts, **options
    )
    if values.pop("pool_height") * values.pop("pool_width") != 1:
        raise ValueError("heed_depthwise does not pool")
    w = memory.put(weight.reshape(channels, -1).T)
    values |= {"w": w, "w_stride": w.stride}
    return Job("heed_depthwise", values, {"y": y}, (room,))


def _pool(
    memory: Memory,
    x: np.ndarray,
    window: tuple[int, int],
    dtype: str,
    stride: tuple[int, int] | None,
    padding: tuple[int, int, int, int],
    pixel_align: int | None,
) -> tuple[dict, Place]:
    """Return the fields that the pooling kernels share, and the result."""
    stride = stride or window
    height, width = _reach(x, window, stride, (1, 1), padding, (1, 1))
    at = _put(memory, x, pixel_align)
    y = _room(memory, (x.shape[0], height, width, x.shape[3]), dtype, pixel_align)
    fields = {
        **_sizes(at, y),
        "window_height": window[0],
        "window_width": window[1],
        "stride_height": stride[0],
        "stride_width": stride[1],
        "pad_top": padding[0],
        "pad_left": padding[1],
    }
    return fields, y


def max_pool(
    memory: Memory,
    x: np.ndarray,
    window: tuple[int, int],
    *,
    stride: tuple[int, int] | None = None,
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    pixel_align: int | None = None,
) -> Job:
    """Place operands of `sw_model.ops.max_pool`: images [N, H, W, C] become "y" [N, oh, ow, C].

    Parameters
    ----------
    memory
        Where they go.
    x, window, stride, padding
        Its arguments.
    pixel_align
        As for `conv2d`.
    """
    values, y = _pool(memory, x, window, x.dtype.name, stride, padding, pixel_align)
    return Job("heed_max_pool", values, {"y": y})


def average_pool(
    memory: Memory,
    x: np.ndarray,
    window: tuple[int, int],
    entry: CoreEntries,
    dtype: str = "int8",
    *,
    stride: tuple[int, int] | None = None,
    padding: tuple[int, int, int, int] = (0, 0, 0, 0),
    pad_value: int = 0,
    pixel_align: int | None = None,
) -> Job:
    """Place operands of `sw_model.ops.average_pool`: [N, H, W, C] becomes "y" [N, oh, ow, C].

    Parameters
    ----------
    memory
        Where they go.
    x, window, entry, dtype, stride, padding, pad_value
        Its arguments.
    pixel_align
        As for `conv2d`.
    """
    values, y = _pool(memory, x, window, dtype, stride, padding, pixel_align)
    values |= {
        "entry": memory.put_bytes(entry.bytes()),
        "pad_value": pad_value,
        "y_unsigned": int(dtype == "uint8"),
    }
    return Job("heed_average_pool", values, {"y": y})
