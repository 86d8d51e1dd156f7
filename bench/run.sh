#!/bin/bash
# bench/run.sh SUITE [--quick]: measures one suite, prints a table and writes the figures to
# build/bench/SUITE.json, one flat object of name -> number. See bench/README.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
suites="pipeline http update evolution scale contention state kv hotswap quiesce"

usage() {
  echo "usage: bench/run.sh SUITE [--quick]   SUITE: one of $suites" >&2
  exit 2
}

suite="" quick=0
for argument in "$@"; do
  case $argument in
    --quick) quick=1 ;;
    -h | --help) usage ;;
    -*) usage ;;
    *)
      [ -z "$suite" ] || usage
      suite=$argument
      ;;
  esac
done
[[ " $suites " == *" $suite "* ]] || usage

# What every suite may use: see each function's comment.
source "$root/bench/common.sh"
"$root/tests/packages.sh" build >&2
build
note_load
source "$root/bench/$suite/suite.sh"
run_suite
print_table
write_json "$root/build/bench/$suite.json"
check_figures
end_with_complaints
