# Nuthatch. Plain `make` lists the targets; everything is built with --release.

.DEFAULT_GOAL := help
.PHONY: help run test check firmware clean setup viewer peers

# rustup's folder, so that a new installation is found before the shell is told of it; then the viewer's.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(CURDIR)/.local/viewer/bin:$(PATH)

# What `nuthatch run` is given: make run ARGS="--seed 7"
ARGS ?=

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

# Exit 1 says that lines stayed unfilled, which the program has told: no failure of make's.
run: setup ## build and run the simulated cell; ARGS="--seed 7" goes to `nuthatch run`
	@cargo run --release -- run $(ARGS) || test $$? -eq 1

# What needs the emulated board must not be skipped here.
test: export NUTHATCH_NEEDS_EMULATOR := 1
test: setup ## all tests, doctests and those on the emulated board included; .ci/run is the same
	@.ci/setup boards
	@.ci/firmware test
	@if cargo nextest --version >/dev/null 2>&1; \
	then cargo nextest run --release --workspace; \
	else cargo test --release --workspace --lib --bins --tests; fi
	@cargo test --release --workspace --doc
	@if [ -e .local/training/ready ]; \
	then $(MAKE) -C perception/training train-smoke; \
	else echo "train-smoke: SKIPPED, no PyTorch in .local/training; make -C perception/training train-smoke installs it"; fi

check: setup ## what to run before a commit: format, lints, and the tests that are not in a module `slow`
	@cargo fmt --all -- --check --config-path .config
	@cargo clippy --release --workspace --all-targets -- -D warnings
	@cd firmware/boards && cargo fmt --all -- --check --config-path ../../.config
	@if cargo nextest --version >/dev/null 2>&1; \
	then cargo nextest run --release --workspace --profile fast; \
	else cargo test --release --workspace --lib --bins --tests -- --skip slow::; fi

firmware: ## build the boards' images, print flash and RAM of each against their limits
	@.ci/setup boards
	@.ci/firmware

clean: ## remove what was built; downloads stay in .local
	@cargo clean
	@cd firmware/boards && cargo clean

setup: ## install what is missing: Rust, OpenCV, ONNX Runtime; run and test do it first
	@.ci/setup

viewer: ## install the Rerun viewer into .local/viewer, for `nuthatch run --viewer` and .rrd files
	@.ci/setup viewer

peers: ## install what the benches compare with (MuJoCo, Ruckig, OMPL, pinocchio) into .local/peers
	@.ci/setup peers
