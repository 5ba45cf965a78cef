"""What the tests of one source ask for."""

from __future__ import annotations

import pytest

from chartropy.charts.sources import SOURCES


@pytest.fixture
def client(request, client_of):
    """A client of the source that the module tests; it asks the scripted server."""
    return client_of(SOURCES[request.module.__name__.rpartition("test_")[2]])
