#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""gcc -fanalyzer, cppcheck and clang-tidy (.clang-tidy) over src, without a finding.

    tests/analyze.py BUILD [gcc|cppcheck|clang-tidy]...     BUILD: a build directory, for its compile_commands.json

What they report in error is in KNOWN, each with the reason; a row that nothing matches any more is a failure, too.
"""
import collections
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FINDING = re.compile(r"(?P<path>[^\s:]+):(?P<line>\d+):(?:\d+:)? (?P<kind>warning|error): (?P<text>.*)")

# gcc 12 knows neither __attribute__((cleanup)) nor an object that its first member leads to, so it takes most of what
# is owned for lost. LeakSanitizer looks for leaks where they happen.
GCC = ("-fanalyzer", "-Wno-analyzer-malloc-leak", "-O1", "-c", "-o", "/dev/null")

# memleak: as gcc. The macros are what cppcheck cannot parse, in words that it can.
CPPCHECK = ("cppcheck", "--quiet", "--enable=warning,performance,portability", "--std=c11", "--suppress=memleak",
            "--template={file}:{line}:{column}: {severity}: {message} [{id}]", "-DHASH_ITER(hh,head,e,tmp)=while((e=tmp=head))",
            "-DSTEAL(p)=(p)", "-I", ROOT / "include", "-D_GNU_SOURCE")

Known = collections.namedtuple("Known", "file code reason")
LEVELS = "a view has at least one level, which sets it"
STATUS = "whoever answers 0 has set it"
KNOWN = {
    "gcc": [
        Known("cloud.c", "struct bytes layer = shared.data ?", "the fields of struct bytes are set together"),
        Known("groups.c", "if (d->count &&", LEVELS),
        Known("groups.c", "p.dir->leaf = true", LEVELS),
        Known("groups.c", "if (d->parent != DIRECTORY_ROOT)", "a directory's parent is there as long as it is"),
        Known("image.c", "json.data + a->offset", "an attribute that the caller has"),
        Known("token.c", "t->kind->advice", STATUS),
    ],
    "cppcheck": [
        Known("attic.c", "image_dir_name(img, was)", "image_dir_name() fills it"),
        Known("digest.c", "(uintptr_t)&key", "the address is meant, as something that is hard to guess"),
        Known("meaning.c", "STEAL(m->what.", "cannot be parsed by 2.10, which leaves this file to the others"),
        Known("tree.c", "directory_entry_name(d, img, entry)", "directory_entry_name() fills it"),
    ],
    "clang-tidy": [
        Known("client.c", "struct url copy = *image", STATUS),
        Known("fetcher.c", "at->listing->", STATUS),
        Known("follower.c", "atoi(p + 1)", "the kernel's own text"),
        Known("groups.c", "if (d->count &&", LEVELS),
        Known("groups.c", "p.dir->leaf = true", LEVELS),
        Known("mountinfo.c", "sscanf(copy", "the kernel's own text"),
        Known("signature.c", "i < h->count", STATUS),
        Known("token.c", "t->kind->advice", STATUS),
    ],
}


def source_line(path, number):
    return pathlib.Path(path).read_text().splitlines()[number - 1].strip()


def flags_of(entry):
    """The preprocessor's flags of one compilation."""
    words = shlex.split(entry["command"])
    return [w for w in words if w.startswith(("-I", "-D", "-isystem", "-std"))]


def command_of(tool, entry, build):
    if tool == "gcc":
        return ["gcc", *GCC, *flags_of(entry), entry["file"]]
    if tool == "cppcheck":
        return [*CPPCHECK, entry["file"]]
    return ["clang-tidy", "--quiet", "-p", build, entry["file"]]


def run(tool, entry, build):
    """The findings of one tool in one file: (path, line, text)."""
    done = subprocess.run(command_of(tool, entry, build), cwd=entry["directory"], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    found = set()
    for match in map(FINDING.match, done.stdout.splitlines()):
        if match:
            path = os.path.normpath(os.path.join(entry["directory"], match["path"]))
            found.add((path, int(match["line"]), match["text"]))
    if done.returncode and not found:
        found.add((entry["file"], 1, f"{tool}: status {done.returncode}: {done.stdout[-400:]}"))
    return found


def known_row(tool, path, line):
    code = source_line(path, line)
    for row in KNOWN[tool]:
        if path.endswith("/" + row.file) and row.code in code:
            return row
    return None


def analyze(tool, entries, build):
    """(files without a finding, findings)"""
    used, clean, bad = set(), 0, 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for found in pool.map(lambda entry: run(tool, entry, build), entries):
            rows = {finding: known_row(tool, *finding[:2]) for finding in found}
            used |= set(filter(None, rows.values()))
            new = sorted(finding for finding, row in rows.items() if not row)
            for path, line, text in new:
                print(f"{os.path.relpath(path, ROOT)}:{line}: {tool}: {text}")
            bad += len(new)
            clean += not new
    for row in KNOWN[tool]:
        if row not in used:
            print(f"tests/analyze.py: {tool} does not report this any more: {row.file}: {row.code}")
            bad += 1
    return clean, bad


def control(tool, build):
    """As analyze(), for a file in which there is something to find."""
    path = ROOT / "tests/controls/analysis.c"
    if any("ull" in text for _, _, text in run(tool, {"file": str(path), "directory": build, "command": ""}, build)):
        return 1, 0
    print(f"tests/analyze.py: {tool} does not see the null pointer in {path}")
    return 0, 1


def main():
    build = os.path.abspath(sys.argv[1])
    with open(os.path.join(build, "compile_commands.json")) as file:
        entries = [dict(e, file=os.path.normpath(os.path.join(e["directory"], e["file"]))) for e in json.load(file)]
    entries = [e for e in entries if pathlib.Path(e["file"]).parent == ROOT / "src"]
    if not entries:
        sys.exit(f"{build} compiles nothing of src")
    tools = sys.argv[2:] or KNOWN
    results = [result for tool in tools for result in (control(tool, build), analyze(tool, entries, build))]
    clean, bad = map(sum, zip(*results))
    print(f"{clean} passed, {bad} failed")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
