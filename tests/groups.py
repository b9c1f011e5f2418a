#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The groups of tests that tests/run goes through, each a few commands.

Those that mostly wait and those that mostly compute run side by side (BESIDE).

What a command reports is counted from its JUnit file, else from its closing line "N passed, N
failed"; a command that fails without counting a failure is one failure itself. Where a build fails,
its group ends.
"""
import importlib.util
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
AT_ONCE = 4  # mounts wait more than they compute: more processes of pytest than CPUs
COVERED = ("--fail-under-line", "90", "--fail-under-branch", "80")
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


def build(name, native=None, *options):
    """Steps that set the build directory up, unless that is done, and build all of it. Tests that
    run beside a build come first."""
    directory = ROOT / name
    if not (directory / "build.ninja").exists():
        shutil.rmtree(directory, ignore_errors=True)
        options = ["--native-file", ROOT / native] if native else options
        yield Step("meson", "setup", *options, directory, ROOT, counts=False, quiet=True)
    yield Step("nice", "ninja", "--quiet", "-C", directory, counts=False, quiet=True)


def meson_test(name, suite, arguments, log="testlog"):
    return Step("meson", "test", "-C", ROOT / name, "--no-rebuild", "--print-errorlogs",
                "--suite", suite, *arguments, junit=ROOT / name / f"meson-logs/{log}.junit.xml")


def pytest(build_name, folder, arguments, env=None, at_once=1):
    """at_once: how many processes share the tests, unless the arguments say so; what is bounded by
    SLACK seconds gets as many."""
    junit = ROOT / build_name / f"meson-logs/{folder}.junit.xml"
    shared = ["-n", at_once] if at_once > 1 and importlib.util.find_spec("xdist") else []
    return Step(PYTHON, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={junit}",
                ROOT / "tests" / folder, *shared, *arguments, junit=junit,
                env={"IMSFS_BUILD": str(ROOT / build_name), **({"IMSFS_SLACK": str(at_once)} if shared else {}),
                     **(env or {})})


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
    yield pytest("build-test", "mount", arguments, at_once=AT_ONCE)


def hostile(arguments):
    yield from build("build-test", "build-dev.ini")
    yield pytest("build-test", "hostile", arguments)


def model(arguments):
    yield from build("build-test", "build-dev.ini")
    yield Step(ROOT / "tests/model/run", *arguments)


def soak(arguments):
    yield from build("build-test", "build-dev.ini")
    yield Step(ROOT / "tests/soak/run", *arguments)


def openstack(arguments):
    yield from build("build-test", "build-dev.ini")
    yield pytest("build-test", "openstack", arguments)


def analysis(arguments):
    yield from build("build-clang", ".ci/build-clang.ini")
    yield Step("nice", PYTHON, ROOT / "tests/analyze.py", ROOT / "build-clang", *arguments)


def controls(arguments):
    """What the sanitizers and the search for secrets are there for, they find."""
    for name, native in (("build-test", "build-dev.ini"), ("build-tsan", ".ci/build-tsan.ini")):
        yield from build(name, native)
        yield pytest(name, "controls", arguments)


def quickstart(arguments):
    yield Step(ROOT / "examples/quickstart", *arguments)
    yield Step(PYTHON, ROOT / "tests/budget.py", ROOT / "build")
    yield Step(PYTHON, ROOT / "tests/manual.py", ROOT / "build")
    yield Step(PYTHON, ROOT / "tests/hardening.py", ROOT / "build")
    yield Step("mandoc", "-T", "lint", "-W", "warning", ROOT / "docs/imsfs.1")


def torture(arguments):
    """One thing fails: with sanitizers, and for system calls without (as quickstart builds it)."""
    yield from build("build-test", "build-dev.ini")
    yield from build("build", None, "-Dtests=disabled")
    yield Step(PYTHON, ROOT / "tests/torture/run", *arguments)


def torture_all(arguments):
    for part in range(1, 9):  # each well below STEP_SECONDS
        yield from torture(["--all", "--part", f"{part}/8", *arguments])


def clang(arguments):
    yield from build("build-clang", ".ci/build-clang.ini")
    yield meson_test("build-clang", "unit", arguments)


def fuzz(arguments):
    """10 s for each target, unless the arguments for tests/fuzz/run say otherwise."""
    yield from build("build-test", "build-dev.ini")
    yield pytest("build-test", "fuzz", [])
    yield Step(ROOT / "tests/fuzz/run", *(arguments or ["10"]))


def large(arguments):
    yield from build("build-release", ".ci/build-release.ini")
    scale = meson_test("build-release", "scale", [])
    scale.env["IMSFS_TEST_ALL"] = "1"
    yield scale
    for folder in "mount", "openstack":
        yield pytest("build-release", folder, ["-m", "all", *arguments], {"IMSFS_TEST_ALL": "1"})
    for name in "model", "soak":
        yield Step(ROOT / f"tests/{name}/run", "--all", env={"IMSFS_BUILD": "build-release"})


def canary(arguments):
    """Where each mount says all that it can, no secret may be seen either."""
    for name in ("mount", "openstack"):
        for step in GROUPS[name](arguments) if name in GROUPS else ():
            step.env["IMSFS_TEST_DEBUG"] = "1"
            yield step


def sanitizers(arguments):
    """The mount tests with those of clang, and in search of races."""
    for name, native in (("build-clang", ".ci/build-clang.ini"), ("build-tsan", ".ci/build-tsan.ini")):
        yield from build(name, native)
        yield pytest(name, "mount", arguments, {"IMSFS_SLACK": "6"}, AT_ONCE)


def memcheck(arguments):
    yield from build("build-release", ".ci/build-release.ini")
    # Of two allocators it takes the C library's, not the one that a test puts before it.
    under = ["--wrap", "valgrind -q --leak-check=full --error-exitcode=9 --trace-children=no "
             "--soname-synonyms=somalloc=nouserintercepts --suppressions=" + str(ROOT / "tests/memcheck.supp"),
             "--timeout-multiplier", "10"]
    yield meson_test("build-release", "unit", [*under, *arguments], "testlog-valgrind")


def coverage(arguments):
    """What the unit tests and the mount tests reach of src, and that it is enough."""
    yield from build("build-coverage", ".ci/build-coverage.ini")
    yield Step("find", ROOT / "build-coverage", "-name", "*.gcda", "-delete", counts=False)
    yield meson_test("build-coverage", "unit", [])
    yield pytest("build-coverage", "mount", arguments, at_once=AT_ONCE)
    yield Step("gcovr", "--root", ROOT, "--filter", "src/", "--exclude-throw-branches", "--print-summary",
               *COVERED, ROOT / "build-coverage")


def fresh_root(arguments):
    yield Step(ROOT / "tests/fresh-root", *arguments)


DEFAULT = {"style": style, "unit": unit, "threads": threads, "mount": mount, "openstack": openstack,
           "hostile": hostile, "quickstart": quickstart, "clang": clang,
           "fuzz": fuzz, "torture": torture, "analysis": analysis, "controls": controls,
           "model": model, "soak": soak}
WAITING = ("mount", "openstack")
BESIDE = ("threads", "clang", "quickstart", "analysis", "controls", "fuzz", "model", "soak")
GROUPS = {**DEFAULT, "sanitizers": sanitizers, "memcheck": memcheck, "coverage": coverage,
          "large": large, "canary": canary, "fresh-root": fresh_root, "torture-all": torture_all}


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
    """(status, seconds of CPU, counts of a closing line or None). Says what the command prints, as
    it comes."""
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
    _, status, usage = os.wait4(process.pid, 0)
    status = process.returncode = os.waitstatus_to_exitcode(status)
    limit.cancel()
    if status:
        say("".join("  " + line for line in held))
        say(f"  status {status}: {' '.join(step.command)[:200]}\n")
    return status, usage.ru_utime + usage.ru_stime, counts


def run_step(step, say):
    """(passed, failed, skipped, seconds of CPU, ok)"""
    if step.junit:
        step.junit.unlink(missing_ok=True)
    status, seconds, counts = run_command(step, say)
    if step.junit and step.junit.exists():
        counts = counts_of_junit(step.junit)
    if counts is None:
        counts = (1 if status == 0 and step.counts and not step.junit else 0, 0, 0)
    passed, failed, skipped = counts
    if status and not failed:
        failed = 1
    return passed, failed, skipped, seconds, status == 0


def say_now(text):
    print(text, end="", flush=True)


def run_group(name, arguments, say=say_now):
    say(f"== {name}\n")
    start = time.monotonic()
    total = [0, 0, 0, 0]
    for step in GROUPS[name](arguments):
        *counts, ok = run_step(step, say)
        total = [a + b for a, b in zip(total, counts)]
        if not ok and not step.counts:
            break
    say(f"== {name}: {total[0]} passed, {total[1]} failed, {total[2]} skipped, "
        f"{time.monotonic() - start:.0f} s, of CPU {total[3]:.0f} s\n")
    return total[:3]


def run_lane(names, totals):
    """Starts group after group. The function that comes back waits for them, and says what they
    said."""
    said = []

    def run():
        for name in names:
            totals.append(run_group(name, [], said.append))
    thread = threading.Thread(target=run)
    thread.start()

    def finish():
        thread.join()
        say_now("".join(said))
    return finish


def run_all(names, arguments):
    """What stands in BESIDE runs beside mount and what of WAITING comes behind it, which wait most of
    the time. The build that they share comes before, as two must not build in one directory.
    Arguments are for one program: with them, one group follows the other."""
    totals = []
    finish = None
    beside = [name for name in BESIDE if name in names] if "mount" in names and not arguments else []
    if beside and not all(run_step(step, say_now)[-1] for step in build("build-test", "build-dev.ini")):
        beside = []
    for name in names:
        if name in beside:
            continue
        if name == "mount" and beside:
            finish = run_lane(beside, totals)
        elif finish and name not in WAITING:
            finish()
            finish = None
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
    if words in (["-h"], ["--help"]):
        print(f"tests/run [--all | GROUP... [ARGUMENT...]]; groups are: {' '.join(GROUPS)}")
        sys.exit(0)
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
