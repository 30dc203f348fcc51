"""What the checks of the Swift sources share: the code of a file, and the files that list exceptions."""

import re
import sys


def code(source):
    """The source without comments, and with empty texts; lines keep their numbers."""
    kept, at = [], 0
    while at < len(source):
        if source.startswith("//", at):
            at = source.find("\n", at) if "\n" in source[at:] else len(source)
        elif source.startswith("/*", at):
            end = source.index("*/", at) + 2
            kept.append("\n" * source.count("\n", at, end))
            at = end
        elif source[at] == '"' or source.startswith('#"', at):
            end = source.index('"#', at + 2) + 2 if source[at] == "#" else end_of_text(source, at)
            kept.append('""' + "\n" * source.count("\n", at, end))
            at = end
        else:
            kept.append(source[at])
            at += 1
    return "".join(kept)


def end_of_text(source, start):
    """Where the text ends that begins with a quote at start; what is interpolated belongs to it."""
    quote = '"""' if source.startswith('"""', start) else '"'
    at = start + len(quote)
    while not source.startswith(quote, at):
        if source.startswith("\\(", at):
            depth, at = 1, at + 2
            while depth:
                if source[at] == '"':
                    at = end_of_text(source, at)
                    continue
                depth += {"(": 1, ")": -1}.get(source[at], 0)
                at += 1
        else:
            at += 2 if source[at] == "\\" else 1
    return at + len(quote)


def exceptions(file):
    """The lines `PATH: TEXT — REASON` of a file: path, text and line number of each."""
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if line and not line.startswith("#"):
            match = re.fullmatch(r"(\S+\.swift): (.+?) — (.+)", line)
            if not match:
                sys.exit(f"{file}:{number}: not PATH: TEXT — REASON")
            yield match[1], match[2], number
