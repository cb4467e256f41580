"""A contact once more, slow and obvious: from all that happened to it, not from a state.

Written from the specification, not from `firmware/inputs.py`. Interrupts come at once, or the pin
has none.
"""


def play(debounce, steps, latches):
    """Return what `input_play.play` must return.

    latches: pulses count that are over before the next read; each edge is seen
    """
    now = 0
    level = 0
    looks = []  # (when, level) whenever it was looked at: by reads, and at edges that are seen
    reads = []  # (when, settled) for each read
    told = []
    for passed, what in steps:
        now += passed
        if what == "read":
            looks.append((now, bool(level)))
            before = reads[-1][1] if reads else None
            after = settle(looks, before, debounce)
            pulse = latches and before is not True and pulses(looks, reads, debounce)
            told.append(bool(pulse) or after)
            reads.append((now, after, len(looks)))
        elif what != level:
            level = what
            if latches:
                looks.append((now, bool(level)))
    return told


def settle(looks, before, debounce):
    """Return what the contact counts as, which was `before`, after a read."""
    now, level = looks[-1]
    if before is None:
        return level
    since = now
    for when, was in reversed(looks):
        if was != level:
            break
        since = when
    return level if now - since >= debounce else before


def pulses(looks, reads, debounce):
    """Tell whether there was a pulse that was long enough and ended since the last read."""
    start = reads[-1][2] if reads else 0
    for at in range(start, len(looks)):
        if at and looks[at - 1][1] and not looks[at][1]:
            end = looks[at][0]
            began = end
            for when, was in reversed(looks[:at]):
                if not was:
                    break
                began = when
            if end - began >= debounce:
                return True
    return False
