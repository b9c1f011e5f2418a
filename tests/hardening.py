#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds the program to what compiler and linker can do against its mistakes, as it was built, and the systemd unit to its
score.

Usage: tests/hardening.py BUILD
"""
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
UNIT = ROOT / 'examples/systemd/imsfs.service'
WORST = 3.0  # of 10; what systemd-analyze calls OK
SOFT = ('-no-pie', '-fno-stack-protector', '-fno-stack-clash-protection', '-fcf-protection=none', '-U_FORTIFY_SOURCE',
        '-Wl,-z,norelro', '-Wl,-z,lazy', '-Wl,-z,execstack', '-Wl,-rpath,/tmp')
SOURCE = '''#include <stdio.h>
#include <string.h>
int main(int n, char **words)
{
    char text[100000];
    sprintf(text, "%s", words[n - 1]);
    return (int)strlen(text);
}
'''


def out_of(*command):
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True).stdout


def lacks(program):
    """What is not there of what should be."""
    header = out_of('readelf', '-hlW', program)
    dynamic = out_of('readelf', '-dW', program)
    symbols = out_of('readelf', '-sW', '--dyn-syms', program)
    needed = re.findall(r'\(NEEDED\).*\[(.*)\]', dynamic)
    there = {
        'pie': 'DYN (' in header and re.search(r'FLAGS_1.*\bPIE\b', dynamic),
        'relro': 'GNU_RELRO' in header,
        'now': re.search(r'FLAGS.*\bNOW\b', dynamic),
        'noexecstack': re.search(r'GNU_STACK.* RW ', header),
        'no rpath': not re.search(r'\((RPATH|RUNPATH|TEXTREL)\)', dynamic),
        'stack protector': '__stack_chk_fail' in symbols,
        'fortified calls': len(set(re.findall(r'\b(__\w+_chk)@', symbols))) >= 3,
        'libgcc_s': 'libgcc_s.so.1' in needed,
    }
    if platform.machine() == 'x86_64':
        code = out_of('objdump', '-d', program)
        there['control flow'] = code.count('endbr64') > 100  # the C library's own parts have some
        there['stack clash'] = re.search(r'\bor[ql]? +\$0x0,\(%rsp\)', code)
    return [name for name, found in there.items() if not found], len(there)


def check_program(build):
    missing, _ = lacks(build / 'imsfs')
    return [name + ' is missing' for name in missing]


def check_control():
    """A program without any of it lacks all."""
    with tempfile.TemporaryDirectory() as place:
        source, program = pathlib.Path(place, 'soft.c'), pathlib.Path(place, 'soft')
        source.write_text(SOURCE)
        subprocess.run(['gcc', '-O1', *SOFT, '-o', program, source], check=True)
        missing, all_of_them = lacks(program)
    return [] if len(missing) == all_of_them else ['found only %s' % ', '.join(missing)]


def score_of(unit):
    """What systemd-analyze says of a unit by itself; it wants the program to be there."""
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place, 'imsfs.service')
        path.write_text(re.sub(r'^ExecStart=\S+', 'ExecStart=/bin/true', unit, flags=re.M))
        text = out_of('systemd-analyze', 'security', '--offline=true', '--no-pager', path)
    return float(re.search(r'Overall exposure level for \S+ ([0-9.]+)', text)[1])


def check_unit():
    if not shutil.which('systemd-analyze'):
        return ['there is no systemd-analyze']
    unit = UNIT.read_text()
    score, soft = score_of(unit), score_of('[Service]\nExecStart=/bin/true\n')
    print('hardening: exposure %.1f, of a unit without anything %.1f' % (score, soft))
    return [] if score < WORST < soft else ['the exposure is %.1f' % score]


def main():
    checks = {
        'program': check_program(pathlib.Path(sys.argv[1]).resolve()),
        'control': check_control(),
        'unit': check_unit(),
    }
    for name, offences in checks.items():
        print(f'hardening: {name}: ' + ('; '.join(offences) or 'ok'))
    failed = sum(map(bool, checks.values()))
    print(f'{len(checks) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
