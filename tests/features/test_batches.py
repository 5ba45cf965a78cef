"""Spectra taken by PyTorch in batches give the numbers that `describe` gives."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from chartropy.audio.decode import Audio, decode
from chartropy.audio.synthesize import synthesize
from chartropy.features import batches, spectra
from chartropy.features.batches import check_device, describe_batch
from chartropy.features.describe import describe
from chartropy.features.registry import DESCRIPTORS
from chartropy.workspace.errors import AudioError, SettingsError

RATE = 44_100
CORPUS = (
    Path(os.environ.get("CHARTROPY_SHARED", Path(__file__).resolve().parents[2] / ".." / "shared")).resolve() / "corpus"
)


@pytest.fixture(scope="module")
def torch():
    pytest.importorskip("torchaudio", reason="torchaudio is not installed: pip install 'chartropy[torch]'")
    return pytest.importorskip("torch", reason="PyTorch is not installed: pip install 'chartropy[torch]'")


@pytest.fixture(scope="module", params=["cpu", "cuda"])
def device(torch, request):
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    return request.param


def clips():
    """Short and long, mono, silent, of other rates, alike and unlike in length: what one batch may hold."""
    song, other = synthesize(1, seconds=12.0), synthesize(2, seconds=12.0, machine_made=True)
    return [
        song,
        Audio(song.samples[:1], RATE, name="mono"),
        Audio(song.samples[:, : 7 * RATE], RATE, name="seven seconds"),
        other,
        Audio(np.zeros((2, 3 * RATE), np.float32), RATE, name="silence"),
        Audio(other.samples[:, : RATE // 2], RATE, name="half a second"),
        Audio(other.samples[:, : RATE // 3], RATE, name="too short"),
        synthesize(3, seconds=10.0, rate=48_000),
        synthesize(3, seconds=10.0, rate=16_000),
        Audio(np.stack([song.samples[0], -song.samples[0]]), RATE, name="channels that cancel"),
        Audio(np.stack([song.samples[0]] * 2), RATE, name="mono in two channels"),
        Audio(np.full((2, RATE), np.nan, np.float32), RATE, name="no numbers"),
        Audio(song.samples * np.float32(0.01), RATE, name="quiet"),
        Audio(np.pad(song.samples[:, : 3 * RATE], ((0, 0), (RATE, 5 * RATE))), RATE, name="mostly silent"),
    ]


def outcomes(clips):
    """What `describe` gives of each clip, or why it refuses it."""
    found = []
    for clip in clips:
        try:
            found.append(describe(clip, sketch=True))
        except AudioError as error:
            found.append(str(error))
    return found


def far(plain, batched):
    """Numbers that differ by more than 1e-3 of themselves, or of the descriptor's standard deviation over the clips."""
    a, b = (np.array([one.values for one in found], np.float64) for found in (plain, batched))
    scale = np.maximum(np.abs(a), np.ma.masked_invalid(a).std(axis=0).filled(0))
    names = list(DESCRIPTORS)
    return [(place, names[n], a[place, n], b[place, n]) for place, n in np.argwhere(np.abs(a - b) > 1e-3 * scale)]


def check_alike(plain, batched):
    """Everything but the numbers is the same; levels of the sketch are, to the float16 they are kept as."""
    for one, other in zip(plain, batched, strict=True):
        assert other.reasons == one.reasons
        assert (np.isnan(other.values) == np.isnan(one.values)).all()
        for name in ("sha256", "seconds", "rate", "codec", "start", "file_seconds", "extractor_version"):
            assert getattr(other, name) == getattr(one, name)
        for name in ("seconds", "rate", "channels", "peak_db", "rms_db", "silent", "bandwidth"):
            assert getattr(other.sketch, name) == getattr(one.sketch, name)
        for name in ("mid", "side", "low", "steps"):
            levels, others = (getattr(found.sketch, name).astype(float) for found in (one, other))
            heard = levels > -110  # below, it is the rounding of single precision that is seen
            np.testing.assert_allclose(others[heard], levels[heard], atol=0.125, err_msg=name)
            np.testing.assert_allclose(others, levels, atol=1, err_msg=name)


def test_clips_of_all_kinds_give_the_same_numbers_and_reasons(device):
    everything = clips()
    plain, batched = outcomes(everything), describe_batch(everything, device, sketch=True)
    refused = [place for place, found in enumerate(plain) if isinstance(found, str)]
    assert [everything[place].name for place in refused] == ["too short", "no numbers"]
    assert [batched[place] for place in refused] == [plain[place] for place in refused]
    plain, batched = ([f for f in found if not isinstance(f, str)] for found in (plain, batched))
    check_alike(plain, batched)
    assert far(plain, batched) == []


@pytest.mark.skipif(
    not (CORPUS / "clips.csv").exists(),
    reason=f"no clips at {CORPUS}: set CHARTROPY_SHARED to the folder that has them",
)
def test_real_clips_give_the_same_numbers(device):
    with (CORPUS / "clips.csv").open(newline="") as file:
        paths = [row["path"] for row in csv.DictReader(file)][::49]
    real = [decode(CORPUS / path, rate=RATE) for path in paths]
    plain, batched = outcomes(real), describe_batch(real, device, sketch=True)
    check_alike(plain, batched)
    # of two combs as high the other may be chosen, and a band may hold only rounding: in one clip of fifty
    assert len(far(plain, batched)) <= 2


def test_small_batches_and_blocks_give_the_same_numbers(torch, monkeypatch):
    everything = [clip for clip in clips() if clip.name not in ("too short", "no numbers")]
    at_once = describe_batch(everything, sketch=True)
    monkeypatch.setattr(batches, "_BATCH", 20 * RATE)
    monkeypatch.setitem(batches._AT_ONCE, "cpu", 2**16)
    piece_by_piece = describe_batch(everything, sketch=True)
    check_alike(at_once, piece_by_piece)
    assert far(at_once, piece_by_piece) == []


def test_a_batch_holds_no_more_than_so_many_samples(monkeypatch):
    monkeypatch.setattr(batches, "_BATCH", 10 * RATE)
    lengths = [3.0, 1.0, 12.0, 5.0, 5.0, 4.0, 1.0, 11.0]
    found = list(batches._batches([Audio(np.zeros((1, int(s * RATE)), np.float32), RATE) for s in lengths]))
    assert sorted(place for batch in found for place in batch) == list(range(len(lengths)))
    assert all(len(batch) == 1 or max(lengths[p] for p in batch) * len(batch) <= 10 for batch in found)
    assert len(found) < len(lengths)


def test_no_clips_give_nothing(torch):
    assert describe_batch([]) == []


def test_threads_are_given_back(torch):
    before = torch.get_num_threads()
    describe_batch([synthesize(1, seconds=1.0)])
    assert torch.get_num_threads() == before


def test_every_tensor_is_made_on_the_device(torch, monkeypatch):
    """Run on PyTorch's device without memory: an operation on it and on another device fails, as it would on a card."""

    def host(values):
        assert values.device.type == "meta"
        return np.ones(tuple(values.shape), np.float32)

    monkeypatch.setitem(batches._AT_ONCE, "meta", 2**18)
    monkeypatch.setattr(batches, "_host", host)

    def finish(spectra, _seen, shape, *, sketch):
        assert sketch
        return spectra.power.shape, shape["mfcc"].shape

    monkeypatch.setattr(batches, "finish", finish)
    heard = clips()[:2]
    with torch.inference_mode(), torch.device("meta"):
        found = list(batches._describe(heard, [spectra.listen(clip) for clip in heard], sketch=True))
    assert found == [((515, 463), (515, 13))] * 2


@pytest.mark.parametrize("device", ["tpu", "CUDA", "cuda:", "cuda:x", "", "cpu:0", "mps"])
def test_an_unknown_device_is_named(device):
    with pytest.raises(SettingsError) as caught:
        check_device(device)
    assert str(caught.value) == f"--device {device!r}: there is cpu, and cuda or, for example, cuda:1."


def test_without_pytorch_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setattr(batches, "_missing", "No module named 'torch'")
    for refuse in (check_device, lambda device: describe_batch([], device)):
        with pytest.raises(SettingsError) as caught:
            refuse("cuda")
        assert str(caught.value) == (
            "--device cuda needs PyTorch and torchaudio, which cannot be loaded (No module named 'torch'): "
            "pip install 'chartropy[torch]'"
        )


def test_a_card_that_is_not_there_is_told_with_those_that_are(torch, monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(SettingsError, match=r"--device cuda: PyTorch \S+ finds no such device here.*; there is cpu\.$"):
        check_device("cuda")
    check_device("cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", "Card {}".format)
    check_device("cuda")
    check_device("cuda:1")
    with pytest.raises(SettingsError, match=r"there is cpu, cuda:0 \(Card 0\), cuda:1 \(Card 1\)\.$"):
        check_device("cuda:2")


def test_nothing_loads_pytorch_unless_asked():
    code = (
        "import sys, numpy as np, chartropy.reports.cli, chartropy.reports.weekly\n"
        "from chartropy.audio.decode import Audio\n"
        "from chartropy.features.describe import describe\n"
        "describe(Audio(np.random.default_rng(0).standard_normal((2, 88200)).astype(np.float32), 44100))\n"
        "print([name for name in sys.modules if name.partition('.')[0] in ('torch', 'torchaudio')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
