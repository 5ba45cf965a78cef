"""Chartropy: how much of a music chart did machines make, and is it all starting to sound the same?

In a notebook::

    import chartropy

    season = chartropy.open_workspace("chartropy-data")
    season.entries()        # every position of every chart
    season.verdicts()       # AI, human, undecided or unmeasured, with probability and reason
    season.descriptors()    # named numbers computed from each preview
    season.measures()       # AI share, cultural entropy, novelty, ... of each chart week, with intervals
    season.trend()          # how each of them moves, tested against slow noise
    season.decompose("tophit", "radio", "2026-01-01", "2026-06-25")   # how much of a change is due to AI tracks
    season.sameness("tophit", "radio", "2026-06-25")    # how far each track sounds like the year before
    chartropy.plot_measures(season.measures().query("measure == 'cultural_entropy'"))

    song = chartropy.describe_file("song.mp3")
    song.as_dict()          # numbers by name; song.reasons says why some are missing
    chartropy.detect_file("song.mp3")
    chartropy.plot_evidence(chartropy.explain_file("song.mp3"))    # what the detector reads

What the names mean: ``chartropy.features.registry.DESCRIPTORS`` (unit, range, definition, source, labels).

The rooms, in the order that a chart entry passes through them: ``chartropy.charts``, ``chartropy.audio``,
``chartropy.features``, ``chartropy.analysis``, ``chartropy.reports``; all stand on ``chartropy.workspace``.
"""

from importlib import import_module
from importlib.metadata import version

__all__ = [
    "ChartropyError",
    "describe_file",
    "detect_file",
    "explain_file",
    "judge_files",
    "open_workspace",
    "plot_decompose",
    "plot_entries",
    "plot_evidence",
    "plot_measures",
    "plot_trend",
    "run_loops",
]
__version__ = version("chartropy")

_HOMES = {
    "ChartropyError": "workspace.errors",
    "describe_file": "features.describe",
    "detect_file": "reports.files",
    "explain_file": "reports.explain",
    "judge_files": "reports.critic",
    "open_workspace": "reports.tables",
    "plot_decompose": "reports.plots",
    "plot_entries": "reports.plots",
    "plot_evidence": "reports.plots",
    "plot_measures": "reports.plots",
    "plot_trend": "reports.plots",
    "run_loops": "reports.loops",
}


def __getattr__(name: str):
    # looked up when used, so that importing chartropy costs nothing
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
