# One recipe per developer action. `just` itself is optional: each recipe is one command that can be typed, and the scripts
# of tests/support/scripts do not need it.

set shell := ["bash", "-euo", "pipefail", "-c"]

scripts := "tests/support/scripts"

# Lists the recipes.
default:
    @{{just_executable()}} --list --unsorted

# Makes a bare Debian ready, builds everything and shows a VM: README's first command.
setup:
    {{scripts}}/setup

# Builds the command and everything that tests run, but not the components.
build:
    cargo build --workspace --bins

# Builds every provider, and the hostile guest of tests/isolation, into components/dist/NAME.wasm for tests and the demo.
components:
    {{scripts}}/build-components

# What to run before each commit: formatting, lints, house rules. A minute, no components needed.
check:
    {{scripts}}/test format clippy
    cargo test --package stockade-test-tidy

# Everything that must hold, as CI runs it: README's second command.
test:
    {{scripts}}/test

# One provider through the conformance suite: fake, web, libvirt, openstack, aws-moto and so on.
conformance NAME *ARGS:
    STOCKADE_CONFORMANCE={{NAME}} cargo test --workspace --test conformance -- {{ARGS}}

# The openstack provider at a real cloud, Keystone to Octavia from PyPI: four minutes to install, ten to run.
peer-openstack *ARGS:
    STOCKADE_CONFORMANCE=openstack cargo test --workspace --test conformance -- {{ARGS}}

# Only what needs a libvirt daemon: real guests, kweb, the native provider. Needs root or sudo.
test-libvirt:
    cargo test --package stockade-test-support --test private_libvirt
    cargo test --package stockade-test-libvirt
    STOCKADE_CONFORMANCE=libvirt,web cargo test --workspace --test conformance

# Checks the contract: it parses, is documented, and is compatible with what was released.
wit:
    cargo test --package stockade-test-wit

# Writes the OpenAPI document anew after a change of the HTTP API, for review beside the change.
openapi:
    STOCKADE_BLESS=1 cargo test --package stockade-test-http-api openapi

# Accepts the snapshots as the tests now see them; look at `git diff` before committing.
bless:
    INSTA_UPDATE=always STOCKADE_BLESS=1 cargo test --workspace --no-fail-fast

# Compares list calls with native clients and virsh, as ratios within one run; slow, and never part of a test.
# Names choose benchmarks: policy, component, command, memory, libvirt, aws, upload, openstack, nova.
bench *NAMES:
    cargo build --release --workspace --bins
    target/release/stockade-test-bench {{NAMES}}

# The libvirt provider against virsh and kcli: lists of 500 domains, creation, upload, and a server's list.
bench-libvirt:
    {{just_executable()}} bench libvirt

# Sixty seconds on a private libvirt, or on the simulated provider: `just demo fake`.
demo *PROVIDER:
    {{scripts}}/demo {{PROVIDER}}

# The API documentation, with every broken link an error.
doc:
    {{scripts}}/test doc

# Licences, sources and duplicate versions of dependencies; see deny.toml.
deny:
    {{scripts}}/test deny

# Known vulnerabilities of dependencies. Apart from `deny`: it fetches a database from the network, which CI may not have.
advisories:
    cargo deny check advisories

# Records kweb's answers anew as tests/fixtures/web/*.json, after kcli's version was moved in install-kweb.
record-kweb:
    cargo test --package stockade-test-support --test private_libvirt -- --ignored --exact kwebs_answers_are_recorded

# Exactly what CI runs, installing what it needs.
ci:
    .ci/run
