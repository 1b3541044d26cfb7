"""The documentation points at things that are there."""

import re
from pathlib import Path

import pytest

from heed.cli import main as cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")


def name(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        path = (page.parent / target.partition("#")[0]).resolve()
        assert path.exists(), f"{name(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_files_that_are_named_exist(page):
    """Paths in code style that begin with a folder of the repository."""
    for text in CODE.findall(page.read_text()):
        if re.fullmatch(r"(hw|sw_model|heed|firmware|verif|docs)/[\w./-]*", text):
            places = (ROOT, ROOT / "firmware" / "include")  # the latter for C headers
            assert any((place / text).exists() for place in places), f"{name(page)} names {text}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_commands_that_are_named_exist(page):
    verbs = {verb.name for verb in (*cli.app.registered_commands, *cli.app.registered_groups)}
    targets = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for text in CODE.findall(page.read_text()):
        if found := re.match(r"(?:\.venv/bin/)?heed ([a-z]+)\b", text):
            assert found[1] in verbs, f"{name(page)} names {text}"
        if found := re.match(r"make ([a-z][a-z-]*)\b", text):
            assert found[1] in targets, f"{name(page)} names {text}"


def test_every_page_can_be_reached_from_the_index():
    seen, queue = set(), [ROOT / "docs" / "index.md", ROOT / "README.md"]
    while queue:
        page = queue.pop().resolve()
        if page in seen or page.suffix != ".md" or not page.exists():
            continue
        seen.add(page)
        links = (target.partition("#")[0] for target in LINK.findall(page.read_text()))
        queue += [page.parent / link for link in links if link and ":" not in link]
    missing = [name(page) for page in (ROOT / "docs").rglob("*.md") if page.resolve() not in seen]
    assert not missing
