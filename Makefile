# make demo       the whole job on scikit-learn's 8x8 digits: no download, a few minutes
# make articles   the GANs of five articles, on MNIST and CIFAR-10, as written and cured; goes on where it stopped
# make setup      only what all others need: .venv with elmyr in it
# make test       the quick tests          make test-slow    those that train for real
# make lint       format, lint and types   make clean        remove what make and the tools made
#
# On Linux without an NVIDIA GPU, PyTorch's own CPU index saves gigabytes:
#     make demo TORCH_INDEX=https://download.pytorch.org/whl/cpu

PYTHON ?= python3
TORCH_INDEX ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install -q -c constraints.txt

.PHONY: demo articles setup test test-slow lint clean

demo: .venv/.installed
	$(BIN)/elmyr study digits

articles: .venv/.installed
	$(BIN)/elmyr articles --out articles/five

setup: .venv/.installed

test: .venv/.installed
	$(BIN)/python -m pytest -n 2 --dist loadfile -q

test-slow: .venv/.installed
	$(BIN)/python -m pytest -q -m slow

lint: .venv/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

clean:
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# torch comes alone from its index (--no-deps); what it needs comes with the package from the usual one. The
# build backend is installed here, not in pip's isolated environment, which would not see the constraints.
.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "elmyr needs Python 3.11 or newer, this is %d.%d: make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "installing elmyr and its dependencies into .venv (a few minutes the first time)" >&2
	@$(PYTHON) -m venv .venv
	@$(if $(TORCH_INDEX),$(PIP) --no-deps --index-url $(TORCH_INDEX) torch)
	@$(PIP) hatchling editables
	@$(PIP) --no-build-isolation -e '.[dev]'
	@touch $@
