"""Deliveries: to all, to some, refused, of a bundle; borrowed for each.

A notice that all its recipients have becomes the state of its tag, or nothing.

A bundle is one mail that covers several notices. Its own record tells which, they do not. So
before the first of them changes, the record tells who has them, and becomes a thing to do: at
once, or at the next boot. In its record `since` is 0 while it waits; then `since` is for whom the
mail was, `to` who of them is left, and `parked` who refused it for good.
"""

import os

from borrow import borrow

from . import BUNDLE, BUNDLES, encode, home_of, name_of, rank_of

try:
    from micropython import const
except ImportError:  # CPython
    const = int

_KEY = const(7)
_ENTRY = const(8)
_PAGE = const(128)


def remove(box, key, recipients, parked):
    """Take recipients off a notice; see `Outbox.remove`."""
    page, at = place(box, key)
    if page[at : at + _KEY] != key:
        return
    notice = box.read(key)
    if notice and (parked or notice.kind == BUNDLE or (notice.to | notice.parked) & ~recipients):
        settle(box, notice, recipients, parked)
    else:
        box.damaged += not notice
        retire(box, key, notice)


def retire(box, key, notice):
    """Take a notice off the queue; it becomes the state of its tag where none is newer."""
    page, at = place(box, key)
    page[at : at + _ENTRY] = b""  # first, lest a failing flash repeats the mail for ever
    path = box.root + box.file_of(key)
    if notice and (key in box.homes or tells(box, notice)):
        notice.to = notice.parked = 0
        box.save(box.file_of(key), encode(notice, key))
        if box.homes.pop(key, None) is None:
            vacate(box, notice.tag)
            os.rename(path, box.root + home_of(notice.tag))
    else:
        box.homes.pop(key, None)
        os.remove(path)
    if not box.homes:
        box.homes.clear()  # which gives back its heap, too
    join(box.index)


def place(box, key):
    """Return the page of the index that has the entry of a key, or would have it, and where."""
    page = box.index[0]  # there always is one
    for page in box.index:
        if page[-_ENTRY:] > key:  # an entry is more than its key
            break
    at = 0
    while at < len(page) and page[at : at + _KEY] < key:
        at += _ENTRY
    return page, at


def join(index):
    """Make one page of two where that has room for both: so there are not many of few entries."""
    for at in range(len(index) - 1, 0, -1):
        if len(index[at - 1]) + len(index[at]) <= _PAGE:
            index[at - 1].extend(index[at])
            del index[at]


def vacate(box, tag):
    """Let what waits in the home of a tag have a file of its own."""
    for key in box.homes:
        if box.homes[key] == tag:
            os.rename(box.root + home_of(tag), box.root + name_of(key))
            del box.homes[key]
            return


def tells(box, notice):
    """Tell whether a notice tells the state of its tag and is newer than its home."""
    if not notice.state or not notice.tag:
        return False
    home = box.home(notice.tag)
    return not home or home.key < notice.key


def settle(box, notice, recipients, parked):
    """Take recipients off a notice, or off what a bundle covers, and park it for some of them."""
    key = notice.key
    if notice.kind != BUNDLE:
        if notice.to & recipients:
            part(box, key, notice.to & ~recipients)
        share(box, notice, recipients, parked)
        return
    if not notice.since:
        notice.since = notice.to
        notice.parked = notice.to & parked
        notice.to &= ~recipients
        box.save(box.file_of(key), encode(notice, key))
    finish(box, notice)


def share(box, notice, recipients, parked):
    """Take recipients off a notice."""
    both = notice.to | notice.parked
    notice.parked = (notice.parked & ~recipients) | (both & parked)
    notice.to &= ~recipients
    key = notice.key
    if notice.to or notice.parked:
        save(box, notice)
    else:
        retire(box, key, notice)


def restore(box, key):
    """Let those who refused a notice for good get it all the same; tell whether there was one."""
    notice = box.read(key)
    if not notice or not notice.parked or notice.kind == BUNDLE:
        return False
    part(box, key, notice.to | notice.parked)
    notice.to |= notice.parked
    notice.parked = 0
    save(box, notice)
    return True


def save(box, notice):
    """Keep who is to get a notice now, and who refused it."""
    key = notice.key
    box.save(box.file_of(key), encode(notice, key))
    page, at = place(box, key)
    page[at + _KEY] = rank_of(notice)


def finish(box, bundle):
    """Do what the record of a bundle tells."""
    done = bundle.since & ~bundle.to
    key = bundle.key
    if done:
        part(box, b"", bundle.to)
        for notice in borrow("outbox.members").covered(box, bundle):
            # Where it is of an earlier boot, its `since` would be taken for one of this boot.
            is_own = notice.announced == notice.key and notice.key[:3] == key[:3]
            if is_own and done != bundle.parked:
                notice.announced = key
            share(box, notice, done, bundle.parked)
    retire(box, key, bundle)


def part(box, key, to):
    """Dissolve what would come to cover a notice that is left to recipients `to`.

    Its mail may have been sent already, and must not be another one the next time.
    """
    for bundle in bundles(box):
        if bundle.to == to and not bundle.since and key <= bundle.announced:
            retire(box, bundle.key, bundle)


def tidy(box):
    """Finish what a cut has left half done; remove bundles that cover nothing any more."""
    for bundle in bundles(box):
        if bundle.since:
            finish(box, bundle)
        elif not any(borrow("outbox.members").covered(box, bundle)):
            retire(box, bundle.key, bundle)


def bundles(box):
    """Yield the bundles."""
    key = box.find(b"", BUNDLES)
    while key:
        bundle = box.read(key)
        if bundle:
            yield bundle
        key = box.find(key, BUNDLES)
