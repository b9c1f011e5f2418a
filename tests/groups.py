#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The groups of tests that tests/run goes through, each a few commands.

What a command reports is counted from its JUnit file, else from its closing line "N passed, N
failed"; a command that fails without counting a failure is one failure itself. Where a build fails,
its group ends.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
C_FILES = ("src/*.[ch]", "include/imsfs/*.h", "tests/*/*.[ch]")
STEP_SECONDS = 40 * 60  # longer than any takes; ends one that hangs
COUNTS = re.compile(r"^(\d+) passed, (\d+) failed$")

SANITIZERS = {
    "ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


class Step:
    """One command. junit: the file it reports to; counts: whether its success is a test passed;
    quiet: what it prints is shown only when it fails."""

    def __init__(self, *command, junit=None, counts=True, quiet=False, env=None):
        self.command = [str(word) for word in command]
        self.junit = junit
        self.counts = counts
        self.quiet = quiet
        self.env = env or {}


def build(name, native=None):
    """Steps that set the build directory up, unless that is done, and build all of it."""
    directory = ROOT / name
    if not (directory / "build.ninja").exists():
        shutil.rmtree(directory, ignore_errors=True)
        options = ["--native-file", ROOT / native] if native else []
        yield Step("meson", "setup", *options, directory, ROOT, counts=False, quiet=True)
    yield Step("ninja", "--quiet", "-C", directory, counts=False, quiet=True)


def meson_test(name, suite, arguments):
    return Step("meson", "test", "-C", ROOT / name, "--no-rebuild", "--print-errorlogs",
                "--suite", suite, *arguments, junit=ROOT / name / "meson-logs/testlog.junit.xml")


def pytest(build_name, folder, arguments, env=None):
    junit = ROOT / build_name / f"meson-logs/{folder}.junit.xml"
    return Step(PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}",
                ROOT / "tests" / folder, *arguments, junit=junit,
                env={"IMSFS_BUILD": str(ROOT / build_name), **(env or {})})


def style(arguments):
    files = [f for pattern in C_FILES for f in sorted(ROOT.glob(pattern))]
    yield Step(PYTHON, ROOT / "tests/layers.py")
    yield Step(PYTHON, ROOT / "tests/budget.py")
    yield Step("clang-format", "--dry-run", "--Werror", "--ferror-limit=3", *files)


def unit(arguments):
    yield from build("build-test", "build-dev.ini")
    yield meson_test("build-test", "unit", arguments)


def threads(arguments):
    yield from build("build-tsan", ".ci/build-tsan.ini")
    yield meson_test("build-tsan", "threads", arguments)


def mount(arguments):
    yield from build("build-test", "build-dev.ini")
    yield pytest("build-test", "mount", arguments)


def openstack(arguments):
    yield from build("build-test", "build-dev.ini")
    yield pytest("build-test", "openstack", arguments)


def quickstart(arguments):
    yield Step(ROOT / "examples/quickstart", *arguments)
    yield Step(PYTHON, ROOT / "tests/budget.py", ROOT / "build")
    yield Step(PYTHON, ROOT / "tests/manual.py", ROOT / "build")
    yield Step("mandoc", "-T", "lint", "-W", "warning", ROOT / "docs/imsfs.1")


def clang(arguments):
    yield from build("build-clang", ".ci/build-clang.ini")
    yield Step("true")


def large(arguments):
    yield from build("build-release", ".ci/build-release.ini")
    scale = meson_test("build-release", "scale", [])
    scale.env["IMSFS_TEST_ALL"] = "1"
    yield scale
    for folder in "mount", "openstack":
        yield pytest("build-release", folder, ["-m", "all", *arguments], {"IMSFS_TEST_ALL": "1"})


def canary(arguments):
    """Where each mount says all that it can, no secret may be seen either."""
    for name in ("mount", "openstack"):
        for step in GROUPS[name](arguments) if name in GROUPS else ():
            step.env["IMSFS_TEST_DEBUG"] = "1"
            yield step


def fresh_root(arguments):
    yield Step(ROOT / "tests/fresh-root", *arguments)


DEFAULT = {"style": style, "unit": unit, "threads": threads, "mount": mount,
           "openstack": openstack, "quickstart": quickstart, "clang": clang}
GROUPS = {**DEFAULT, "large": large, "canary": canary, "fresh-root": fresh_root}


def counts_of_junit(path):
    passed = failed = skipped = 0
    for case in xml.etree.ElementTree.parse(path).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None:
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def run_command(step, say):
    """(status, counts of a closing line or None). Says what the command prints, as it comes."""
    process = subprocess.Popen(step.command, cwd=ROOT, env={**os.environ, **SANITIZERS, **step.env},
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace")
    limit = threading.Timer(STEP_SECONDS, process.kill)
    limit.start()
    counts = None
    held = []
    for line in process.stdout:
        match = COUNTS.match(line.strip())
        if match:
            counts = (int(match[1]), int(match[2]), 0)
        elif step.quiet:
            held.append(line)
        else:
            say("  " + line)
    status = process.wait()
    limit.cancel()
    if status:
        say("".join("  " + line for line in held))
        say(f"  status {status}: {' '.join(step.command)[:200]}\n")
    return status, counts


def run_step(step, say):
    """(passed, failed, skipped, ok)"""
    if step.junit:
        step.junit.unlink(missing_ok=True)
    status, counts = run_command(step, say)
    if step.junit and step.junit.exists():
        counts = counts_of_junit(step.junit)
    if counts is None:
        counts = (1 if status == 0 and step.counts and not step.junit else 0, 0, 0)
    passed, failed, skipped = counts
    if status and not failed:
        failed = 1
    return passed, failed, skipped, status == 0


def say_now(text):
    print(text, end="", flush=True)


def run_group(name, arguments, say=say_now):
    say(f"== {name}\n")
    start = time.monotonic()
    total = [0, 0, 0]
    for step in GROUPS[name](arguments):
        *counts, ok = run_step(step, say)
        total = [a + b for a, b in zip(total, counts)]
        if not ok and not step.counts:
            break
    say(f"== {name}: {total[0]} passed, {total[1]} failed, {total[2]} skipped, "
        f"{time.monotonic() - start:.0f} s\n")
    return total


def run_beside(name, arguments, totals):
    """Starts a group. The function that comes back waits for it, and says what it said."""
    said = []
    thread = threading.Thread(target=lambda: totals.append(run_group(name, arguments, said.append)))
    thread.start()

    def finish():
        thread.join()
        say_now("".join(said))
    return finish


def run_all(names, arguments):
    """mount and openstack wait most of the time, so they run side by side; what they share is built
    before, as two must not build in one directory."""
    totals = []
    together = ({"mount", "openstack"} <= set(names) and
                all(run_step(step, say_now)[3] for step in build("build-test", "build-dev.ini")))
    for name in names:
        if name == "openstack" and together:
            continue
        finish = run_beside("openstack", arguments, totals) if name == "mount" and together else None
        totals.append(run_group(name, arguments))
        if finish:
            finish()
    return totals


def chosen(words):
    """Group names, then the arguments for their programs."""
    names = []
    while words and words[0] in GROUPS:
        names.append(words.pop(0))
    if words[:1] == ["--all"]:
        return list(GROUPS), words[1:]
    if words and not names:
        sys.exit(f"tests/run: groups are: {' '.join(GROUPS)}, and --all")
    return names or list(DEFAULT), words


def main():
    names, arguments = chosen(sys.argv[1:])
    totals = run_all(names, arguments)
    passed, failed, skipped = map(sum, zip(*totals))
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
