#!/usr/bin/env bash
# Installs what a recipe of the Makefile needs and this machine lacks, from Debian's packages.
#
#   scripts/install.sh demo     a Rust toolchain, a C compiler, Node.js for the page
#   scripts/install.sh test     those, and what the tests start for themselves: brokers, databases, Prometheus, Chromium
#
# Nothing is done, and no rights are asked for, where nothing is missing. Services that a package brings aren't started
# at installation: the tests start private instances on free loopback ports and never touch a system's own.
set -euo pipefail

packages=()

# need PROGRAM PACKAGE: notes the package if neither the PATH nor the usual folders have the program.
need() {
    PATH="$PATH:/usr/sbin:/usr/local/sbin" command -v "$1" >/dev/null 2>&1 || packages+=("$2")
}

# PostgreSQL's server programs lie in a folder per version, outside the PATH.
need_postgres() {
    command -v postgres >/dev/null 2>&1 || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ||
        packages+=(postgresql)
}

# Korean letters on the screenshots.
need_font() {
    compgen -G '/usr/share/fonts/opentype/noto/NotoSansCJK*' >/dev/null || packages+=(fonts-noto-cjk)
}

# Foreign peers written in Python live in an environment of their own.
need_venv() {
    python3 -c 'import ensurepip, venv' >/dev/null 2>&1 || packages+=(python3 python3-venv)
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif ! command -v sudo >/dev/null 2>&1; then
        echo "failed to install ${packages[*]}: not root and no sudo; install them as root, then run this again" >&2
        exit 1
    elif [ -t 0 ]; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

# Debian starts a package's service at installation unless this file says no. One that exists is left as it is.
policy=/usr/sbin/policy-rc.d
keep_services_down() {
    [ -e "$policy" ] && return
    # shellcheck disable=SC2016 # the inner shell expands $1
    as_root sh -c 'printf "#!/bin/sh\nexit 101\n" >"$1" && chmod 755 "$1"' sh "$policy"
    trap 'as_root rm -f "$policy"' EXIT
}

install_packages() {
    [ ${#packages[@]} -eq 0 ] && return
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "failed to install ${packages[*]}: no apt-get here; install the same programs your system's way" >&2
        exit 1
    fi
    echo "Installing from Debian's packages: ${packages[*]}" >&2
    keep_services_down
    as_root apt-get update -q </dev/null
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${packages[@]}" </dev/null
}

# Debian's own rustc is too old for this workspace: only its rustup, where it has one, helps.
need_rust() {
    command -v cargo >/dev/null 2>&1 && return
    if apt-cache show rustup >/dev/null 2>&1; then
        packages+=(rustup)
    else
        echo "failed to find cargo: install Rust 1.90 or later from https://rustup.rs, then run this again" >&2
        exit 1
    fi
}

finish_rust() {
    cargo --version >/dev/null 2>&1 || rustup default stable </dev/null
}

case "${1:-}" in
    demo) ;;
    test)
        need rabbitmq-server rabbitmq-server
        need mosquitto mosquitto
        need redis-server redis-server
        need_postgres
        need prometheus prometheus
        need promtool prometheus
        need chromium chromium
        need openssl openssl
        need_font
        need_venv
        ;;
    *)
        echo "usage: scripts/install.sh demo|test" >&2
        exit 2
        ;;
esac
need_rust
need cc gcc
need node nodejs
need npm npm
[ -e /usr/include/stdlib.h ] || packages+=(libc6-dev)
install_packages
finish_rust
