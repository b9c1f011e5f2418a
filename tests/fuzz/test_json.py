# SPDX-License-Identifier: Apache-2.0
"""What is JSON, Python says too: over the corpus and many small changes to it, decode must take what
Python's json takes and refuse what that refuses; and what it makes of a text must be the same value,
token by token."""
import json
import os
import pathlib
import random
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
COMPACT = pathlib.Path(os.environ.get("IMSFS_BUILD", HERE.parent.parent / "build-fuzz")) / "tests/fuzz/compact"
CHANGES = 40  # of each text
WORDS = [b'"', b"\\", b"\\u", b"\\ud800", b"{", b"}", b"[", b"]", b":", b",", b" ", b"\t", b"\f", b"\v",
         b"\0", b"0", b"-", b"+", b".", b"e", b"E5", b"1", b"null", b"true", b"false", b"NaN",
         b"Infinity", b"\xff", b"\xc3\xa4", b"\xef\xbb\xbf", b"\xc2\xa0", b"'", b"//", b'"a":', b"\x1e"]


def texts():
    """Those of the corpus and ones made here, each also with a few changes; the same ones each time."""
    chance = random.Random(7)
    whole = [path.read_bytes() for kind in ("json", "page", "content", "known")
             for path in sorted((HERE / "corpus" / kind).iterdir())]
    whole = [text for text in whole if len(text) < 2000]
    whole += [made(chance, 4) for _ in range(len(whole))]
    for text in whole:
        yield text
        for _ in range(CHANGES):
            yield changed(chance, text, whole)
            yield made(chance, 3)


def made(chance, depth):
    """A text that is JSON."""
    space = chance.choice([b"", b"", b"", b" ", b"\t\r\n "])
    kind = chance.randrange(6 if depth else 4)
    if kind < 2:
        text = chance.choice([b"null", b"true", b"false", b"0", b"-0", b"1.50", b"1E400", b"-2e-7", b"9" * 20])
    elif kind < 4:
        text = string(chance)
    elif kind == 4:
        text = b"[" + space + b",".join(made(chance, depth - 1) for _ in range(chance.randrange(4))) + b"]"
    else:
        text = b"{" + space + b",".join(string(chance) + space + b":" + made(chance, depth - 1)
                                        for _ in range(chance.randrange(4))) + b"}"
    return space + text + space


def string(chance):
    pieces = [b"a", b"\\u0000", b"\\uD83d\\uDE00", b"\\udc00", b"\\\\", b'\\"', b"\\/", b"\\n", b"\0", b"\n", b"\xff",
              b"\xc3\xa4", b"\xed\xa0\x80", b"]", b"{", b":", b"//", b"\x7f"]
    return b'"' + b"".join(chance.choices(pieces, k=chance.randrange(4))) + b'"'


def changed(chance, text, others):
    for _ in range(chance.choice([1, 1, 1, 2, 4])):
        at = chance.randint(0, len(text))
        to = min(len(text), at + chance.choice([0, 0, 1, 2, 8]))
        new = chance.choice([b"", chance.choice(WORDS), bytes([chance.randrange(256)]),
                             chance.choice(others)[:20]])
        text = text[:at] + new + text[to:]
    return text


def decoded(inputs):
    """For each what decode makes of it; None: not JSON; "limit": too deep or too much."""
    sent = b"".join(b"%d\n" % len(text) + text for text in inputs)
    out = subprocess.run([COMPACT], input=sent, check=True, capture_output=True).stdout
    at, answers = 0, []
    for _ in inputs:
        end = out.index(b"\n", at)
        head, at = out[at:end], end + 1
        if head in b"+-":
            answers.append("limit" if head == b"+" else None)
            continue
        answers.append(out[at:at + int(head)])
        at += int(head)
    return answers


def refuse(word):
    raise ValueError(word)


def value(text):
    """The value with each number as it is spelled, and all members in order; None: not JSON. Bytes
    that are not UTF-8 are one character each, as they are no error of JSON's."""
    try:
        return json.loads(text.decode("utf-8", "surrogateescape"), strict=False, parse_constant=refuse,
                          parse_int=lambda digits: ("number", digits),
                          parse_float=lambda digits: ("number", digits),
                          object_pairs_hook=lambda pairs: ("object", pairs)),
    except ValueError:
        return None


def test_json_is_what_python_says():
    inputs = list(texts())
    good = 0
    for text, answer in zip(inputs, decoded(inputs)):
        if answer == "limit":
            continue
        assert (answer is None) == (value(text) is None), text
        if answer is not None:
            assert value(answer) == value(text), text
            good += 1
    # Neither all nor nothing: the changes leave enough of both.
    assert len(inputs) / 5 < good < len(inputs) * 4 / 5, (good, len(inputs))
