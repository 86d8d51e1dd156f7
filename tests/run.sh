#!/usr/bin/env bash
# run.sh [--fuzz] [--long]: from a bare Debian 12 to the last test. Installs the packages that are missing,
# builds with g++, optimised, and runs every test, builds again with clang, AddressSanitizer and
# UndefinedBehaviorSanitizer, and runs the tests that make sense there (all but those labelled `soak`
# or `release`). The last line is the sum: `N passed, N failed`.
#
# --fuzz adds a minute for each fuzz target. --long adds that, the tests labelled `long`, and
# clang-tidy.
set -euo pipefail
cd "$(dirname "$0")/.."

long='' fuzz=''
for option; do
  case $option in
    --fuzz) fuzz=yes ;;
    --long) long=yes fuzz=yes ;;
    *) echo "usage: tests/run.sh [--fuzz] [--long]" >&2; exit 2 ;;
  esac
done

passed=0
failed=0

# run_tests PRESET EXCLUDED_LABELS: builds a preset, runs its tests, adds to the sum. What does not
# build counts as one failure.
run_tests() {
  local preset=$1 excluded=$2 log=build/$1/ctest.log counts
  echo "== $preset: build"
  if ! { cmake --preset "$preset" >"build/$preset.configure.log" 2>&1 ||
           { cat "build/$preset.configure.log" >&2; false; }; } ||
     ! cmake --build --preset "$preset" -- --quiet; then
    echo "$preset does not build" >&2
    failed=$((failed + 1))
    return
  fi
  echo "== $preset: tests"
  ctest --test-dir "build/$preset" --output-on-failure --no-tests=error --timeout 900 -j "$(nproc)" ${excluded:+-LE "$excluded"} \
    2>&1 | tee "$log" || true
  if [[ $(grep 'tests failed out of' "$log") =~ ([0-9]+)\ tests\ failed\ out\ of\ ([0-9]+) ]]; then
    counts=("${BASH_REMATCH[@]:1}")
    failed=$((failed + counts[0]))
    passed=$((passed + counts[1] - counts[0]))
  else
    echo "$preset: ctest did not finish" >&2
    failed=$((failed + 1))
  fi
}

mkdir -p build
tests/packages.sh build test sanitize lint ${long:+lint_long}
command -v ccache >/dev/null && export CMAKE_CXX_COMPILER_LAUNCHER=ccache

if [[ $long ]]; then run_tests release ""; else run_tests release long; fi
run_tests dev 'soak|release|long'
if [[ $fuzz ]]; then
  tests/fuzz/run.sh 2>&1 | tee build/fuzz.log || true
  if [[ $(tail -1 build/fuzz.log) =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
  else
    echo "the fuzz targets did not run" >&2
    failed=$((failed + 1))
  fi
fi
if [[ $long ]]; then
  echo "== clang-tidy"
  if tests/lint.sh --long build/release; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
fi

echo "$passed passed, $failed failed"
(( failed == 0 ))
