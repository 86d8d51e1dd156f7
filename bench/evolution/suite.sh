# shellcheck shell=bash
# W1, W2 and W3 of the papers, for instar and for what one would use instead, with an update of each.

explanation="Keep-alive clients of instar-load, a thread per group; every body is compared with its file; latency counts
from when a request was due. W1: 38 clients, each due every 20 ms for a file of 20 kB. W2: 30 clients,
closed loop, 1 of 10,000 files of 50 kB. W3: 30 clients on 2 kB and 30 on 100 kB at once, closed loop.
Updates: bench/peers/README.md. failed, reopened: of the whole run. Per update, from the command until 1 s
after its outcome: longest_stall (without any answer), max (longest latency); before: the same of as much
time just before it. w2_max_during_vs_before_ratio: update by update. w3_*_ratio: short runs in turn with
nginx, at each stage of the graph: base, cache, proxy. null: bench-null-server, the limit of this machine."

# What is run, unless told otherwise: EVOLUTION_SYSTEMS="instar nginx" EVOLUTION_WORKLOADS="w1 w3"
systems=${EVOLUTION_SYSTEMS:-instar nginx nginx_upgrade haproxy jetty inets}
workloads=${EVOLUTION_WORKLOADS:-w1 w2 w3}

# Seconds from the start of the load. The papers': 95 (W1), 40 (W2), 70 and 145 (W3).
set_parameters() {
  w1_at=95 w1_end=100
  w2_at=40 w2_updates=20 w2_files=10000
  w3_at=(70 145) w3_end=150 w3_peer_end=75
  turns=9 turn_seconds=2 null_seconds=5
  results=$root/bench/results
  if [ "$quick" = 1 ]; then
    w1_at=4 w1_end=7
    w2_at=3 w2_updates=4 w2_files=2000
    w3_at=(3 7) w3_end=10 w3_peer_end=6
    turns=2 turn_seconds=1.5 null_seconds=1
    # Only a whole run replaces the pictures that are part of the sources.
    results=$root/build/bench/evolution
  fi
  # The files of W3: together less than the cache holds.
  w3_groups=(--group "small,/small/{5}.html,30,1000" --group "large,/large/{5}.html,30,400")
  w3_small_alone=(--group "small,/small/{5}.html,30,1000")
}

source "$root/bench/servers.sh"
source "$root/bench/evolution/workloads.sh"
source "$root/bench/evolution/turns.sh"
source "$root/bench/evolution/pictures.sh"
source "$root/bench/evolution/table.sh"

note() {
  echo "$(date +%T) $*" >&2
}

# Keeps of $systems those that can be had.
install_systems() {
  local system had=""
  for system in $systems; do
    [ -f "$root/bench/peers/$system.sh" ] || fail "there is no bench/peers/$system.sh"
    # shellcheck source=/dev/null
    source "$root/bench/peers/$system.sh"
    if peer_install >"$scratch/install.log" 2>&1; then
      had+=" $system"
    else
      tail -n 3 "$scratch/install.log" >&2
      note "note: $system cannot be installed and is left out"
    fi
  done
  systems=$had
}

has_system() {
  [[ " $systems " == *" $1 "* ]]
}

make_served_files() {
  make_files "$scratch/www/w1" 38 20480
  make_files "$scratch/www/w2" "$w2_files" 51200
  make_files "$scratch/www/small" 1000 2048
  make_files "$scratch/www/large" 400 102400
  # What the first node still has once a proxy asks the second one for the rest.
  mkdir "$scratch/www-first"
  cp -r "$scratch/www/small" "$scratch/www-first/"
  # Not written to the disk in the middle of a measurement.
  sync -f "$scratch/www"
}

run_suite() {
  local workload system
  set_parameters
  "$root/tests/packages.sh" plot >&2
  install_systems
  set_clock
  note "making files"
  make_served_files
  for workload in $workloads; do
    for system in $systems; do
      # Reload and binary upgrade are the same to a closed loop of 60 clients.
      [ "$workload $system" != "w3 nginx_upgrade" ] || continue
      note "$workload $system"
      measure_run "$system" "$workload"
    done
    note "$workload null"
    measure_null "$workload"
  done
  if [[ " $workloads " == *" w3 "* ]] && has_system instar && has_system nginx; then
    note "w3 in turn with nginx"
    measure_turns
  fi
  set_targets
  mkdir -p "$results"
  draw_pictures
  write_tables >"$results/evolution.md"
  note "pictures and tables: ${results#"$root"/}"
}

set_targets() {
  local workload
  for workload in $workloads; do
    target "${workload}_failed" max 0
    target "${workload}_reopened" max 0
  done
  compare_stalls
  target w2_max_during_vs_before_ratio max 1.3
  target w2_longest_stall_vs_best_peer_ratio max 1.0
  target w3_small_p50_vs_nginx_ratio max 0.7
  target w3_bytes_vs_nginx_ratio min 0.95
}
