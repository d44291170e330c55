"""The names of what torchdial measures, apart from what a user logs.

They begin with `optim/`, `time/` or `system/` from the first step on. A short name such as
"grad_norm" or "lr" stands for the measured series only while the user logs none of that name.
"""

from __future__ import annotations

from collections.abc import Collection

PREFIXES = ("optim/", "time/", "system/")  # js/src/lib/charts/scalar_names.ts has the same
GRAD_NORM = "optim/grad_norm"
LEARNING_RATE = "optim/lr"
CLIP_COEFFICIENT = "optim/clip_coefficient"
AMP_SCALE = "optim/amp_scale"
SKIPPED = "optim/skipped"
EPOCH = "time/epoch"

_BEFORE = ("grad_norm", "lr", "clip_coefficient", "amp_scale", "skipped")


def is_measured(name: str) -> bool:
    """Return whether a scalar is one that torchdial measures.

    Example:
        >>> [name for name in ("optim/lr", "lr", "system/memory") if is_measured(name)]
        ['optim/lr', 'system/memory']
    """
    return name.startswith(PREFIXES)


def is_one_of(name: str, measured: str) -> bool:
    """Return whether a scalar is a measured one, of any optimizer or parameter group.

    Example:
        >>> is_one_of("optim/lr/head", LEARNING_RATE), is_one_of("lr", LEARNING_RATE)
        (True, False)
    """
    return name == measured or name.startswith(f"{measured}/")


def recorded_as(name: str, names: Collection[str]) -> str | None:
    """Return the recorded scalar that a name stands for, or None.

    Args:
        name: a full name, or a measured one's without its prefix.
        names: what is recorded.

    Example:
        >>> recorded_as("lr", ["loss", "optim/lr"]), recorded_as("lr", ["lr", "optim/lr"])
        ('optim/lr', 'lr')
    """
    if name in names:
        return name
    return next((prefix + name for prefix in PREFIXES if prefix + name in names), None)


def names_since_prefixes(names: Collection[str], has_norms: bool) -> dict[str, str]:
    """Return new names by old ones for a run recorded before measured names had a prefix.

    Such a run has gradient norms and "system/" scalars but none of "optim/"; others give {}.

    Args:
        names: its scalars.
        has_norms: whether gradient norms of its layers were recorded.

    Example:
        >>> names_since_prefixes(["loss", "lr/0", "system/memory"], has_norms=True)
        {'lr/0': 'optim/lr/0'}
    """
    is_monitored = any(name.startswith("system/") for name in names)
    if not (has_norms and is_monitored) or any(name.startswith("optim/") for name in names):
        return {}
    return {name: f"optim/{name}" for name in names if name.split("/")[0] in _BEFORE}
