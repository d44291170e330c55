"""The files around the code: they can be parsed, and what they name exists."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import torchdial as td
from torchdial.__main__ import main
from torchdial.version import __version__

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
GITHUB = ROOT / ".github"
FORMS = [path for path in (GITHUB / "ISSUE_TEMPLATE").glob("*.yml") if path.stem != "config"]
TEXTS = [
    *(ROOT / "SECURITY.md", ROOT / "CODE_OF_CONDUCT.md", ROOT / "CONTRIBUTING.md"),
    *(ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))),
    *(GITHUB / "pull_request_template.md", *FORMS),
]
INPUTS = {"textarea", "input", "dropdown", "checkboxes", "markdown"}


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def named(pattern: str) -> list[Any]:
    """Return what the texts name, each with the file that names it first."""
    found: dict[str, str] = {}
    for path in TEXTS:
        for name in re.findall(pattern, path.read_text(encoding="utf-8")):
            found.setdefault(name, path.name)
    return [pytest.param(name, id=f"{name} in {path}") for name, path in found.items()]


def test_the_citation_is_of_this_version() -> None:
    citation, package = load(ROOT / "CITATION.cff"), project()
    assert citation["version"] == __version__
    assert citation["license"] == package["license"]
    assert citation["title"] == package["name"]
    assert citation["keywords"] == package["keywords"]
    assert citation["authors"] == package["authors"]


def test_the_citation_has_what_its_format_requires() -> None:
    """https://github.com/citation-file-format/citation-file-format/blob/1.2.0/schema-guide.md."""
    citation = load(ROOT / "CITATION.cff")
    assert citation["cff-version"] == "1.2.0"
    assert {"authors", "cff-version", "message", "title"} <= citation.keys()


def test_every_file_names_the_same_repository() -> None:
    repository = load(ROOT / "CITATION.cff")["repository-code"]
    (contact,) = load(GITHUB / "ISSUE_TEMPLATE/config.yml")["contact_links"]
    assert contact["url"] == f"{repository}/security/advisories/new"
    assert project()["urls"]["Repository"] == repository
    name = repository.removeprefix("https://github.com/")
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        links = re.findall(r"/github/(\w+/\w+)/blob/", notebook.read_text(encoding="utf-8"))
        assert set(links) <= {name}, notebook
    for path in (ROOT / "README.md", ROOT / "docs/index.md", *(ROOT / "notebooks").glob("*.ipynb")):
        named = re.findall(r"https://github.com/([\w-]+/[\w-]+)", path.read_text(encoding="utf-8"))
        assert set(named) == {name}, path


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_an_issue_form_has_the_structure_that_github_requires(path: Path) -> None:
    form = load(path)
    assert form.keys() == {"name", "description", "labels", "body"}
    ids = [part["id"] for part in form["body"]]
    assert len(ids) == len(set(ids))
    for part in form["body"]:
        assert part["type"] in INPUTS
        assert part["attributes"]["label"]
        assert part.keys() <= {"type", "id", "attributes", "validations"}
        options = part["attributes"].get("options", [])
        assert bool(options) == (part["type"] == "dropdown")
        assert len(options) == len(set(options))


def test_the_problem_form_asks_for_host_versions_and_a_run_file() -> None:
    parts = {part["id"]: part for part in load(GITHUB / "ISSUE_TEMPLATE/problem.yml")["body"]}
    assert {"host", "doctor", "run"} <= parts.keys()
    assert parts["host"]["validations"]["required"]
    assert parts["doctor"]["validations"]["required"]


def test_the_call_that_writes_a_run_file_works(tmp_path: Path) -> None:
    text = (GITHUB / "ISSUE_TEMPLATE/problem.yml").read_text()
    assert 'monitor.history.save("run.td")' in text
    history = td.History("a")
    history.record(0, {"loss": 1.0})
    history.save(tmp_path / "run.td")
    assert td.History.load(tmp_path / "run.td").names == ["loss"]


def test_dependabot_watches_folders_with_a_manifest() -> None:
    manifests = {
        "github-actions": ".github/workflows",
        "npm": "package-lock.json",
        "pip": "pyproject.toml",
    }
    settings = load(GITHUB / "dependabot.yml")
    assert settings["version"] == 2
    for update in settings["updates"]:
        folder = ROOT / update["directory"].lstrip("/")
        assert (folder / manifests[update["package-ecosystem"]]).exists()


@pytest.mark.parametrize("target", named(r"`make ([a-z-]+)"))
def test_a_target_of_make_exists(target: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^(?:[\w-]+ )*{target}(?: [\w-]+)*:", makefile, re.M)


@pytest.mark.parametrize("command", named(r"`(?:python|%run) -m torchdial (\w+)"))
def test_a_command_of_torchdial_exists(command: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0


@pytest.mark.parametrize("name", named(r"`((?:tests|src|js|docs|scripts|benchmarks)/[\w./]+)`"))
def test_a_path_exists_or_is_made_by_a_run(name: str) -> None:
    made = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert name in made or (ROOT / name).exists()


@pytest.mark.parametrize("name", named(r"`((?:History|\w+Curves)\.\w+|save_html)`"))
def test_a_function_exists(name: str) -> None:
    found: Any = td
    for part in name.split("."):
        found = getattr(found, part)
    assert callable(found)


def test_the_changelog_keeps_its_form() -> None:
    """https://keepachangelog.com/en/1.1.0/: the newest version first, its changes in groups."""
    groups = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (.+)$", text, re.M)
    assert versions[0] == "Unreleased"
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d{2}-\d{2}", each) for each in versions[1:])
    for section in re.split(r"^## .+$", text, flags=re.M)[1:]:
        found = re.findall(r"^### (.+)$", section, re.M)
        assert found == [group for group in groups if group in found]
        for changes in re.split(r"^### .+$", section, flags=re.M)[1:]:
            assert all(line.startswith(("- ", "  ")) for line in changes.strip().splitlines())
