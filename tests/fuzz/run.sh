#!/usr/bin/env bash
# run.sh [SECONDS [SEED]]: builds the fuzz targets with clang and runs each for so long (default 60),
# from inputs that the tree has; SEED (default 1) says where chance goes from there. A finding is
# kept in build/fuzz/findings and named. The last line is the sum: `N passed, N failed`.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1-60} seed=${2-1}

tests/packages.sh build fuzz
command -v ccache >/dev/null && export CMAKE_CXX_COMPILER_LAUNCHER=ccache
cmake --preset fuzz >/dev/null
targets=(fuzz_state fuzz_checkpoint fuzz_resp fuzz_http fuzz_proxy fuzz_graph_file fuzz_manifest)
cmake --build --preset fuzz --target "${targets[@]}" -- --quiet

work=build/fuzz
mkdir -p "$work/findings"

# seeds TARGET: a folder with what it may begin with.
seeds() {
  local folder=$work/seeds/$1
  mkdir -p "$folder"
  case $1 in
    fuzz_graph_file) cp apps/*/*.toml tests/outside/*.toml "$folder" ;;
    fuzz_manifest)
      local module
      for module in build/release/modules/*.so; do
        # Its sections, but not its code: small enough to be changed at random.
        [[ -e $module ]] && objcopy --only-section=.instar.manifest --only-section=.instar.schemas \
          "$module" "$folder/$(basename "$module")" 2>/dev/null
      done
      ;;
    fuzz_resp)
      printf '\x07*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\nvalue\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n' >"$folder/array"
      printf '\x03SET "a b" c\r\nPING\r\n' >"$folder/inline"
      ;;
    fuzz_http)
      printf '\x05GET /a HTTP/1.1\r\nHost: h\r\nRange: bytes=0-1,-5\r\nIf-None-Match: "x", W/"y"\r\n\r\n' \
        >"$folder/head"
      printf '\x023;a=b\r\nabc\r\n0\r\nT: v\r\n\r\n' >"$folder/chunks"
      ;;
    fuzz_proxy)
      printf '\x0eHTTP/1.1 100 C\r\n\r\nHTTP/1.1 200 OK\r\nConnection: X\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n' \
        >"$folder/chunks"
      printf '\x04HTTP/1.0 404 N\r\nContent-Length: 3\r\nVia: 1.1 a\r\n\r\nabc' >"$folder/length"
      printf '\x02POST /a HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 1.1.1.1\r\nTE: a\r\n\r\n' >"$folder/request"
      ;;
    fuzz_state | fuzz_checkpoint) printf '\x01instarS\n' >"$folder/magic" ;;
  esac
  echo "$folder"
}

passed=0 failed=0
for target in "${targets[@]}"; do
  folder=$(seeds "$target")
  mkdir -p "$work/corpus/$target"
  echo "== $target, $seconds s"
  if "$work/bin/$target" -max_total_time="$seconds" -seed="$seed" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/findings/$target-" "$work/corpus/$target" "$folder" >"$work/$target.log" 2>&1; then
    grep -E 'number_of_executed_units' "$work/$target.log"
    passed=$((passed + 1))
  else
    tail -30 "$work/$target.log"
    failed=$((failed + 1))
  fi
done
echo "$passed passed, $failed failed"
((failed == 0))
