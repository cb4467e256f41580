"""Analog limits with a deadband; a board with digital inputs only does without."""


def beyond(value, limit, back, high, was):
    """Tell whether an analog value is in alarm; None: it is no number, a bad process value.

    limit: where the alarm begins, in engineering units
    back: the limit less (high) or plus (low) the deadband, made once since floats take heap
    high: whether it is a high alarm or a low one
    was: what this function said last; stays between `limit` and `back`
    """
    if value != value:  # not a number
        return None
    if value >= limit if high else value <= limit:
        return True
    if value < back if high else value > back:
        return False
    return bool(was)
