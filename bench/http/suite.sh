# shellcheck shell=bash
# Requests per second of the HTTP service, against nginx and against the least possible server.

explanation="wrk -t1 -c30 on one file per size; servers take turns, client and server share the machine.
http = apps/http/http.toml, http_nio = apps/http/http-nio.toml (both on instard), nginx = one
worker with sendfile, null = one epoll thread with a fixed answer and nothing parsed.
reactor_asio_vs_epoll_ratio: readiness events handled per second on 30 TCP pairs, Boost.Asio with
async_wait re-armed per readiness against an edge-triggered epoll."

sizes=(2 20 50 100) # kB

# measure_server NAME PORT SIZE: one wrk run, recorded as NAME_SIZEkB_requests_per_s.
measure_server() {
  local name=$1 port=$2 size=$3 out rate
  out=$(wrk -t1 -c30 -d"${seconds}s" "http://127.0.0.1:$port/$size.html")
  if grep -qE 'Non-2xx|Socket errors' <<<"$out"; then
    echo "$out" >&2
    fail "$name did not answer every request for $size kB with 200"
  fi
  rate=$(awk '/Requests\/sec/ { print $2 }' <<<"$out")
  record "${name}_${size}kB_requests_per_s" "$rate"
}

# Answers must be right before they may be fast.
check_answers() {
  "$bin/instar-load" "http://127.0.0.1:$1/" --list "$scratch/paths" --root "$scratch/www" \
    -c 30 -d 1 --json >"$scratch/check.json" 2>"$scratch/check.err"
  grep -q '"failed_requests": 0,' "$scratch/check.json" || {
    cat "$scratch/check.json" "$scratch/check.err" >&2
    fail "wrong answers on port $1"
  }
}

measure_sizes() {
  local size
  for size in "${sizes[@]}"; do
    measure_server nginx "$nginx_port" "$size"
    measure_server http "$http_port" "$size"
    measure_server http_nio "$nio_port" "$size"
    record_ratio "http_${size}kB_vs_nginx_ratio" "http_${size}kB_requests_per_s" \
      "nginx_${size}kB_requests_per_s"
    record_ratio "http_nio_${size}kB_vs_nginx_ratio" "http_nio_${size}kB_requests_per_s" \
      "nginx_${size}kB_requests_per_s"
  done
  measure_server null "$null_port" 2
  record_ratio http_2kB_vs_null_ratio http_2kB_requests_per_s null_2kB_requests_per_s
}

start_all() {
  local size
  mkdir -p "$scratch/www"
  for size in "${sizes[@]}"; do
    head -c $((size * 1024)) /dev/urandom >"$scratch/www/$size.html"
    echo "/$size.html" >>"$scratch/paths"
  done
  start_nginx "$scratch/www"
  nginx_port=$port
  start_instard "$root/apps/http/http.toml" "$scratch/www" http
  http_port=$port
  start_instard "$root/apps/http/http-nio.toml" "$scratch/www" http-nio
  nio_port=$port
  free_port
  null_port=$port
  spawn "$scratch/null.log" "$bin/bench-null-server" "$null_port" 2048
  wait_for_port "$null_port" "$spawned" "$scratch/null.log"
}

run_suite() {
  local repetitions=5 rounds=10000 i
  seconds=3
  [ "$quick" = 1 ] && repetitions=3 seconds=1 rounds=3000
  "$root/tests/packages.sh" bench >&2
  source "$root/bench/servers.sh"
  start_all
  check_answers "$nginx_port"
  check_answers "$http_port"
  check_answers "$nio_port"
  for ((i = 0; i < repetitions; ++i)); do
    measure_sizes
  done
  "$bin/bench-reactor" --repetitions "$repetitions" --rounds "$rounds" >>"$samples"
  target http_2kB_vs_nginx_ratio min 0.9
  target http_50kB_vs_nginx_ratio min 0.8
}
