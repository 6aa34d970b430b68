# SPDX-License-Identifier: Apache-2.0
# Shared by scripts/demo, scripts/check and scripts/setup; sourced by bash.
# Sets ROOT (the clone), CACHE (what set-up fetched), INST (the installed
# release of this clone).  Everything is done once and silent afterwards.

# Nothing of the caller's changes what is run or how it is read.
unset CDPATH PYTHONHOME PYTHONPATH PYTHONSTARTUP
export LC_ALL=C.UTF-8
umask 022 # workers and the server come where we make directories

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${SALLYPORT_CACHE:-/var/cache/sallyport}
# A place of root's: the supervisor gives up the right to pass through others'.
INST=$CACHE/install/$(printf %s "$ROOT" | cksum | cut -d' ' -f1)
RELEASE=release # which of presets/ it is built by
PYTHON=/usr/bin/python3
SERVER=$CACHE/server/bao

RUN_PACKAGES="libcap-ng0 libseccomp2 libinih1 libcurl4 libjansson4 libssl3
    libtss2-esys-3.0.2-0 libtss2-mu0 libtss2-sys1 swtpm swtpm-tools python3
    python3-cryptography curl openssl ca-certificates util-linux procps
    libcap2-bin"
BUILD_PACKAGES="gcc libc6-dev meson ninja-build pkg-config libseccomp-dev
    libcap-ng-dev libssl-dev libjansson-dev libcurl4-openssl-dev libtss2-dev
    libinih-dev scdoc python3-pip python3-venv unzip"

die() {
    echo "error: $*" >&2
    exit 1
}

# The output of what is done quietly, shown only if it fails; and an end by a
# signal is an exit, which removes it.
LOG=
forget_log() {
    [ -z "$LOG" ] || rm -f "$LOG"
    LOG=
}
trap forget_log EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 141' PIPE
trap 'exit 143' TERM

quietly() { # WHAT-IF-IT-FAILS COMMAND...
    local what=$1
    shift
    LOG=$(mktemp -u) # the name is known before the file is there
    (umask 077 && set -C && : >"$LOG") || die "no file can be made in ${TMPDIR:-/tmp}"
    # the locks are ours, not some daemon's that an installation starts
    if ! "$@" >"$LOG" 2>&1 8>&- 9>&-; then
        tail -n 40 "$LOG" >&2
        die "$what (see above)"
    fi
    forget_log
}

need_root() {
    [ "$(id -u)" = 0 ] || die "must be run by root: sudo $0"
    case $(uname -m) in x86_64) ;; *) die "amd64 only, for now" ;; esac
}

installed() {
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null)" = "ii " ]
}

# Installs the named Debian packages that are missing; silent if none is.
packages() {
    local missing=()
    for p in "$@"; do
        installed "$p" || missing+=("$p")
    done
    [ ${#missing[@]} = 0 ] && return 0
    echo "installing ${#missing[@]} packages: ${missing[*]}"
    quietly "the packages could not be installed" install_packages "${missing[@]}"
}

# Where an installation was interrupted, dpkg wants to end it first.
install_packages() {
    local install=(apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "$@")
    export DEBIAN_FRONTEND=noninteractive
    apt-get update || return 1
    "${install[@]}" || { dpkg --configure -a && "${install[@]}"; }
}

# Set-up is for one at a time: two may be started at once.
setup() { # [MORE PACKAGES…]
    mkdir -p "$CACHE" || die "$CACHE cannot be made"
    exec 8>"$CACHE/setup.lock"
    flock 8
    # shellcheck disable=SC2086
    packages $RUN_PACKAGES $BUILD_PACKAGES "$@"
    SALLYPORT_CACHE=$CACHE "$ROOT/scripts/get-server" 8>&-
    exec 8>&-
}

# What an installation of this build would hold, as one checksum.
installed_sum() {
    meson introspect --installed "$ROOT/build/$RELEASE" |
        "$PYTHON" -c 'import hashlib, json, os, sys
sums = hashlib.sha256()
def add(path):
    if os.path.isdir(path):
        for name in sorted(os.listdir(path)):
            add(os.path.join(path, name))
        return
    with open(path, "rb") as f:
        sums.update(path.encode() + b"\0" + f.read())
for path in sorted(json.load(sys.stdin)) + sys.argv[1:]:
    add(path)
print(sums.hexdigest())' "$ROOT/scripts/make-roots"
}

# A build tree is whole when it has all three: interrupted, meson leaves some,
# and then neither it nor ninja goes on.  A prefix, where given, is its own.
is_configured() { # TREE [PREFIX]
    [ -f "$1/build.ninja" ] && [ -f "$1/meson-private/coredata.dat" ] &&
        [ -f "$1/meson-private/cmd_line.txt" ] &&
        { [ -z "${2:-}" ] || grep -qxF "prefix = $2" "$1/meson-private/cmd_line.txt"; }
}

build_tree() { # NAME PREFIX OPTIONS…
    local tree=$ROOT/build/$1 prefix=$2
    shift 2
    is_configured "$tree" "$prefix" || {
        rm -rf "$tree"
        meson setup "$tree" "$ROOT" ${prefix:+--prefix "$prefix"} "$@" || return 1
    }
    ninja -C "$tree"
}

install_release() {
    local sum
    build_tree "$RELEASE" "$INST" --native-file "$ROOT/presets/$RELEASE.ini" -Drelease=true || return 1
    sum=$(installed_sum) || return 1
    [ -x "$INST/sbin/sallyport" ] &&
        [ "$sum" = "$(cat "$INST/.installed" 2>/dev/null)" ] && return 0
    rm -f "$INST/.installed"
    meson install --no-rebuild -C "$ROOT/build/$RELEASE" || return 1
    echo "$sum" >"$INST/.installed"
}

# Builds a release with gcc and installs it to INST, once: others may be
# running what is there.  The trees of a clone are built by one at a time.
build_release() {
    mkdir -p "$INST"
    exec 9>"$INST.lock"
    flock 9
    quietly "the build failed" install_release
    exec 9>&-
}

# The trees that only tests need (with the benchmarks, so that they stay whole).
build_for_tests() {
    exec 9>"$INST.lock"
    flock 9
    quietly "the build with sanitizers failed" build_tree asan '' \
        --native-file "$ROOT/presets/asan.ini" -Dbench=true
    quietly "the build of the fuzz targets failed" build_tree fuzz '' \
        --native-file "$ROOT/presets/fuzz.ini" -Dfuzz=true -Dtests=false
    exec 9>&-
}

# The emulator and the server's listeners live on the loopback interface; in a
# new network namespace it is down.
loopback() {
    "$PYTHON" "$ROOT/tests/lib/loopback.py" ||
        die "the loopback interface is down: ip link set lo up"
}

# Words that start a command with an ordinary container's capabilities.
container_caps() {
    echo setpriv --bounding-set=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap \
        --inh-caps=-all
}

free_port() {
    "$PYTHON" -c 'import sys; sys.path.insert(0, sys.argv[1])
import ports; print(ports.free_port())' "$ROOT/tests/lib"
}
