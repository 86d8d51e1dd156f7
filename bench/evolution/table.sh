# shellcheck shell=bash
# The tables for people, in Markdown. Sourced by suite.sh.

# value FIGURE: its median as text, or "-".
value() {
  [ -n "${medians[$1]-}" ] && echo "${medians[$1]}" || echo "-"
}

read_medians() {
  local name text
  declare -gA medians=()
  while read -r name text; do
    medians[$name]=$text
  done < <(summarise | awk '
    function short(x) { return x >= 1000 || x == int(x) ? sprintf("%.0f", x) : x >= 10 ? sprintf("%.1f", x) : sprintf("%.3g", x) }
    { print $1, short($3) }')
}

# cells FIGURE...: the rest of a row.
cells() {
  local name
  for name in "$@"; do
    printf ' %s |' "$(value "$name")"
  done
  echo
}

versions() {
  local package version text=""
  for package in nginx haproxy libjetty9-java openjdk-17-jre-headless erlang-base; do
    version=$(dpkg-query -Wf '${Version}' "$package" 2>/dev/null) || continue
    text+=", $package $version"
  done
  echo "${text:2}"
}

write_tables() {
  local workload
  read_medians
  cat <<END
# W1, W2 and W3, updated under load

Written by \`bench/run.sh evolution$([ "$quick" = 0 ] || echo " --quick")\` on $(nproc) cores, load
before it $(value machine_load_before). Clients and servers share the machine.

$(versions).

failed, reopened: requests and connections of the whole run (number of updates beside the system). Longest
stall: the longest time without any answer, from the command until 1 s after its outcome; in brackets in as
much time before it. Several updates: the median. null: a server that does nothing, without an update.
END
  for workload in $workloads; do
    echo
    case $workload in
      w3) write_w3 ;;
      *) write_updates "$workload" ;;
    esac
  done
}

write_updates() {
  local system at
  case $1 in
    w1) echo "## W1: 38 clients, 20 kB each every 20 ms" ;;
    w2) echo "## W2: 30 clients, closed loop, 50 kB" ;;
  esac
  echo
  picture "$1"
  echo "| system | failed | reopened | longest stall ms | longest latency ms | p50 / p99 ms before | requests/s before |"
  echo "|---|---|---|---|---|---|---|"
  for system in $systems; do
    prefix_of "$system"
    at=$prefix$1
    echo "| $(title_of "$system") (${medians[${at}_updates]}) | $(value "${at}_failed") | $(value "${at}_reopened")" \
      "| **$(value "${at}_longest_stall_ms")** ($(value "${at}_longest_stall_before_ms"))" \
      "| $(value "${at}_max_ms") ($(value "${at}_max_before_ms"))" \
      "| $(value "${at}_p50_before_ms") / $(value "${at}_p99_before_ms") | $(value "${at}_requests_before_per_s") |"
  done
  at=null_$1
  echo "| null | 0 | 0 | ($(value "${at}_longest_stall_ms")) | ($(value "${at}_max_ms"))" \
    "| $(value "${at}_p50_ms") / $(value "${at}_p99_ms") | $(value "${at}_requests_per_s") |"
}

picture() {
  echo "![latency and throughput over time]($1.svg)"
  echo
}

# A peer serves the same before and after.
stage_name() {
  if [ "$1" = instar ]; then
    echo "$2"
  else
    case $2 in
      base) echo "before" ;;
      *) echo "after" ;;
    esac
  fi
}

write_w3() {
  local system at stage
  echo "## W3: 30 clients on 2 kB and 30 on 100 kB at once, closed loop"
  echo
  picture w3
  echo "| system | failed | reopened | longest stall ms | stage | 2 kB p50 / p99 ms | 100 kB p50 / p99 ms | MB/s |"
  echo "|---|---|---|---|---|---|---|---|"
  for system in $systems; do
    prefix_of "$system"
    at=${prefix}w3
    [ -n "${medians[${at}_updates]-}" ] || continue
    for stage in base cache proxy; do
      [ -n "${medians[${at}_small_${stage}_p50_ms]-}" ] || continue
      if [ "$stage" = base ]; then
        echo -n "| $(title_of "$system") (${medians[${at}_updates]}) | $(value "${at}_failed")" \
          "| $(value "${at}_reopened") | **$(value "${at}_longest_stall_ms")** ($(value "${at}_longest_stall_before_ms"))"
      else
        echo -n "| | | |"
      fi
      write_stage "$at" "$stage" "$(stage_name "$system" "$stage")"
    done
  done
  echo -n "| null | 0 | 0 | ($(value null_w3_longest_stall_ms))"
  write_stage null_w3 base ""
  [ -n "${medians[w3_small_p99_base_ratio]-}" ] || return 0
  echo
  echo "In short turns with nginx, $turns per stage of the graph:"
  echo
  echo "| stage | 2 kB p50 against nginx | bytes/s against nginx | 2 kB p99 with large ones against without |"
  echo "|---|---|---|---|"
  for stage in base cache proxy; do
    echo -n "| $stage |"
    cells "$(stage_figure w3_small_p50_vs_nginx "$stage")" "$(stage_figure w3_bytes_vs_nginx "$stage")" \
      "w3_small_p99_${stage}_ratio"
  done
}

# write_stage NAME STAGE TEXT: the end of a row.
write_stage() {
  echo " | $3 | $(value "$1_small_$2_p50_ms") / $(value "$1_small_$2_p99_ms")" \
    "| $(value "$1_large_$2_p50_ms") / $(value "$1_large_$2_p99_ms") | $(value "$1_$2_MB_per_s") |"
}
