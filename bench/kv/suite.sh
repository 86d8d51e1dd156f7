# shellcheck shell=bash
# The key-value service against Redis; what tracking costs; what clients notice of its updates.

explanation="redis-benchmark with 50 connections, -P 1 and -P 16, GET and SET of 100,000 keys; servers take
turns, client and server share the machine. kv = apps/kv/kv-5.toml (on instard), redis =
redis-server without persistence. kv_vs_redis_ratio is the worst of the four.
tracking: CPU time of the store's engine alone, one million keys, on the map that can be handed over
at any time against std::unordered_set (tracking_overhead_ratio), and against one hash table that
doubles, with the same tags and hash (tracked_vs_doubling_table_ratio); no update running.
kv_update: while clients write and read back, the store goes from version 1 to 5 and back to 1, and
each version keeps its entries in another way; in between, and together with that, the number of
stores that share the keys changes. Every acknowledged write is compared, and a redis-benchmark
that runs all the time gets no error."

# measure SIDE PORT TEST PIPELINE COUNT: one run of redis-benchmark.
measure() {
  local side=$1 port=$2 test=$3 pipeline=$4 count=$5 rate
  rate=$(redis-benchmark -p "$port" -c 50 -P "$pipeline" -n "$count" -r 100000 -t "$test" --csv \
    2>>"$scratch/redis-benchmark.err" | awk -F'"' '$2 != "test" { print $4 }')
  [ -n "$rate" ] || {
    tail -n 5 "$scratch/redis-benchmark.err" >&2
    fail "redis-benchmark could not measure $side"
  }
  record "${side}_${test}_p${pipeline}_requests_per_s" "$rate"
}

compare() {
  local test pipeline count
  for pipeline in 1 16; do
    for test in get set; do
      count=$((pipeline == 1 ? requests : requests * 8))
      measure redis "$redis_port" "$test" "$pipeline" "$count"
      measure kv "$kv_port" "$test" "$pipeline" "$count"
      record_ratio "kv_${test}_p${pipeline}_vs_redis_ratio" \
        "kv_${test}_p${pipeline}_requests_per_s" "redis_${test}_p${pipeline}_requests_per_s"
    done
  done
}

# start_kv VERSION: on a free port; sets $port, $spawned and $admin.
start_kv() {
  free_port
  admin=$scratch/kv-$1.sock
  sed "s|^modules = .*|modules = [\"$bin/../modules\"]|" "$root/apps/kv/kv-$1.toml" \
    >"$scratch/kv-$1.toml"
  spawn "$scratch/kv-$1.log" "$bin/instard" --graph "$scratch/kv-$1.toml" --admin "$admin" \
    --set "accept.port=$port"
  wait_for_port "$port" "$spawned" "$scratch/kv-$1.log"
}

start_redis() {
  free_port
  spawn "$scratch/redis.log" redis-server --port "$port" --bind 127.0.0.1 --save "" \
    --appendonly no --dir "$scratch"
  wait_for_port "$port" "$spawned" "$scratch/redis.log"
}

# change_to VERSION STORES: as kv-1.toml, but so many stores of that version.
change_to() {
  sed "s|kv.store@1\"|kv.store@$1\", replicas = $2, key = \"hash\"|" \
    "$scratch/kv-1.toml" >"$scratch/changed.toml"
  "$bin/instarctl" apply "$scratch/changed.toml" --set "accept.port=$port" --admin "$admin" \
    --json >>"$scratch/updates.log" 2>&1 || {
    tail -n 5 "$scratch/updates.log" "$scratch/kv-1.log" >&2
    fail "the change to $2 stores of version $1 failed"
  }
}

# From version 1 to 5 and back, with more and fewer stores, under load; checks every answer.
check_updates() {
  local step round check strangers
  local steps=(2:1 3:1 4:1 5:1 4:1 3:1 2:1 1:1 1:3 2:3 3:3 3:2 4:4 5:4 5:7 4:2 3:2 2:1 1:2 1:1)
  start_kv 1
  spawn "$scratch/check.log" "$bin/instar-kv-check" --port "$port" -c 8 -P 16 -k 5000 -d 3600
  check=$spawned
  # It ends with the first answer that is an error, or that does not come.
  spawn "$scratch/strangers.log" redis-benchmark -p "$port" -c 10 -P 4 -r 5000 \
    -n 1000000000 -q set "strange:__rand_int__" x
  strangers=$spawned
  sleep 1
  for ((round = 0; round < rounds; ++round)); do
    for step in "${steps[@]}"; do
      change_to "${step%:*}" "${step#*:}"
      sleep 0.3
    done
  done
  kill -0 "$strangers" 2>/dev/null || {
    tail -c 300 "$scratch/strangers.log" >&2
    fail "redis-benchmark got an error, or no answer"
  }
  stop_spawned "$strangers"
  kill -TERM "$check"
  wait "$check" || true
  for figure in failed stale lost reopened p999_ms longest_stall_ms; do
    record "kv_update_$figure" "$(sed -n "s/.*\"$figure\": \([0-9.e+-]*\).*/\1/p" "$scratch/check.log")"
  done
  record kv_updates $((rounds * ${#steps[@]}))
}

# The worst median of the ratios.
record_worst() {
  record kv_vs_redis_ratio "$(summarise | awk '
    $1 ~ /^kv_(get|set)_p[0-9]+_vs_redis_ratio$/ && (worst == "" || $3 < worst) { worst = $3 }
    END { print worst }')"
}

run_suite() {
  local repetitions=5 i
  requests=100000 rounds=3
  [ "$quick" = 1 ] && repetitions=3 requests=30000 rounds=1
  "$root/tests/packages.sh" bench >&2
  start_redis
  redis_port=$port
  start_kv 5
  kv_port=$port
  for ((i = 0; i < repetitions; ++i)); do
    compare
  done
  record_worst
  "$bin/bench-kv-tracking" --repetitions "$repetitions" >>"$samples"
  check_updates
  target kv_vs_redis_ratio min 0.7
  target tracking_overhead_ratio max 1.05
  target kv_update_failed max 0
  target kv_update_stale max 0
  target kv_update_lost max 0
}
