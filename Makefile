# master_proto: build, test, install. `make help` lists the targets.

BUILD := build
# Which tests: make test T=replace
T :=

# What cargo makes for us, not for the product, stays below build/, too.
CARGO_HERE := CARGO_TARGET_DIR="$(CURDIR)/build/target" cargo
TESTENV := $(CARGO_HERE) run --quiet --locked --manifest-path testenv/Cargo.toml --
TESTS := $(CARGO_HERE) test --locked --manifest-path tests/Cargo.toml

all: ## build the object, the archive and the shared library in build/
	@tools/build "$(BUILD)"

include install.mk

check: all ## half a minute: cargo test, C tests, symbols, install; no Postfix, root or network (needs cmocka)
	CARGO_TARGET_DIR="$(BUILD)/target" $${CARGO:-cargo} test --quiet --locked $$CARGO_FLAGS
	@IMPL="$$(cd "$(BUILD)" && pwd)" && $(MAKE) --no-print-directory -C c_tests header check \
	    IMPL="$$IMPL/master_proto.o" OUT="$$IMPL/c_tests"
	@tests/install.sh "$(BUILD)"

header: build/header/master_proto.h ## regenerate include/master_proto.h from src/lib.rs
	@cmp -s build/header/master_proto.h include/master_proto.h || cp build/header/master_proto.h include

# POSTFIX_SRC= names a Postfix source tree or tarball of the user's.
DEMO_TREE := ours-$(if $(POSTFIX_SRC),yours-static,static)
demo: deps-demo $(if $(POSTFIX_SRC),build/postfix/yours-source/.taken) all build/postfix/$(DEMO_TREE)/.built ## run a real Postfix, with our object inside, that delivers mail
	@$(TESTENV) demo $(DEMO_TREE)

# NEWEST_SRC= names a source tree or tarball to test in the place of Debian's newest.
POSTFIX_IN = $$(cat build/postfix/$(1)/.built)
test: deps prepare ## run the tests; T=NAME: those whose names contain it
	@echo "with Postfix $(call POSTFIX_IN,static) and, as the newest, $(call POSTFIX_IN,newest-static)"
	$(CARGO_HERE) test --locked
	$(TESTS) --test system -- $(T)

test-arch: deps-arch prepare ## run the harnesses on other processors, C libraries, linkers and systems (700 MB to download, once)
	@$(TESTENV) platforms
	$(TESTS) --test platforms -- $(T)

test-cargo-c: deps all build/tools/cargo-c/bin/cargo-cinstall ## compare what cargo-c installs (compiles it once)
	$(TESTS) --test cargo_c -- $(T)

test-debian: deps all build/postfix/debian-binary/.unpacked build/postfix/source/makedefs ## build Debian's postfix package with the object inside
	@tools/deps debian build/postfix/source
	$(TESTS) --test debian -- $(T)

# The newest cargo-c for the oldest Rust that this library takes.
build/tools/cargo-c/bin/cargo-cinstall:
	CARGO_PROFILE_DEV_DEBUG=0 CARGO_PROFILE_DEV_STRIP=true cargo install cargo-c --version =0.10.11 --locked \
	    --debug --bin cargo-cinstall --no-track --root build/tools/cargo-c --target-dir build/tools/target
	@rm -rf build/tools/target

test-release: deps-release ## run what README says on a bare Debian RELEASE: bookworm, trixie or sid
	@$(TESTENV) release "$(RELEASE)"

mutants: deps prepare build/cargo-mutants/bin/cargo-mutants ## test the tests: make mistakes that they must catch; T=NAME
	MUTANTS=1 $(TESTS) --test system -- $(T)
build/cargo-mutants/bin/cargo-mutants:
	cargo install --quiet --locked --root build/cargo-mutants --version 27.1.0 cargo-mutants

test-failed: deps prepare ## run again what failed in the last run
	$(TESTS) --test system -- --failed

test-list: ## print the names of all tests
	@$(TESTS) --quiet --test system -- --list

shell: deps prepare ## a shell in the sandbox of the tests
	@$(TESTENV) shell

build/header/master_proto.h: src/lib.rs src/msg.rs build.rs cbindgen.toml Cargo.lock
	@HEADER="$(CURDIR)/$@" $(CARGO_HERE) check --quiet --locked --features header
	@touch $@

# What tests take as given: made once, and with cargo's own fetching the only
# work that uses the network.
TREES := static shared newest-static newest-shared
OURS := static shared newest-static
ORIGINALS := original original-protected original-marked original-hardened
prepare: all strong crates build/checked/.done build/header/master_proto.h $(ORIGINALS:%=build/original/%.o) \
    $(TREES:%=build/postfix/%/.built) $(OURS:%=build/postfix/ours-%/.built) \
    build/postfix/debian-binary/.unpacked

# Of every platform, since the tests vendor them.
crates:
	@cargo fetch --quiet --locked && cargo fetch --quiet --locked --manifest-path tests/Cargo.toml

# What clippy wants of the crates that the tests depend on: ships::lint.
build/checked/.done: tests/Cargo.lock
	@CARGO_TARGET_DIR="$(@D)" cargo check --quiet --locked --workspace --manifest-path tests/Cargo.toml
	@touch $@

strong:
	@CARGO_FLAGS="$$CARGO_FLAGS --features strong-msg" tools/build build/strong

build/postfix/source/makedefs build/postfix/newest-source/makedefs build/postfix/debian-binary/.unpacked:
	@$(TESTENV) fetch $(notdir $(@D))

build/postfix/static/.built build/postfix/shared/.built: build/postfix/source/makedefs
build/postfix/newest-static/.built build/postfix/newest-shared/.built: \
    build/postfix/newest-source/$(if $(NEWEST_SRC),.taken,makedefs)
build/postfix/yours-static/.built: build/postfix/yours-source/.taken
build/postfix/yours-source/.taken build/postfix/newest-source/.taken: always
	@$(TESTENV) fetch $(notdir $(@D))
build/postfix/%/.built:
	@$(TESTENV) tree $*

# The same with our object, and only when that has changed.
build/postfix/ours-%/.built: build/postfix/%/.built build/master_proto.o
	@$(TESTENV) tree ours-$*
build/master_proto.o: all ;

# Postfix's own code: plain, with the least that distributions add, that and the
# marks, and with all.
PROTECTED := -fstack-protector-strong
HARDENED := $(PROTECTED) -D_FORTIFY_SOURCE=2 -fstack-clash-protection -fcf-protection -Wformat -Werror=format-security
build/original/original-protected.o: ORIGINAL := $(PROTECTED)
build/original/original-marked.o: ORIGINAL := $(PROTECTED) -fcf-protection
build/original/original-hardened.o: ORIGINAL := $(HARDENED)
build/original/%.o: build/postfix/static/.built
	@mkdir -p build/original
	@cd build/postfix/static && system=$$(sed -n 's/^SYSTYPE[[:space:]]*=[[:space:]]*//p' conf/makedefs.out) && \
	$(CC) -O2 -fPIC $(ORIGINAL) "-D$$system" -DNO_DB -DNO_NIS -DNO_EAI -Iinclude -Wno-comment \
	    -c src/master/master_proto.c -o ../../original/$*.o

bench: deps all $(ORIGINALS:%=build/original/%.o) build/postfix/ours-static/.built
bench: ## measure, and write docs/bench.md (10 minutes on an idle machine); QUICK=1 only tries it
	@$(CARGO_HERE) run --quiet --release --locked --manifest-path benches/Cargo.toml

deps: ## install what demo and test need, as root; others are told what is missing
	@tools/deps test
deps-demo deps-arch deps-release:
	@tools/deps $(@:deps-%=%)

postfix-replace: all ## put the object into the built Postfix tree POSTFIX=
	@tools/postfix-object replace "$(POSTFIX)" "$(BUILD)/master_proto.o"

postfix-restore: ## put the C object back into the tree POSTFIX=
	@tools/postfix-object restore "$(POSTFIX)"

postfix-verify: ## say which programs of the tree POSTFIX= contain which code
	@tools/postfix-object verify "$(POSTFIX)" "$(BUILD)/master_proto.o"

RELEASE := trixie
deb: deps-release ## build Debian packages for RELEASE=trixie, in a bare system of it
	@$(TESTENV) deb $(RELEASE)

test-deb: deps-release ## build them, and have them checked by lintian, piuparts, autopkgtest and others
	@$(TESTENV) test-deb $(RELEASE)

VERSION :=
release-check: deps-release ## rehearse docs/release.md for VERSION= in a copy, up to what cannot be taken back
	@$(TESTENV) release-check "$(VERSION)"

# An interrupted run leaves a bare system, whose files are its users'.
BUILT := "$(BUILD)" build target tests/target testenv/target benches/target
clean: ## remove all that was built, the Postfix trees included
	rm -rf $(BUILT) 2>/dev/null || unshare --map-root-user --map-auto rm -rf $(BUILT)

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all check always bench header demo test test-arch test-release mutants test-cargo-c test-debian test-failed test-list shell prepare strong crates \
    deps deps-demo deps-arch deps-release \
    postfix-replace postfix-restore postfix-verify deb test-deb release-check clean help
