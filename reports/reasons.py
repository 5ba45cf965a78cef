"""What the pipeline writes down in English, understood, so that pages can say it in another language.

Why a recording has no verdict, why a chart is missing and how a number was computed is stored when it happens, as a sentence.
Here are the forms that such sentences have, with names in braces for what changes; the catalogue of translations (:mod:`.messages`) has them in the
context ``stored``. What is none of them is said as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

CONTEXT = "stored"
"""Of these messages in the catalogue."""

SENTENCES = (
    # how sentences are joined
    "{reason} The page is kept for inspection.",
    "{reason} The {n} positions stored before are kept.",
    "{reason} Nor is it a table: {what}",
    "{reason}, {n} times",
    "{reason}, the rest is on further pages",
    "left out",
    # why there is no preview
    "no preview: {reason}",
    "no provider is set",
    "no track with this artist, title and version",
    "no song with this artist, title and version",
    "has the track, but no preview of it",
    "answered an error {code}: {words}",
    "answered in an unknown form ({words})",
    "{name} answered JSON of an unknown form",
    "answered {status} with {kind} instead of JSON ({n} bytes)",
    "quota still used up after waiting {n} times",
    "still refuses (403) after waiting",
    "it limits how often it may be asked",
    "the preview's link answers {status}",
    "the preview answers {status}",
    "the preview is {kind} instead of audio",
    "the preview cannot be described: {reason}",
    "the preview was not described yet: run analyze again",
    # why a file cannot be used
    "the file is empty (0 bytes).",
    "this is an HTML page, not audio: the link has expired or asks for a login.",
    "protected by DRM (encrypted); only unprotected files can be analysed.",
    "holds {n} of the {all} bytes its header announces; the file is cut short: copy or download it again.",
    "holds {seconds} s of the {all} s its header announces; the file is cut short: copy or download it again.",
    "holds no sound near {seconds} s, where its header announces its end; the file is cut short: copy or download it again.",
    "ends before its last page; the file is cut short: copy or download it again.",
    "decoding stopped with an error ({words}); the file is damaged.",
    "a {kind} file without sound in it.",
    "its sound is coded in a way that is not known here, or the file is damaged.",
    "not audio in a format known here, or damaged ({words}; {n} bytes, starts with {head}).",
    "cannot be read ({words}).",
    "decodes to no sound at all (0 frames).",
    "decodes to samples that are not numbers (NaN or infinite); export the file again.",
    "holds samples that are not numbers (NaN or infinite).",
    "sampled at {rate} Hz; only rates from {low} to {high} Hz can be resampled. If its header is right, export the file at "
    "44,100 Hz.",
    "{seconds} s long; descriptors need at least {least} s of sound.",
    # why a clip is not judged
    "There is no sound to judge: the clip is silent.",
    "The clip is {seconds} s long; at least {least} s are needed.",
    "{share} of the clip is silent; at most {most} may be.",
    "The sound reaches only up to {khz} kHz; traces are looked for from 2 kHz on, and at least {least} kHz are needed.",
    "There is only speech to judge: syllables, pauses and sibilants, without a beat.",
    "Its sketch was drawn by an earlier Chartropy, without what is judged now: describe the audio anew.",
    # what a verdict rests on
    "No trace of a neural decoder was found; a generator that leaves none would look the same.",
    "{n} of its steadiest tones lie at multiples of {spacing} Hz, where about {expected} would by chance: {what}",
    "too weak to tell a neural decoder from music.",
    "a neural decoder that makes {rate} frames a second, or a multiple of it, leaves them.",
    "a decoder of {rate} frames a second, played {share} faster, leaves them.",
    "a decoder of {rate} frames a second, played {share} slower, leaves them.",
    "a decoder of {rate} frames a second, its pitch shifted by {semitones} semitones, leaves them.",
    "a decoder of {rate} frames a second, blurred by what came after, leaves them.",
    "no usual decoder has that rate, but nothing in music is as regular.",
    "{reason} Of the generators known, {maker} is the most alike.",
    "{reason} It resembles no generator that the model knows.",
    "You said so: {words}",
    "{names} says AI, but a list of artists alone proves nothing.",
    "{names} say AI, but a list of artists alone proves nothing.",
    "{names} says ai; {what}",
    "{names} say ai; {what}",
    "{names} says human; {what}",
    "{names} say human; {what}",
    "the sound agrees.",
    "the sound shows no trace.",
    "the sound alone would not decide.",
    "the sound could not be judged.",
    # what a file, a page or a registry says of a recording
    "its tag {tag} says: {words}",
    "its C2PA manifest, signed by {who}, says: {words}",
    "its C2PA manifest, signed by nobody named, says: {words}",
    "{reason} (the signature does not hold: {words})",
    "{reason} (the signature does not hold: not checked)",
    "the chart page marks it: {words}",
    # what is missing of a chart
    "{source} shows only the present, and no snapshot was taken that week",
    "{n} of {all} positions",
    "{n} positions, more than the {all} of a whole chart",
    "positions without a row: {places}",
    "positions without a row: {places} and {n} more",
    "without {chart}: {reason}",
    "without {chart}: not collected",
    "{chart} is incomplete: {reason}",
    "the page ends in the middle",
    "the file ends in the middle of a row: {words}",
    "{n} of {all} rows came",
    "position {place}: no artist",
    "position {place}: no title",
    "position {place}: no track: {words}",
    "position {place}: {kind}, not a song: {words}",
    "position {place}: there are {n} at most",
    "position {place} stands twice in the {what}: {title} kept, {other} left out",
    "position {place}: the payload has {title}, the table {other}; payload taken",
    "an entry without a rank: {words}",
    "an entry without a position: {words}",
    "an entry without a position in the payload: {words}",
    "a row without a rank: {words}",
    "a row without a position or a name: {words}",
    "a table row without a position: {words}",
    "a track without a position: {words}",
    "a line that is no row: {words}",
    "some letters cannot be read: the page is not in UTF-8",
    "every row is marked {words}: part of the layout, not taken for an AI tag",
    "{what} may be an AI tag, but what it says is not understood: {words}; not taken for one",
    "{name} in the payload",
    "{name} in the table",
    "answer",
    "chart",
    "feed",
    "file",
    "payload",
    "table",
    "the payload cannot be read ({words}); the table alone was used",
    "the payload is another chart's ({n} of {all} rows differ); the table alone taken",
    # why a platform gave none
    "{path} cannot be reached ({words}).",
    "{path} kept failing: {words}.",
    "{path} gave no answer within {seconds} s, {n} times.",
    "{path} broke off {n} times before its end ({words}).",
    "{path} answered {status}.",
    "{path} answered {status} after {n} retries.",
    "{path} answered {status} and asks to wait {seconds} s, more than the {most} s that a run waits: run again later.",
    "{path} answered {status}: not let in now. {what}",
    "{path} answered {status} with a challenge page: not let in now. {what}",
    "{path} answered with a challenge page: not let in now. {what}",
    "{path} is a challenge page: not let in now. {what}",
    "{path} says that its quota is used up, {n} times: run again later.",
    "{path} answered with the error {words}.",
    "{path} is {n} bytes long, more than the {most} read.",
    "{path} goes on after {n} bytes; not read further.",
    "its robots.txt forbids {path} to programs. Save the page in a browser and give it to `chartropy import`.",
    "Open {address} in a browser, save the feed of the most played songs as JSON and give it to `{command}`.",
    "Open {address} in a browser, download the CSV and give it to `{command}`.",
    "Open {address} in a browser, save the chart page (Ctrl+S) and give it to `{command}`.",
    "Open the weekly top songs at {address} in a browser, save the answer of the request `browse` from its developer tools "
    "and give it to `{command}`.",
    "Save the page in a browser and give it to `{command}`.",
    "Save the answer in a browser and give it to `{command}`.",
    "Save its answer, XML or JSON, and give it to `{command}`.",
    "It is open only from some countries: save the answer of {address} over a Russian connection and give it to `{command}`.",
    "it answers only who has a key: get one at {address} and write it as key under [sources.lastfm] in chartropy.toml, or in "
    "CHARTROPY_SOURCES__LASTFM__KEY.",
    "it does not take the key of [sources.lastfm] (error {code}: {words}): see {address} for yours.",
    "it does not answer now (error {code}: {words}): run again later.",
    "it answered with the error {code}: {words}.",
    "{reason} Check the country's name.",
    # what came is not what was asked for
    "asked for {chart} ({country}), the page says it is {other} ({elsewhere}).",
    "asked for {chart} ({country}), the file says it is {other} ({elsewhere}).",
    "asked for {chart} ({country}), {what}; the page says it is {other} ({elsewhere}), {period}, another period or chart.",
    "asked for {chart} of {day}, the page says it is {other}.",
    "asked for {chart} of {day}, the page is of {other}.",
    "asked for {chart} of {day}, the page does not say of which date it is.",
    "asked for the {period}, the page says {what}.",
    "asked for {country}, the feed says {other}.",
    "asked for {country}, the answer is of {other}.",
    "asked for {country}, the chart is of {other}: it has none for that country.",
    "the page says it shows {day}, which cannot be.",
    "the page that was kept is damaged ({words}).",
    "week {day}",
    "month {day}",
    "day {day}",
    "year {day}",
    "decade {day}",
    "no {chart} chart for the {period}: the request was sent on to {path}, another period.",
    "no chart for the {period}: it has {names} ones.",
    "weekly",
    "monthly",
    "annual",
    "daily",
    "decade",
    "week",
    "month",
    "year",
    "day",
    "no page {path}: the request was sent on to {other}.",
    "no chart {path}: the request was sent on to {other}.",
    "no {path}: the request was sent on to {other}.",
    "the {period} cannot be asked for: TopHit gives only the latest month. Open that month in a browser, save the page and "
    "import it.",
    "the latest monthly chart does not say that it is of the {period}; not taken for it.",
    "this is a chart of another period ({what}), not a weekly one, and it does not say which: save it from an address that "
    "names the period.",
    "this is a chart of another period ({what}), not a weekly one.",
    "{chart} is a chart of 2020: it can only be imported, from a page saved then.",
    "this is a challenge page, not a chart; save the page once the chart shows.",
    "this is a challenge page, not a chart (its title: {title}); save the page once the chart shows.",
    "no chart rows in the page, {n} bytes; its layout has changed, or it is another page.",
    "no chart rows in the page (its title: {title}), {n} bytes; its layout has changed, or it is another page.",
    "no chart in the page: none of the tables {names} is there; its layout has changed, or it is another page.",
    "no chart in the page (its title: {title}): none of the tables {names} is there; its layout has changed, or it is "
    "another page.",
    "holds no chart rows under 'charts'.",
    "the table of {title} holds no rows.",
    "the {chart} holds no rows; its layout has changed, or there is no chart of that name and date.",
    "the {chart} ranks no songs: its rows have no title or no artist; its layout has changed, or there is no chart of that "
    "name and date.",
    "{chart} ranks albums or people, not songs.",
    "no web page.",
    "the page is no UTF-8 (byte {n}): save it anew, as it is, in UTF-8.",
    "a feed of {kind}, not of the most played songs: save the songs' feed.",
    "none of the {n} entries of the feed has an artist and a title.",
    "none of the {n} entries has a position, an artist and a title.",
    "none of the {n} entries is a track with an artist and a title.",
    "none of the {n} rows is a track with an artist and a title.",
    "no answer of its API: the JSON is no object.",
    "{path} is no answer of its API: the JSON is no object.",
    "no list of entries in the JSON.",
    "no list of tracks in the answer.",
    "no tracks under 'data' in the answer.",
    "no rows under {path} in the answer.",
    "{path} has no list of rows under 'data'.",
    "{path} gives the same rows again from row {n} on.",
    "no chart, but the error {words}.",
    "this is an {kind}, not a chart or playlist.",
    "the tracks of a tag, a user, an artist or a city, not the chart of a country.",
    "a web page instead of an answer of its API.",
    "the answer is a web page instead of JSON.",
    "the answer is no whole JSON ({words}).",
    "the answer is no whole XML ({words}).",
    "no text in UTF-8 ({words}).",
    "no chart of tracks by views (TOP_VIEWS_CHART) in the answer.",
    "the chart of tracks by views (TOP_VIEWS_CHART) is empty.",
    "the chart does not say on which day its week ends (endDate).",
    "a web page instead of a CSV file.",
    "a web page instead of a CSV file: log in to charts.spotify.com and use its download button.",
    "no line `Rank,Artist,Title`: this is no file of its charts.",
    "no columns rank, artist_names, track_name (or Position, Artist, Track Name) in the first lines: this is no chart of its "
    "tracks.",
    "the file holds no rows.",
    "the file holds no rows, only the names of columns.",
    "line {n} cannot be read as CSV ({words}): the file is cut off, or was changed.",
    # of a table of one's own
    "is a web page, not a table.",
    "holds no row, only the names of columns.",
    "neither UTF-8, UTF-16 nor cp1251: save it as UTF-8.",
    "not valid JSON: {words}.",
    "no list of rows in it, nor under 'entries', 'rows' or 'data'.",
    "no list of rows under {path}.",
    "no column for {column} (looked for {names}; the file has {others}).",
    "has no column {name}, which the settings name for {column}; it has {others}.",
    "line {n}: cannot be read as CSV ({words}).",
    "line {n}: more columns than the {all} of the first line.",
    "line {n}: position {place} stands twice in one {what}.",
    "line {n}: {what}",
    "{name} is empty.",
    "position {words} is no whole number from 1 to {n}.",
    "isrc {words} is none: 12 letters and digits, like {example}.",
    "{name} {words} is no date of a chart; write {day}.",
    "period {words} is not written like {form}, first and last day.",
    "period {words} is no {what}, but {n} days.",
    # a chart that the settings should not ask for
    "there is no chart {chart}; choose from {names}.",
    "there is no {path} ({words}): check the chart's number.",
    "there are no {chart} for {country}: it has songs, for countries, in two small letters.",
    "there are no {chart} for {country}: it has tracks, for countries, in two small letters, and global.",
    "there is no {chart} for {country}: it has a chart for {names}.",
    "{chart} is the top of a country: name it {example} in the settings.",
    "no chart {chart} for {country} is known; name its playlist (playlist-123) or a genre (genre-0), or choose top for "
    "{names}.",
    "the country {country} is not known here by that name: write {name}.",
    "the country {country} is not known here by that name: write it out, such as {name}.",
    "write country {name} instead of {country}.",
    "its name of the country {country} is not known here: write it as in the address of its page, such as new-zealand.",
    # how a number was computed
    "count",
    "detector {model}",
    "extractor {version}",
    "census posterior, equal tails, {level}",
    "census posterior of {n} recordings, {draws} draws, seed {seed}, equal tails, {level}",
    "Rogan-Gladen, Lang-Reiczigel interval, {level}",
    "the interval lies outside 0 to 1: the trials do not describe this chart",
    "bootstrap by artist, {replicates} replicates, seed {seed}, {level}, log-t",
    "bootstrap by artist, {replicates} replicates, seed {seed}, {level}, percentiles",
    "quantile {share}, bootstrap by artist, {replicates} replicates, seed {seed}, {level}, percentiles",
    "share, Jeffreys interval, clustered by artist, {level}",
    "mean, error by artist, Student, {level}",
    "Garwood's interval, {level}",
    "probability that two recordings share one",
    "1 / probability that two share one",
    "Theil-Sen, studentized AR(1) bootstrap, {replicates} replicates, seed {seed}, {level}",
    "blocks of {n} for the null of blocks",
    "bounds, not an interval: those not heard are as the most or the least typical tenth of those heard",
    "no interval: all {n} recordings are one artist's",
    "no interval: the {n} recordings are two artists'",
    "no estimate: {reason}",
    "nothing was measured",
    "no pair was measured",
    "{n} recordings, two are needed",
    "{n} points are known, {least} are needed",
    "fewer than {least} pairs of {n} recordings share one",
    "of those gone in the year before {n} were heard, {least} are needed",
    "the classifier is no better than chance",
    "the source names none",
    "the week before is missing",
    "there is no past to compare with",
    # what a listening test could not tell
    "no interval: {reason}",
    "two listeners and two clips of each kind are needed",
    "nothing varies",
    "every clip is in order",
    "no listener answered both versions of a song",
    "no clip was answered twice",
    "all answers are one, or no clip has two",
    "fewer than three clips, or no variation",
    "The detector could not judge {title}: {reason}",
    "Listeners were not compared with the detector: {reason}.",
    "no AI clip, or no human one, was both answered and judged by the detector",
    "{n} of the {all} clips bear the name of one that the detector was trained on: it knew the answers, and its figures here do "
    "not say how well it hears.",
    "None of the {all} clips bears the name of one that the detector was trained on; one that was renamed would not be "
    "recognized.",
    "is no JSON ({words}).",
    "is no file of answers to a listening test.",
    "answers test {words}, not {other}, which the key is of.",
    "names no listener.",
    "holds no list of answers.",
    "holds no answer.",
    "of the same listener as {words}; the one with more answers counts.",
    "answer {n}: {words} is no item of this test.",
    "answer {n}: item {words} was answered before.",
    "answer {n}: item {words} could not be played.",
    "answer {n}: rating {words} is no whole number from 1 to {all}.",
    # what a detector's card says
    "Trained on {ai} AI clips of {generators} generators and {human} human clips of {sources} sources. The figures are of "
    "models that knew nothing of the generator or the source they judged.",
    "Each clip was judged by a model that was trained on the other generators and sources of this list.",
    "Each clip was judged by a model that was trained on the other generators and sources of this list. {what}",
    "Every clip was judged by {model}.",
    "{reason} {n} of the clips bear the name of one it was trained on: of those, these figures say nothing (--unseen judges "
    "each by a model that does not know it).",
    'Only {n} human clips settled where "ai" begins: of others, up to {share} may be called AI. For {usual}, {all} are '
    "needed.",
    "strength of lattices among the steadiest tones, the strongest of four kinds; see {name}",
    "95 %: bootstrap over groups for auc and recalls, Clopper-Pearson for counts (which takes clips of one group as "
    "independent: read them as the least uncertainty)",
    "human scores have the same distribution in every kind of production (Kruskal-Wallis)",
    "Judges traces of neural decoders, not whether a human wrote or played the music: AI compositions performed by people, "
    "and generators that leave no such traces, read as human.",
    "A recording by people that was re-synthesised by a neural codec carries the same traces and is called AI.",
    "A shift of pitch by a phase vocoder hides the traces of a fifth to a third of AI recordings, of some generators nearly all; "
    "see the table of disturbances.",
    "Loops that repeat to the sample, and synthesizers' notes held through a clip in another tuning than 440 Hz, can come "
    "near the evidence that is asked of a decoder at an unusual speed, or pass it.",
    "Clips under 10 s, more than half silent, without sound above 5 kHz or of speech alone are refused, not scored; they are "
    "in no count here.",
    "The probability holds where half of the recordings are AI-made; elsewhere correct it with the prior.",
    "The method and the units of the kinds were settled while looking at cross-validated figures on the same clips: expect a "
    "little less on others.",
    "when a generator comes out whose clips it calls human or undecided; when `detector evaluate` on new, labelled clips "
    "gives more than twice the false positives stated here; and with every new FEATURES_VERSION.",
    "all of its {n} clips carry the lattice of Stable Audio's decoder (multiples of {lattice} Hz): they come from the page of "
    "a system built on it and have been through its autoencoder",
    "ai, {group}, {reason}",
    "human, {group}, {reason}",
    "method of {model}",
    "as it is",
    "noise {level} dB",
    "gain {level} dB",
    "limited {level} dB",
    "low-pass {khz} kHz",
    "{semitones} semitones",
    "MP3 {n}",
    "AAC {n}",
    "mono",
    "lo-fi",
    "loud",
    "electronic",
    "acoustic",
    "bandwidth",
    "seconds",
    "rms_db",
    "peak_db",
    "silent",
    "channels",
    "all of these",
    "the original's codec",
    "known",
    "near",
    "shifted",
    "free",
    "sound",
    "tags",
    "you",
    "c2pa",
)
"""Forms of what is stored. ``{reason}``, ``{what}`` and ``{period}`` stand for others of this list, ``{names}`` for several
joined."""

INNER = ("reason", "what", "period")
"""Names that stand for sentences."""

MOST_JOINED = 3
"""Parts between semicolons that may make one sentence."""

Piece = tuple[str, bool]
"""A part of a text, and whether it is in the language of the page."""

_NAME = re.compile(r"\{(\w+)\}")
_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?: ?%)?")
_JOINED = re.compile(", | and ")
_ANY = ".+?"
_FORMS = (
    dict.fromkeys(
        "n all ai human generators sources status code place rate low high seconds least most usual share khz level semitones "
        "spacing expected draws replicates seed".split(),
        r"[+-]?[\d.,]+ ?%?",
    )
    | dict.fromkeys("path address country elsewhere day maker model version lattice".split(), r"\S+?")
    | dict.fromkeys("chart name names kind source column".split(), "[^:;]+?")
    | {"group": "[^,]+?", "places": "[\\d, ]+?"}
)
"""What a name may stand for; any text where nothing is said here."""

_BEFORE_COLON = re.compile(r"[^;]{1,200}?: ")


class Reasons:
    """What was stored, said in a language.

    Parameters
    ----------
    sentences : tuple of str
        The forms that it may have: `SENTENCES`, or others written like them.
    translate : callable
        Returns one of them in the language, its names in braces kept.
    listed : callable
        Joins names.
    number : callable
        Writes a number that is written as Python writes it (``1,234.5``, ``+2``, ``5.1%``) as the language does.
    """

    def __init__(
        self,
        sentences: tuple[str, ...],
        translate: Callable[[str], str],
        listed: Callable[[list[str]], str],
        number: Callable[[str], str],
    ):
        self._patterns = _patterns(sentences)
        self._translate, self._listed, self._number = translate, listed, number
        self.understood = lru_cache(4096)(self._understood)

    def pieces(self, text: str) -> tuple[Piece, ...]:
        """Return a stored text in the language; as it is, and marked, where its form is not known."""
        return self.understood(text) or ((text, False),)

    def _understood(self, text: str) -> tuple[Piece, ...] | None:
        if _NUMBER.fullmatch(text):
            return ((self._number(text), True),)
        parts = self._several(text)
        if _all_known(parts):
            return parts
        return self._sentence(text) or self._about_something(text) or (parts if _any_known(parts) else None)

    def _sentence(self, text: str) -> tuple[Piece, ...] | None:
        """Return one of the sentences, its full stop or not; one added to others, only if those are understood."""
        for sentence, pattern in self._patterns:
            if found := pattern.fullmatch(text):
                if sentence.startswith("{reason}") and not self.understood(found["reason"]):
                    continue
                said = self._translate(sentence)
                if sentence.endswith(".") and not text.endswith("."):
                    said = said.removesuffix(".")
                return self._filled(said, found.groupdict())
        return None

    def _filled(self, said: str, found: dict[str, str]) -> tuple[Piece, ...]:
        made: list[Piece] = []
        for place, part in enumerate(_NAME.split(said)):  # every second one is a name
            if not place % 2:
                made.append((part, True))
            elif part in INNER:
                made += self.pieces(found[part])
            elif part == "names":
                every = ["".join(piece for piece, _ in self.pieces(one)) for one in _JOINED.split(found[part])]
                made.append((self._listed(every), True))
            else:
                made.append((self._quoted(found[part]), True))
        return tuple(piece for piece in made if piece[0])

    def _quoted(self, value: str) -> str:
        if re.search("[.,+%-]", value) and _NUMBER.fullmatch(value):
            return self._number(value)
        in_quotes = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        return f"«{value[1:-1]}»" if in_quotes else value

    def _several(self, text: str) -> tuple[Piece, ...]:
        """Return what stands between semicolons, each for itself: of a sentence with semicolons, as few parts as do."""
        parts = text.split("; ")
        made: list[Piece] = []
        start = 0
        while start < len(parts) > 1:
            runs = range(start + 1, min(start + MOST_JOINED, len(parts)) + 1)
            said = [self._one(tuple(parts[start:end])) for end in runs]
            best = next((place for place, one in enumerate(said) if _all_known(one)), 0)
            made += [("; ", True)] * bool(start) + list(said[best] or ((parts[start], False),))
            start += best + 1
        return tuple(made)

    def _one(self, parts: tuple[str, ...]) -> tuple[Piece, ...] | None:
        text = "; ".join(parts)
        return self._sentence(text) or self._about_something(text)

    def _about_something(self, text: str) -> tuple[Piece, ...] | None:
        """Return a sentence behind the name of the source or the file that it is about."""
        at = 0
        while found := _BEFORE_COLON.match(text, at):
            at = found.end()
            rest = text[at:]
            if said := self._sentence(rest):
                return ((text[:at], True), *said)
        return None


def _all_known(pieces: tuple[Piece, ...] | None) -> bool:
    return bool(pieces) and all(known for _, known in pieces)


def _any_known(pieces: tuple[Piece, ...]) -> bool:
    return any(known and piece != "; " for piece, known in pieces)


def shortened(pieces: tuple[Piece, ...], most: int) -> tuple[Piece, ...]:
    """Cut pieces after so many characters, with an ellipsis."""
    if sum(len(piece) for piece, _ in pieces) <= most:
        return pieces
    kept, left = [], most - 1
    for piece, known in pieces:
        if left > 0:
            kept.append((piece[:left].rstrip() + "…" if len(piece) >= left else piece, known))
        left -= len(piece)
    return tuple(kept)


def _patterns(sentences: tuple[str, ...]) -> list[tuple[str, re.Pattern[str]]]:
    """The sentences that say most first: `{path} answered {status}.` would fit others too."""
    made = []
    for sentence in sorted(sentences, key=lambda one: -len(_NAME.sub("", one))):
        parts = _NAME.split(sentence.removesuffix("."))
        written = (
            f"(?P<{part}>{_FORMS.get(part, _ANY)})" if place % 2 else re.escape(part)
            for place, part in enumerate(parts)
        )
        made.append((sentence, re.compile("".join(written) + r"\.?" * sentence.endswith("."), re.DOTALL)))
    return made
