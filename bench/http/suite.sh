# shellcheck shell=bash
# Requests per second of the HTTP service, against nginx, HAProxy and the least possible server.

explanation="wrk -t1 -c30 on one file per size; servers take turns, client and server share the machine.
http = apps/http/http-nio.toml (files leave by sendfile, as nginx's do), http_stream =
apps/http/http.toml (each file is read into memory), both on instard; nginx = the better of one and
two workers, with sendfile, in each turn; haproxy = 'http-request return' of the same bytes from
memory; null = one epoll thread with a fixed answer and nothing parsed.
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

# The better of the newest two of nginx, as nginx_SIZEkB_requests_per_s.
record_nginx() {
  local one two
  one=$(last_of "nginx_1_worker_${1}kB_requests_per_s")
  two=$(last_of "nginx_2_workers_${1}kB_requests_per_s")
  record "nginx_${1}kB_requests_per_s" "$(awk -v a="$one" -v b="$two" 'BEGIN { print (a > b ? a : b) }')"
}

measure_sizes() {
  local size name
  for size in "${sizes[@]}"; do
    measure_server nginx_1_worker "$nginx_port" "$size"
    measure_server http "$http_port" "$size"
    measure_server nginx_2_workers "$nginx2_port" "$size"
    measure_server http_stream "$stream_port" "$size"
    measure_server haproxy_return "$haproxy_port" "$size"
    record_nginx "$size"
    for name in http http_stream; do
      record_ratio "${name}_${size}kB_vs_nginx_ratio" "${name}_${size}kB_requests_per_s" \
        "nginx_${size}kB_requests_per_s"
      record_ratio "${name}_${size}kB_vs_haproxy_return_ratio" "${name}_${size}kB_requests_per_s" \
        "haproxy_return_${size}kB_requests_per_s"
    done
  done
  measure_server null "$null_port" 2
  record_ratio http_2kB_vs_null_ratio http_2kB_requests_per_s null_2kB_requests_per_s
}

# HAProxy as a web server: each file is an answer that it has in memory. Sets $port and $spawned.
start_haproxy_return() {
  local folder=$1 home=$scratch/haproxy-return size
  free_port
  mkdir -p "$home"
  {
    echo "global"
    echo "  tune.bufsize 262144"
    echo "defaults"
    echo "  mode http"
    echo "  timeout client 1h"
    echo "frontend front"
    echo "  bind 127.0.0.1:$port"
    for size in "${sizes[@]}"; do
      echo "  http-request return status 200 content-type text/html file $folder/$size.html if { path /$size.html }"
    done
  } >"$home/haproxy.cfg"
  PATH=$PATH:/usr/sbin spawn "$home/log" haproxy -f "$home/haproxy.cfg"
  wait_for_port "$port" "$spawned" "$home/log"
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
  start_nginx "$scratch/www" nginx2 2
  nginx2_port=$port
  start_haproxy_return "$scratch/www"
  haproxy_port=$port
  start_instard "$root/apps/http/http-nio.toml" "$scratch/www" http
  http_port=$port
  start_instard "$root/apps/http/http.toml" "$scratch/www" http-stream
  stream_port=$port
  free_port
  null_port=$port
  spawn "$scratch/null.log" "$bin/bench-null-server" "$null_port" 2048
  wait_for_port "$null_port" "$spawned" "$scratch/null.log"
}

run_suite() {
  local repetitions=7 rounds=10000 i
  seconds=3
  [ "$quick" = 1 ] && repetitions=3 seconds=1 rounds=3000
  "$root/tests/packages.sh" bench peer_haproxy >&2
  source "$root/bench/servers.sh"
  start_all
  for port in "$nginx_port" "$nginx2_port" "$haproxy_port" "$http_port" "$stream_port"; do
    check_answers "$port"
  done
  for ((i = 0; i < repetitions; ++i)); do
    measure_sizes
  done
  "$bin/bench-reactor" --repetitions "$repetitions" --rounds "$rounds" >>"$samples"
  local size
  for size in "${sizes[@]}"; do
    target "http_${size}kB_vs_nginx_ratio" min 1.0
  done
  target http_2kB_vs_haproxy_return_ratio min 0.9
}
