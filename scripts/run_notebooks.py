"""Run every notebook from top to bottom, and check that none was committed with results.

python scripts/run_notebooks.py                 # all of notebooks/
python scripts/run_notebooks.py --check FILE... # only check for results
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
CELL_TIMEOUT_S = 600
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
    "widgets": None,
}


def results_in(notebook: nbformat.NotebookNode) -> list[str]:
    """List the outputs in a notebook, and metadata of the machine it was edited on."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = {
        "outputs": any(cell.outputs for cell in code),
        "execution counts": any(cell.execution_count is not None for cell in code),
        "widget state": "widgets" in notebook.metadata,
        "metadata of a machine": {**notebook.metadata, "widgets": None} != METADATA
        or any(cell.metadata or cell.get("attachments") for cell in notebook.cells),
    }
    return [name for name, present in found.items() if present]


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Run a notebook in a new kernel, started in `folder`."""
    resources = {"metadata": {"path": str(folder)}}
    NotebookClient(
        notebook, timeout=CELL_TIMEOUT_S, kernel_name="python3", resources=resources
    ).execute()


def run(path: Path) -> tuple[list[str], float]:
    """Run a copy of a notebook; return its problems and the seconds it took."""
    start = time.perf_counter()
    problems = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "notebooks"
        shutil.copytree(path.resolve().parent, folder)
        try:
            execute(nbformat.read(path, as_version=4), folder)
        except (CellControlSignal, RuntimeError) as error:
            problems.append(f"failed\n{error}")
    return problems, time.perf_counter() - start


def main() -> int:
    """Print a line for each notebook; return 1 if any fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="only check for results")
    parser.add_argument("notebooks", nargs="*", type=Path)
    options = parser.parse_args()
    paths = options.notebooks or sorted(NOTEBOOKS.glob("*.ipynb"))
    if not paths:
        print(f"no notebooks in {NOTEBOOKS}")
        return 1
    failed = False
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        running = [] if options.check else [pool.submit(run, path) for path in paths]
        for i, path in enumerate(paths):
            notebook = nbformat.read(path, as_version=4)
            problems, took = [f"committed with {found}" for found in results_in(notebook)], ""
            if running:
                failures, seconds = running[i].result()
                problems, took = problems + failures, f" ({seconds:.1f} s)"
            print(f"{path.name}: {', '.join(problems) or 'ok'}{took}", flush=True)
            failed = failed or bool(problems)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
