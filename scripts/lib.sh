# SPDX-License-Identifier: Apache-2.0
# Shared by scripts/demo, scripts/check and scripts/setup; sourced by bash.
# Sets ROOT (the clone), CACHE (what set-up fetched), INST (the installed
# release of this clone).  Everything is done once and silent afterwards.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
CACHE=${SALLYPORT_CACHE:-/var/cache/sallyport}
# A place of root's: the supervisor gives up the right to pass through others'.
INST=$CACHE/install/$(printf %s "$ROOT" | cksum | cut -d' ' -f1)
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
    local log
    log=$(mktemp)
    if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install \
            -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        die "the packages could not be installed (see above)"
    fi
    rm -f "$log"
}

setup() {
    mkdir -p "$CACHE"
    # shellcheck disable=SC2086
    packages $RUN_PACKAGES $BUILD_PACKAGES
    SALLYPORT_CACHE=$CACHE "$ROOT/scripts/get-server"
}

# What an installation of this build would hold, as one checksum.
installed_sum() {
    meson introspect --installed "$ROOT/build/release" |
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

# Builds a release with gcc and installs it to INST, once: others may be
# running what is there.
build_release() {
    local log
    log=$(mktemp)
    mkdir -p "$INST"
    if ! (
        flock 9
        [ -f "$ROOT/build/release/build.ninja" ] ||
            meson setup "$ROOT/build/release" "$ROOT" \
                --native-file "$ROOT/presets/release.ini" -Drelease=true \
                --prefix "$INST" || exit 1
        ninja -C "$ROOT/build/release" || exit 1
        sum=$(installed_sum) || exit 1
        [ -x "$INST/sbin/sallyport" ] &&
            [ "$sum" = "$(cat "$INST/.installed" 2>/dev/null)" ] && exit 0
        rm -f "$INST/.installed"
        meson install --no-rebuild -C "$ROOT/build/release" || exit 1
        echo "$sum" >"$INST/.installed"
    ) 9>"$INST.lock" >"$log" 2>&1; then
        tail -n 40 "$log" >&2
        rm -f "$log"
        die "the build failed (see above)"
    fi
    rm -f "$log"
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
