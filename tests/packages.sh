#!/usr/bin/env bash
# packages.sh [build|test|bench|fuzz|lint]…: installs what is missing of Debian 12's packages. Without
# arguments: what the build needs.
set -euo pipefail

# pkg-config: Debian's CapnProtoConfig.cmake asks for it.
build=(g++ cmake ninja-build pkg-config capnproto libcapnp-dev libcaf-dev libelf-dev libboost-dev
  libspdlog-dev libtomlplusplus-dev libcli11-dev nlohmann-json3-dev libjemalloc-dev doctest-dev)
test=(curl spin)
bench=(wrk nginx-light erlang-base redis-server redis-tools)
fuzz=(clang llvm libclang-rt-14-dev binutils)
lint=(clang-format)
lint_long=(clang-tidy)

wanted=()
for group in "${@:-build}"; do
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
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
