#!/usr/bin/env bash
# include_direction.sh [ROOT]: fails if an include points the wrong way.
#
#   transfer <- actors <- { services, lifecycle } <- apps
#
# An include only points left; services and lifecycle never include each other. And what a module
# compiles against (the headers below and all that they include) names nothing of CAF.
set -euo pipefail
cd "${1:-$(dirname "$0")/..}"

module_headers=()
for name in operator context module packet payload operator_type settings inlet record bytes \
    blocking_operator blocking_context descriptors call_seat caller; do
  [[ -e actors/$name.hpp ]] && module_headers+=("actors/$name.hpp")
done
(( ${#module_headers[@]} )) || { echo "include_direction: no sources in $PWD" >&2; exit 2; }

mapfile -t files < <(find transfer actors services lifecycle apps -type f \
  \( -name '*.hpp' -o -name '*.cpp' -o -name '*.capnp' \) | sort)

awk -v module_headers="${module_headers[*]}" '
  BEGIN {
    may["transfer"] = " transfer "
    may["actors"] = " transfer actors "
    may["services"] = " transfer actors services "
    may["lifecycle"] = " transfer actors lifecycle "
    may["apps"] = " transfer actors services lifecycle apps "
  }
  function folder_of(path) { sub(/\/.*/, "", path); return path }
  function complain(what) { print what; wrong++ }

  FNR == 1 { mine = folder_of(FILENAME) }
  /caf::|<caf\// && !/^ *\/\// { if (!(FILENAME in caf)) caf[FILENAME] = FNR }
  /^ *# *include *["<]/ || /import *"\// {
    if (!match($0, /["<][^">]+[">]/)) next
    target = substr($0, RSTART + 1, RLENGTH - 2)
    quoted = substr($0, RSTART, 1) == "\""
    sub(/^\//, "", target)
    if (target ~ /^\.\.?\//) {
      complain(FILENAME ":" FNR ": includes \"" target "\": write the path from the root of the tree")
      next
    }
    theirs = folder_of(target)
    if (!(theirs in may)) {
      if (quoted && target ~ /\// && theirs != "capnp")
        complain(FILENAME ":" FNR ": includes \"" target "\", which is no folder of the framework")
      next
    }
    if (index(may[mine], " " theirs " ") == 0)
      complain(FILENAME ":" FNR ": " mine " includes " theirs " (" target ")")
    includes[FILENAME] = includes[FILENAME] " " target
  }

  END {
    count = split(module_headers, queue, " ")
    for (i = 1; i <= count; i++) { seen[queue[i]] = 1; via[queue[i]] = queue[i] }
    for (i = 1; i <= count; i++) {
      file = queue[i]
      if (file in caf)
        complain(file ":" caf[file] ": names CAF, but modules compile against it (" via[file] ")")
      n = split(includes[file], next_files, " ")
      for (j = 1; j <= n; j++)
        if (!(next_files[j] in seen)) {
          seen[next_files[j]] = 1
          via[next_files[j]] = via[file] " -> " next_files[j]
          queue[++count] = next_files[j]
        }
    }
    if (wrong) { print wrong " includes point the wrong way"; exit 1 }
    print "includes of " ARGC - 1 " files point the right way; " count " headers are free of CAF"
  }
' "${files[@]}"
