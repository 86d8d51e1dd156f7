#!/usr/bin/env bash
# packages.sh [build|test|sanitize|bench|peer_…|plot|valgrind|fuzz|lint]…: installs what is missing of Debian
# 12's packages. Without arguments: what the build needs. Services that come with them are neither
# started now nor at the next boot.
set -euo pipefail

# pkg-config: Debian's CapnProtoConfig.cmake asks for it.
build=(g++ cmake ninja-build pkg-config capnproto libcapnp-dev libcaf-dev libelf-dev libboost-dev
  libspdlog-dev libtomlplusplus-dev libcli11-dev nlohmann-json3-dev libjemalloc-dev prometheus-cpp-dev
  libpcap-dev doctest-dev)
# Real clients of the HTTP service; apache2-utils: ab, nghttp2-client: h2load.
test=(curl spin wrk apache2-utils hey nghttp2-client chromium)
sanitize=(clang llvm libclang-rt-14-dev)
bench=(wrk nginx-light erlang-base redis-server redis-tools)
# What bench/peers/ compares with, each for itself: one that cannot be had is left out.
peer_nginx=(nginx-light)
peer_haproxy=(haproxy nginx-light)
peer_jetty=(libjetty9-java default-jre-headless)
peer_inets=(erlang-base erlang-inets)
plot=(gnuplot-nox)
# Counts instructions.
valgrind=(valgrind)
fuzz=("${sanitize[@]}" binutils)
lint=(clang-format)
lint_long=(clang-tidy)

wanted=()
for group in "${@:-build}"; do
  declare -p "$group" >/dev/null 2>&1 || {
    echo "packages.sh: there is no group '$group'" >&2
    exit 1
  }
  declare -n packages=$group
  wanted+=("${packages[@]}")
done

missing=()
for package in "${wanted[@]}"; do
  [[ $(dpkg-query -Wf '${Status}' "$package" 2>/dev/null) == *' installed' ]] || missing+=("$package")
done
(( ${#missing[@]} )) || exit 0

echo "installing ${missing[*]}"
as_root=()
if (( $(id -u) != 0 )); then
  command -v sudo >/dev/null || {
    echo "packages.sh: ${missing[*]} are missing; install them as root, or install sudo" >&2
    exit 1
  }
  as_root=(sudo)
fi

# Debian starts services when it installs them, unless this file says no. A machine that has one
# already has decided for itself.
policy=/usr/sbin/policy-rc.d
if [[ ! -e $policy ]]; then
  trap '"${as_root[@]}" rm -f "$policy"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
command -v systemctl >/dev/null || exit 0
dpkg -L "${missing[@]}" | sed -n 's|.*/systemd/system/\([^/@]*\.service\)$|\1|p' | sort -u |
  while read -r unit; do
    "${as_root[@]}" systemctl disable --quiet "$unit" 2>/dev/null || true
  done
