"""scripts/site: that its pages are all there, well-formed and alike, and that every link leads somewhere."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from harness import ENVIRONMENT, ROOT

SITE = ROOT / "scripts" / "site"
MANUAL = sorted(page.name for page in (ROOT / "man").iterdir())
PAGES = ["index", "cookbook", "deploy", "security", *MANUAL]
FILES = {f"{page}.html" for page in [*PAGES, "all"]} | {"style.css", "dataflow.svg"}


class Page(HTMLParser):
    """What a page holds: the names in it, the links, what it loads, and the text of its main part."""

    def __init__(self, path: Path):
        super().__init__()
        self.names: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.words: list[str] = []
        self._is_main = False
        self.feed(path.read_text())

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.tags.add(tag)
        self.names += [found["id"]] if "id" in found else []
        if tag == "a":
            self.links.append(found["href"])
        else:
            self.loads += [found[name] for name in ("src", "href") if name in found]
        self._is_main |= tag == "main"

    def handle_endtag(self, tag):
        self._is_main &= tag != "main"

    def handle_data(self, data):
        self.words += data.split() if self._is_main else []


def build(directory: Path, *prefix: str, script: Path = SITE, **options) -> subprocess.CompletedProcess:
    settings = ENVIRONMENT | options.pop("env", {})
    return subprocess.run([script, directory, *prefix], capture_output=True, text=True, timeout=60, env=settings, **options)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("made") / "site"
    done = build(directory)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    return directory


@pytest.fixture(scope="module")
def pages(site) -> dict[str, Page]:
    return {path.name: Page(path) for path in site.glob("*.html")}


def test_every_document_and_every_manual_page_is_there(site):
    assert {path.name for path in site.iterdir()} == FILES
    listed = subprocess.run([SITE, "--list"], capture_output=True, text=True, check=True).stdout
    assert set(listed.split()) == FILES


def test_every_link_leads_somewhere(pages, site):
    for name, page in pages.items():
        for link in page.links:
            if re.match("https?://", link):
                continue
            file, _, place = link.partition("#")
            assert file in FILES or not file, (name, link)
            assert not place or place in pages[file or name].names, (name, link)


@pytest.mark.parametrize("page", PAGES)
def test_a_name_stands_for_one_place(pages, page):
    for each in (pages[f"{page}.html"], pages["all.html"]):
        assert len(set(each.names)) == len(each.names)


def test_nothing_comes_from_elsewhere_and_nothing_runs(pages, site):
    for page in pages.values():
        assert set(page.loads) <= {"style.css", "dataflow.svg"} and not {"script", "style", "iframe"} & page.tags
    style = (site / "style.css").read_text()
    assert "url(" not in style and "@import" not in style and "prefers-color-scheme: dark" in style


@pytest.mark.parametrize("page", [*PAGES, "all"])
def test_a_page_is_well_formed(site, page):
    """HTML Tidy has nothing to say."""
    done = subprocess.run(["tidy", "-quiet", "-errors", site / f"{page}.html"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_page_of_everything_has_every_word(pages):
    everything = " ".join(pages["all.html"].words)
    for page in PAGES:
        words = " ".join(pages[f"{page}.html"].words)
        assert len(words) > 500 and words in everything, page


def test_manual_pages_refer_to_each_other_by_links(pages):
    for page in MANUAL:
        references = re.findall(r"^\.Xr (\S+) (\d)", (ROOT / "man" / page).read_text(), re.M)
        assert {f"{name}.{number}.html" for name, number in references} <= set(pages[f"{page}.html"].links)
    assert {"cookbook.html", "deploy.html", "security.html", "teebridge.7.html"} <= set(pages["index.html"].links)


def test_the_same_sources_make_the_same_bytes(site, tmp_path):
    assert build(tmp_path / "again", env={"LC_ALL": "C", "TZ": "Asia/Tokyo"}, cwd="/").returncode == 0
    for path in site.iterdir():
        assert (tmp_path / "again" / path.name).read_bytes() == path.read_bytes()


def test_places_are_those_of_the_prefix(tmp_path):
    assert build(tmp_path / "site", "/usr").returncode == 0
    text = (tmp_path / "site" / "all.html").read_text()
    assert "/usr/local/bin" not in text and "/usr/local/share" not in text
    assert "PATH=/usr/bin:/bin\n" in text and "/usr/share/teebridge/deploy/inbox-watch.service" in text


def test_a_program_that_is_missing_is_named(tmp_path):
    done = subprocess.run(["/usr/bin/python3", SITE, tmp_path / "site"], capture_output=True, text=True, timeout=60,
                          env={"PATH": str(tmp_path)})
    assert (done.returncode, done.stderr) == (
        1, "site: error: Debian's mandoc is not installed\nsite: hint: make setup\n")


@pytest.mark.parametrize("link", ["docs/none.md", "ARCHITECTURE.md", "../elsewhere", "#none", "docs/deploy.md#none"])
def test_a_link_to_what_is_not_on_the_site_is_an_error(tmp_path, link):
    for folder in ("docs", "man", "scripts"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    version = "Sources/Shared/CommandLine/CommandLineTool/Version.swift"
    os.makedirs((tmp_path / version).parent)
    for file in ("README.md", "SECURITY.md", version):
        shutil.copy(ROOT / file, tmp_path / file)
    with (tmp_path / "README.md").open("a") as readme:
        readme.write(f"\n[A link]({link})\n")
    done = build(tmp_path / "site", script=tmp_path / "scripts" / "site")
    assert (done.returncode, done.stderr) == (
        1, f"site: error: 'README.md' has a link to '{link}', which is not on the site\n")
