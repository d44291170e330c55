"""Clicks in common versions of ipykernel; the newest and Colab's are tested elsewhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.install

ROOT = Path(__file__).parents[2]
VERSION = "import ipykernel; print(ipykernel.__version__)"
TESTS = (
    "tests/widgets/test_ipykernel_internals.py",
    "tests/widgets/live/test_clicks_while_busy.py",
    "tests/widgets/live/test_settings_while_busy.py",
)
SITE = "import sysconfig; print(sysconfig.get_path('purelib'))"


@pytest.mark.parametrize("version", ["6.31.0", "7.3.0"])
def test_clicks_arrive_in_ipykernel(version, tmp_path):
    def run(*command):
        done = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True)
        if done.returncode != 0:
            pytest.fail(f"{' '.join(command)}\n{done.stdout}\n{done.stderr}", pytrace=False)
        return done.stdout.strip()

    env = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    python = str(tmp_path / "bin" / "python")
    run(sys.executable, "-m", "venv", str(tmp_path))
    # Everything else, above all torch, comes from this environment, later on sys.path.
    dependencies = [path for path in sys.path if Path(path).name.endswith("-packages")]
    Path(run(python, "-c", SITE), "zz-dependencies.pth").write_text("\n".join(dependencies))
    run(python, "-m", "pip", "install", "-q", "--no-compile", f"ipykernel=={version}")
    assert run(python, "-c", VERSION) == version
    assert " passed" in run(python, "-m", "pytest", "-q", *TESTS)
