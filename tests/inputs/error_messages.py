"""The shape every error message has, as a pattern for `pytest.raises`."""

import re


def says(name: str, expected: str, got: str, remedy: str) -> str:
    """Match "name: expected …, got …. …", with these words in the three places."""
    parts = (re.escape(part) for part in (name, expected, got, remedy))
    return r"(?s)^{}: expected .*{}.*, got .*{}.*\. .*{}.*\.$".format(*parts)
