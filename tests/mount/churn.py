# SPDX-License-Identifier: Apache-2.0
"""Lists that change all the time, and whose contents tell what they are of: so whoever reads, in whichever process,
knows whether what he got is whole. Version after version, until after CYCLE the first comes again."""
import re

IMAGES = 40
ATTRIBUTES = 12
LONG = 3  # the attribute of several pages of memory
CYCLE = 420
WORD = re.compile(rb'(\d+)\.(\d+)\.(\d+)\.(x*)\n')


def value(image, attribute, version):
    size = (image * 7 + attribute * 131 + version * 977) % 97
    return '%d.%d.%d.%s' % (image, attribute, version, 'x' * (size * 600 if attribute == LONG else size))


def is_true(image, attribute, text):
    """Whether these bytes are what this attribute has in one version or another."""
    match = WORD.fullmatch(text)
    return bool(match) and (int(match[1]), int(match[2])) == (image, attribute) and (
        text.decode() == value(image, attribute, int(match[3])) + '\n')


def stays(image):
    """Every other image is always there."""
    return image % 2 == 0


def records(version, images=IMAGES):
    """Of those that do not stay every third is away; of all a third changes, and many move."""
    found = []
    for image in range(images):
        if stays(image) or (image + version) % 3:
            own = (version - (image + version) % 3) % CYCLE
            record = {'id': 'i%d' % image, 'name': 'n%d' % (image % 5), 'status': ('active', 'queued')[own // 5 % 2],
                      '__imagetype': 'private', '__platform': 'P%d' % (image % 3)}
            found.append({**record, **{'a%d' % a: value(image, a, own) for a in range(ATTRIBUTES)}})
    return found
