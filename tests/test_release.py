"""The release: what a wheel may hold, and the workflows' steps."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from torchdial.version import __version__

ROOT = Path(__file__).parents[1]
CHECK = ROOT / "scripts/check_wheel.py"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
STATIC = "torchdial/static/"
Files = dict[str, str]


def whole_wheel() -> Files:
    """What a wheel of this checkout holds, from git's list of its files."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "src/torchdial"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    files = {name.removeprefix("src/"): "x" for name in listed if (ROOT / name).exists()}
    files |= {f"{STATIC}{name}": "x" for name in ("boot.js", "report.js", "report.css")}
    for widget in ("classification", "detection", "segmentation", "image_grid", "model_tree"):
        files |= {f"{STATIC}{widget}.js": "x", f"{STATIC}{widget}.css": "x"}
    for plot in ("loss_plot", "gradient_plot", "training_panel"):
        files |= {f"{STATIC}{plot}.js": "x", f"{STATIC}{plot}.css": "x"}
    about = f"torchdial-{__version__}.dist-info"
    return files | {f"{about}/{name}": "x" for name in ("METADATA", "RECORD", "licenses/LICENSE")}


def without(name: str) -> Callable[[Files], Files]:
    return lambda files: {each: text for each, text in files.items() if each != name}


def beside(name: str, text: str = "x") -> Callable[[Files], Files]:
    return lambda files: files | {name: text}


def check(folder: Path, files: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess:
    wheel = folder / f"torchdial-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    command = [sys.executable, str(CHECK), str(wheel), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_whole_wheel_passes(tmp_path: Path) -> None:
    done = check(tmp_path, whole_wheel(), "--tag", f"v{__version__}")
    assert (done.returncode, done.stderr) == (0, "")


WRONG = {
    "a bundle is missing": (without(f"{STATIC}detection.js"), "missing: .*/detection.js"),
    "a style is missing": (without(f"{STATIC}report.css"), "missing: .*/report.css"),
    "a bundle is empty": (beside(f"{STATIC}boot.js", ""), "empty: .*/boot.js"),
    "a module is missing": (without("torchdial/doctor.py"), "missing: torchdial/doctor.py"),
    "the marker of types is missing": (without("torchdial/py.typed"), "missing: .*py.typed"),
    "no licence": (without(f"torchdial-{__version__}.dist-info/licenses/LICENSE"), "LICENSE"),
    "a TypeScript source": (beside("js/src/boot.ts"), "does not belong into it: js/src/boot.ts"),
    "a source map": (beside(f"{STATIC}boot.js.map"), "does not belong into it: .*boot.js.map"),
    "a package of npm": (beside("torchdial/node_modules/a.js"), "does not belong .*node_modules"),
    "a test": (beside("tests/test_a.py"), "does not belong into it: tests/test_a.py"),
    "another version": (beside("torchdial-9.0.dist-info/METADATA"), "does not belong .*-9.0"),
}


@pytest.mark.parametrize(("change", "line"), WRONG.values(), ids=WRONG)
def test_a_wheel_with_one_fault_fails(
    change: Callable[[Files], Files], line: str, tmp_path: Path
) -> None:
    done = check(tmp_path, change(whole_wheel()))
    assert done.returncode == 1
    first, *lines = done.stderr.splitlines()
    assert first.endswith(".whl:")
    assert len(lines) == 1
    assert re.search(line, lines[0])


def test_a_wheel_of_another_tag_fails(tmp_path: Path) -> None:
    done = check(tmp_path, whole_wheel(), "--tag", "v9.0.0")
    assert done.returncode == 1
    assert f"expected the tag v{__version__}, got v9.0.0" in done.stderr


def test_the_smoke_test_refuses_a_checkout() -> None:
    """It is there for the wheel; where a checkout is imported it would prove nothing."""
    smoke = runpy.run_path(str(ROOT / "scripts/smoke_test.py"))
    with pytest.raises(SystemExit, match="Install the wheel there"):
        smoke["main"]()


def jobs() -> dict[str, dict[str, Any]]:
    return {
        f"{path.stem}: {name}": job
        for path in WORKFLOWS
        for name, job in yaml.safe_load(path.read_text())["jobs"].items()
    }


JOBS = jobs()
STEPS = [
    pytest.param(step["run"], id=f"{job}, step {index}")
    for job, content in JOBS.items()
    for index, step in enumerate(content.get("steps", []))
    if "run" in step
]


def step(job: str, name: str) -> str:
    """Return what the step of a job runs whose name begins so."""
    (script,) = (s["run"] for s in JOBS[job]["steps"] if s.get("name", "").startswith(name))
    return script


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_every_action_is_pinned_to_a_commit_with_its_version(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(?: # (\S+))?$", path.read_text(), re.M)
    assert used
    for action, version in used:
        if not action.startswith("./"):
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", action)
            assert re.fullmatch(r"v\d+\.\d+\.\d+", version)
        else:
            assert (ROOT / action).exists()


def test_the_same_action_is_of_the_same_version_everywhere() -> None:
    text = "".join(path.read_text() for path in WORKFLOWS)
    used = {line.strip().removeprefix("- ") for line in re.findall(r"uses: \w+.*@.*", text)}
    assert len({line.partition("@")[0] for line in used}) == len(used)


@pytest.mark.parametrize("script", STEPS)
def test_a_step_can_be_read_by_bash_and_what_it_runs_exists(script: str) -> None:
    plain = re.sub(r"\$\{\{.*?\}\}", "value", script)
    subprocess.run(["bash", "-n"], input=plain, text=True, check=True)
    for path in re.findall(r"(?:scripts|tests)/[\w/.]+", script):
        assert (ROOT / path).exists()
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (.+)$", script, re.M):
        assert all(re.search(rf"^{name}:", makefile, re.M) for name in target.split())


@pytest.mark.parametrize(
    ("tag", "code"), [("v0.1.0", 0), ("v0.1.1", 1), ("v0.1", 1)], ids=["as it is", "later", "short"]
)
def test_the_step_for_the_changelog(tag: str, code: int, tmp_path: Path) -> None:
    changes = "# Changelog\n\n## Unreleased\n\n## 0.1.0 - 2026-01-02\n"
    (tmp_path / "CHANGELOG.md").write_text(changes)
    command = ["bash", "-e", "-c", step("release: build", "The changelog has")]
    names = {"GITHUB_REF_NAME": tag, "PATH": os.environ["PATH"]}
    assert subprocess.run(command, cwd=tmp_path, env=names, check=False).returncode == code


def test_only_publishing_may_ask_for_an_identity_and_it_waits_for_all_others() -> None:
    release = {name: job for name, job in JOBS.items() if name.startswith("release: ")}
    asking = [name for name, job in release.items() if "id-token" in job.get("permissions", {})]
    assert asking == ["release: publish"]
    others = {name.removeprefix("release: ") for name in release if name not in asking}
    assert set(release["release: publish"]["needs"]) == others
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}


def test_the_release_tries_a_test_that_exists() -> None:
    (script,) = (
        s["run"] for s in JOBS["release: use"]["steps"] if s.get("name") == "In JupyterLab"
    )
    path, words = re.findall(r"pytest (\S+) -k (\w+)", script)[0]
    assert re.search(rf"^def test_\w*{words}", (ROOT / path).read_text(), re.M)
