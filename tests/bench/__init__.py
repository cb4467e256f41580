"""The benchmark: what one mail costs in round trips, socket calls, heap and time.

`figures.py` measures counts and bytes, which `tests/firmware/test_figures.py` asserts; `pace.py`
measures time, which no test asserts, and `gateway.py` what the mail gateway bears.
`python -m tests.bench` measures and prints them all.
"""
