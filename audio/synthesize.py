"""Songs made by arithmetic, for the offline demonstration and for tests: no recording, no licence, no network.

A seed draws a plan (tempo, key, timbre, form, …) and the plan is performed: drums, bass, pads and a lead, with vibrato,
drift, loose timing, breath and a room, so that the long-term spectrum is smooth as that of played music is.
A machine-made song is the same performance with the residue of a random transposed-convolution decoder added. Such a
decoder stuffs zeros between the values of a latent; whatever is constant in the latent (biases, the mean of a rectified
unit) then appears at every multiple of the rates that its layers ran at: evenly spaced peaks, the trace that real
generators leave (D. Afchar, G. Meseguer-Brocal, K. Akesbi, R. Hennequin: A Fourier Explanation of AI-music Artifacts,
ISMIR 2025).

These songs resemble music enough to be measured, not to be enjoyed. No figure about real music may rest on them.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .decode import Audio

PEAK = 10 ** (-1 / 20)
"""Highest absolute sample of every song: -1 dBFS."""

PROGRESSIONS = ((0, 4, 5, 3), (5, 3, 0, 4), (0, 5, 3, 4), (0, 3, 5, 4), (1, 4, 0, 5), (0, 2, 3, 4), (0, 6, 5, 4))
"""Roots of the four chords of a section, as steps of the scale."""

FORMS = ("ABAB", "AABA", "ABCB", "AAAA", "ABAC", "BACB", "ABBC")
"""Order of the sections, four bars each, repeated until the song is full. A verse, B chorus, C bridge."""

GROOVES = (
    ("x...x...x...x...", "....x.......x...", "..x...x...x...x."),
    ("x.....x...x.....", "....x.......x...", "x.x.x.x.x.x.x.x."),
    ("x..x..x...x..x..", "....x..x....x...", "x.xxx.xxx.xxx.xx"),
    ("x......x..x.....", "........x.......", "xxxxx.xxxxx.xxxx"),
    ("x.x....x..x...x.", "....x..x.x..x..x", "x.x.x.x.x.x.x.x."),
    ("x.........x.....", "....x.......x...", "x...x...x...x..."),
)
"""Kick, snare and hi-hat over the sixteen sixteenths of a bar."""

DECODER_STRIDES = ((2, 4, 4, 8), (8, 5, 4, 2), (8, 8, 4, 2), (4, 4, 4, 4))
"""One imaginary generator per row: the upsampling factors of its decoder, first layer first."""

_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_TABLE = 4096  # samples in one period of a tone's wave table: a power of two, so that wrapping is a mask
_LATENT_CHANNELS = 4


@dataclass(frozen=True)
class SongPlan:
    """What a song will be, before a note sounds.

    Attributes
    ----------
    tempo : float
        Beats per minute, 70 to 170.
    tonic : int
        Pitch class of the key, 0 (C) to 11 (B).
    minor : bool
        Natural minor instead of major.
    verse, chorus : int
        Which of `PROGRESSIONS` the A and the B sections use; a C section runs the chorus backwards.
    form : str
        One of `FORMS`.
    groove : int
        Which of `GROOVES` the drums play.
    swing : float
        Delay of every second sixteenth, in sixteenths, 0 to .3.
    brightness : float
        0 (dull: overtones fall fast) to 1 (sharp).
    percussive : float
        0 (the tones are held) to 1 (they are plucked).
    density : float
        Chance that the lead begins a note on an eighth, .25 to .8.
    air : float
        0 to 1: how much of the noise of breath and hi-hats there is.
    room : float
        Seconds until the reverberation has fallen by 60 dB, .3 to 1.4.
    drums, pads, lead : float
        Levels, about .4 to 1.
    drive : float
        How hard the sum is pushed into soft clipping, .6 to 2.5.
    """

    tempo: float
    tonic: int
    minor: bool
    verse: int
    chorus: int
    form: str
    groove: int
    swing: float
    brightness: float
    percussive: float
    density: float
    air: float
    room: float
    drums: float
    pads: float
    lead: float
    drive: float


AVERAGE = SongPlan(118.0, 9, True, 1, 0, "ABAB", 0, 0.05, 0.5, 0.45, 0.5, 0.5, 0.7, 0.75, 0.7, 0.7, 1.5)
"""The familiar middle that `sameness` pulls songs towards."""


def draw_plan(seed: int, *, sameness: float = 0.0) -> SongPlan:
    """Draw what a song will be.

    Parameters
    ----------
    seed : int
        Zero or more. The same seed draws the same plan on every machine.
    sameness : float
        0: drawn freely. 1: equal to `AVERAGE`. Between them numbers move that fraction of the way, and choices
        (key, progressions, form, groove) are the average one with that probability; more sameness never undoes one.

    Returns
    -------
    SongPlan

    Raises
    ------
    ValueError
        `seed` is negative or `sameness` is outside 0 to 1.
    """
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, not {seed}")
    if not 0 <= sameness <= 1:
        raise ValueError(f"sameness must lie between 0 and 1, not {sameness}")
    rng = np.random.default_rng([seed, 0])

    def number(low: float, high: float, common: float) -> float:
        return (1 - sameness) * float(rng.uniform(low, high)) + sameness * common

    def choice(count: int, common: int) -> int:
        own, resistance = int(rng.integers(count)), float(rng.random())
        return common if resistance < sameness else own

    # Both halves of a draw are always taken, in this order: a seed keeps its song whatever the sameness.
    return SongPlan(
        tempo=number(70, 170, AVERAGE.tempo),
        tonic=choice(12, AVERAGE.tonic),
        minor=bool(choice(2, int(AVERAGE.minor))),
        verse=choice(len(PROGRESSIONS), AVERAGE.verse),
        chorus=choice(len(PROGRESSIONS), AVERAGE.chorus),
        form=FORMS[choice(len(FORMS), FORMS.index(AVERAGE.form))],
        groove=choice(len(GROOVES), AVERAGE.groove),
        swing=number(0, 0.3, AVERAGE.swing),
        brightness=number(0, 1, AVERAGE.brightness),
        percussive=number(0, 1, AVERAGE.percussive),
        density=number(0.25, 0.8, AVERAGE.density),
        air=number(0, 1, AVERAGE.air),
        room=number(0.3, 1.4, AVERAGE.room),
        drums=number(0.45, 1.0, AVERAGE.drums),
        pads=number(0.4, 1.0, AVERAGE.pads),
        lead=number(0.4, 1.0, AVERAGE.lead),
        drive=number(0.6, 2.5, AVERAGE.drive),
    )


def synthesize(
    seed: int, *, machine_made: bool = False, seconds: float = 30.0, rate: int = 44100, sameness: float = 0.0
) -> Audio:
    """Make a song, in about a quarter of a second for 30 s of it.

    Parameters
    ----------
    seed : int
        Zero or more; decides everything: the plan, the performance and the decoder.
    machine_made : bool
        Add the trace of a decoder to the same performance. Nothing else differs, so nothing else can give it away.
    seconds : float
        Length.
    rate : int
        Sampling rate in Hz, 8000 or more.
    sameness : float
        0 to 1, see `draw_plan`.

    Returns
    -------
    Audio
        Stereo, float32, peak at -1 dBFS.

    Raises
    ------
    ValueError
        A parameter is outside its range.
    """
    plan = draw_plan(seed, sameness=sameness)
    song = _performed(plan, seed, seconds, rate, sameness)
    if machine_made:
        song += _decoder_trace(song, np.random.default_rng([seed, 2]), rate)
    return Audio(_normalized(song), rate, name=f"{'machine-made ' if machine_made else ''}song {seed}")


def perform(plan: SongPlan, seed: int, *, seconds: float = 30.0, rate: int = 44100) -> Audio:
    """Make the song of a plan.

    Parameters
    ----------
    plan : SongPlan
        Such as `draw_plan` draws, or parts of it replaced.
    seed : int
        Zero or more; decides the performance: melody, timing, timbre.
    seconds, rate
        As for `synthesize`, which performs the plan of its seed.

    Returns
    -------
    Audio
        Stereo, float32, peak at -1 dBFS.

    Raises
    ------
    ValueError
        `seconds` or `rate` is outside its range.
    """
    return Audio(_normalized(_performed(plan, seed, seconds, rate, 0.0)), rate, name=f"song {seed}")


def _performed(plan: SongPlan, seed: int, seconds: float, rate: int, sameness: float) -> np.ndarray:
    if not seconds > 0:
        raise ValueError(f"seconds must be more than 0, not {seconds}")
    if rate < 8000:
        raise ValueError(f"rate must be 8000 Hz or more, not {rate}")
    return _perform(plan, np.random.default_rng([seed, 1]), max(1, round(seconds * rate)), rate, sameness)


def _normalized(song: np.ndarray) -> np.ndarray:
    return song * (np.float32(PEAK) / max(np.float32(1e-9), np.abs(song).max()))


def to_bytes(audio: Audio, container: str = "WAV") -> bytes:
    """Encode as a file in memory.

    Parameters
    ----------
    audio : Audio
    container : str
        ``WAV`` or ``FLAC``, 16 bits, or ``MP3``, 128 kbit/s (the form of previews; slow).

    Returns
    -------
    bytes
        The same samples give the same bytes, so the same hash.
    """
    import soundfile

    file = io.BytesIO()
    form: dict[str, Any] = {"subtype": "PCM_16"}
    if container == "MP3":
        # libsndfile's scale from 0 (320 kbit/s) to 1 (32 kbit/s); at 44.1 kHz this is 128
        form = {"subtype": "MPEG_LAYER_III", "bitrate_mode": "CONSTANT", "compression_level": 2 / 3}
    soundfile.write(file, audio.samples.T, audio.rate, format=container, **form)
    return file.getvalue()


class _Session:
    """A plan being recorded: its clock, its chance, and the two buses that sounds are added to.

    ``dry`` is stereo (2, frames); ``send`` is what the room hears, mono (frames,).
    """

    def __init__(self, plan: SongPlan, rng: np.random.Generator, frames: int, rate: int):
        self.plan, self.rng, self.rate = plan, rng, rate
        self.dry = np.zeros((2, frames), np.float32)
        self.send = np.zeros(frames, np.float32)
        self.sixteenth = 60 / plan.tempo / 4 * rate  # frames
        bars = int(frames / (16 * self.sixteenth)) + 1
        self.sections = [plan.form[bar // 4 % len(plan.form)] for bar in range(bars)]

    def when(self, bar: int, step: int, looseness: float = 0.004) -> int:
        """Frame of a sixteenth: swung, and off by some seconds of `looseness` as hands are."""
        late = self.plan.swing if step % 2 else 0.0
        return int((bar * 16 + step + late) * self.sixteenth + self.rng.normal(0, looseness) * self.rate)

    def add(self, start: int, sound: np.ndarray, level: float, pan: float = 0.0, send: float = 0.2) -> None:
        """Add mono or stereo `sound` from frame `start`; `pan` from -1 (left) to 1 (right) at equal power."""
        start = max(0, start)
        sound = sound[..., : max(0, self.send.size - start)]
        part = slice(start, start + sound.shape[-1])
        angle = (pan + 1) * np.pi / 4
        left, right = (sound[0], sound[1]) if sound.ndim == 2 else (sound, sound)
        self.dry[0, part] += np.float32(level * np.cos(angle)) * left
        self.dry[1, part] += np.float32(level * np.sin(angle)) * right
        self.send[part] += np.float32(level * send) * left


def _perform(plan: SongPlan, rng: np.random.Generator, frames: int, rate: int, sameness: float) -> np.ndarray:
    """Play the plan: stereo samples (2, frames), not yet normalised."""
    session = _Session(plan, rng, frames, rate)
    _play_drums(session)
    _play_pads(session)
    _play_bass(session)
    _play_lead(session, sameness)
    song = session.dry + _reverberate(session.send, plan.room, rng, rate)
    song += rng.standard_normal(song.shape, dtype=np.float32) * np.float32(1e-4)  # the floor of any real chain
    song *= np.float32(plan.drive / max(1e-9, 4 * float(np.sqrt(np.mean(song**2)))))
    return np.tanh(song, out=song)


def _play_drums(session: _Session) -> None:
    plan, rng, rate = session.plan, session.rng, session.rate
    t = np.arange(int(0.35 * rate), dtype=np.float32) / rate
    low, fall = rng.uniform(42, 58), rng.uniform(25, 45)
    kick = np.sin(2 * np.pi * (low * t + low * 2.5 / fall * (1 - np.exp(-fall * t)))) * np.exp(-t * 11)
    body = np.sin(2 * np.pi * rng.uniform(170, 230) * t) * np.exp(-t * 28)
    crack = _noise(rng, rate, 900, 9000, 3.0)
    hiss = _noise(rng, rate, 5000 + 2500 * (1 - plan.brightness), 16000, 3.0)
    snare_fall, hat_fall = np.exp(-t * rng.uniform(14, 24)), np.exp(-t * rng.uniform(35, 90))
    open_fall = np.exp(-t * 12)
    pan = rng.uniform(-0.4, 0.4)
    kicks, snares, hats = GROOVES[plan.groove]

    def slice_of(noise: np.ndarray) -> np.ndarray:
        """Noise is never struck twice alike: a repeated slice would print its own peaks into the spectrum."""
        start = int(rng.integers(noise.size - t.size))
        return noise[start : start + t.size]

    for bar, section in enumerate(session.sections):
        fill = bar % 4 == 3
        for step in range(16):
            accent = plan.drums * (1.0 if step % 4 == 0 else 0.75) * rng.uniform(0.85, 1.1)
            if kicks[step] == "x" and section != "C":
                session.add(session.when(bar, step, 0.002), kick, 0.9 * accent, send=0.03)
            if snares[step] == "x" or (fill and step > 12 and rng.random() < 0.5):
                sound = 0.6 * body + 0.12 * slice_of(crack) * snare_fall
                session.add(session.when(bar, step), sound, 0.55 * accent, 0.05, send=0.3)
            if hats[step] == "x" or (section == "B" and step % 2 == 0):
                fading = open_fall if section == "B" and step % 8 == 6 else hat_fall
                level = (0.015 + 0.05 * plan.air) * accent
                session.add(session.when(bar, step), slice_of(hiss) * fading, level, pan, send=0.1)


def _play_pads(session: _Session) -> None:
    plan, rng, rate = session.plan, session.rng, session.rate
    length = int(16 * session.sixteenth)
    table = _wave_table(plan.brightness * 0.6, 24, rng)
    clocks = [_unsteady_clock(rng, length + rate // 2, rate, 0.003) for _ in range(2)]
    rest = np.linspace(0, 1, clocks[0].size, dtype=np.float32)
    swell = np.minimum(1, rest * rng.uniform(6, 30)) * np.minimum(1, (1 - rest) * 6)
    swell *= np.exp(-rest * 4 * plan.percussive)
    played: dict[tuple[int, ...], np.ndarray] = {}
    for bar, section in enumerate(session.sections):
        chord = tuple(_pitch(plan, _root(plan, section, bar) + step) for step in (0, 2, 4))
        if chord not in played:
            sides = []
            for clock in clocks:  # left and right are two players slightly out of tune
                voices = [_tone(table, _hz(note) * rng.normal(1, 0.0025), clock, rng) for note in chord]
                sides.append(np.sum(voices, axis=0) * swell)
            played[chord] = np.stack(sides)
        level = plan.pads * (0.16 if section == "A" else 0.24) * rng.uniform(0.9, 1.1)
        session.add(session.when(bar, 0, 0.008), played[chord], level, send=0.5)


def _play_bass(session: _Session) -> None:
    plan, rng, rate = session.plan, session.rng, session.rate
    table = _wave_table(plan.brightness * 0.5, 16, rng)
    clock = _unsteady_clock(rng, int(4 * session.sixteenth), rate, 0.001)
    t = np.arange(clock.size, dtype=np.float32) / rate
    shape = np.minimum(1, t * 150) * np.exp(-t * (1 + 5 * plan.percussive)) * np.minimum(1, (t[-1] - t) * 60)
    kicks = GROOVES[plan.groove][0]
    for bar, section in enumerate(session.sections):
        root = _root(plan, section, bar)
        for step in range(0, 16, 2):
            if kicks[step] == "x" or rng.random() < (0.6 if section == "B" else 0.25):
                above = rng.choice((0, 0, 0, 4, 7))
                tone = _tone(table, _hz(_pitch(plan, root + above) - 24), clock, rng)
                session.add(session.when(bar, step), tone * shape, 0.4 * rng.uniform(0.8, 1.1), send=0.02)


def _play_lead(session: _Session, sameness: float) -> None:
    plan, rng, rate = session.plan, session.rng, session.rate
    table = _wave_table(plan.brightness, 16, rng)
    breath = _noise(rng, rate, 1500, 15000, 3.0)
    common = np.random.default_rng(0)  # the tune that everyone hums
    pan = rng.uniform(-0.3, 0.3)
    # A section has one motif: two bars of (step of the bar, step of the scale, sixteenths)
    motifs = {}
    for section in "ABC":
        motifs[section], place, step = [], 0, 0
        while step < 32:
            (own, others), resistance = (source.random(3) for source in (rng, common)), rng.random()
            starts, interval, length = others if resistance < sameness else own
            if starts < plan.density:
                place = int(np.clip(place + round(6 * interval - 3), -4, 7))
                motifs[section].append((step, place, 2 + 2 * int(length * 3)))
            step += 2
    clocks = [_unsteady_clock(rng, int(6 * session.sixteenth), rate, 0.006) for _ in range(8)]
    for bar, section in enumerate(session.sections):
        root = _root(plan, section, bar) % 7
        for step, place, length in motifs[section]:
            if step // 16 != bar % 2 or rng.random() < 0.06:
                continue
            clock = clocks[int(rng.integers(len(clocks)))][: int(length * session.sixteenth)]
            t = np.arange(clock.size, dtype=np.float32) / rate
            shape = np.minimum(1, t * rng.uniform(20, 80)) * np.minimum(1, (t[-1] - t) * 25)
            shape *= np.exp(-t * 6 * plan.percussive)
            octave = 12 if section == "B" and place < 3 else 0
            sound = _tone(table, _hz(_pitch(plan, root * (step % 8 == 0) + place) + octave), clock, rng)
            start = int(rng.integers(breath.size - min(t.size, breath.size - 1)))
            air = breath[start : start + t.size]
            sound[: air.size] += np.float32(0.01 + 0.05 * plan.air) * air
            level = 0.32 * plan.lead * rng.uniform(0.8, 1.1)
            session.add(session.when(bar, step % 16, 0.008), sound * shape, level, pan, send=0.4)


def _root(plan: SongPlan, section: str, bar: int) -> int:
    """Step of the scale that a bar's chord stands on."""
    progression = PROGRESSIONS[plan.verse if section == "A" else plan.chorus]
    return progression[(3 - bar if section == "C" else bar) % 4]


def _pitch(plan: SongPlan, step: int) -> int:
    """MIDI number of a step of the scale; step 0 is the tonic between F3 and E4."""
    octave, step = divmod(int(step), 7)
    return 53 + (plan.tonic - 5) % 12 + 12 * octave + (_MINOR if plan.minor else _MAJOR)[step]


def _hz(midi: float) -> float:
    return 440.0 * 2 ** ((midi - 69) / 12)


def _wave_table(brightness: float, overtones: int, rng: np.random.Generator) -> np.ndarray:
    """One period with overtones that fall by 6 dB (bright) to 15 dB (dull) per octave, each with its own weight."""
    k = np.arange(1, overtones + 1)
    spectrum = np.zeros(_TABLE // 2 + 1, complex)
    weights = k ** -(2.5 - 1.5 * brightness) * rng.uniform(0.4, 1.0, k.size)
    spectrum[1 : k.size + 1] = weights * np.exp(2j * np.pi * rng.random(k.size))
    period = np.fft.irfft(spectrum)
    return (period / np.sqrt(2 * np.mean(period**2))).astype(np.float32)


def _unsteady_clock(rng: np.random.Generator, frames: int, rate: int, depth: float) -> np.ndarray:
    """Seconds elapsed for a player whose pitch wavers: vibrato of relative `depth` and a slow bend, (frames,)."""
    t = np.arange(frames) / rate
    speed, bend = rng.uniform(4.5, 6.5), rng.normal(0, depth / 2)
    wave = np.cos(2 * np.pi * (speed * t + rng.random()))
    return t + depth / (2 * np.pi * speed) * wave + bend * t * (t - t[-1])


def _tone(table: np.ndarray, hz: float, clock: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    phase = clock * (hz * _TABLE) + rng.integers(_TABLE)
    return table[phase.astype(np.int64) & (_TABLE - 1)]


def _noise(rng: np.random.Generator, rate: int, low: float, high: float, seconds: float) -> np.ndarray:
    """Noise between `low` and `high` Hz with soft edges, root mean square 1."""
    frames = 1 << int(np.log2(seconds * rate))
    hz = np.fft.rfftfreq(frames, 1 / rate)
    edge = 1 / np.sqrt(1 + (low / np.maximum(hz, 1)) ** 4) / np.sqrt(1 + (hz / high) ** 12)
    noise = np.fft.irfft(edge * np.fft.rfft(rng.standard_normal(frames)))
    return (noise / noise.std()).astype(np.float32)


def _reverberate(send: np.ndarray, seconds: float, rng: np.random.Generator, rate: int) -> np.ndarray:
    """What the room answers, (2, frames): decaying noise, duller the later it comes."""
    from scipy.signal import lfilter, oaconvolve

    t = np.arange(int(min(seconds, 0.8) * rate), dtype=np.float32) / rate
    answer = rng.standard_normal((2, t.size), dtype=np.float32) * np.exp(-6.9 * t / np.float32(seconds))
    answer = np.asarray(lfilter([0.5], [1, -0.5], answer), dtype=np.float32)
    answer /= np.sqrt((answer**2).sum(axis=1, keepdims=True))
    return oaconvolve(send[None], answer, axes=1)[:, : send.size]


def _decoder_trace(song: np.ndarray, rng: np.random.Generator, rate: int) -> np.ndarray:
    """What a random decoder would add to `song` (2, frames): residue with peaks at multiples of its layers' rates.

    The weights belong to one of a few imaginary generators; only the strength of the trace belongs to the song.
    """
    from scipy.signal import firwin2, oaconvolve

    generator = int(rng.integers(len(DECODER_STRIDES)))
    strides = DECODER_STRIDES[generator]
    excess_db = rng.uniform(8, 16)
    weights = np.random.default_rng([generator, 3])
    hop = int(np.prod(strides))
    frames = -(-song.shape[1] // hop)
    mono = song.mean(axis=0)
    blocks = np.pad(mono, (0, frames * hop - mono.size)).reshape(frames, hop)
    # The latent says how much, not which way: its mean is what the zero-stuffing repeats up the spectrum.
    hidden = np.abs(blocks @ weights.standard_normal((hop, _LATENT_CHANNELS), dtype=np.float32))
    for layer, stride in enumerate(strides):
        hidden = _transposed_convolution(hidden, stride, 2 if layer == len(strides) - 1 else _LATENT_CHANNELS, weights)
        if layer < len(strides) - 1:
            hidden = _leaky(hidden)
    residue = np.ascontiguousarray(hidden[: song.shape[1]].T)

    # The peaks follow the song's own spectrum, as those of a trained decoder do: shaped to stand `excess_db` above it.
    hz, under = _long_term_spectrum(mono, rate, np.median)
    _, peaks = _long_term_spectrum(residue.mean(axis=0), rate, np.max)
    gain = 10 ** (excess_db / 20) * under / peaks
    gain[hz < 2000] = 0  # below, the music would drown it
    nodes = np.concatenate([[0], hz, [rate / 2]])
    shape = np.asarray(firwin2(127, nodes, np.concatenate([[0], gain, [gain[-1]]]), fs=rate), dtype=np.float32)
    return oaconvolve(residue, shape[None], mode="same", axes=1)


def _transposed_convolution(x: np.ndarray, stride: int, channels: int, rng: np.random.Generator) -> np.ndarray:
    """(frames, in) becomes (frames * stride, channels): random kernels of 2 * stride, and a bias.

    Stuffing zeros and convolving is the same as one product per input frame with every phase of the kernel.
    """
    here, after = rng.standard_normal((2, x.shape[1], stride * channels), dtype=np.float32)
    result = x @ here
    result[1:] += x[:-1] @ after
    result += np.tile(0.1 * rng.standard_normal(channels, dtype=np.float32), stride) * result.std()
    return result.reshape(-1, channels)


def _leaky(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, np.float32(0.2) * x)


def _long_term_spectrum(
    mono: np.ndarray, rate: int, of_bins: Callable[..., np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Centres in Hz of 32 bands and each band's amplitude, its bins reduced by `of_bins`.

    Decibels are averaged over time, as the detectors of such peaks do.
    """
    size = 16384
    mono = np.pad(mono, (0, max(0, size - mono.size)))
    starts = np.linspace(0, mono.size - size, 16).astype(int)
    frames = mono[starts[:, None] + np.arange(size)] * np.hanning(size).astype(np.float32)
    spectrum = np.exp(np.mean(np.log(np.abs(np.fft.rfft(frames, axis=1)) + 1e-6), axis=0))
    bands = spectrum[1:].reshape(32, -1)
    centres = (np.arange(32) + 0.5) * rate / 64
    return centres, of_bins(bands, axis=1)
