"""Describers and makers of transformers, by its own pipelines: tiny models of random weights, made here, that know nothing."""

from functools import partial

import numpy as np
import pytest

from chartropy.analysis.loop import Library, Sound, run_loop
from chartropy.analysis.makers import TextToAudio, describer_named, maker_named
from chartropy.audio.synthesize import synthesize

pytest.importorskip("torch", reason="PyTorch is not installed; CI has it in the environment of the extra torch")
transformers = pytest.importorskip(
    "transformers", reason="transformers is not installed; CI has it in the environment of the extra torch"
)

LABELS = ["Guitar", "Piano", "Drum", "Voice"]
TINY = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def songs():
    return [Sound(partial(synthesize, seed, seconds=6), f"song {seed}") for seed in range(10)]


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """A folder with a classifier, a model of sound and words, a captioner and a text-to-music model."""
    from tokenizers import Tokenizer, pre_tokenizers
    from tokenizers.models import WordLevel

    folder = tmp_path_factory.mktemp("models")
    transformers.set_seed(0)
    words = {word: number for number, word in enumerate(["<pad>", "</s>", "<unk>", "music", "fast", "dark"])}
    splits = Tokenizer(WordLevel(words, unk_token="<unk>"))
    splits.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=splits, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )

    def save(name, model, processor):
        model.save_pretrained(folder / name)
        processor.save_pretrained(folder / name)

    places = dict(enumerate(LABELS))
    tree = transformers.ASTConfig(
        **TINY, intermediate_size=16, num_mel_bins=32, max_length=64, id2label=places,
        label2id={label: place for place, label in places.items()},
    )  # fmt: skip
    save(
        "classifier",
        transformers.ASTForAudioClassification(tree),
        transformers.ASTFeatureExtractor(num_mel_bins=32, max_length=64),
    )
    heard = transformers.ClapAudioConfig(
        hidden_size=32, patch_embeds_hidden_size=16, depths=[1, 1], num_attention_heads=[2, 2], projection_dim=16,
        enable_fusion=False,
    )  # fmt: skip
    read = transformers.ClapTextConfig(
        **TINY, vocab_size=6, intermediate_size=16, max_position_embeddings=40, projection_dim=16, pad_token_id=0
    )
    clap = transformers.ClapConfig(text_config=read.to_dict(), audio_config=heard.to_dict(), projection_dim=16)
    save(
        "clap",
        transformers.ClapModel(clap),
        transformers.ClapProcessor(transformers.ClapFeatureExtractor(truncation="rand_trunc"), tokenizer),
    )
    speller = transformers.WhisperTokenizer(vocab={chr(place): place - 33 for place in range(33, 127)}, merges=[])
    spoken = ["<|startoftranscript|>", "<|en|>", "<|transcribe|>", "<|translate|>", "<|nospeech|>", "<|notimestamps|>"]
    speller.add_special_tokens({"additional_special_tokens": spoken})
    whisper = transformers.WhisperForConditionalGeneration(
        transformers.WhisperConfig(
            vocab_size=len(speller), d_model=16, encoder_layers=1, decoder_layers=1, encoder_attention_heads=2,
            decoder_attention_heads=2, encoder_ffn_dim=16, decoder_ffn_dim=16, max_target_positions=40,
            decoder_start_token_id=speller.convert_tokens_to_ids(spoken[0]), pad_token_id=speller.eos_token_id,
            eos_token_id=speller.eos_token_id, bos_token_id=speller.eos_token_id, suppress_tokens=[],
            begin_suppress_tokens=[],
        )
    )  # fmt: skip
    whisper.generation_config.max_new_tokens = 10
    save("captioner", whisper, transformers.WhisperProcessor(transformers.WhisperFeatureExtractor(), speller))
    music = transformers.MusicgenForConditionalGeneration(
        transformers.MusicgenConfig(
            text_encoder=transformers.T5Config(
                vocab_size=6, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2
            ).to_dict(),
            audio_encoder=transformers.EncodecConfig(
                sampling_rate=32_000, upsampling_ratios=[8, 5, 4, 4], num_filters=4, hidden_size=16, num_lstm_layers=1,
                codebook_size=16, codebook_dim=16, target_bandwidths=[2.2],
            ).to_dict(),
            decoder=transformers.MusicgenDecoderConfig(
                **TINY, vocab_size=16, ffn_dim=16, num_codebooks=4, max_position_embeddings=600
            ).to_dict(),
        )
    )  # fmt: skip
    for layer in music.audio_encoder.quantizer.layers:
        layer.codebook.embed.normal_()  # else all codes are nothing
    for token in ("decoder_start_token_id", "pad_token_id", "bos_token_id"):
        setattr(music.generation_config, token, 16)
    codec = transformers.EncodecFeatureExtractor(sampling_rate=32_000)
    save("music", music, transformers.MusicgenProcessor(codec, tokenizer))
    return folder


@pytest.mark.parametrize(
    ("model", "least"), [("classifier", LABELS), ("zero-shot-audio-classification:{}/clap", ["fast", "minor"])]
)
def test_classifiers_say_labels(models, songs, model, least):
    named = model.format(models) if "{" in model else f"{models}/{model}"
    said = describer_named(f"labels:{named}", Library(songs)).describe(songs[0]).split(", ")
    assert 4 <= len(said) == len(set(said)) <= 5
    if model == "classifier":
        assert set(said) == set(least)


def test_captioners_say_text(models, songs):
    hears = describer_named(f"labels:automatic-speech-recognition:{models}/captioner", Library(songs))
    assert 0 < len(hears.describe(songs[0])) <= 10


def test_a_loop_of_two_models(models, songs):
    library = Library(songs)
    hears = describer_named(f"labels:{models}/classifier", library)
    assert isinstance(maker_named(f"text-to-audio:{models}/music", hears, library), TextToAudio)
    makes = TextToAudio(f"{models}/music", tokens=310)
    made, again, other = (makes.make("fast, dark", np.random.default_rng(seed)).audio() for seed in (1, 1, 2))
    assert made.rate == 32_000
    assert made.samples.shape[0] == 1
    assert 6 <= made.samples.shape[1] / made.rate <= 6.2  # fifty tokens a second
    assert np.array_equal(made.samples, again.samples)
    assert not np.array_equal(made.samples, other.samples)
    loop = run_loop(songs[:3], hears, makes, library, rounds=1, replicates=100, draws=5)
    assert set(loop.rows["description"].dropna().iloc[-1].split(", ")) == set(LABELS)
