#!/usr/bin/env python3
"""Checks the tree itself: the layering of the rooms, calls that would bypass
the environment, names, form.

usage: tidy.py [ROOT]     prints FILE:LINE: SENTENCE for each violation

A room's rule is data (rules.py); this file only applies it.
"""
import os
import re
import shutil
import subprocess
import sys

import rules
from source import strip_comments, strip_literals


def listed(root):
    """The files of the tree: what git tracks or would add."""
    try:
        out = subprocess.run(
            ["git", "-C", root, "ls-files", "-z", "--cached", "--others",
             "--exclude-standard"], capture_output=True, check=True).stdout
        names = out.decode().split("\0")
    except (OSError, subprocess.CalledProcessError):
        names = [os.path.relpath(os.path.join(folder, name), root)
                 for folder, _, files in os.walk(root) for name in files]
    return sorted({n for n in names if n and not n.startswith("build/")
                   and os.path.isfile(os.path.join(root, n))})


def room_of(name):
    return name.split("/")[0] if "/" in name else ""


def is_cpp(name):
    return name.endswith((".cpp", ".hpp", ".h", ".c"))


def check_includes(root, name, lines):
    """Every #include against the table of rooms (rules.ROOMS)."""
    room = room_of(name)
    if room not in rules.ROOMS:
        return
    allowed = rules.ROOMS[room]
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
        if not match:
            continue
        kind, target = match.groups()
        if kind == "<":
            for pattern, rooms, why in rules.LIBRARIES:
                if re.match(pattern, target) and room not in rooms \
                        and name not in rules.LIBRARY_EXCEPTIONS.get(
                            target, ()):
                    yield number, f"{room}/ may not include <{target}>: {why}"
            continue
        other = room_of(target)
        if re.match(rules.EXAMPLES, name) and "/" not in target:
            continue  # a user's program: its own headers stand beside it
        if other not in rules.ROOMS:
            yield number, (f'"{target}" is not written from the root '
                           '("storage/segment.hpp")')
        elif other not in allowed:
            yield number, (f"{room}/ may not include {other}/ "
                           f"(it may: {', '.join(sorted(allowed))})")
        elif other == "simulation" and room == "apps" \
                and not re.match(rules.SIMULATION_IN_APPS, name):
            yield number, "only the sim command may include simulation/"
        elif not re.match(rules.GENERATED, target) \
                and not os.path.isfile(os.path.join(root, target)):
            yield number, f'"{target}" is not in the tree'


def check_calls(name, code):
    """What only the real implementations may do (rules.CALLS)."""
    if room_of(name) not in rules.ROOMS:
        return
    for number, line in enumerate(code.split("\n"), 1):
        for pattern, allowed, why in rules.CALLS:
            match = re.search(pattern, line)
            if match and not any(re.match(a, name) for a in allowed):
                yield number, f"`{match.group(0).strip()}`: {why}"


def check_cpp_form(name, lines):
    if name.endswith((".hpp", ".h")) and room_of(name) in rules.ROOMS:
        if not any(line == "#pragma once" for line in lines):
            yield 1, "a header starts with #pragma once"
        if not any(re.match(r"\s*//", line) for line in lines):
            yield 1, "a header opens with the idea of what it holds"
    for number, line in enumerate(lines, 1):
        if len(line) > 80 and not re.search(rules.LONG_LINE, line):
            yield number, f"{len(line)} columns; 80 is the limit"
    limit = rules.LINES_MAX_TEST if room_of(name) == "tests" \
        else rules.LINES_MAX
    if len(lines) > limit:
        yield limit, (f"{len(lines)} lines: it holds more than one noun; "
                      "split it")


def check_test_tags(name, text):
    match = re.match(r"tests/([a-z_]+)/.*_test\.cpp$", name)
    if not match:
        return
    for case in re.finditer(r'TEST_CASE\(\s*((?:"[^"\n]*"\s*)+),?\s*'
                            r'("[^"\n]*")?', text):
        if f"[{match.group(1)}]" not in (case.group(2) or ""):
            yield text.count("\n", 0, case.start()) + 1, \
                f"a test's tags name its room, [{match.group(1)}]"


def check_text(name, lines):
    """What holds for every text file."""
    tabs_allowed = name.endswith((".go", ".mod", "Makefile"))
    for number, line in enumerate(lines, 1):
        if "\t" in line and not tabs_allowed:
            yield number, "a tab; write spaces (or \\t in a string)"
        if line.endswith((" ", "\r")):
            yield number, "white space at the end of the line"
        for pattern, why in rules.WORDS:
            if re.search(pattern, line):
                yield number, why
        if rules.PLANTED in line and name not in rules.MAY_PLANT:
            yield number, "mistakes are planted in two test programs only"
    if lines and lines[-1] == "" and len(lines) > 1:
        yield len(lines), "empty lines at the end of the file"


def check_name(name):
    for part in name.split("/"):
        if part in rules.GIVEN_NAMES or part.startswith("."):
            continue
        pattern = r"[a-z0-9][a-z0-9._-]*" if name.startswith(
            ("docs/", "packaging/")) or "corpus" in name \
            else r"[a-z0-9][a-z0-9_]*(\.[a-z0-9_]+)*"
        if not re.fullmatch(pattern, part):
            yield 1, f"the name {part} is not snake_case"


def check_script(root, name, lines):
    path = os.path.join(root, name)
    if name.endswith(".py"):
        try:
            compile("\n".join(lines), name, "exec")
        except SyntaxError as error:
            yield error.lineno or 1, f"python: {error.msg}"
    elif name.endswith((".sh", ".bash")) or \
            (lines and re.match(r"#!.*\b(ba)?sh\b", lines[0])):
        run = subprocess.run(["bash", "-n", path], capture_output=True,
                             text=True, check=False)
        if run.returncode:
            yield 1, "bash -n: " + run.stderr.strip().split("\n")[0]
        if lines and lines[0].startswith("#!") and not os.access(
                path, os.X_OK):
            yield 1, "a script with a #! line must be executable"


def check_room_links(name, text):
    """A room's library may link only the rooms that it may include."""
    match = re.match(r"(\w+)/CMakeLists.txt$", name)
    if not match or match.group(1) not in rules.ROOMS:
        return
    room = match.group(1)
    if room in ("tests", "bench"):
        return
    for link in re.finditer(r"\bmillrace_(\w+)", text):
        if link.group(1) in rules.ROOMS \
                and link.group(1) not in rules.ROOMS[room]:
            yield text.count("\n", 0, link.start()) + 1, \
                f"{room}/ may not link millrace_{link.group(1)}"


def check_named_tests(root, name, text):
    """A page names tests as - `FILE`: NAME, over several lines if need be."""
    if name != rules.PAGE_OF_TESTS:
        return
    for match in re.finditer(
            r"^- `(tests/\S+_test\.cpp)`: (.*(?:\n  .*)*)", text, re.MULTILINE):
        path, title = match.group(1), " ".join(match.group(2).split())
        line = text.count("\n", 0, match.start()) + 1
        if not os.path.isfile(os.path.join(root, path)):
            yield line, f"{path} is not in the tree"
            continue
        with open(os.path.join(root, path), encoding="utf-8") as file:
            joined = re.sub(r'"\s*"', "", file.read())
        if f'"{title}"' not in joined:
            yield line, f"{path} has no test of the name \"{title}\""


def check_format(root, names):
    """clang-format's word on all C++ files at once."""
    tool = shutil.which("clang-format-19")
    if not tool:
        yield "tests/tidy", 1, "clang-format-19 is not installed"
        return
    for first in range(0, len(names), 40):
        run = subprocess.run(
            [tool, "--dry-run", "-Werror", *names[first:first + 40]],
            cwd=root, capture_output=True, text=True, check=False)
        seen = set()
        for match in re.finditer(r"^(.*?):(\d+):\d+: error", run.stderr,
                                 re.MULTILINE):
            if match.group(1) not in seen:  # one a file is enough
                seen.add(match.group(1))
                yield match.group(1), int(match.group(2)), \
                    "not formatted; run clang-format-19 -i"


def check_file(root, name):
    yield from check_name(name)
    if re.search(rules.NOT_TEXT, name):
        return
    with open(os.path.join(root, name), encoding="utf-8",
              newline="") as file:
        try:
            text = file.read()
        except UnicodeDecodeError:
            yield 1, "not UTF-8 text (name it in rules.NOT_TEXT if it is data)"
            return
    if text and not text.endswith("\n"):
        yield text.count("\n") + 1, "no newline at the end of the file"
    lines = text[:-1].split("\n") if text.endswith("\n") else text.split("\n")
    if name not in rules.NO_TEXT_RULES:
        yield from check_text(name, lines)
    yield from check_script(root, name, lines)
    yield from check_room_links(name, text)
    yield from check_named_tests(root, name, text)
    if is_cpp(name):
        bare = strip_comments(text)
        yield from check_includes(root, name, bare.split("\n"))
        yield from check_calls(name, strip_literals(bare))
        yield from check_cpp_form(name, lines)
        yield from check_test_tags(name, text)


def violations(root, formatting=True):
    """All violations in the tree, as (file, line, sentence)."""
    names = listed(root)
    for name in names:
        for line, sentence in check_file(root, name):
            yield name, line, sentence
    if formatting:
        yield from check_format(root, [n for n in names if is_cpp(n)])


def main():
    root = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else ".")
    count = 0
    for name, line, sentence in violations(root):
        print(f"{name}:{line}: {sentence}")
        count += 1
    for name in listed(root):
        if is_cpp(name) and room_of(name) != "tests":
            with open(os.path.join(root, name), "rb") as file:
                length = file.read().count(b"\n")
            if rules.LINES_USUAL < length <= rules.LINES_MAX:
                print(f"note: {name} has {length} lines")
    print(f"tidy: {count} violations in {len(listed(root))} files")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
