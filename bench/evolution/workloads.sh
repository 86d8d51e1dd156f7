# shellcheck shell=bash
# One run: a system under one of the workloads, updated meanwhile. Sourced by suite.sh.

# Figures of instar have no name in front.
prefix_of() {
  [ "$1" = instar ] && prefix="" || prefix=${1}_
}

# start_load WORKLOAD SYSTEM: until it is told to end. Sets $load and $load_began (CLOCK_MONOTONIC).
start_load() {
  local groups i slice=100
  case $1 in
    w1) groups=(--group "all,/w1/{5}.html,38,38,20") ;;
    w2) groups=(--group "all,/w2/{5}.html,30,$w2_files") ;;
    w3) groups=("${w3_groups[@]}") slice=1000 ;;
  esac
  [ "$quick" = 0 ] || slice=100
  : >"$scratch/windows"
  : >"$scratch/load.json" # or the start of the run before would be read
  : >"$scratch/updates.$2.$1"
  spawn "$scratch/load.json" "$bin/instar-load" "http://127.0.0.1:$port/" "${groups[@]}" \
    --root "$scratch/www" -d 3600 --windows "$scratch/windows" --slices "$scratch/slices.$2.$1" \
    --slice "$slice" --json
  load=$spawned
  for ((i = 0; i < 600; ++i)); do
    load_began=$(sed -n 's/^start_ns=//p' "$scratch/load.json")
    [ -z "$load_began" ] || return 0
    kill -0 "$load" 2>/dev/null || break
    nap 0.05
  done
  cat "$scratch/load.json" >&2
  fail "the load did not start"
}

# read_figures FILE: the JSON object of a load as $figures.
read_figures() {
  local name value
  declare -gA figures=()
  while read -r name value; do
    figures[$name]=$value
  done < <(tr ',{}' '\n' <"$1" | sed -n 's/^ *"\(.*\)": \(.*\)$/\1 \2/p')
}

# Answers what is open, then sets $figures, all of the run and of its windows.
finish_load() {
  { kill -TERM "$load" 2>/dev/null && wait "$load"; } || fail "the load generator failed: $(cat "$scratch/load.json")"
  read_figures "$scratch/load.json"
}

# wait_until SECONDS: of the load.
wait_until() {
  local until=$((load_began + $1 * 1000000000)) left
  now
  left=$((until - now))
  [ "$left" -le 0 ] || nap "$((left / 1000000000)).$(printf %09d $((left % 1000000000)))"
}

# update_once SYSTEM WORKLOAD STEP: the update, its windows, and a second to see what becomes of it.
update_once() {
  local begin outcome length
  now
  begin=$now
  peer_update "$2" "$3"
  now
  outcome=$now
  length=$((outcome + 1000000000 - begin))
  {
    echo "during$3 $begin $((begin + length))"
    echo "before$3 $((begin - length - 100000000)) $((begin - 100000000))"
  } >>"$scratch/windows"
  echo "$(((begin - load_began) / 1000)) $(((outcome - load_began) / 1000))" >>"$scratch/updates.$1.$2"
  prefix_of "$1"
  record "${prefix}$2_update_ms" "$(awk -v ns=$((outcome - begin)) 'BEGIN { print ns / 1e6 }')"
  nap 1
  update_length=$length
}

# update_often SYSTEM COUNT: W2. Between two updates there is as much time without one.
update_often() {
  local step
  for ((step = 1; step <= $2; ++step)); do
    update_once "$1" w2 "$step"
    nap "$(awk -v ns="$update_length" 'BEGIN { printf "%.3f", ns / 1e9 + 0.3 }')"
  done
}

# stage NAME FROM UNTIL: a window of W3, in seconds of the load.
stage() {
  local begin=$((load_began + $2 * 1000000000)) end=$((load_began + $3 * 1000000000))
  echo "$1 $begin $end" >>"$scratch/windows"
}

measure_run() {
  local system=$1 workload=$2 updates=1
  # shellcheck source=/dev/null
  source "$root/bench/peers/$system.sh"
  peer_start "$scratch/www"
  [ "$system $workload" != "instar w3" ] || prepare_proxy
  start_load "$workload" "$system"
  case $workload in
    w1)
      wait_until "$w1_at"
      update_once "$system" w1 1
      wait_until "$w1_end"
      ;;
    w2)
      updates=$w2_updates
      wait_until "$w2_at"
      update_often "$system" "$updates"
      ;;
    w3) evolve "$system" ;;
  esac
  finish_load
  peer_stop
  record_run "$system" "$workload" "$updates"
}

# The steps of W3: instar changes at both moments, its peers, which serve as before, at the first.
evolve() {
  local after=$((w3_at[0] + 2))
  wait_until "${w3_at[0]}"
  stage base 1 "${w3_at[0]}"
  update_once "$1" w3 1
  if [ "$1" != instar ]; then
    wait_until "$w3_peer_end"
    stage cache "$after" "$w3_peer_end"
    return
  fi
  wait_until "${w3_at[1]}"
  stage cache "$after" "${w3_at[1]}"
  if [ "$proxy" = 1 ]; then
    update_once "$1" w3 2
    updates=2
    wait_until "$w3_end"
    stage proxy $((w3_at[1] + 1)) "$w3_end"
  fi
}

# take FIGURE KEY: records it if the run has it.
take() {
  [ -z "${figures[$2]-}" ] || record "$1" "${figures[$2]}"
}

record_run() {
  local system=$1 workload=$2 updates=$3 step key at
  prefix_of "$system"
  at=${prefix}$workload
  record "${at}_updates" "$updates"
  take "${at}_failed" failed_requests
  take "${at}_reopened" reopened_connections
  for key in connect reset closed status length content malformed timeout; do
    take "${at}_failed_$key" "failed_$key"
  done
  for key in idle announced failure; do
    take "${at}_reopened_$key" "reopened_$key"
  done
  for ((step = 1; step <= updates; ++step)); do
    for key in longest_stall_ms max_ms p99_ms p50_ms; do
      take "${at}_$key" "during${step}_$key"
      take "${at}_${key%_ms}_before_ms" "before${step}_$key"
    done
    take "${at}_requests_per_s" "during${step}_requests_per_s"
    take "${at}_requests_before_per_s" "before${step}_requests_per_s"
    record_ratio "${at}_max_during_vs_before_ratio" "${at}_max_ms" "${at}_max_before_ms"
  done
  [ "$workload" = w3 ] || return 0
  for step in base cache proxy; do
    take_stage "$at" "$step" "${step}_"
  done
}

# take_stage NAME STAGE KEYS: latencies of both groups, and MB/s of both together.
take_stage() {
  local group key
  [ -n "${figures[${3}small_p50_ms]-}" ] || return 0
  for group in small large; do
    for key in p50_ms p99_ms requests_per_s; do
      take "$1_${group}_$2_$key" "${3}${group}_$key"
    done
  done
  record "$1_$2_MB_per_s" "$(megabytes "${figures[${3}small_requests_per_s]}" \
    "${figures[${3}large_requests_per_s]}")"
}

megabytes() {
  awk -v small="$1" -v large="$2" 'BEGIN { printf "%.2f", (small * 2048 + large * 102400) / 1e6 }'
}

# The same load on a server that does nothing; its bodies are not the files'.
measure_null() {
  local sizes=20480 groups
  case $1 in
    w1) groups=(--group "all,/0,38,1,20") ;;
    w2) groups=(--group "all,/0,30") sizes=51200 ;;
    w3) groups=(--group "small,/0,30" --group "large,/1,30") sizes="2048 102400" ;;
  esac
  free_port
  # shellcheck disable=SC2086 # one word each
  spawn "$scratch/null.log" "$bin/bench-null-server" "$port" $sizes
  local server=$spawned at=null_$1 key
  wait_for_port "$port" "$server" "$scratch/null.log"
  run_briefly "$null_seconds" "$port" "${groups[@]}"
  stop_spawned "$server"
  for key in requests_per_s p50_ms p99_ms max_ms longest_stall_ms; do
    take "${at}_$key" "$key"
  done
  [ "$1" = w3 ] && take_stage "$at" base ""
  return 0
}

# run_briefly SECONDS PORT GROUPS...: a load without updates; sets $figures. Nothing may fail.
run_briefly() {
  local seconds=$1 at=$2
  shift 2
  "$bin/instar-load" "http://127.0.0.1:$at/" -d "$seconds" --json "$@" >"$scratch/brief.json" \
    2>"$scratch/brief.err" || fail "the load generator failed: $(cat "$scratch/brief.err")"
  read_figures "$scratch/brief.json"
  [ "${figures[failed_requests]-}" = 0 ] || fail "wrong answers on port $at: $(cat "$scratch/brief.json")"
}

# The least of the peers' stalls in W2, and instar's against it.
compare_stalls() {
  summarise | awk '
    $1 == "w2_longest_stall_ms" { own = $3 }
    $1 ~ /^[a-z_]+_w2_longest_stall_ms$/ && $1 !~ /^null_/ { if (!peers++ || $3 < best) best = $3 }
    END { if (own > 0 && best > 0) print "w2_longest_stall_vs_best_peer_ratio", own / best }' \
    >"$scratch/compared"
  cat "$scratch/compared" >>"$samples"
}
