"""`python -m torchdial demo --out report.html` and `python -m torchdial doctor`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m torchdial")
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    demo = commands.add_parser("demo", help="train the demo model and write a report of it")
    demo.add_argument("--out", type=Path, default=Path("report.html"), help="the HTML file")
    commands.add_parser("doctor", help="print versions, host and what works in it, for an issue")
    chosen = parser.parse_args(arguments)
    if chosen.command == "doctor":
        _doctor()
        return
    if not chosen.out.parent.is_dir():
        parser.error(f"--out: expected a file in an existing folder, got {chosen.out}")
    _demo(chosen.out)


def _demo(out: Path) -> None:
    from torchdial.demo.demo_report import write_report

    print(f"training; {out} is ready in about half a minute")  # noqa: T201
    dice = write_report(out)
    print(f"{out}: Dice {dice:.3f} on scenes that the model had not seen")  # noqa: T201


def _doctor() -> None:
    from torchdial.doctor import doctor

    print(doctor())  # noqa: T201


if __name__ == "__main__":
    main()
