#!/usr/bin/env bash
# The tree's includes point the right way, and the check notices when one does not.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
check=$here/include_direction.sh
"$check" "$here/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

# expect_complaint FILE LINE WHAT: the check must fail on a tree where LINE was added to FILE.
expect_complaint() {
  rm -rf "$copy/tree" && mkdir "$copy/tree"
  (cd "$here/.." && cp -r transfer actors services lifecycle apps "$copy/tree")
  printf '%s\n' "$2" >>"$copy/tree/$1"
  local said
  if said=$("$check" "$copy/tree" 2>&1); then
    echo "not noticed: '$2' in $1" >&2
    exit 1
  fi
  grep -qF -- "$3" <<<"$said" || { echo "wrong complaint about '$2' in $1: $said" >&2; exit 1; }
}

expect_complaint transfer/state.hpp '#include "actors/graph.hpp"' 'transfer includes actors'
expect_complaint actors/graph.hpp '#include "lifecycle/plan.hpp"' 'actors includes lifecycle'
expect_complaint actors/graph.hpp '#  include <services/net/reactor.hpp>' 'actors includes services'
expect_complaint lifecycle/plan.cpp '#include "services/net/reactor.hpp"' 'lifecycle includes services'
expect_complaint services/any.cpp '#include "lifecycle/plan.hpp"' 'services includes lifecycle'
expect_complaint lifecycle/plan.cpp '#include "apps/instard/main.hpp"' 'lifecycle includes apps'
expect_complaint lifecycle/any.capnp 'using import "/services/any.capnp".Any;' 'lifecycle includes services'
expect_complaint actors/graph.hpp '#include "../lifecycle/plan.hpp"' 'from the root'
expect_complaint actors/operator.hpp '#include <caf/actor.hpp>' 'names CAF'
expect_complaint transfer/result.hpp 'using any = caf::expected<int>;' 'names CAF'
echo "10 planted mistakes were noticed"
