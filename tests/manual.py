#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds manual and README to the program: what --help lists, with its default, stands in both, and what
--help-query lists in the manual.

Usage: tests/manual.py BUILD
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
LINE = re.compile(r'^  -o ([a-z_]+)\S*\s+(.*?)(?: \(default ([^)]*)\))?$', re.M)


def options_of(build):
    text = subprocess.run([pathlib.Path(build).resolve() / 'imsfs', '--help'], check=True,
                          capture_output=True, text=True).stdout
    found = {m[1]: m[3] for m in LINE.finditer(text)}
    limits = dict(re.findall(r'(max_[a-z_]+) \(default (\w+)\)', text))
    if found.pop('max_', 'missing') or len(limits) < 10:
        raise SystemExit('manual: --help does not have the limits where this looks for them')
    return {**found, **limits}


def parameters_of(build):
    text = subprocess.run([pathlib.Path(build).resolve() / 'imsfs', '--help-query'], check=True,
                          capture_output=True, text=True).stdout
    return set(re.findall(r'^([a-z_*]+)  +(?:both|cloudimages|Glance) ', text, re.M))


def parameters_in_manual(text):
    """What is marked as a parameter where queries are explained."""
    section = text.split('.Ss Queries')[1].split('.Sh ')[0]
    return set(re.findall(r'[a-z_*]{2,}', ' '.join(re.findall(r'^\.Va (.*)$', section, re.M))))


def check_parameters(wanted, said):
    for name in sorted(wanted ^ said):
        yield f'{name} is {"missing" if name in wanted else "no parameter"}'


def in_manual(text):
    """Name -> what is said of it."""
    section = text.split('.Sh OPTIONS')[1].split('.Sh ')[0]
    found = {}
    for item in re.split(r'^\.It ', section, flags=re.M)[1:]:
        for name in re.findall(r'(?:^|, )(?:Cm )?(\w+)', item.split('\n')[0]):
            found[name] = item
    return found


def in_readme(text):
    found = {}
    for row in re.findall(r'^\| `.*$', text.split('## Options')[1].split('\n## ')[0], re.M):
        for name in re.findall(r'`(\w+)', row.split(' | ')[0]):
            found[name] = row
    return found


def check(options, said):
    for name, default in options.items():
        if name not in said:
            yield f'{name} is missing'
        elif default and default.split()[0] not in said[name].split('(default')[-1]:
            yield f'{name}: the default {default} is missing'
    for name in sorted(set(said) - set(options)):
        if not re.fullmatch(r'plain|scoped|images|cloudimages|ims|glance|Ns', name):
            yield f'{name} is no option'


def main():
    options = options_of(sys.argv[1])
    manual = (ROOT / 'docs/imsfs.1').read_text()
    checks = {
        'manual': check(options, in_manual(manual)),
        'parameters': check_parameters(parameters_of(sys.argv[1]), parameters_in_manual(manual)),
        'readme': check(options, in_readme((ROOT / 'README.md').read_text())),
        'control': [] if list(check({'new': '7'}, in_manual(manual))) and len(options) > 20 and
        list(check_parameters({'new'}, parameters_in_manual(manual))) else ['finds nothing'],
    }
    failed = 0
    for name, offences in checks.items():
        offences = list(offences)
        failed += bool(offences)
        print(f'manual: {name}: ' + ('; '.join(offences) or 'ok'))
    print(f'{len(checks) - failed} passed, {failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
