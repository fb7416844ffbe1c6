# master_proto: build, test, install. `make help` lists the targets.

BUILD := build

all: ## build the object, the archive and the shared library in build/
	@scripts/build.sh "$(BUILD)"

include install.mk

header: ## regenerate include/master_proto.h from src/lib.rs
	@mkdir -p "$(BUILD)"
	@scripts/header.sh >"$(BUILD)/master_proto.h.new"
	@mv "$(BUILD)/master_proto.h.new" include/master_proto.h

demo: deps ## run a real Postfix, with our object inside, that delivers mail (as root)
	@scripts/demo.sh

test: deps ## run the tests (as root)
	@scripts/test.sh

test-arch: FOR := arch
test-arch: deps ## run the harnesses on other processors, C libraries and linkers
	@scripts/test-arch.sh

test-cargo-c: deps ## compare cargo-c's installation with ours (compiles cargo-c once)
	@scripts/test-cargo-c.sh

mutants: deps ## test the tests: make mistakes in the code that they must catch (minutes)
	@scripts/mutants.sh

test-debian: FOR := debian
test-debian: deps ## build Debian's postfix package with the object inside (as root)
	@scripts/test-debian.sh

bench: deps ## measure what it costs, beside C (as root, up to 20 minutes; QUICK=1: one minute)
	@QUICK="$(QUICK)" scripts/bench.sh

deps: ## install what demo and test need; FOR=arch or FOR=debian: what test-arch or test-debian needs
	@scripts/deps.sh $(FOR)

postfix-replace: all ## put the object into the built Postfix tree POSTFIX=
	@scripts/postfix-object.sh replace "$(POSTFIX)" "$(BUILD)/master_proto.o"

postfix-restore: ## put the C object back into the tree POSTFIX=
	@scripts/postfix-object.sh restore "$(POSTFIX)"

postfix-verify: ## say which programs of the tree POSTFIX= contain which code
	@scripts/postfix-object.sh verify "$(POSTFIX)" "$(BUILD)/master_proto.o"

clean: ## remove all that was built, the Postfix trees included
	rm -rf "$(BUILD)" target

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: all install uninstall header demo test test-arch test-cargo-c test-debian mutants bench deps \
    postfix-replace postfix-restore postfix-verify clean help
