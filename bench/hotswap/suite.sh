# shellcheck shell=bash
# K42's experiments: objects that threads call, exchanged while they do.

explanation="Counter (services/counter): each thread adds, all wait for each other, each thread reads as often. The
paper's 100,000 per thread are over within a millisecond, so that many times over: together TOGETHER per
phase. swapped: partitioned, and at the barrier the command to exchange it for the shared one; nobody waits
for its end, so the time until then is part of the phase: counter_swapped_exchanged_after, a fixed cost that
weighs the more the shorter a phase is (swap_idle_ms: without callers). More threads than processors leave
the service the less of these. policy: as swapped, by a rule in the graph.
swapped_vs_best: against the better of the two in that phase; policy_vs_command: both phases together;
taken turn by turn; the worst number of threads counts.
File cache (services/cache): clients read 256 bytes of random pages, all in memory, and check them; 8 MiB.
swap_throughput_dip_ratio: lowest 100 ms that have anything in common with the exchange of the simple for the
partitioned one, 12 clients on all cores, against the median of 100 ms before; swap_back: against the lower of
the medians before and after; without_swap: the same, and nothing is exchanged.
Instructions are those of user space, by callgrind, of all threads: what a run of more rounds takes more than
one of fewer, so that start and end cancel out. no_swap_overhead: a packet through six operators against a
message through six plain CAF actors, one worker each, which is all that runs; the source ends after so many.
call_by_handle, call_direct: an addition.
swap: a whole transition of an idle counter, all threads: order, plan, loading, marker, commit, unloading;
swap_at_port: of that, what calls could wait for. mediated_call: an addition while the port is closed.
k42_...: what Hui et al. give for theirs, inside a kernel, without modules or rollback."

source "$root/bench/hotswap/pictures.sh"

set_parameters() {
  threads=1,2,3,4,6,8,10,12
  repetitions=5 counter_repetitions=9 together=400000000 milliseconds=300 swap_rounds=8 apart=1000
  results=$root/bench/results
  if [ "$quick" = 1 ]; then
    threads=1,2,4,12
    repetitions=3 counter_repetitions=3 milliseconds=200 swap_rounds=3 apart=500
    # Only a whole run replaces the pictures that are part of the sources.
    results=$root/build/bench/hotswap
  fi
  explanation=${explanation/TOGETHER/$together}
}

note() {
  echo "$(date +%T) $*" >&2
}

hotswap() {
  "$bin/bench-hotswap" --modules "$bin/../modules" "$@" || fail "bench-hotswap $* failed"
}

# instructions_of WHAT ROUNDS [OPTION...]: of all threads, in user space.
instructions_of() {
  local what=$1 rounds=$2 count
  shift 2
  valgrind --tool=callgrind --callgrind-out-file="$scratch/callgrind.out" "$@" \
    "$bin/bench-hotswap" --modules "$bin/../modules" idle "$what" --rounds "$rounds" \
    >/dev/null 2>"$scratch/callgrind.log" || {
    tail -n 5 "$scratch/callgrind.log" >&2
    fail "valgrind could not run $what"
  }
  count=$(awk '/Collected/ { n = $4 } END { print n }' "$scratch/callgrind.log")
  [ -n "$count" ] || fail "valgrind has counted nothing of $what"
  echo "$count"
}

# record_per_round FIGURE WHAT FEWER MORE: what more rounds take more.
record_per_round() {
  local fewer more
  fewer=$(instructions_of "$2" "$3")
  more=$(instructions_of "$2" "$4")
  record "$1" "$(awk -v a="$fewer" -v b="$more" -v n=$(($4 - $3)) 'BEGIN { print (b - a) / n }')"
}

count_instructions() {
  local i
  for ((i = 0; i < 3; ++i)); do
    record_per_round operator_packet_instructions operators 110000 330000
    record_per_round caf_actor_message_instructions actors 22000 66000
    record_ratio no_swap_overhead_ratio operator_packet_instructions caf_actor_message_instructions
  done
  record_per_round call_by_handle_instructions handle 10000 110000
  record_per_round call_direct_instructions direct 10000 110000
  for ((i = 0; i < 3; ++i)); do
    record_per_round swap_instructions swap 10 30
  done
  record_per_round swap_at_port_instructions exchange 100 1100
  record mediated_call_instructions "$(instructions_of mediated 1000 --toggle-collect='*mediated_call*' |
    awk '{ print $1 / 1000 }')"
  record k42_swap_instructions 2786
  record k42_mediated_call_instructions 633
}

# record_worst FIGURE PATTERN: the largest median of those whose names match.
record_worst() {
  local worst
  worst=$(summarise | awk -v p="$2" '$1 ~ p && (n++ == 0 || $3 > worst) { worst = $3 } END { print worst }')
  [ -z "$worst" ] || record "$1" "$worst"
}

run_suite() {
  set_parameters
  "$root/tests/packages.sh" plot valgrind >&2
  note "counter"
  hotswap --threads "$threads" --repetitions "$counter_repetitions" counter --operations "$together" >>"$samples"
  hotswap idle swap --rounds 50 >>"$samples"
  note "cache by number of clients"
  hotswap --threads "$threads" --repetitions "$repetitions" --milliseconds "$milliseconds" \
    cache --files "$scratch" >>"$samples"
  note "cache under 12 clients"
  hotswap --threads 12 --milliseconds "$apart" \
    swaps --rounds "$swap_rounds" --files "$scratch" --timeline "$scratch/timeline" >>"$samples"
  note "instructions"
  count_instructions
  record_worst swapped_vs_best_updates_ratio '^swapped_vs_best_updates_[0-9]+_ratio$'
  record_worst swapped_vs_best_reads_ratio '^swapped_vs_best_reads_[0-9]+_ratio$'
  record_worst policy_vs_command_ratio '^policy_vs_command_[0-9]+_ratio$'
  target swapped_vs_best_updates_ratio max 1.15
  target swapped_vs_best_reads_ratio max 1.15
  target policy_vs_command_ratio max 1.3
  target swap_throughput_dip_ratio min 0.8
  target no_swap_overhead_ratio max 1.05
  mkdir -p "$results"
  draw_pictures
  note "pictures: ${results#"$root"/}"
}
