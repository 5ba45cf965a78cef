from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import mutagen
import numpy as np
import pytest
import soundfile
from mutagen.id3 import COMM, TPE1, TXXX, WOAS
from mutagen.mp4 import MP4

from chartropy.audio.decode import Audio
from chartropy.audio.disturb import DISTURBANCES
from chartropy.audio.tags import read_tags

SUNO = "made with suno; created=2025-11-03T10:20:30Z; id=0a1b2c3d-0000-4000-8000-000000000000"


@pytest.fixture
def mp3(tmp_path) -> Path:
    path = tmp_path / "song.mp3"
    soundfile.write(path, np.zeros((44_100, 2)), 44_100, format="MP3")
    return path


@pytest.fixture
def wav(tmp_path) -> Path:
    path = tmp_path / "song.wav"
    soundfile.write(path, np.zeros((4_410, 2)), 44_100)
    return path


def m4a(tmp_path: Path) -> Path:
    import av

    path = tmp_path / "song.m4a"
    with av.open(path, "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def info_chunk(path: Path, name: bytes, text: str) -> None:
    """Append a LIST INFO chunk to a WAV."""
    value = text.encode() + b"\0"
    value += b"\0" * (len(value) % 2)
    part = name + len(value).to_bytes(4, "little") + value
    chunk = b"LIST" + (len(part) + 4).to_bytes(4, "little") + b"INFO" + part
    data = path.read_bytes() + chunk
    path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:])


class TestTags:
    @pytest.mark.parametrize(
        "frame", [TXXX(encoding=3, desc="comment", text=SUNO), COMM(encoding=3, lang="eng", text=SUNO)]
    )
    def test_suno_in_an_mp3(self, mp3, frame):
        file = mutagen.File(mp3)  # pyright: ignore[reportPrivateImportUsage]
        file.add_tags()
        file.tags.add(frame)
        file.save()
        (said,) = read_tags(mp3)
        assert (said.source, said.maker, said.when, said.trusted) == ("tags", "suno", "2025-11-03", False)
        assert SUNO in said.ground

    def test_suno_in_an_m4a(self, tmp_path):
        path = m4a(tmp_path)
        file = MP4(path)
        file["\xa9cmt"] = [SUNO]
        file.save()
        assert [said.maker for said in read_tags(path)] == ["suno"]

    def test_suno_in_a_wav(self, wav):
        info_chunk(wav, b"ICMT", SUNO)
        (said,) = read_tags(wav)
        assert (said.maker, said.when) == ("suno", "2025-11-03")
        assert "ICMT" in said.ground

    def test_udio_as_the_artist(self, mp3):
        file = mutagen.File(mp3)  # pyright: ignore[reportPrivateImportUsage]
        file.add_tags()
        file.tags.add(TPE1(encoding=3, text="Udio"))
        file.save()
        assert [said.maker for said in read_tags(mp3)] == ["Udio"]

    @pytest.mark.parametrize(
        "text",
        [
            *(
                "made with love",
                "a song about suno",
                "Suno Deep",
                "recorded in Suno, Japan",
                "https://example.com/suno",
            ),
            *("This was NOT made with Suno, all humans", "Better than anything made with suno"),
        ],
    )
    def test_words_that_say_no_such_thing(self, mp3, text):
        file = mutagen.File(mp3)  # pyright: ignore[reportPrivateImportUsage]
        file.add_tags()
        file.tags.add(COMM(encoding=3, lang="eng", text=text))
        file.tags.add(TPE1(encoding=3, text=text))
        file.save()
        assert read_tags(mp3) == []

    def test_its_page_at_the_generator(self, mp3):
        file = mutagen.File(mp3)  # pyright: ignore[reportPrivateImportUsage]
        file.add_tags()
        file.tags.add(WOAS(url="https://suno.com/song/0a1b2c3d"))
        file.save()
        (said,) = read_tags(mp3)
        assert said.maker == "suno"
        assert "https://suno.com/song/0a1b2c3d" in said.ground

    def test_once_however_often_it_is_written(self, mp3):
        file = mutagen.File(mp3)  # pyright: ignore[reportPrivateImportUsage]
        file.add_tags()
        file.tags.add(COMM(encoding=3, lang="eng", text=SUNO))
        file.tags.add(TXXX(encoding=3, desc="comment", text=SUNO))
        file.save()
        assert len(read_tags(mp3)) == 1

    def test_nothing_to_read(self, mp3, wav, tmp_path):
        assert read_tags(mp3) == read_tags(wav) == []
        (tmp_path / "junk.mp3").write_bytes(b"ID3" + bytes(range(256)) * 4)
        (tmp_path / "cut.wav").write_bytes(wav.read_bytes()[:30])
        (tmp_path / "lying.wav").write_bytes(b"RIFF\xff\xff\xff\xffWAVELIST\xff\xff\xff\x7fINFO")
        for path in (tmp_path / "junk.mp3", tmp_path / "cut.wav", tmp_path / "lying.wav", tmp_path / "none.mp3"):
            assert read_tags(path) == []

    def test_disturbing_is_of_samples_alone(self):
        assert all(
            isinstance(change(Audio(np.zeros((2, 4410), np.float32), 44_100)), Audio)
            for change in list(DISTURBANCES.values())[2:4]
        )


class TestC2pa:
    @pytest.fixture
    def sign(self, tmp_path):
        """Sign a WAV with a certificate made here."""
        c2pa = pytest.importorskip("c2pa")
        x509 = pytest.importorskip("cryptography.x509")
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        def name(common: str):
            return x509.Name(
                [
                    x509.NameAttribute(x509.NameOID.COMMON_NAME, common),
                    x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Test Generator Inc."),
                ]
            )

        def certificate(subject, issuer, key, signer, *, root: bool):
            now = datetime.now(UTC)
            usage = dict.fromkeys(
                (
                    "content_commitment",
                    "key_encipherment",
                    "data_encipherment",
                    "key_agreement",
                    "encipher_only",
                    "decipher_only",
                ),
                False,
            )
            made = (
                x509.CertificateBuilder().subject_name(name(subject)).issuer_name(name(issuer)).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
                .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
                .add_extension(x509.KeyUsage(digital_signature=True, key_cert_sign=root, crl_sign=root, **usage), critical=True)
                .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
                .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            )  # fmt: skip
            if not root:
                made = made.add_extension(
                    x509.ExtendedKeyUsage([x509.ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
                )
            return made.sign(signer, hashes.SHA256())

        keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
        chain = [
            certificate("Test Signer", "Test Root", keys[0], keys[1], root=False),
            certificate("Test Root", "Test Root", keys[1], keys[1], root=True),
        ]
        pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in chain)
        private = keys[0].private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

        def sign(path: Path, kind: str) -> Path:
            info = c2pa.C2paSignerInfo(alg=b"es256", sign_cert=pem, private_key=private, ta_url=None)
            manifest = {
                "claim_generator_info": [{"name": "Test Generator", "version": "1"}],
                "format": "audio/wav",
                "assertions": [
                    {
                        "label": "c2pa.actions",
                        "data": {
                            "actions": [
                                {
                                    "action": "c2pa.created",
                                    "digitalSourceType": f"http://cv.iptc.org/newscodes/digitalsourcetype/{kind}",
                                }
                            ]
                        },
                    }
                ],
            }
            signed = path.with_name("signed.wav")
            with c2pa.Builder(json.dumps(manifest)) as builder, c2pa.Signer.from_info(info) as signer:
                builder.sign_file(str(path), str(signed), signer)
            return signed

        return sign

    def test_a_signed_record_of_a_model(self, sign, wav):
        (said,) = read_tags(sign(wav, "trainedAlgorithmicMedia"))
        assert (said.source, said.maker) == ("c2pa", "Test Generator")
        assert "trainedAlgorithmicMedia" in said.ground
        assert "Test Generator Inc." in said.ground

    def test_a_signed_record_of_a_recording(self, sign, wav):
        assert read_tags(sign(wav, "digitalCapture")) == []

    def test_a_record_whose_sound_was_changed_is_not_trusted(self, sign, wav):
        signed = sign(wav, "trainedAlgorithmicMedia")
        data = bytearray(signed.read_bytes())
        place = data.index(b"data") + 100
        data[place] ^= 1
        signed.write_bytes(data)
        (said,) = read_tags(signed)
        assert not said.trusted
        assert "does not hold" in said.ground
