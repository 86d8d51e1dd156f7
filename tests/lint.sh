#!/usr/bin/env bash
# lint.sh [--long [BUILD]]: formatting of every source; with --long also clang-tidy, which needs the
# compile commands of a configured and built tree (default build/release) and takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."

long=
build=build/release
for argument in "$@"; do
  case $argument in
    --long) long=yes ;;
    *) build=$argument ;;
  esac
done

mapfile -t sources < <(find transfer actors services lifecycle apps bench tests -type f \
  \( -name '*.hpp' -o -name '*.cpp' \) | sort)

clang-format --dry-run -Werror "${sources[@]}"
echo "${#sources[@]} files are formatted"
[[ $long ]] || exit 0

# Only files that this build compiles: the outside example has a build of its own.
mapfile -t compiled < <(grep -oE '"file": "[^"]+\.cpp"' "$build/compile_commands.json" |
  cut -d'"' -f4 | grep -v "^$PWD/build/" | sort -u)
printf '%s\0' "${compiled[@]}" | xargs -0 -P "$(nproc)" -n 4 clang-tidy -p "$build" --quiet
echo "${#compiled[@]} files are tidy"
