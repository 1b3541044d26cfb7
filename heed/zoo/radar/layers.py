"""Float layers in numpy that both networks use; tensors are [N, ..., channels]."""

import numpy as np

Weights = dict[str, np.ndarray]

#: The networks read (q + 128) / 64 of the int8 input q: 0 is the floor of the quantisation.
INPUT_ZERO, INPUT_SCALE = -128, 1 / 64


def dequantise(sequences: np.ndarray) -> np.ndarray:
    """Return int8 frames as the real numbers, 0..3.98, that the networks are trained on."""
    return (sequences.astype(np.float32) - INPUT_ZERO) * np.float32(INPUT_SCALE)


def linear(x: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    """Return x [..., inputs] times the matrix [outputs, inputs], plus the bias."""
    return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def layernorm(x: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    """Return x [..., channels] normalised over its channels, scaled and shifted."""
    centred = x - x.mean(-1, keepdims=True)
    deviation = np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
    return centred / deviation * weights[f"{name}.weight"] + weights[f"{name}.bias"]


def relu(x: np.ndarray) -> np.ndarray:
    """Return x where it is positive, else 0."""
    return np.maximum(x, 0)


def gelu(x: np.ndarray) -> np.ndarray:
    """Return the tanh form of GELU."""
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def conv(x: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    """Return the convolution of [N, H, W, inputs] with [outputs, kh, kw, inputs], plus the bias.

    Stride 1; zeros around keep H and W, kh and kw are odd.
    """
    weight = weights[f"{name}.weight"]
    outputs, kh, kw, _ = weight.shape
    padded = np.pad(x, ((0, 0), (kh // 2, kh // 2), (kw // 2, kw // 2), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kh, kw), axis=(1, 2))
    columns = np.moveaxis(windows, 3, -1).reshape(-1, weight[0].size)
    result = columns @ weight.reshape(outputs, -1).T + weights[f"{name}.bias"]
    return result.reshape(*x.shape[:3], outputs)


def max_pool(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the maxima of [N, H, W, C] over blocks; what does not fill a block is left out."""
    (kh, kw), (n, h, w, c) = size, x.shape
    cut = x[:, : h // kh * kh, : w // kw * kw].reshape(n, h // kh, kh, w // kw, kw, c)
    return cut.max((2, 4))


def causal(x: np.ndarray, weights: Weights, name: str, dilation: int) -> np.ndarray:
    """Return the causal convolution over time of [N, T, inputs] with [outputs, taps, inputs].

    Tap k reads `(taps - 1 - k) * dilation` steps back; before the start there are zeros.
    """
    weight = weights[f"{name}.weight"]
    back = [(weight.shape[1] - 1 - k) * dilation for k in range(weight.shape[1])]
    time = x.shape[1]
    late = [np.pad(x, ((0, 0), (shift, 0), (0, 0)))[:, :time] for shift in back]
    columns = np.concatenate(late, -1)
    return columns @ weight.reshape(len(weight), -1).T + weights[f"{name}.bias"]
