"""Whether a recording is of a known style, and whether it is music as charts know it: new and still music.

A creative adversarial network pays what it makes for passing as art and for fitting no style of art (Elgammal and others,
2017). Both judgements, made here of recordings against a reference such as a year of a chart:

* ambiguity: entropy of the style posterior over its largest, 0 to 1. The paper's loss, cross-entropy against equal
  probabilities, is largest where this is, but grows without bound as a single style becomes improbable; entropy does not.
  A style that the reference has not is one of the candidates, and what falls to it is shared among the known ones: a
  recording between styles is ambiguous, and one beyond them too. Percentile: its place among the reference's own, each
  judged by styles learned from other artists.
* belonging: conformal p-value of its distance to the five nearest recordings by others; the null hypothesis is that it
  comes from where the reference comes from. Low: the reference holds nothing like it. That is no proof that it is no music.

Conventions: reference and recordings are frames of descriptors with a row each; artists are never on both sides of a
comparison, and weigh alike, however many recordings they have.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from .diversity import same
from .estimates import Estimate, estimate_mean, estimate_share, numbered
from .space import Space, fit_space, floats, whole

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.decomposition import PCA

BELONGS = 0.05
"""Belonging up to this is outside: of music like the reference's, one recording in twenty."""

AMBIGUOUS = 0.9
"""A percentile of ambiguity above this is new: of music like the reference's, one recording in ten."""

NEIGHBOURS = 5
"""Nearest recordings that belonging looks at."""

FEWEST_ARTISTS = 20
"""Of fewer no p-value can be .05 or less, as the least is 1 / (artists + 1)."""

FEWEST_OF_STYLE = (6, 3)
"""Recordings and artists that make a style; others count for belonging alone."""

COMPONENTS = (4, 8, 16, 32, 64)
CLUSTERS = range(2, 13)
CLUSTERED = 8
"""Principal components that clusters are looked for in."""

FOLDS = 10

CATEGORIES = ("typical", "new and still music", "new and not", "outlying")
"""Of belonging and one style; belonging and ambiguous; neither; one style's, but unlike all that is known of it."""

Artists = Sequence[str | Collection[str] | None]


class Calibration(NamedTuple):
    """How well styles are told apart, each style weighing the same, by posteriors that never heard the artist.

    Attributes
    ----------
    log_loss : Estimate
        Nats; each tenth of the artists with the temperature that suits the others.
    base : float
        That of one who does not listen: log of the number of styles.
    error : float
        Expected calibration error: mean gap between the greatest probability and how often its style is right, over ten
        groups of equal size.
    error_by_chance : float
        Mean of the same for posteriors that are exactly right: in so few recordings it is never 0.
    temperature, components : float, int
        Chosen for the least log loss; `log_loss` is of the best of at most five numbers of components, and that much too
        good.
    """

    log_loss: Estimate
    base: float
    error: float
    error_by_chance: float
    temperature: float
    components: int

    def __str__(self) -> str:
        loss = self.log_loss
        about = "" if np.isnan(loss.low) else f" [{loss.low:.2f}, {loss.high:.2f}]"
        return (
            f"log loss {loss.value:.2f}{about}, {self.base:.2f} for one who does not listen; "
            f"calibration error {self.error:.2f}, {self.error_by_chance:.2f} where it is perfect"
            f"{'; these styles cannot be told apart' if loss.high >= self.base else ''}"
        )


class _Gaussians(NamedTuple):
    """Styles as spheres in coordinates where recordings of one style scatter alike to every side."""

    whiten: np.ndarray
    means: np.ndarray
    variances: np.ndarray

    @classmethod
    def fit(cls, rows: np.ndarray, style: np.ndarray, styles: int) -> _Gaussians:
        """Learn from rows (n, p) and the number of each one's style; -1: it has none."""
        from sklearn.covariance import ledoit_wolf

        rows, style = rows[style >= 0], style[style >= 0]
        count = np.bincount(style, minlength=styles)
        sums = np.zeros((styles, rows.shape[1]))
        np.add.at(sums, style, rows)
        means = sums / np.maximum(count, 1)[:, None]
        here = count > 0
        within = ledoit_wolf(rows - means[style], assume_centered=True)[0] * len(rows) / (len(rows) - here.sum())
        whiten = np.linalg.inv(np.linalg.cholesky(within)).T
        means = means @ whiten
        center = means[here].mean(axis=0)
        # variance of styles about their centre, less what comes of knowing each from few
        spread = ((means[here] - center) ** 2).sum() / (here.sum() - 1) / rows.shape[1]
        between = max(0.0, spread - (1 / count[here]).mean())
        known = np.append(count, 0)  # the last is a style not seen
        drawn = known * between / (1 + known * between)
        means = center + drawn[:, None] * (np.vstack([means, center]) - center)
        return cls(whiten, means, 1 + between / (1 + known * between))

    def log_densities(self, rows: np.ndarray) -> np.ndarray:
        """Of rows (n, p) under each style, and in the last column under one not seen: (n, styles + 1)."""
        from scipy.spatial.distance import cdist

        squares = cdist(rows @ self.whiten, self.means, "sqeuclidean")
        return -0.5 * (squares / self.variances + rows.shape[1] * np.log(self.variances))


@dataclass(frozen=True)
class Critic:
    """What `fit_critic` learned of a reference.

    Attributes
    ----------
    styles : tuple of str
        Names given; of clusters, the index of the recording in the middle of each.
    style : numpy.ndarray of int, shape (m,)
        Each reference recording's, by its place in `styles`; -1: of none.
    reference : pandas.DataFrame
        ``style, probability, unseen, ambiguity, percentile, belonging, category`` of the reference's own recordings, each
        judged by the others' artists.
    artists : int
        How many the reference has; a recording without one counts as one.
    calibration : Calibration
    method : str
        How styles were found, of how many recordings and artists, and how well they are told apart.
    """

    styles: tuple[str, ...]
    style: np.ndarray
    reference: pd.DataFrame
    artists: int
    calibration: Calibration
    method: str
    _space: Space
    _vectors: pd.DataFrame
    _known: np.ndarray
    _artists: list[Collection[str]]
    _center: np.ndarray
    _axes: np.ndarray
    _seed: int

    def judge(self, vectors: pd.DataFrame, artists: Artists | None = None, *, replicates: int = 200) -> pd.DataFrame:
        """Judge recordings that are not of the reference.

        Parameters
        ----------
        vectors : pandas.DataFrame, shape (n, d)
            Descriptors, named as the reference's.
        artists : sequence of length n
            As for `fit_critic`. What the reference has of any artist of a recording is left out where it is judged.
        replicates : int
            Halves of the reference's artists that intervals come from, 100 or more; 0: no intervals.

        Returns
        -------
        pandas.DataFrame
            Indexed as `vectors`. ``style``: the most probable, none where a style that the reference has not is more probable
            than each of the known; ``probability`` of the most probable of the known, ``unseen`` of one that the reference
            has not, both 0 to 1. ``ambiguity, percentile, belonging``, each 0 to 1 with its
            ``_low`` and ``_high``; ``category``, of `CATEGORIES`; ``agreement``, the share of the halves that give the
            same. A recording of which fewer than half the descriptors were measured has no numbers.

        Raises
        ------
        ValueError
            Columns are missing, `artists` are another number, or `replicates` are too few.

        Notes
        -----
        Intervals (95 %, on the log-odds) say what other artists of the same kind in the reference would have changed:
        the delete-half jackknife (J. Shao, C. F. J. Wu, Annals of Statistics 17, 1989). Halves that hold an artist of the
        recording are not looked at; of fewer than 20 that are left nothing is said. Each half chooses
        components and temperature anew. They do not cover the choice of descriptors or clusters, nor a clip that is
        untypical of its recording. In simulations they held the truth in .84 to .93 of cases. Of halves with
        fewer artists than `FEWEST_ARTISTS` no agreement is told.
        """
        import pandas as pd

        if replicates and whole("replicates", replicates) < 100:
            raise ValueError(f"replicates must be 100 or more, or 0 for no intervals, not {replicates}")
        given = _artists_of("artists", artists, len(vectors))
        heard = measured(vectors, self._space)
        rows = self._coordinates(vectors)
        across = self._space.distances(vectors, self._vectors)
        apart = ~(same(self._artists + given) > 0)[len(self._artists) :, : len(self._artists)]
        lead = _leads(self._artists)
        among = _between_artists(self._space, self._vectors, lead)
        open_ = np.full((len(rows), len(self.styles) + 1), np.nan)
        belonging, percentile = np.full((2, len(rows)), np.nan)
        # recordings that the same part of the reference is held against go together
        part, of_part = np.unique(apart, axis=0, return_inverse=True)
        for number, keep in enumerate(part):
            here = heard & (of_part.ravel() == number)
            styles = np.unique(self.style[keep & (self.style >= 0)])
            if not here.any() or len(np.unique(lead[keep])) < FEWEST_ARTISTS or len(styles) < 2:
                continue
            near = _Nearest(among[np.ix_(keep, keep)], lead[keep])
            belonging[here] = near.p_values(across[np.ix_(here, keep)])
            chosen = self.calibration.components
            learned = _Gaussians.fit(self._known[keep, :chosen], self.style[keep], len(self.styles))
            open_[here] = _posterior(learned.log_densities(rows[here, :chosen]), self.calibration.temperature)
            percentile[here] = _percentile(
                style_ambiguity(_shared(open_[here])), self.reference["ambiguity"].to_numpy()[keep], lead[keep]
            )
        found = _as_frame(open_, self.styles, percentile, belonging, vectors.index)
        numbers = ["ambiguity", "percentile", "belonging"]
        halves = np.full((replicates, 3, len(rows)), np.nan)
        for number in range(replicates):
            halves[number] = self._half(number, rows, across, apart, among, lead)
        halves[:, :, ~heard] = np.nan
        counted = np.isfinite(halves).all(axis=1)
        enough = counted.sum(axis=0) >= 20
        for place, name in enumerate(numbers):
            low, high = _reach(found[name].to_numpy(), halves[:, place])
            found[f"{name}_low"], found[f"{name}_high"] = np.where(enough, low, np.nan), np.where(enough, high, np.nan)
        agreeing = (_categories(halves[:, 1], halves[:, 2]) == found["category"].to_numpy(dtype=object)) & counted
        # a half of fewer artists has no p-value that low: it would call nothing outside
        telling = enough & ((lead.max() + 1) // 2 >= FEWEST_ARTISTS)
        agreement = np.divide(agreeing.sum(axis=0), counted.sum(axis=0), out=np.full(len(rows), np.nan), where=telling)
        found["agreement"] = pd.Series(agreement, index=found.index).where(found["category"].notna())
        order = [part for name in numbers for part in (name, f"{name}_low", f"{name}_high")]
        return found[["style", "probability", "unseen", *order, "category", "agreement"]]

    def _half(
        self,
        number: int,
        rows: np.ndarray,
        across: np.ndarray,
        apart: np.ndarray,
        among: np.ndarray,
        lead: np.ndarray,
    ) -> np.ndarray:
        """Ambiguity, percentile and belonging, (3, n), by a half of the artists; NaN where it holds an artist's own."""
        artists = int(lead.max()) + 1
        drawn = np.random.default_rng([self._seed, number]).permutation(artists) < artists // 2
        kept = drawn[lead]
        found = np.full((3, len(rows)), np.nan)
        here = apart[:, kept].all(axis=1)
        styled = self.style >= 0
        if not here.any() or len(np.unique(self.style[kept & styled])) < 2 or not styled[~kept].any():
            return found
        tried = []
        for components in _tried(self._known.shape[1]):
            learned = _Gaussians.fit(self._known[kept, :components], self.style[kept], len(self.styles))
            others = learned.log_densities(self._known[~kept, :components])
            temperature = _temperature(others, self.style[~kept])
            loss = _losses(others, self.style[~kept], temperature).mean()
            tried.append((loss, components, learned, others, temperature))
        _, components, learned, others, temperature = min(tried, key=lambda one: one[0])
        logs = learned.log_densities(rows[here, :components])
        ambiguity, usual = (style_ambiguity(_shared(_posterior(some, temperature))) for some in (logs, others))
        found[0, here] = ambiguity
        found[1, here] = _percentile(ambiguity, usual, lead[~kept])
        found[2, here] = _Nearest(among[np.ix_(kept, kept)], lead[kept]).p_values(across[np.ix_(here, kept)])
        return found

    def _coordinates(self, vectors: pd.DataFrame) -> np.ndarray:
        return (self._space.embed(vectors) - self._center) @ self._axes


def fit_critic(
    vectors: pd.DataFrame,
    artists: Artists | None = None,
    *,
    styles: Sequence[str | None] | None = None,
    space: Space | None = None,
    seed: int = 0,
) -> Critic:
    """Learn the styles of a reference, and how its recordings lie.

    Parameters
    ----------
    vectors : pandas.DataFrame, shape (m, d)
        Descriptors of the reference, the columns named ``family.something``.
    artists : sequence of length m
        Each recording's artist, or its artists, the first leading; None or "": it stands alone. Default: all do.
    styles : sequence of length m, optional
        A genre, a generator, ...; None or "": unknown. Styles of fewer recordings or artists than `FEWEST_OF_STYLE` are not
        learned. Default: clusters of the music itself.
    space : Space, optional
        Scales of the descriptors; default: fixed on `vectors`.
    seed : int
        0 or more.

    Returns
    -------
    Critic

    Raises
    ------
    ValueError
        Lengths differ, a recording has too few numbers, or there are fewer artists than `FEWEST_ARTISTS` or styles than two.

    Notes
    -----
    Styles are Gaussians of one covariance (shrunken: O. Ledoit, M. Wolf, Journal of Multivariate Analysis 88, 2004) in the
    space's first principal components, their means drawn from a Gaussian too; each is as probable beforehand as the others
    and as one not seen. Such a model is known from faces and speakers (S. Ioffe, Probabilistic Linear Discriminant Analysis,
    ECCV 2006); here means scatter alike to every side. Ten folds of whole artists choose the number of components and the
    temperature (C. Guo and others, On Calibration of Modern Neural Networks, ICML 2017), each with principal components of
    the heard artists alone.

    Clusters are of a Gaussian mixture of one covariance in the first eight components, 2 to 12 of them, by the least
    Bayesian information criterion (G. Schwarz, Annals of Statistics 6, 1978). They were made from the recordings that they
    are tested on: `Calibration` says then only how sharp their borders are.

    Belonging is exact where each artist has one recording: recordings exchangeable with the reference have p ≤ a at most
    as often as a (V. Vovk, A. Gammerman, G. Shafer, Algorithmic Learning in a Random World, 2005; distances are taken
    with the new recording among the others). With several they weigh 1/number, as Y. Lee, R. F. Barber and R. Willett
    (Distribution-free inference with hierarchical data, 2023) do where scores are fixed beforehand; here that is near, not
    exact.

    References
    ----------
    A. Elgammal, B. Liu, M. Elhoseiny, M. Mazzone: CAN: Creative Adversarial Networks, ICCC 2017.
    """
    seed = whole("seed", seed, 0)
    if not hasattr(vectors, "columns"):
        raise ValueError(f"vectors must be a pandas.DataFrame with named columns, not {type(vectors).__name__}")
    named = _artists_of("artists", artists, len(vectors))
    lead = _leads(named)
    count = _check_artists(lead)
    space = space or fit_space(vectors)
    if not (known := measured(vectors, space)).all():
        which = vectors.index[int(known.argmin())]
        raise ValueError(
            f"{which!r} of the reference has fewer than half the descriptors: leave it out, as `measured` says"
        )
    rows = space.embed(vectors)
    most = min(len(rows) // 4, rows.shape[1], COMPONENTS[-1])
    pca = _components(rows, most)
    known = pca.transform(rows)
    if styles is None:
        style, names, how = _clustered(known, lead, vectors.index, seed)
    else:
        style, names = _named(styles, lead)
        how = f"{len(names)} styles given"
    chosen, logs = _choose(rows, most, style, lead, len(names), seed)
    temperature = _temperature(logs, style)
    open_ = _posterior(logs, temperature)
    near = _Nearest(_between_artists(space, vectors, lead), lead)
    reference = _as_frame(
        open_, names, _own_percentile(style_ambiguity(_shared(open_)), lead), near.own_p_values(), vectors.index
    )
    of_none = f", {(style < 0).sum()} of none" if (style < 0).any() else ""
    calibration = _calibration(logs, style, lead, temperature, chosen, seed)
    return Critic(
        names,
        style,
        reference,
        count,
        calibration,
        f"{how}{of_none}; {len(rows)} recordings of {count} artists; {calibration}"
        f"{', by what the clusters were made of' if styles is None else ''}",
        space,
        vectors[list(space.names)],
        known,
        named,
        np.asarray(pca.mean_),
        np.asarray(pca.components_).T,
        seed,
    )


def measured(vectors: pd.DataFrame, space: Space) -> np.ndarray:
    """Whether half of the descriptors of a space or more were measured of each recording, (n,): others are not judged."""
    return np.isfinite(space.standardize(vectors)).mean(axis=1) >= 0.5


def style_ambiguity(posterior: np.ndarray) -> np.ndarray:
    """Entropy of each posterior over its largest.

    Parameters
    ----------
    posterior : numpy.ndarray, shape (n, k)
        Probabilities of k styles, 2 or more; each row sums to 1, or is NaN.

    Returns
    -------
    numpy.ndarray, shape (n,)
        0: one style is certain; 1: all are equally probable. Halfway between two of k styles it is log 2 / log k.

    Raises
    ------
    ValueError
        There are fewer than two styles, or a row is no distribution.
    """
    from scipy.special import entr

    posterior = floats("posterior", posterior, "(n, k)")
    if posterior.shape[1] < 2:
        raise ValueError(f"posterior must be of two styles or more, not {posterior.shape[1]}")
    if ((posterior < 0) | (np.abs(posterior.sum(axis=1) - 1) > 1e-6)[:, None]).any():
        raise ValueError("posterior must hold probabilities, each row summing to 1")
    return np.clip(entr(posterior).sum(axis=1) / np.log(posterior.shape[1]), 0, 1)


def category_shares(
    judged: pd.DataFrame, kinds: Sequence[str | None], artists: Artists | None, reference: pd.DataFrame
) -> pd.DataFrame:
    """Estimate how often each category is found among recordings of each kind.

    Parameters
    ----------
    judged : pandas.DataFrame
        As `Critic.judge` gives.
    kinds : sequence of length n
        Such as ``ai`` and ``human``; None: left out.
    artists : sequence of length n
        As for `fit_critic`.
    reference : pandas.DataFrame
        `Critic.reference`: what is usual.

    Returns
    -------
    pandas.DataFrame
        ``kind, category, value, low, high, expected, n, method``: the share, 0 to 1, its interval, clustered by artist,
        and what it is among the reference's own recordings.
    """
    import pandas as pd

    lead = _leads(_artists_of("artists", artists, len(judged)))
    kind = np.array(list(kinds), dtype=object)
    if len(kind) != len(judged):
        raise ValueError(f"kinds must be {len(judged)}, one for each recording, not {len(kind)}")
    found = judged["category"].to_numpy(dtype=object)
    rows = []
    for one in sorted({str(name) for name in kind if name is not None}):
        here = (kind == one) & np.array([isinstance(category, str) for category in found], dtype=bool)
        for category in CATEGORIES:
            share = estimate_share((found[here] == category).astype(float), lead[here])
            expected = float((reference["category"] == category).mean())
            rows.append((one, category, share.value, share.low, share.high, expected, share.n, share.method))
    return pd.DataFrame(rows, columns=["kind", "category", "value", "low", "high", "expected", "n", "method"])


def belonging(across: np.ndarray, among: np.ndarray, artists: Artists | None = None) -> np.ndarray:
    """Conformal p-values of recordings: whether they come from where a reference comes from.

    Parameters
    ----------
    across : numpy.ndarray, shape (n, m)
        Distance of each to each of the reference; NaN where two share no descriptor.
    among : numpy.ndarray, shape (m, m)
        Distances among the reference.
    artists : sequence of length m
        As for `fit_critic`.

    Returns
    -------
    numpy.ndarray, shape (n,)
        1 / (artists + 1) to 1. See `fit_critic` for when they are exact.

    Raises
    ------
    ValueError
        Shapes differ, or the reference has fewer than `NEIGHBOURS` + 1 artists.
    """
    across, among = floats("across", across, "(n, m)"), floats("among", among, "(m, m)")
    if not across.shape[1] == len(among) == among.shape[1]:
        raise ValueError(f"across and among must be of one reference, not {across.shape} and {among.shape}")
    lead = _leads(_artists_of("artists", artists, len(among)))
    if (count := len(np.unique(lead))) <= NEIGHBOURS:
        raise ValueError(f"the reference has {count} artists, {NEIGHBOURS + 1} are needed")
    return _Nearest(np.where(lead[:, None] == lead, np.inf, among), lead).p_values(across)


class _Nearest:
    """Distances of reference recordings to their nearest by others."""

    def __init__(self, among: np.ndarray, lead: np.ndarray):
        among = np.where(np.isfinite(among), among, np.inf)
        least = np.partition(among, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS]
        self._farthest = least.max(axis=1)
        self._mean = least.mean(axis=1)
        self._weights = _weights(lead)
        self._artists = len(np.unique(lead))
        self._lead = lead

    def p_values(self, across: np.ndarray) -> np.ndarray:
        """Of new recordings, from their distances (n, m) to the reference."""
        across = np.where(np.isfinite(across), across, np.inf)
        own = np.partition(across, NEIGHBOURS - 1, axis=1)[:, :NEIGHBOURS].mean(axis=1)
        # each of the reference's may have the new one among its nearest
        nearer = np.maximum(self._farthest - across, 0)
        farther = (self._mean - nearer / NEIGHBOURS >= own[:, None]) @ self._weights
        return (1 + farther) / (1 + self._artists)

    def own_p_values(self) -> np.ndarray:
        """Of each of the reference's, against the other artists'."""
        farther = (self._mean >= self._mean[:, None]) * self._weights
        farther[self._lead[:, None] == self._lead] = 0
        return (1 + farther.sum(axis=1)) / self._artists


def check_reference(artists: Artists, styles: Sequence[str | None] | None = None) -> None:
    """Raise the ValueError of `fit_critic` that artists and styles alone bring about, before anything is heard."""
    lead = _leads(_artists_of("artists", artists, len(artists)))
    _check_artists(lead)
    if styles is not None:
        _named(styles, lead)


def _check_artists(lead: np.ndarray) -> int:
    if (count := len(np.unique(lead))) < FEWEST_ARTISTS:
        raise ValueError(f"the reference has {count} artists, {FEWEST_ARTISTS} are needed: of fewer no p-value is .05")
    return count


def _between_artists(space: Space, vectors: pd.DataFrame, lead: np.ndarray) -> np.ndarray:
    among = space.distances(vectors)
    among[lead[:, None] == lead] = np.inf
    return among


def _artists_of(name: str, artists: Artists | None, n: int) -> list[Collection[str]]:
    """The artists of each recording, as a collection; empty where unknown."""
    if artists is None:
        return [()] * n
    if isinstance(artists, str) or len(artists) != n:
        raise ValueError(f"{name} must be {n}, one for each recording, not {len(artists)}")
    return [
        ([one] if one.strip() else ()) if isinstance(one, str) else tuple(one) if isinstance(one, Collection) else ()
        for one in artists
    ]


def _leads(artists: Sequence[Collection[str]]) -> np.ndarray:
    return numbered([next(iter(one), None) for one in artists])


def _weights(lead: np.ndarray) -> np.ndarray:
    """1 / the number of recordings that each one's artist has."""
    _, of, count = np.unique(lead, return_inverse=True, return_counts=True)
    return 1 / count[of]


def _named(styles: Sequence[str | None], lead: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    if isinstance(styles, str) or len(styles) != len(lead):
        raise ValueError(f"styles must be {len(lead)}, one for each recording, not {len(styles)}")
    given = np.array([one if isinstance(one, str) and one.strip() else "" for one in styles], dtype=object)
    names = tuple(sorted(one for one in set(given) - {""} if _is_style(given == one, lead)))
    if len(names) < 2:
        least = "{} recordings of {} artists".format(*FEWEST_OF_STYLE)
        raise ValueError(f"{len(names)} of {len(set(given) - {''})} styles have {least}: two such styles are needed")
    place = {name: number for number, name in enumerate(names)}
    return np.array([place.get(one, -1) for one in given]), names


def _is_style(here: np.ndarray, lead: np.ndarray) -> bool:
    return here.sum() >= FEWEST_OF_STYLE[0] and len(np.unique(lead[here])) >= FEWEST_OF_STYLE[1]


def _clustered(
    known: np.ndarray, lead: np.ndarray, index: pd.Index, seed: int
) -> tuple[np.ndarray, tuple[str, ...], str]:
    from sklearn.mixture import GaussianMixture

    rows = known[:, :CLUSTERED]
    tried = [
        GaussianMixture(k, covariance_type="tied", n_init=3, random_state=seed).fit(rows)
        for k in CLUSTERS
        if k <= len(rows) // FEWEST_OF_STYLE[0]
    ]
    best = min(tried, key=lambda one: one.bic(rows), default=None)
    cluster = np.zeros(len(rows), dtype=int) if best is None else best.predict(rows)
    kept = [one for one in np.unique(cluster) if _is_style(cluster == one, lead)]
    if best is None or len(kept) < 2:
        raise ValueError(f"{len(rows)} recordings fall into no two clusters that are large enough: name styles instead")
    style = np.full(len(rows), -1)
    names = []
    for number, one in enumerate(kept):
        here = np.flatnonzero(cluster == one)
        style[here] = number
        middle = ((rows[here] - rows[here].mean(axis=0)) ** 2).sum(axis=1).argmin()
        names.append(str(index[here[middle]]))
    return style, tuple(names), f"{len(names)} clusters, by the Bayesian information criterion"


def _choose(
    rows: np.ndarray, most: int, style: np.ndarray, lead: np.ndarray, styles: int, seed: int
) -> tuple[int, np.ndarray]:
    """The number of components whose posteriors fit unheard artists best, and the log densities of all, each unheard."""
    fold = _folds(style, lead, seed)
    tried = _tried(most)
    logs = np.empty((len(tried), len(rows), styles + 1))
    for one in np.unique(fold):
        heard, new = fold != one, fold == one
        # components too are of the heard alone: along those that it helped to find, a recording lies farther out than new ones
        pca = _components(rows[heard], most)
        known, unheard = pca.transform(rows[heard]), pca.transform(rows[new])
        for place, components in enumerate(tried):
            learned = _Gaussians.fit(known[:, :components], style[heard], styles)
            logs[place, new] = learned.log_densities(unheard[:, :components])
    losses = [_losses(each, style, _temperature(each, style)).mean() for each in logs]
    best = int(np.argmin(losses))
    return tried[best], logs[best]


def _components(rows: np.ndarray, most: int) -> PCA:
    from sklearn.decomposition import PCA

    return PCA(most, svd_solver="full").fit(rows)


def _tried(most: int) -> list[int]:
    return sorted({min(one, most) for one in COMPONENTS})


def _folds(style: np.ndarray, lead: np.ndarray, seed: int) -> np.ndarray:
    """A fold for every artist, those of one style dealt out over all."""
    artists = int(lead.max()) + 1
    of_artist = np.full(artists, -1)
    of_artist[lead[::-1]] = style[::-1]  # the first recording's
    dealt = np.lexsort((np.random.default_rng(seed).permutation(artists), of_artist))
    fold = np.empty(artists, dtype=int)
    fold[dealt] = np.arange(artists) % FOLDS
    return fold[lead]


def _posterior(logs: np.ndarray, temperature: float) -> np.ndarray:
    from scipy.special import softmax

    return softmax(logs / temperature, axis=1)


def _shared(posterior: np.ndarray) -> np.ndarray:
    """What falls to a style not seen is shared among the known: of their own it says nothing."""
    return posterior[:, :-1] + posterior[:, -1:] / (posterior.shape[1] - 1)


def _losses(logs: np.ndarray, style: np.ndarray, temperature: float) -> np.ndarray:
    """Log loss among the known styles of each recording that has one, times its weight: each style weighs the same."""
    from scipy.special import log_softmax

    here = style >= 0
    count = np.bincount(style[here])
    loss = -log_softmax(logs[here, :-1] / temperature, axis=1)[np.arange(here.sum()), style[here]]
    return loss * (here.sum() / (count > 0).sum() / np.maximum(count, 1))[style[here]]


def _temperature(logs: np.ndarray, style: np.ndarray) -> float:
    from scipy.optimize import minimize_scalar

    def loss(log_temperature: float) -> float:
        return float(_losses(logs, style, np.exp(log_temperature)).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 4), method="bounded").x))


def _calibration(
    logs: np.ndarray, style: np.ndarray, lead: np.ndarray, temperature: float, components: int, seed: int
) -> Calibration:
    from scipy.special import softmax

    fold = _folds(style, lead, seed)
    of = np.ones(len(style))
    for one in np.unique(fold):
        if (style[fold != one] >= 0).any():
            of[fold == one] = _temperature(logs[fold != one], style[fold != one])
    here = style >= 0
    tempered = logs / of[:, None]
    loss = estimate_mean(_losses(tempered, style, 1.0), lead[here])
    loss = replace(loss, low=max(loss.low, 0.0))  # no log loss is less
    posterior = softmax(tempered[here, :-1], axis=1)
    weights = 1 / np.bincount(style[here])[style[here]]
    top, best = posterior.max(axis=1), posterior.argmax(axis=1)
    rng = np.random.default_rng(seed)
    chance = [_gap(top, rng.random(len(top)) < top, weights) for _ in range(200)]
    error = _gap(top, best == style[here], weights)
    return Calibration(loss, float(np.log(logs.shape[1] - 1)), error, float(np.mean(chance)), temperature, components)


def _gap(top: np.ndarray, right: np.ndarray, weights: np.ndarray) -> float:
    parts = np.array_split(np.argsort(top, kind="stable"), min(10, len(top)))
    return float(sum(abs((weights * (top - right))[part].sum()) for part in parts) / weights.sum())


def _percentile(ambiguity: np.ndarray, usual: np.ndarray, lead: np.ndarray) -> np.ndarray:
    """Share of the reference, each artist weighing the same, that is less ambiguous; ties count half."""
    return _less(ambiguity, usual) @ _weights(lead) / len(np.unique(lead))


def _own_percentile(ambiguity: np.ndarray, lead: np.ndarray) -> np.ndarray:
    """The same of each of the reference's among the other artists'."""
    less = _less(ambiguity, ambiguity) * _weights(lead)
    less[lead[:, None] == lead] = 0
    return less.sum(axis=1) / (len(np.unique(lead)) - 1)


def _less(ambiguity: np.ndarray, usual: np.ndarray) -> np.ndarray:
    return (usual < ambiguity[:, None]) + 0.5 * (usual == ambiguity[:, None])


def _categories(percentile: np.ndarray, belonging: np.ndarray) -> np.ndarray:
    """One of `CATEGORIES` for each; None where either is not known."""
    new, outside = percentile > AMBIGUOUS, belonging <= BELONGS
    found = np.array(CATEGORIES, dtype=object)[np.where(new, np.where(outside, 2, 1), np.where(outside, 3, 0))]
    found[~(np.isfinite(percentile) & np.isfinite(belonging))] = None
    return found


def _as_frame(
    posterior: np.ndarray, names: tuple[str, ...], percentile: np.ndarray, belonging: np.ndarray, index: pd.Index
) -> pd.DataFrame:
    import pandas as pd

    known = np.isfinite(posterior).all(axis=1)
    best = np.where(known, np.nan_to_num(posterior[:, :-1]).argmax(axis=1), 0)
    probability = posterior[np.arange(len(best)), best]
    style = np.array(names, dtype=object)[best]
    style[~known | (posterior[:, -1] > probability)] = None
    return pd.DataFrame(
        {
            "style": pd.Series(style, index=index, dtype=object),
            "probability": probability,
            "unseen": posterior[:, -1],
            "ambiguity": style_ambiguity(_shared(posterior)),
            "percentile": percentile,
            "belonging": belonging,
            "category": pd.Series(_categories(percentile, belonging), index=index, dtype=object),
        },
        index=index,
    )


def _reach(value: np.ndarray, halves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds about each value from what halves of the reference, (replicates, n), gave."""
    from scipy.special import expit, logit

    def odds(of: np.ndarray) -> np.ndarray:
        return logit(np.clip(of, 1e-4, 1 - 1e-4))

    counted = np.isfinite(halves).sum(axis=0)
    off = np.where(counted > 1, np.nan_to_num(odds(halves) - odds(value)), 0)
    # about the halves' own mean: they are less sure than the whole, and that is no uncertainty of it
    mean = off.sum(axis=0) / np.maximum(counted, 1)
    squares = np.where(np.isfinite(halves), off - mean, 0) ** 2
    error = np.sqrt(squares.sum(axis=0) / np.maximum(counted - 1, 1))
    middle = odds(value)
    return np.minimum(value, expit(middle - 1.96 * error)), np.maximum(value, expit(middle + 1.96 * error))
