"""Without a network, and with a count of what was compared for docs/real_libraries.md."""

import os
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from importlib.util import find_spec

import pytest

# The libraries are in an environment of their own, which `make real` makes.
collect_ignore_glob = [] if find_spec("facenet_pytorch") else ["*"]

# The libraries read these when they are imported, which is after this file.
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "YOLO_OFFLINE": "1",
    "YOLO_CONFIG_DIR": tempfile.mkdtemp(),
    "TOKENIZERS_PARALLELISM": "false",
}

from tests.real.cases import Cases  # noqa: E402


@pytest.fixture(autouse=True)
def cases(request: pytest.FixtureRequest) -> Iterator[Cases]:
    """Comparisons of this test with the library that its file is marked with."""
    marker = request.node.get_closest_marker("real")
    library = marker.args[0]
    found = Cases()
    request.node.user_properties += [("library", library), ("version", version(library))]
    yield found
    request.node.user_properties += [
        ("cases", str(found.number)),
        ("differing", str(len(found.differing))),
    ]
