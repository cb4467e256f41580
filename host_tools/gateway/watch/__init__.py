"""The watch: it looks at the queue and the log, and tells a person by other ways than mail.

`look` judges what it sees, `signs` knows when each board was heard last, `log` follows the log,
`page` shows it all, `daemon` turns the loop and tells.
"""
