"""Every way to install torchdial works on a machine without Node."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path, PurePosixPath

import pytest

pytestmark = pytest.mark.install

ROOT = Path(__file__).parents[2]
BUNDLES = {"segmentation.css", "segmentation.js"}
NODE_TOOLS = ("node", "nodejs", "npm", "npx", "corepack", "yarn", "pnpm", "bun", "deno")
USE = """
import torch, torchdial
torchdial.SegmentationPreview(torch.rand(1, 3, 8, 8), torch.rand(1, 8, 8))
print(torchdial.__file__)
"""


def run(*command, env, check=True, **options):
    done = subprocess.run(
        [str(part) for part in command], env=env, capture_output=True, text=True, **options
    )
    if check and done.returncode != 0:
        pytest.fail(f"{' '.join(done.args)}\n{done.stdout}\n{done.stderr}", pytrace=False)
    return done


class FreshVenv:
    """A virtual environment: pip installs into it, then it gets access to the dependencies."""

    def __init__(self, folder, env):
        self.python = folder / "bin" / "python"
        self.env = env
        run(sys.executable, "-m", "venv", folder, env=env)
        self.site = Path(
            run(
                self.python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", env=env
            ).stdout.strip()
        )

    def install(self, *arguments, **changes):
        run(
            *(self.python, "-m", "pip", "install", "--no-deps", *arguments),
            env={**self.env, **changes},
        )
        # Paths from a .pth file go to the end of sys.path, and their own .pth files are ignored,
        # such as that of an editable torchdial.
        dependencies = [path for path in sys.path if Path(path).name.endswith("-packages")]
        (self.site / "zz-dependencies.pth").write_text("\n".join(dependencies))

    def use(self, check=True):
        return run(self.python, "-c", USE, env=self.env, check=check, cwd=self.site.anchor)

    def assert_works_from(self, package):
        assert Path(self.use().stdout.strip()) == package / "__init__.py"
        assert {path.name for path in (package / "static").iterdir()} >= BUNDLES


@pytest.fixture(scope="session")
def env(tmp_path_factory):
    """The environment of a machine that has git but no Node."""
    tools = tmp_path_factory.mktemp("bin")
    (tools / "git").symlink_to(shutil.which("git"))
    for tool in NODE_TOOLS:
        assert shutil.which(tool, path=str(tools)) is None
    unwanted = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV"}
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    return {**kept, "PATH": str(tools)}


def copy_tree(target):
    """Copy all files that git tracks or would track, but no build outputs."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, listing.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    assert not (target / "src/torchdial/static").exists()
    assert not (target / "js/node_modules").exists()
    return target


@pytest.fixture
def tree(tmp_path):
    return copy_tree(tmp_path / "tree")


@pytest.fixture(scope="session")
def sdist(tmp_path_factory, env):
    """The sdist of a tree that contains old build outputs."""
    tree = copy_tree(tmp_path_factory.mktemp("sdist") / "tree")
    for built in ("src/torchdial/static/segmentation.js", "js/node_modules/esbuild/index.js"):
        (tree / built).parent.mkdir(parents=True)
        (tree / built).write_text("stale")
    run(sys.executable, "-m", "build", "--sdist", "--outdir", tree / "out", tree, env=env)
    (path,) = (tree / "out").glob("*.tar.gz")
    return path


@pytest.fixture(scope="session")
def wheel(tmp_path_factory, env, sdist):
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "-w", folder, sdist, env=env)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="session")
def wheel_venv(tmp_path_factory, env, wheel):
    """An environment with the wheel, installed without an index and with an unreachable proxy."""
    venv = FreshVenv(tmp_path_factory.mktemp("wheel-venv") / "venv", env)
    unreachable = "http://127.0.0.1:9"
    venv.install(
        "--no-index",
        wheel,
        http_proxy=unreachable,
        https_proxy=unreachable,
        all_proxy=unreachable,
        no_proxy="",
    )
    return venv


def test_pip_install_from_a_folder(tmp_path, env, tree):
    venv = FreshVenv(tmp_path / "venv", env)
    venv.install(tree)
    venv.assert_works_from(venv.site / "torchdial")


def test_pip_install_editable(tmp_path, env, tree):
    venv = FreshVenv(tmp_path / "venv", env)
    venv.install("-e", tree)
    venv.assert_works_from(tree / "src" / "torchdial")


def test_pip_install_from_git(tmp_path, env, tree):
    run("git", "init", "--quiet", env=env, cwd=tree)
    run("git", "add", "--all", env=env, cwd=tree)
    run(
        *("git", "-c", "user.name=t", "-c", "user.email=t@example.org"),
        *("-c", "commit.gpgsign=false", "commit", "--quiet", "--no-verify", "--message=all"),
        env=env,
        cwd=tree,
    )
    venv = FreshVenv(tmp_path / "venv", env)
    venv.install(f"git+{tree.as_uri()}")
    venv.assert_works_from(venv.site / "torchdial")


def test_wheel_from_the_sdist_installs_with_neither_node_nor_network(wheel_venv):
    wheel_venv.assert_works_from(wheel_venv.site / "torchdial")


def test_wheel_holds_the_package_and_the_bundles_and_nothing_else(wheel, env):
    run(sys.executable, ROOT / "scripts/check_wheel.py", wheel, env=env)


def test_sdist_holds_the_javascript_sources_and_nothing_built(sdist):
    with tarfile.open(sdist) as archive:
        names = [
            PurePosixPath(name).relative_to(sdist.name[: -len(".tar.gz")])
            for name in archive.getnames()
        ]
    needed = {"hatch_build.py", "js/package-lock.json", "js/build.mjs", "js/src/segmentation.ts"}
    assert needed <= {str(name) for name in names}
    assert "node_modules" not in {part for name in names for part in name.parts}
    assert not [name for name in names if name.is_relative_to("src/torchdial/static")]


def test_missing_bundle_says_what_to_run(wheel_venv, tmp_path):
    static = wheel_venv.site / "torchdial" / "static"
    shutil.move(static, tmp_path / "static")
    try:
        done = wheel_venv.use(check=False)
    finally:
        shutil.move(tmp_path / "static", static)
    assert done.returncode != 0
    error = done.stderr.strip().splitlines()[-1]
    assert error.startswith("FileNotFoundError:")
    assert str(static) in error
    assert "pip install -e ." in error
