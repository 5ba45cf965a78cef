"""How well the critic finds styles that it was never shown, and tells music from other sound.

    .venv/bin/python benchmarks/critic.py genres       # four genres, by people and by two generators
    .venv/bin/python benchmarks/critic.py sources      # real clips: 9 generators, 16 human sources; other sound
    .venv/bin/python benchmarks/critic.py halves       # recordings from where the reference comes from: one in ten is new?
    .venv/bin/python benchmarks/critic.py intervals    # how often intervals hold what they are about, by simulation

A style is left out, the critic fitted on the others; AUC says how often one of its recordings is more ambiguous than one of a
known style, judged by styles learned from other artists. Beside it the AUC of the probability of a style
not seen alone. The interval is Student's over the styles left out.
"""

import argparse
import os
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from chartropy.analysis.critic import fit_critic
from chartropy.analysis.estimates import estimate_mean
from chartropy.analysis.measures import load_space
from chartropy.analysis.space import Space, fit_space
from chartropy.audio.decode import Audio, decode
from chartropy.features.describe import describe, describe_file

SHARED = Path(os.environ.get("CHARTROPY_SHARED", Path(__file__).parents[2] / "shared"))
RATE = 44_100
FAMILIES = {
    "timbre": ("mfcc",),
    "spectrum": ("spectral", "zero", "harmonic_r", "percussive"),
    "rhythm": ("tempo", "onset", "ioi"),
    "tonality": ("chroma", "tonnetz", "key"),
    "dynamics": ("rms", "dynamic", "crest"),
    "structure": ("repetition", "self"),
}


def read_genres(table: Path) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, np.ndarray]:
    """Descriptors, genre, system and artist of 1,200 clips; a generated clip is its human model's artist's."""
    read = pd.read_csv(table)
    family = {
        column: next((family for family, begins in FAMILIES.items() if column.startswith(begins)), None)
        for column in read.columns
    }
    named = {column: f"{family}.{column}" for column, family in family.items() if family}
    song = read["filename"].str[:22]  # the song's, which both generators were asked to be like
    artist = song.map(dict(zip(song, read["artist"], strict=True))).fillna(song)
    artist[read["system"] == "human"] = read["artist"].fillna(song)
    return read[list(named)].rename(columns=named), *(
        values.to_numpy(dtype=object) for values in (read["genre"], read["system"], artist)
    )


def auc(known: np.ndarray, new: np.ndarray) -> float:
    return roc_auc_score(np.r_[np.zeros(len(known)), np.ones(len(new))], np.r_[known, new])


def withhold(
    vectors: pd.DataFrame, style: np.ndarray, artist: np.ndarray, space: Space | None, noise: pd.DataFrame | None = None
) -> None:
    """Leave each style out in turn, and say how its recordings are judged."""
    rows = []
    for held in sorted(set(style)):
        out = style == held
        kept = vectors[~out]
        critic = fit_critic(kept, artist[~out].tolist(), styles=style[~out].tolist(), space=space or fit_space(kept))
        found = critic.judge(vectors[out], artist[out].tolist(), replicates=0)
        row = {
            "style": held,
            "n": len(found),
            "ambiguity": auc(critic.reference["ambiguity"].to_numpy(), found["ambiguity"].to_numpy()),
            "unseen": auc(critic.reference["unseen"].to_numpy(), found["unseen"].to_numpy()),
            "less belonging": auc(-critic.reference["belonging"].to_numpy(), -found["belonging"].to_numpy()),
            "log loss": critic.calibration.log_loss.value,
            "base": critic.calibration.base,
            "error": critic.calibration.error,
            "by chance": critic.calibration.error_by_chance,
            "new and still music": (found["category"] == "new and still music").mean(),
            "expected": (critic.reference["category"] == "new and still music").mean(),
        }
        if noise is not None:
            row["above noise"] = auc(
                critic.judge(noise, replicates=0)["belonging"].to_numpy(), found["belonging"].to_numpy()
            )
        rows.append(row)
    table = pd.DataFrame(rows)
    print(table.round(3).to_string(index=False))
    for name in table.columns[2:]:
        mean = estimate_mean(table[name].to_numpy(), np.arange(len(table)))
        print(f"{name}: {mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}], n {mean.n}")


def genres() -> None:
    vectors, genre, system, artist = read_genres(SHARED / "data" / "ai_music_homogenization" / "all_features.csv")
    for name in ("human", "suno", "lyria", "all"):
        here = (system == name) | (name == "all")
        print(f"\n{name}: {here.sum()} clips")
        withhold(vectors[here], genre[here], artist[here], None)


def talk(seed: int) -> np.ndarray:
    """Vowels of a gliding voice and pauses, 20 s."""
    rng = np.random.default_rng(seed)
    sound = np.zeros(20 * RATE)
    at = 0.2
    while at < 19:
        time = np.arange(int(rng.uniform(0.09, 0.2) * RATE)) / RATE
        pitch = rng.uniform(90, 180) * (1 + rng.uniform(-0.5, 0.5) * time)
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        vowel = sum(np.sin(k * phase) / k**1.5 for k in range(1, 12)) * np.hanning(len(time))
        start = int(at * RATE)
        sound[start : start + len(time)] += vowel
        at += len(time) / RATE + (rng.uniform(0.02, 0.12) if rng.random() < 0.8 else rng.uniform(0.3, 0.8))
    return sound


def other_sound(songs: list[Path], each: int = 4) -> pd.DataFrame:
    """Descriptors of what is no music, indexed by what it is."""
    made = []
    for seed in range(each):
        rng = np.random.default_rng(seed)
        frames = 20 * RATE
        time = np.arange(frames) / RATE
        white = rng.standard_normal(frames)
        tilt = np.fft.rfft(rng.standard_normal(frames))
        song = decode(songs[seed]).samples.mean(axis=0)
        clicks = 1e-5 * rng.standard_normal(frames)
        clicks[rng.integers(0, frames, 20)] = 1
        burst = np.exp(-(time % rng.uniform(0.3, 0.9)) / 0.1)
        made += [
            ("white noise", white),
            ("pink noise", np.fft.irfft(tilt / np.sqrt(np.maximum(np.arange(len(tilt)), 1)), frames)),
            ("speech", talk(seed)),
            ("clicks in silence", clicks),
            ("shuffled samples of songs", rng.permutation(song)),
            ("reversed bursts of noise", (rng.standard_normal(frames) * burst)[::-1]),
            ("tone", np.sin(2 * np.pi * rng.uniform(200, 900) * time)),
            ("songs played backwards", song[::-1]),
        ]
    values = [
        describe(Audio(np.stack([one, one]).astype(np.float32) / np.float32(np.abs(one).max()), RATE)).as_dict()
        for _, one in made
    ]
    return pd.DataFrame(values, index=[name for name, _ in made]).astype(float)


def read_corpus() -> tuple[pd.DataFrame, list[Path], pd.DataFrame]:
    """The list of clips, their files and their descriptors."""
    corpus = SHARED / "corpus"
    clips = pd.read_csv(corpus / "clips.csv")
    files = [corpus / path for path in clips["path"]]
    return clips, files, pd.DataFrame([describe_file(file).as_dict() for file in files]).astype(float)


def halves(times: int = 8) -> None:
    """150 clips judge the other 290, in turn: both come from one place, so a tenth should be in the top tenth."""
    clips, _, vectors = read_corpus()
    source, space = clips["source"].to_numpy(dtype=object), load_space()
    noise = np.random.default_rng(0).normal(space.centers, space.scales, (len(vectors), len(space.names)))
    noise = pd.DataFrame(noise, columns=list(space.names))
    for name, rows, styles in (
        ("sources as styles", vectors, source),
        ("clusters", vectors, None),
        ("clusters of noise", noise, None),
    ):
        seen = []
        for number in range(times):
            order = np.random.default_rng(number).permutation(len(rows))
            known, new = order[:150], order[150:]
            critic = fit_critic(rows.iloc[known], styles=None if styles is None else list(styles[known]), space=space)
            found = critic.judge(rows.iloc[new], replicates=0)
            still = [(one["category"] == "new and still music").mean() for one in (found, critic.reference)]
            seen.append([(found["percentile"] > 0.9).mean(), (found["belonging"] <= 0.05).mean(), *still])
        usual = "percentile above .9: {:.3f}, belonging to .05: {:.3f}, new and still music: {:.3f}, expected {:.3f}"
        print(f"{name}: {usual.format(*np.mean(seen, axis=0))}")


def sources() -> None:
    clips, files, vectors = read_corpus()
    source, label = (clips[column].to_numpy(dtype=object) for column in ("source", "label"))
    noise = other_sound(files[::100])
    music = noise.index == "songs played backwards"
    count = pd.Series(source).map(pd.Series(source).value_counts()).to_numpy()
    alone = np.full(len(source), None)
    for name, here in (("all", count >= 6), ("human", (count >= 6) & (label == "human")), ("ai", label == "ai")):
        print(f"\nwithheld sources, {name}: {here.sum()} clips; nobody knows their artists, each stands alone")
        withhold(vectors[here], source[here], alone[here], load_space(), noise[~music])
    critic = fit_critic(vectors, styles=source.tolist(), space=load_space())
    found = critic.judge(noise, replicates=0)
    print(f"\nother sound, judged by {critic.method}; {critic.calibration}")
    print(found.groupby(level=0)[["belonging", "percentile"]].agg(["min", "max"]).round(3).to_string())
    print(found.groupby(level=0)["category"].value_counts().to_string())
    print("belonging of clips above other sound, AUC:", round(auc(found["belonging"].to_numpy()[~music], critic.reference["belonging"].to_numpy()), 3))  # fmt: skip
    clustered = fit_critic(vectors, source.tolist(), space=load_space())
    print("clusters:", clustered.method, clustered.calibration)


def intervals(references: int = 40) -> None:
    """Styles at random places, one to three recordings of an artist; what is true is the median over references."""
    rng = np.random.default_rng(1)
    d = 8
    space = Space(tuple(f"a.x{i}" for i in range(d)), np.zeros(d), np.ones(d))
    centers = rng.normal(0, 1.5, (4, d))

    def draw(artists: int, rng: np.random.Generator, most: int) -> tuple[pd.DataFrame, list[str], list[str]]:
        style = rng.integers(0, 4, artists)
        artist = np.repeat(np.arange(artists), rng.integers(1, most + 1, artists))
        own = rng.normal(0, 0.7, (artists, d))[artist]
        rows = centers[style[artist]] + own + rng.normal(0, 0.7, (len(artist), d))
        return (
            pd.DataFrame(rows, columns=list(space.names)),
            [f"a{a}" for a in artist],
            [f"s{s}" for s in style[artist]],
        )

    like, unlike = draw(15, rng, 1)[0], pd.DataFrame(rng.normal(0, 2, (15, d)), columns=list(space.names))
    new = pd.concat([like, unlike], ignore_index=True)
    names = ["ambiguity", "percentile", "belonging"]
    for artists in (40, 120):
        values, lows, highs, usual = [], [], [], []
        for number in range(references):
            rows, artist, style = draw(artists, np.random.default_rng([7, number]), 3)
            critic = fit_critic(rows, artist, styles=style, space=space)
            found = critic.judge(new, replicates=100)
            values.append(found[names].to_numpy())
            lows.append(found[[f"{name}_low" for name in names]].to_numpy())
            highs.append(found[[f"{name}_high" for name in names]].to_numpy())
            others = critic.judge(draw(200, np.random.default_rng([8, number]), 1)[0], replicates=0)
            usual.append([(others["belonging"] <= level).mean() for level in (0.05, 0.1, 0.5)] + [(others["percentile"] > 0.9).mean()])  # fmt: skip
        true = np.median(values, axis=0)
        held = (np.array(lows) <= true) & (true <= np.array(highs))
        print(f"\n{artists} artists: intervals hold {dict(zip(names, held.mean((0, 1)).round(3), strict=True))}")
        print(
            f"  like the reference {held[:, :15].mean((0, 1)).round(3)}, unlike it {held[:, 15:].mean((0, 1)).round(3)}"
        )
        print("  of new artists, belonging <= .05, .1, .5 and percentile > .9:", np.mean(usual, axis=0).round(3))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["genres", "sources", "halves", "intervals"])
    asked = parser.parse_args().what
    sys.exit({"genres": genres, "sources": sources, "halves": halves, "intervals": intervals}[asked]())
