"""Names from users, as printed in a figure."""

from __future__ import annotations

import unicodedata

LONGEST_LABEL = 60  # characters; ten thousand take matplotlib seconds


def line(text: str, most: int = LONGEST_LABEL) -> str:
    r"""Return a text that can be printed, on one line, cut in the middle if it is very long.

    Controls and halves of characters, which break fonts and SVG files, become "�", and what
    breaks lines a space. To be printed with `parse_math=False`, or "$" would begin a formula.

    Example:
        >>> line("a\nb\0"), line("encoder.layers.0.weight", most=9)
        ('a b�', 'enco…ight')
    """
    if len(text) > most:
        text = f"{text[: (most - 1) // 2]}…{text[len(text) - most // 2 :]}"
    return "".join(map(_printable, text))


def _printable(character: str) -> str:
    if character.isspace():
        return " "
    return "�" if unicodedata.category(character) in ("Cc", "Cs") else character
