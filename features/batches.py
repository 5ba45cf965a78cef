"""Many clips described at once by PyTorch, on a graphics card or a processor: the extra ``torch``.

The spectra that the families read, and timbre as a whole, are computed on the device for a batch of clips; the rest by
the code that :func:`chartropy.features.describe.describe` uses, on the host. So the numbers are the same but for
rounding: each is within a thousandth of itself or of what the descriptor varies by from song to song. A decision that
hangs on a hair (which of two combs is the higher) may fall the other way: in 4 of 102,980 numbers of 110 real clips,
where `describe` itself gives 3 others for the same clips a millionth quieter.

Clips are put together by their lengths: the shorter are padded with silence, and their spectra cut back to the frames
that lie within the clip. A batch holds no more than so many samples, and only so many frames are transformed at once,
whatever the number of clips and their lengths.

Nothing else imports this module, and PyTorch is imported nowhere else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ..audio.decode import Audio
from ..workspace.errors import AudioError, SettingsError
from . import sketch, timbre
from . import spectra as shared
from .describe import Description, finish, one_thread
from .sketch import LongTerm
from .spectra import RATE, Sound, Spectra

_missing = ""
if TYPE_CHECKING:
    import torch  # pyright: ignore[reportMissingImports]
    from torch import Tensor  # pyright: ignore[reportMissingImports]
    from torchaudio.transforms import Spectrogram  # pyright: ignore[reportMissingImports]
else:
    try:
        import torch
        from torchaudio.transforms import Spectrogram
    except (ImportError, OSError) as error:  # OSError: its libraries do not fit each other, or this system
        _missing = str(error)

_BATCH = 2**24  # samples of a batch of clips, padding included: twelve of 30 s, 64 MB
_AT_ONCE = {"cpu": 2**20, "cuda": 2**24}  # samples in the frames transformed at once: 0.3 and 0.4 GB in all
_FLOOR = 10 ** (sketch.FLOOR_DB / 10)


def check_device(device: str) -> None:
    """Say no to a device that is not there.

    Parameters
    ----------
    device : str
        ``"cpu"``, ``"cuda"`` or, where there are several, ``"cuda:1"``.

    Raises
    ------
    SettingsError
        No such kind of device, none here, or PyTorch is not installed.
    """
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise SettingsError(f"--device {device!r}: there is cpu, and cuda or, for example, cuda:1.")
    if _missing:
        raise SettingsError(
            f"--device {device} needs PyTorch and torchaudio, which cannot be loaded ({_missing}): "
            "pip install 'chartropy[torch]'"
        )
    cards = [f"cuda:{n} ({torch.cuda.get_device_name(n)})" for n in range(torch.cuda.device_count())]
    if device != "cpu" and int(device.partition(":")[2] or 0) >= len(cards):
        built = "" if torch.version.cuda or torch.version.hip else " and was built without CUDA"
        raise SettingsError(
            f"--device {device}: PyTorch {torch.__version__} finds no such device here{built}; there is "
            f"{', '.join(['cpu', *cards])}."
        )


def describe_batch(clips: Sequence[Audio], device: str = "cpu", *, sketch: bool = False) -> list[Description | str]:
    """Describe clips, taking their spectra together.

    Parameters
    ----------
    clips : sequence of Audio
        Any lengths, rates and numbers of channels.
    device : str
        As :func:`check_device` takes it.
    sketch : bool
        Also draw the sketches, on the processor.

    Returns
    -------
    list of Description or str
        Of each clip, in their order, what `describe` gives of it; where it cannot be described, why.

    Raises
    ------
    SettingsError
        As :func:`check_device`.
    """
    check_device(device)
    found: list[Description | str] = [""] * len(clips)
    with _one_thread(), torch.inference_mode(), torch.device(device):
        for batch in _batches(clips):
            sounds: dict[int, Sound] = {}
            for place in batch:
                try:
                    sounds[place] = shared.listen(clips[place])
                except AudioError as error:
                    found[place] = str(error)
            if sounds:
                described = _describe([clips[place] for place in sounds], list(sounds.values()), sketch=sketch)
                for place, description in zip(sounds, described, strict=True):
                    found[place] = description
    return found


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread for PyTorch too: cores are for other clips, and two threads wait for each other on a busy machine."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with one_thread():
            yield
    finally:
        torch.set_num_threads(threads)


def _batches(clips: Sequence[Audio]) -> Iterator[list[int]]:
    """Places of the clips that go together: of about one length, `_BATCH` samples in all or one clip."""
    batch: list[int] = []
    for place in sorted(range(len(clips)), key=lambda place: clips[place].seconds):
        if batch and clips[place].seconds * RATE * (len(batch) + 1) > _BATCH:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


def _describe(clips: list[Audio], sounds: list[Sound], *, sketch: bool = False) -> Iterator[Description]:
    mids = np.zeros((len(sounds), max(sound.length for sound in sounds)), np.float32)
    for row, sound in zip(mids, sounds, strict=True):
        np.multiply(sound.part("mid"), np.float32(sound.scale), out=row[: sound.length])
    rows = torch.asarray(mids)
    bank = torch.asarray(shared.onset_bank())
    energy = _energy(rows)
    power, shape = _timbre(rows)
    pitch = _joined(_power(rows, shared.PITCH_FRAME, shared.PITCH_HOP, shared.pitch_slice()))
    onset = _joined(block @ bank for block in _power(rows, shared.ONSET_FRAME, shared.ONSET_HOP, slice(len(bank))))
    for n, (clip, sound) in enumerate(zip(clips, sounds, strict=True)):
        frames = shared.frame_count(sound.length, shared.FRAME, shared.HOP)
        spectra = Spectra(
            clip,
            sound,
            _host(power[n, :frames]),
            _host(energy[n, :frames]),
            _host(pitch[n, : shared.frame_count(sound.length, shared.PITCH_FRAME, shared.PITCH_HOP)]),
            _host(onset[n, : shared.frame_count(sound.length, shared.ONSET_FRAME, shared.ONSET_HOP)]),
        )
        if spectra.silence:
            yield finish(spectra, None, sketch=sketch)
            continue
        courses = {name: values[n, :frames] for name, values in shape.items()}
        courses |= timbre.moving(courses, torch)
        del courses["magnitude"]  # as large as all others together, and read by nothing else
        seen = _look(rows[n, : sound.length], sound)
        yield finish(spectra, seen, {name: _host(values) for name, values in courses.items()}, sketch=sketch)


def _timbre(rows: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
    """Power in the bins of the timbre STFT that are kept, and what `timbre.shape` makes of it."""
    blocks = list(_power(rows, shared.FRAME, shared.HOP, shared.band_slice()))
    shapes = [timbre.shape(block, torch) for block in blocks]
    return _joined(blocks), {name: _joined(shape[name] for shape in shapes) for name in shapes[0]}


def _energy(rows: Tensor) -> Tensor:
    """Sum of the squares of each windowed frame of the timbre STFT, shape (clips, frames)."""
    return (rows**2).unfold(-1, shared.FRAME, shared.HOP) @ _window(shared.FRAME) ** 2


def _power(rows: Tensor, frame: int, hop: int, bins: slice) -> Iterator[Tensor]:
    """Power spectra of scaled samples, shape (clips, samples), in blocks shaped (clips, frames, bins)."""
    transform = Spectrogram(frame, hop_length=hop, center=False, power=None, window_fn=_window)
    count = shared.frame_count(rows.shape[-1], frame, hop)
    block = max(1, _AT_ONCE[rows.device.type] // (frame * len(rows)))
    for first in range(0, count, block):
        last = min(first + block, count)
        spectrum = transform(rows[:, first * hop : (last - 1) * hop + frame])
        yield _square(spectrum.mT[..., bins])


def _square(spectrum: Tensor) -> Tensor:
    """Power. The transform's own takes a root, squares it again, and does so for bins that nobody reads."""
    return spectrum.real**2 + spectrum.imag**2


def _window(frame: int) -> Tensor:
    """The window of `spectra`, as a transform asks for it."""
    return torch.asarray(shared.window(frame))


def _look(mid: Tensor, sound: Sound) -> LongTerm:
    """What `sketch.look` gives of a clip that is not silent; `mid` is scaled."""
    starts, silent = sketch.window_starts(sound)
    size = sketch.N_FFT
    transform = Spectrogram(size, hop_length=size, center=False, power=None, window_fn=_window)

    def windows(samples: Tensor) -> Tensor:
        return transform(torch.cat([samples[start : start + size] for start in starts.tolist()])).mT

    def mean(values: Tensor) -> np.ndarray:
        return _host(values.mean(0)).astype(complex if values.is_complex() else float)

    spectrum = windows(mid)
    mid_power = torch.clip(_square(spectrum), min=_FLOOR)
    mid_db = 10 * torch.log10(mid_power)
    edges = np.round(sketch.band_edges() / (RATE / size)).astype(int)
    bands = torch.stack([mid_power[:, low:high].sum(-1) for low, high in pairwise(edges)], -1)
    nothing = np.zeros(sketch.BINS)
    of_side = nothing + sketch.FLOOR_DB, nothing, nothing.astype(complex), np.zeros(sketch.FRAMES)
    side = sound.part("side")
    if side.any():
        other = windows(torch.asarray(side * np.float32(sound.scale)))
        side_power = torch.clip(_square(other), min=_FLOOR)
        of_side = (
            mean(10 * torch.log10(side_power)),
            mean(side_power),
            mean(spectrum * other.conj()),
            _host(side_power.sum(-1)),
        )
    side_mean, side_mean_power, cross, side_energy = of_side
    return LongTerm(
        silent=silent,
        mid_db=_host(mid_db),
        mid_mean=mean(mid_db),
        side_mean=side_mean,
        bands=_host(bands),
        mid_power=mean(mid_power),
        side_power=side_mean_power,
        cross=cross,
        mid_energy=_host(mid_power.sum(-1)),
        side_energy=side_energy,
    )


def _joined(blocks: Iterable[Tensor]) -> Tensor:
    """Blocks of frames, shape (clips, frames, ...), one after another."""
    return torch.cat(list(blocks), 1)


def _host(values: Tensor) -> np.ndarray:
    return values.cpu().numpy()
