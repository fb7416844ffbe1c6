# master_proto: build, test, install. `make help` lists the targets.

BUILD := build

all: ## build the object, the archive and the shared library in build/
	@tools/build "$(BUILD)"

# Another make stops at this line and prints it; GNU make takes it for a target.
.error This_Makefile_needs_GNU_make,_which_may_be_called_gmake:

# install builds nothing. If `all` is asked for in the same call, it comes first, even with -j.
install: $(filter all,$(MAKECMDGOALS)) ## install what is built: DESTDIR PREFIX LIBDIR INCLUDEDIR PKGCONFIGDIR MANDIR DOCDIR
uninstall: ## remove what install has put there, given the same variables
install uninstall:
	@BUILD="$(BUILD)" tools/install $@

check: all ## less than half a minute: cargo test, C tests, symbols, install; no Postfix, root or network (needs cmocka)
	CARGO_TARGET_DIR="$(BUILD)/target" $${CARGO:-cargo} test --quiet --locked $$CARGO_FLAGS
	@IMPL="$$(cd "$(BUILD)" && pwd)" && $(MAKE) --no-print-directory -C c_tests header check \
	    IMPL="$$IMPL/master_proto.o" OUT="$$IMPL/c_tests" \
	    STRONG="$$(tools/inspect --facts "$$IMPL/master_proto.o" | grep -cx 'needs msg_info')"
	@tools/inspect "$(BUILD)" && echo "passed symbols"
	@tests/install.sh "$(BUILD)"

header: build/header/master_proto.h ## regenerate include/master_proto.h from src/lib.rs
	@cmp -s build/header/master_proto.h include/master_proto.h || cp build/header/master_proto.h include

postfix-replace: all ## put the object into the built Postfix tree POSTFIX=
	@tools/postfix-object replace "$(POSTFIX)" "$(BUILD)/master_proto.o"

postfix-restore: ## put the C original back into the tree POSTFIX=
	@tools/postfix-object restore "$(POSTFIX)"

postfix-verify: ## check that every program of the tree POSTFIX= contains our code
	@tools/postfix-object verify "$(POSTFIX)" "$(BUILD)/master_proto.o"

# The tests. What they build stays below build/, too. Half of the tests wait at any
# moment, so twice as many run as there are processors.
TEST_ENV := CARGO_TARGET_DIR="$(CURDIR)/build/target" RUST_BACKTRACE=0 RUST_TEST_THREADS=$$(($$(getconf _NPROCESSORS_ONLN) * 2))
TESTS := build/target/debug/tests
T :=
ORIGINALS := original original-protected original-marked original-hardened

# POSTFIX_SRC= names a Postfix source tree or tarball, POSTFIX_CCARGS= compiler flags for it.
DEMO := ours-$(if $(POSTFIX_SRC),yours-)static
demo: deps-demo all $(TESTS) build/postfix/$(DEMO)/.built ## run a real Postfix, with our object inside, that delivers mail
	@$(TESTS) demo $(DEMO)

try: deps-demo build/postfix/static/.built ## run SERVICE='program argument...' under a real master, on 127.0.0.26:10026
	@tests/try.sh build/postfix/static $(SERVICE)

# NEWEST_SRC= names a source tree or tarball to test instead of Debian's newest.
test: deps-test prepare ## run the tests; T=NAME: those whose names contain NAME
	@echo "with Postfix $$(cat build/postfix/static/.built) and, as the newest, $$(cat build/postfix/newest-static/.built)"
	@$(TEST_ENV) tests/run.sh "$(T)" Cargo.toml tests/Cargo.toml:system rust/Cargo.toml

test-arch: deps-arch all $(TESTS) build/postfix/static/.built ## run the C tests on other architectures and C libraries (700 MB to download, once)
	@tests/platforms.sh
	@$(TEST_ENV) tests/run.sh "$(T)" tests/Cargo.toml:platforms

test-cargo-c: deps-cargo-c all $(TESTS) build/cargo-c/bin/cargo-cinstall ## compare what cargo-c installs (compiles it once)
	@$(TEST_ENV) tests/run.sh "$(T)" tests/Cargo.toml:cargo_c

test-debian: deps-test all $(TESTS) build/postfix/source/makedefs build/postfix/debian-binary/.unpacked ## build Debian's postfix package with the object inside
	@tools/deps debian build/postfix/source
	@$(TEST_ENV) tests/run.sh "$(T)" tests/Cargo.toml:debian

bench: deps-test all $(ORIGINALS:%=build/original/%.o) ## time a call beside the C original and a bare write(2)
	@tests/call/bench.sh

mutants: deps-test prepare build/cargo-mutants/bin/cargo-mutants ## test the tests: make mutants that they must catch; T=NAME
	@tests/mutants.sh "$(T)"

# What the tests take as given. Only this uses the network.
TREES := static shared newest-static newest-shared
OURS := static shared newest-static
prepare: all strong crates $(TESTS) build/header/master_proto.h $(ORIGINALS:%=build/original/%.o) \
    $(TREES:%=build/postfix/%/.built) $(OURS:%=build/postfix/ours-%/.built) build/postfix/debian-binary/.unpacked

strong:
	@CARGO_FLAGS="$$CARGO_FLAGS --features strong-msg" tools/build build/strong

# For every platform, since the tests vendor them.
crates:
	@for manifest in Cargo.toml tests/Cargo.toml rust/Cargo.toml; do \
	    cargo fetch --quiet --locked --manifest-path $$manifest || exit; \
	done

$(TESTS): always
	@$(TEST_ENV) cargo build --quiet --locked --manifest-path tests/Cargo.toml

build/header/master_proto.h: src/lib.rs src/msg.rs build.rs cbindgen.toml Cargo.lock
	@HEADER="$(CURDIR)/$@" $(TEST_ENV) cargo check --quiet --locked --features header
	@touch $@

build/postfix/source/makedefs build/postfix/newest-source/makedefs build/postfix/debian-binary/.unpacked:
	@name=$(notdir $(@D)) && tests/step.sh "fetch Postfix: $$name" build/log/fetch-$$name.log tests/fetch.sh $$name
build/postfix/yours-source/.taken build/postfix/newest-source/.taken: always
	@tests/copy-source.sh "$(if $(findstring yours,$@),$(POSTFIX_SRC),$(NEWEST_SRC))" $(@D)

build/postfix/static/.built build/postfix/shared/.built: build/postfix/source/makedefs
build/postfix/newest-static/.built build/postfix/newest-shared/.built: \
    build/postfix/newest-source/$(if $(NEWEST_SRC),.taken,makedefs)
build/postfix/yours-static/.built: build/postfix/yours-source/.taken
build/postfix/ours-%/.built: build/postfix/%/.built build/master_proto.o
	@tests/step.sh "put our object into Postfix: $*" build/log/postfix-ours-$*.log tests/build-postfix.sh ours-$*
build/postfix/%/.built:
	@tests/step.sh "build Postfix: $*" build/log/postfix-$*.log tests/build-postfix.sh $* "$(POSTFIX_CCARGS)"
build/master_proto.o: all ;

# The C original: plain, with the least that distributions add, with branch protection,
# and with all that they add.
PROTECTED := -fstack-protector-strong
build/original/original-protected.o: ORIGINAL := $(PROTECTED)
build/original/original-marked.o: ORIGINAL := $(PROTECTED) -fcf-protection
build/original/original-hardened.o: ORIGINAL := $(PROTECTED) -D_FORTIFY_SOURCE=2 -fstack-clash-protection \
    -fcf-protection -Wformat -Werror=format-security
build/original/%.o: build/postfix/static/.built
	@mkdir -p build/original
	@cd build/postfix/static && system=$$(sed -n 's/^SYSTYPE[[:space:]]*=[[:space:]]*//p' conf/makedefs.out) && \
	$(CC) -O2 -fPIC $(ORIGINAL) "-D$$system" -DNO_DB -DNO_NIS -DNO_EAI -Iinclude -Wno-comment \
	    -c src/master/master_proto.c -o ../../original/$*.o

# The newest cargo-c for the oldest Rust that this library takes.
build/cargo-c/bin/cargo-cinstall:
	@tests/step.sh "compile cargo-c (once)" build/log/cargo-c.log cargo install --locked --debug --no-track \
	    --bin cargo-cinstall --root build/cargo-c --target-dir build/target cargo-c@0.10.11
build/cargo-mutants/bin/cargo-mutants:
	@tests/step.sh "compile cargo-mutants (once)" build/log/cargo-mutants.log cargo install --locked --no-track \
	    --root build/cargo-mutants --target-dir build/target cargo-mutants@27.1.0

deps: deps-test ## install what demo and test need, as root; tell others what is missing
deps-%:
	@tools/deps $*

SUITE := trixie
test-suite: deps-suite ## follow README in a minimal chroot of Debian's SUITE=trixie
	@tests/suite.sh "$(SUITE)"

deb: deps-suite ## build Debian packages for SUITE=trixie in a minimal chroot
	@tests/deb.sh build "$(SUITE)"

test-deb: deps-suite ## build them and check them with lintian, piuparts, autopkgtest and others
	@tests/deb.sh test "$(SUITE)"

release-check: deps-suite ## rehearse docs/release.md for VERSION= in a copy
	@tests/release-check.sh "$(VERSION)"

clean: ## remove everything that was built, the Postfix trees included
	@rm -rf "$(BUILD)" build target tests/target rust/target 2>/dev/null || \
	{ echo "$$(id -un) cannot remove all that was built. Run 'make clean' as root." >&2; exit 1; }

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all install uninstall always check header postfix-replace postfix-restore postfix-verify demo try test test-arch test-cargo-c \
    test-debian bench mutants prepare strong crates deps test-suite deb test-deb release-check clean help
