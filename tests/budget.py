#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the code to its budget: functions of at most 60 lines, files of at most 400 (unit tests
aside), the licence in the first line, and no writable globals but those of main and log.

Usage: tests/budget.py [BUILD]   BUILD: a build directory without sanitizers; looks at its objects
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FUNCTION_LINES = 60
FILE_LINES = 400
LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
MAY_HAVE_GLOBALS = {"main", "log"}
# Of an ELF object: what the program can write to. .data.rel.ro is constant after start-up.
WRITABLE = re.compile(r"\.(data|bss|tdata|tbss)(?!\.rel\.ro)\b")


def c_files():
    return sorted([*ROOT.glob("src/*.[ch]"), *ROOT.glob("include/imsfs/*.h"),
                   *ROOT.glob("tests/*/*.[ch]")])


def check_functions():
    command = ["ctags", "--output-format=json", "--languages=C", "--kinds-C=f", "--fields=+ne",
               "-o", "-", *map(str, c_files())]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for tag in map(json.loads, out.splitlines()):
        lines = tag.get("end", tag["line"]) - tag["line"] + 1
        if lines > FUNCTION_LINES:
            path = pathlib.Path(tag["path"]).relative_to(ROOT)
            yield f"{path}:{tag['line']}: {tag['name']} has {lines} lines, over {FUNCTION_LINES}"


def check_files():
    # A unit test is one file for its module, however much there is to test.
    for path in c_files():
        lines = path.read_text().count("\n")
        if lines > FILE_LINES and "unit" not in path.parts:
            yield f"{path.relative_to(ROOT)}: {lines} lines, over {FILE_LINES}"


def check_licence():
    for path in c_files():
        if not path.read_text().startswith(LICENCE):
            yield f"{path.relative_to(ROOT)}: does not begin with {LICENCE.strip()}"


def check_globals(build):
    objects = sorted(build.glob("*.p/*.o"))
    if not objects:
        yield f"{build}: no objects"
    for path in objects:
        module = path.name.removeprefix("src_").removesuffix(".c.o")
        if module in MAY_HAVE_GLOBALS:
            continue
        table = subprocess.run(["objdump", "-t", path], check=True, capture_output=True, text=True)
        for line in table.stdout.splitlines():
            # value, 7 flags, section, size, name; "O" flags a data object.
            m = re.match(r"^[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+\s+(\S+)$", line)
            if m and "O" in m.group(1) and WRITABLE.match(m.group(2)):
                yield f"{module}: {m.group(3)} is a writable global"


def main():
    checks = {"functions": check_functions(), "files": check_files(), "licence": check_licence()}
    if len(sys.argv) > 1:
        checks = {"globals": check_globals(pathlib.Path(sys.argv[1]))}
    failed = 0
    for name, offences in checks.items():
        offences = list(offences)
        for line in offences:
            print(line)
        print(f"budget: {name}: {'failed' if offences else 'ok'}")
        failed += bool(offences)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
