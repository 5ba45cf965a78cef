"""The registry is complete, and its promises about every descriptor can be kept."""

import subprocess
import sys
from pathlib import Path

import pytest

from chartropy.features.registry import DESCRIPTORS, FAMILIES, as_markdown


def test_every_field_is_filled():
    for descriptor in DESCRIPTORS.values():
        for name in ("unit", "definition", "source", "label", "label_ru"):
            assert getattr(descriptor, name).strip(), f"{name} of {descriptor.name} is empty"
        assert descriptor.low < descriptor.high, descriptor.name
        assert descriptor.definition.endswith("."), descriptor.name


def test_names_say_their_family():
    for name, descriptor in DESCRIPTORS.items():
        assert name == descriptor.name
        assert name.split(".")[0] == descriptor.family
        assert 2 <= len(name.split(".")) <= 4
        assert not descriptor.label_ru.isascii() or descriptor.label_ru.isspace()


def test_families_come_in_order_and_none_is_empty():
    seen = list(dict.fromkeys(d.family for d in DESCRIPTORS.values()))
    assert tuple(seen) == FAMILIES


def test_labels_tell_descriptors_apart():
    labels = [(d.label, d.name.rsplit(".", 1)[-1]) for d in DESCRIPTORS.values()]
    assert len(set(labels)) == len(labels)


def test_registry_cannot_be_changed():
    with pytest.raises(TypeError):
        DESCRIPTORS["timbre.centroid.mean"] = None


def test_importing_loads_no_heavy_library():
    code = (
        "import sys, chartropy.features.describe\n"
        "print([m for m in ('librosa', 'scipy', 'numba', 'essentia', 'soxr') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def test_russian_labels_tell_descriptors_apart():
    labels = [(d.label_ru, d.name.rsplit(".", 1)[-1]) for d in DESCRIPTORS.values()]
    assert len(set(labels)) == len(labels)


def test_every_definition_stands_alone():
    for descriptor in DESCRIPTORS.values():
        assert not descriptor.definition.startswith(("The same", "As ")), descriptor.name


def test_the_list_in_the_docs_is_that_of_the_registry():
    docs = Path(__file__).resolve().parents[2] / "docs" / "DESCRIPTOR_LIST.md"
    assert docs.read_text(encoding="utf-8") == as_markdown()
