"""What the troubleshooting page says of a source file."""

from tests.docs import site  # noqa: F401 - for the path of the build's own code

SOURCE = '''
def check(path):
    """Raise."""
    if path is None:
        raise refusal("path", expected="a file", got=describe(path), remedy=f"Pass {path!r}" + ".")
    if path == "":
        raise ValueError(f"no file called {path}; name one")
    raise
'''


def test_the_words_of_errors_are_read_from_the_source() -> None:
    from error_messages import messages

    assert set(messages(SOURCE)) == {
        "path: expected a file, got …. Pass ….",
        "no file called …; name one",
    }
