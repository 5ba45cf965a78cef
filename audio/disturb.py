"""What a recording goes through before somebody hears it: other codecs, other speeds, noise.

A detector is only as good as what it survives, and a detector that was trained on untouched clips of one class and touched
clips of the other has learned the touch. Here is what both classes are put through.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np

from .decode import Audio, decode


def encoded(audio: Audio, codec: str, kilobits: int) -> Audio:
    """Through a lossy codec and back.

    Parameters
    ----------
    audio : Audio
        Of one or two channels.
    codec : {'mp3', 'aac'}
    kilobits : int
        Per second.

    Returns
    -------
    Audio
        A few milliseconds longer, as the codec pads it.
    """
    import av

    name, form, options = {
        "mp3": ("libmp3lame", "mp3", {"compression_level": "7"}),
        "aac": ("aac", "adts", {"aac_coder": "fast"}),
    }[codec]
    layout = "mono" if audio.channels == 1 else "stereo"
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(name, rate=audio.rate, layout=layout, options=options)
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = kilobits * 1000
        whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio.samples), format="fltp", layout=layout)
        whole.sample_rate = audio.rate
        fifo = av.AudioFifo()
        fifo.write(whole)
        written = 0
        while frame := fifo.read(stream.frame_size, partial=True):
            frame.pts = written
            written += frame.samples
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    back = decode(file.getvalue(), name=audio.name, rate=audio.rate)
    return replace(audio, samples=back.samples, file_seconds=0.0)


def faster(audio: Audio, percent: float) -> Audio:
    """Played faster, and so higher and shorter; slower where `percent` is negative."""
    import soxr

    samples = soxr.resample(np.ascontiguousarray(audio.samples.T), audio.rate * (1 + percent / 100), audio.rate)
    return replace(audio, samples=samples.T, file_seconds=0.0)


def transposed(audio: Audio, semitones: float) -> Audio:
    """Higher or lower at the same length, by librosa's phase vocoder."""
    import warnings

    from librosa.effects import pitch_shift

    samples = np.ascontiguousarray(audio.samples)
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        # librosa 1.0 warns of arguments that its own time_stretch gives its own phase_vocoder, and of memory that it
        # casts before it fills it
        warnings.filterwarnings("ignore", message="The `(hop_length|n_fft)` parameter is deprecated")
        shifted = pitch_shift(samples, sr=audio.rate, n_steps=semitones, res_type="soxr_hq")
    return replace(audio, samples=shifted)


def noisy(audio: Audio, decibels: float) -> Audio:
    """With white noise so much below the music, both as root mean square; the same noise for the same samples."""
    level = np.sqrt(np.mean(np.square(audio.samples), dtype=float)) * 10 ** (decibels / 20)
    noise = np.random.default_rng(0).standard_normal(audio.samples.shape, np.float32)
    return replace(audio, samples=audio.samples + np.float32(level) * noise)


def louder(audio: Audio, decibels: float) -> Audio:
    """Louder or softer, clipped at full scale and rounded to 16 bits."""
    samples = np.clip(np.round(audio.samples * 10 ** (decibels / 20) * 2**15), -(2**15), 2**15 - 1)
    return replace(audio, samples=(samples / 2**15).astype(np.float32))


def limited(audio: Audio, decibels: float) -> Audio:
    """Made louder, with the peaks rounded off instead of clipped (a hyperbolic tangent)."""
    return replace(audio, samples=np.tanh(audio.samples * np.float32(10 ** (decibels / 20))))


def muffled(audio: Audio, hertz: float) -> Audio:
    """Without what lies above a frequency."""
    from scipy.fft import irfft, next_fast_len, rfft

    length = audio.samples.shape[1]
    padded = next_fast_len(length, real=True)
    # in double precision: what single precision rounds would be all that is left up there, and it has a pattern
    spectrum = np.asarray(rfft(audio.samples.astype(float), padded, axis=1))
    spectrum[:, round(hertz * padded / audio.rate) :] = 0
    kept = np.asarray(irfft(spectrum, padded, axis=1))[:, :length]
    return louder(replace(audio, samples=kept.astype(np.float32)), 0)  # rounded to 16 bits, as a file of it would be


def mixed_down(audio: Audio) -> Audio:
    """All channels in one."""
    return replace(audio, samples=audio.samples.mean(axis=0, keepdims=True))


DISTURBANCES: MappingProxyType[str, Callable[[Audio], Audio]] = MappingProxyType(
    {
        "MP3 64": partial(encoded, codec="mp3", kilobits=64),
        "AAC 96": partial(encoded, codec="aac", kilobits=96),
        "+0.1 %": partial(faster, percent=0.1),
        "-0.1 %": partial(faster, percent=-0.1),
        "+3 %": partial(faster, percent=3),
        "-3 %": partial(faster, percent=-3),
        "+2 semitones": partial(transposed, semitones=2),
        "-2 semitones": partial(transposed, semitones=-2),
        "noise -30 dB": partial(noisy, decibels=-30),
        "gain -30 dB": partial(louder, decibels=-30),
        "limited 6 dB": partial(limited, decibels=6),
        "low-pass 8 kHz": partial(muffled, hertz=8_000),
        "mono": mixed_down,
    }
)
"""By name, what a detector is trained and tested on."""
