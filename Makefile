# make run    set up, then the server with a demonstration lesson
# make test   set up, then every check
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python

.PHONY: setup run test
setup: .make/venv
