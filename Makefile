# What there is to do here. Everything needed lands in .venv/ and .cache/; nothing needs root.

PYTHON = python3
BIN = .venv/bin
PLANT = plant.toml

FILES = $(shell find firmware boards host_tools tests -name '*.py')
PROGRAMS = tests/bench/programs/% tests/firmware/programs/% tests/gateway/programs/%
STAND_INS = $(filter-out %/layout.py,$(filter host_tools/virtual_board/device/%,$(FILES)))
HELPERS = host_tools/flash/device/%
BOARD = $(filter-out %/cpython.py %/theirs.py,\
	$(filter firmware/% boards/% $(PROGRAMS) $(HELPERS),$(FILES)))

export HYPOTHESIS_STORAGE_DIRECTORY = .cache/hypothesis

.PHONY: help setup demo test flash fake-smtp lint bench clean

help:  ## list what there is to do
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/make \1\t\2/p' Makefile | expand -t 16

setup: .venv/ready  ## set up Python's packages in .venv/; the others do it when needed

.venv/ready: pyproject.toml
	@$(PYTHON) host_tools/bootstrap.py

demo: .venv/ready  ## show an alarm, a pulled cable and a power cut on a virtual board
	@$(BIN)/alarmpost demo

# Four at a time on any machine: the tests mostly wait for time-outs.
test: .venv/ready  ## run all tests, or some: make test ARGS="-k trace"
	@$(BIN)/python -m host_tools.micropython 64 32 >/dev/null
	$(BIN)/python -m pytest -n 4 --dist worksteal $(ARGS)

flash: .venv/ready  ## put the firmware onto a board: make flash BOARD=plc7 PORT=/dev/ttyACM0
	@$(BIN)/alarmpost flash $(PLANT) $(BOARD:%=--device %) $(PORT:%=--port %) $(ARGS)

fake-smtp: .venv/ready  ## start an SMTP server that shows what it gets; ARGS=--help for more
	@$(BIN)/alarmpost fake-smtp --folder .cache/inbox $(ARGS)

lint: .venv/ready  ## check style and types; for boards against MicroPython's library
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@echo "basedpyright: what runs on CPython"
	@$(BIN)/basedpyright $(filter-out $(BOARD) $(STAND_INS),$(FILES))
	@echo "basedpyright: what runs on boards"
	@$(BIN)/basedpyright --typeshedpath .venv/lib/python3*/site-packages $(BOARD)

bench: .venv/ready  ## measure what a mail costs: round trips, memory, time
	@$(BIN)/python -m tests.bench

clean:  ## remove all that the other targets made
	rm -rf .venv .cache .hypothesis build *.egg-info
	find . \( -name __pycache__ -o -name '*.mpy' \) -prune -exec rm -rf {} +
