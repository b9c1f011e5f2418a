#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the code to its layers (docs/design.md).

A module includes only modules that stand before it in the list in meson.build, so there can be no
cycle; every module is a pair of files; and each library is used in one place.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

# The only modules that may include a library's headers.
LIBRARIES = {"fuse": {"session", "entry", "answer", "request", "fs"}, "curl/": {"verdict", "attempt", "http"}, "cjson/": {"compact", "decode"},
             "yaml.h": {"yaml"}, "openssl/": {"signature"}}


def meson_list(name):
    text = (ROOT / "meson.build").read_text()
    body = re.search(rf"^{name} = \[(.*?)\]", text, re.M | re.S).group(1)
    return re.findall(r"'([^']+)'", body)


def module_of(path):
    return pathlib.Path(path).stem


def check_includes(modules, files):
    """files: path -> text. Yields one line for each offence."""
    order = {name: i for i, name in enumerate(modules)}
    for path, text in sorted(files.items()):
        module = module_of(path)
        if module not in order:
            yield f"{path}: not in the list of modules in meson.build"
            continue
        for kind, target in INCLUDE.findall(text):
            if kind == '"':
                yield from check_own(path, module, target, order)
            for prefix, owners in LIBRARIES.items():
                if kind == "<" and target.startswith(prefix) and module not in owners:
                    yield f"{path}: <{target}> is for {', '.join(sorted(owners))} only"


def check_own(path, module, target, order):
    other = module_of(target)
    if target != f"imsfs/{other}.h" or other not in order:
        yield f'{path}: "{target}" is not the header of a module'
    elif order[other] > order[module]:
        yield f"{path}: {module} stands below {other} and includes it"


def check_pairs(modules, header_only, files):
    for name in modules:
        expected = set() if name == "main" else {f"include/imsfs/{name}.h"}
        if name not in header_only:
            expected.add(f"src/{name}.c")
        for path in sorted(expected - set(files)):
            yield f"{path}: missing, but {name} is in the list of modules"


def check_control():
    """The check itself must find what it is for."""
    a = '#include "imsfs/b.h"\n#include <curl/curl.h>\n'
    files = {"src/a.c": a, "src/b.c": "", "src/c.c": ""}
    found = list(check_includes(["a", "b"], files))
    if len(found) != 3:
        yield f"planted offences: 3, found: {found}"


def main():
    paths = [*ROOT.glob("src/*.[ch]"), *ROOT.glob("include/imsfs/*.h")]
    files = {str(p.relative_to(ROOT)): p.read_text() for p in paths}
    modules = meson_list("modules")
    checks = {
        "includes": check_includes(modules, files),
        "pairs": check_pairs(modules, meson_list("header_only"), files),
        "control": check_control(),
    }
    failed = 0
    for name, offences in checks.items():
        offences = list(offences)
        for line in offences:
            print(line)
        print(f"layers: {name}: {'failed' if offences else 'ok'}")
        failed += bool(offences)
    print(f"{len(checks) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
