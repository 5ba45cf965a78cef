"""Every error Chartropy raises on purpose.

::

    ChartropyError                 base: catch this to catch them all
    ├── SettingsError              a setting or an option is wrong          (exit code 2)
    ├── WorkspaceError             the workspace cannot be used
    │   ├── WorkspaceLocked        another run is writing
    │   ├── WorkspaceReadOnly      nothing can be written there
    │   ├── WorkspaceTooNew        made by a newer Chartropy
    │   └── DiskFull               no room left; what was stored stays
    ├── SourceError                a platform's answer cannot be used
    │   ├── SourceRefused          it said no: challenge page, 403, robots.txt
    │   ├── SourceUnreachable      no answer, or only failures, after retries
    │   └── PageError              it answered with something that is not the chart asked for
    ├── PreviewError               no usable preview of a recording
    ├── RecordingError             no such recording, or nothing to merge or split
    ├── ImportFileError            a file given to ``import`` cannot be read as a chart
    ├── AudioError                 an audio file cannot be used
    │   ├── NotAudio               empty, HTML, DRM-protected, unknown format
    │   ├── TruncatedAudio         the file ends before it should
    │   └── UnsuitableAudio        decodable, yet too short or silent
    ├── ModelError                 a model file cannot be used
    └── ScheduleError              a schedule cannot be installed or removed

Each message is one or two sentences: the value, where it came from, what to do.
"""

from __future__ import annotations


class ChartropyError(Exception):
    """Base of all errors that Chartropy raises on purpose."""


class SettingsError(ChartropyError):
    """A setting, an environment variable or an option has a value that cannot be used."""


class WorkspaceError(ChartropyError):
    """The workspace folder or its database cannot be used."""


class WorkspaceLocked(WorkspaceError):
    """Another run is writing to the workspace."""


class WorkspaceReadOnly(WorkspaceError):
    """The workspace cannot be written to."""


class WorkspaceTooNew(WorkspaceError):
    """The workspace was made by a newer release."""


class DiskFull(WorkspaceError):
    """The disk that holds the workspace is full."""


class SourceError(ChartropyError):
    """What a platform answered cannot be used."""


class SourceRefused(SourceError):
    """A platform refused: a challenge page, a 403, or its robots.txt. Not asked again in the same run."""


class SourceUnreachable(SourceError):
    """A platform gave no answer, or only failures, after all retries."""


class PageError(SourceError):
    """A platform answered, but not with the chart that was asked for.

    Attributes
    ----------
    body : bytes or None
        What it answered, to be kept for inspection.
    """

    def __init__(self, message: str, body: bytes | None = None):
        super().__init__(message)
        self.body = body


class WrongPage(PageError):
    """A page of that platform, read and understood, that is no chart of songs."""


class PreviewError(ChartropyError):
    """No usable preview of a recording.

    Attributes
    ----------
    passing : bool
        True when trying again later may help (an outage, a quota); False when the provider does not have it.
    """

    def __init__(self, message: str, *, passing: bool = False):
        super().__init__(message)
        self.passing = passing


class ImportFileError(ChartropyError):
    """A file given to ``import`` cannot be read as a chart."""


class RecordingError(ChartropyError):
    """A recording that was named is not there, or cannot be merged or split as asked."""


class AudioError(ChartropyError):
    """An audio file cannot be used."""


class NotAudio(AudioError):
    """The bytes are not audio in a format that can be decoded."""


class TruncatedAudio(AudioError):
    """The file ends before its header says it should."""


class UnsuitableAudio(AudioError):
    """The file decodes, but is too short or silent for what was asked."""


class ModelError(ChartropyError):
    """A detector's model file cannot be used."""


class ScheduleError(ChartropyError):
    """A schedule cannot be installed or removed."""
