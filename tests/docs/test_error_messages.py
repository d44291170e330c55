"""What the troubleshooting page says of a source file."""

from tests.docs import site  # noqa: F401 - for the path of the build's own code

SOURCE = '''
def check(path):
    """Raise."""
    if path is None:
        raise refusal("path", expected="a file", got=describe(path), remedy=f"Pass {path!r}" + ".")
    if path == "":
        raise ValueError(f"no file called {path}; name one")
    of_kind("path", path, str, expected="text", remedy="Pass a name.")
    number = to_whole("n", path, 0, remedy=remedy)
    if number > 9:
        raise t.TraitError("n: too many")
    raise
'''


def test_the_words_of_errors_are_read_from_the_source() -> None:
    from error_messages import messages

    assert set(messages(SOURCE)) == {
        "path: expected a file, got …. Pass ….",
        "no file called …; name one",
        "path: expected text, got …. Pass a name.",
        "n: too many",
    }
