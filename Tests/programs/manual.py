"""Reads the manual pages as mdoc(7) and the programs' own help, so that they can be compared."""

import re
from dataclasses import dataclass
from functools import cache

from harness import ROOT, run

MAN = ROOT / "man"
OPTION = re.compile(r"(?<!\S)--?[a-z][a-z-]*")


@dataclass(frozen=True)
class Section:
    """What stands below a heading, and above the next."""

    title: str
    lines: list[str]

    @property
    def items(self) -> list[tuple[str, str]]:
        """The heads of the lists' items, each with the text below it."""
        found: list[tuple[str, list[str]]] = []
        for line in self.lines:
            if line.startswith(".It"):
                found.append((line, []))
            elif line == ".El":
                found.append(("", []))
            elif found:
                found[-1][1].append(line)
        return [(head, "\n".join(text)) for head, text in found if head]

    @property
    def options(self) -> list[str]:
        """The options that are explained here."""
        return [option for head, _ in self.items for option in options_named(head)]

    @property
    def variables(self) -> set[str]:
        """The environment variables that are named here."""
        lines = [line for line in self.lines if re.match(r"\.(It )?Ev ", line)]
        return {word for line in lines for word in line.split() if re.fullmatch("[A-Z_]{2,}|[a-z]+_proxy", word)}


@dataclass(frozen=True)
class Example:
    """Lines of a shell, what they print, and whether they go on until they are ended."""

    page: str
    number: int
    shell: str
    prints: str
    goes_on: bool

    def __str__(self) -> str:
        return f"{self.page} {self.number}"


class Page:
    """A manual page."""

    def __init__(self, file: str):
        self.name, _, self.number = file.rpartition(".")
        # The page of formats and settings has the name of a program.
        self.title = self.name if self.number == "1" else f"{self.name}({self.number})"
        self.lines = (MAN / file).read_text().splitlines()
        self.sections = [Section("", [])]
        for line in self.lines:
            if line.startswith((".Sh ", ".Ss ")):
                self.sections.append(Section(line[4:], []))
            else:
                self.sections[-1].lines.append(line)

    def section(self, title: str) -> Section:
        """The section of this title, an empty one if there is none."""
        [found] = [section for section in self.sections if section.title == title] or [Section(title, [])]
        return found

    @property
    def options(self) -> list[tuple[str, str]]:
        """The options that are named anywhere, each behind the program that it is said to belong to."""
        found = []
        for line in self.lines:
            program = re.match(r"\.Nm ([a-z-]+)", line)
            found += [(program[1] if program else self.name, option) for option in options_named(line)]
        return found

    @property
    def references(self) -> set[str]:
        """The files of the pages that this one refers to."""
        found = [re.match(r"\.Xr (\S+) (\d)", line) for line in self.lines]
        return {f"{match[1]}.{match[2]}" for match in found if match}

    @property
    def examples(self) -> list[Example]:
        r"""The blocks of the section EXAMPLES.

        A comment before each says what it prints: `.\" prints: TEXT`, or `.\" goes on, and prints: TEXT`.
        """
        text = "\n".join(self.section("EXAMPLES").lines)
        blocks = re.findall(
            r'^\.\\" (goes on, and )?prints: (.*)\n\.Bd -literal -offset indent\n((?:.*\n)*?)\.Ed', text, re.MULTILINE)
        return [Example(self.title, number, shell.replace("\\e", "\\"), prints, bool(goes_on))
                for number, (goes_on, prints, shell) in enumerate(blocks, 1)]


def options_named(line: str) -> list[str]:
    """The options of a line of mdoc: `-f` for `Fl f`, and `--follow` for `Fl -follow`."""
    return ["-" + word for word in re.findall(r"\bFl (-?[a-z][a-z-]*)", line)] if line.startswith(".") else []


PAGES = {page.title: page for page in (Page(path.name) for path in sorted(MAN.glob("*.[17]")))}


@dataclass(frozen=True)
class Help:
    """What a program, or a command of it, says about itself."""

    overview: str
    options: dict[str, str]
    commands: list[str]

    @property
    def variables(self) -> set[str]:
        """The environment variables that stand in for options."""
        brackets = re.findall(r"\[environment: ([^]]*)\]", "\n".join(self.options.values()))
        return {name for text in brackets for name in re.findall("[A-Z][A-Z_]{3,}", text)}


@cache
def help_of(*command: str) -> Help:
    text = run(*command, "--help").check_done().stdout.decode()
    entries = re.findall(r"^  (-(?:.*\n)(?: {4,}.*\n)*)", text, re.MULTILINE)
    options = {}
    for entry in entries:
        names = re.match(r"(?:--?[a-z-]+(?:, )?)+", entry)[0]
        for option in OPTION.findall(names):
            options[option] = " ".join(entry.split())
    commands = re.findall(r"^  ([a-z-]+) {2,}", text.partition("\nSUBCOMMANDS:\n")[2], re.MULTILINE)
    overview = " ".join(re.match(r"OVERVIEW: ((?:.+\n)*)", text)[1].split())
    return Help(overview, options, commands)


def commands_of(*command: str) -> list[tuple[str, ...]]:
    """A program or command, and all those below it."""
    below = [(*command, name) for name in help_of(*command).commands]
    return [command] + [each for one in below for each in commands_of(*one)]
