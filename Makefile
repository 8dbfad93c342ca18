# The targets. Each installs what it needs and says so.
#
#   make demo     watch real bots join a meeting that only admits signed-in users (STAY=1 leaves it running)
#   make test     every test
#   make check    formatting, lints, documentation, dependencies
#   make bench    measure, side by side
#   make interop  other people's clients and libraries, unmodified, against this one (ONLY=name of a suite)
#   make fuzz     whatever strangers send, in every form that a fuzzer comes up with (SECONDS=30 for each target)
#   make soak     many bots for a long time, then while servers and browsers die (BOTS=20 MINUTES=10 for each of two times)
#   make crash-test   kill servers where it hurts, on SQLite and PostgreSQL, and look for lost accounts (ONLY=part of a name)
#   make docs     the documentation as a site, with search
#   make dev      server and simulator, started anew whenever a source changes
#   make dist     a release: binary, bill of materials, checksums (PROFILE=dev tries it out)

.DEFAULT_GOAL := help
SHELL := /bin/bash
export CARGO_TERM_COLOR ?= auto

.PHONY: help demo test check bench interop fuzz soak crash-test docs dev dist chromium sdk

help:
	@sed -n '3,13s/^# *//p' Makefile

# In the background while Rust compiles: a newcomer sees the first bot sooner.
demo:
	@scripts/alongside 'scripts/need-chromium && scripts/need-sdk' 'cargo build --locked -p latchkey'
	@target/debug/latchkey demo $(if $(STAY),--stay)

test:
	@scripts/alongside 'scripts/need-chromium && scripts/need-sdk && interop/need-node web/checks && scripts/need-postgres' 'scripts/build-tests'
	@scripts/run-tests

check:
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' cargo doc --locked --workspace --no-deps --document-private-items --quiet
	scripts/check-exposures
	scripts/check-docs
	scripts/check-alerts
	scripts/check-deploy
	scripts/check-openapi
	scripts/check-dependencies

bench: chromium sdk
	scripts/need wrk
	cargo build --locked --profile measure -p latchkey -p bench
	target/measure/bench

interop:
	@cargo build --locked -p latchkey -p stage
	@scripts/interop $(ONLY)

fuzz:
	@scripts/fuzz $(or $(SECONDS),30)

soak: chromium sdk
	@scripts/need-postgres
	@cargo build --locked -p latchkey -p crash-test
	@target/debug/crash-test --data data/soak soak --bots $(or $(BOTS),20) --minutes $(or $(MINUTES),10)

crash-test: chromium sdk
	@scripts/need-postgres
	@cargo build --locked -p latchkey -p crash-test
	@target/debug/crash-test $(if $(ONLY),--only '$(ONLY)')

docs:
	@scripts/build-docs

dev: chromium sdk
	@scripts/dev

dist:
	@PROFILE=$(or $(PROFILE),release) scripts/dist

chromium:
	@scripts/need-chromium

sdk:
	@scripts/need-sdk
