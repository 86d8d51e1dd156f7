#!/usr/bin/env bash
# The README shows the code that is compiled and run: a fenced block after `<!-- FILE -->` must be
# exactly FILE, so that it cannot rot.
set -euo pipefail
cd "$(dirname "$0")/.."
readme=${1:-README.md}

shown() { # FILE: the block that the README shows
  awk -v mark="<!-- $1 -->" '
    $0 == mark { wanted = 1; next }
    wanted && /^```/ { if (inside) exit; inside = 1; next }
    inside { print }' "$readme"
}

mapfile -t files < <(sed -n 's/^<!-- \([^ ]*\) -->$/\1/p' "$readme")
(( ${#files[@]} )) || { echo "$readme shows no file" >&2; exit 1; }
for file in "${files[@]}"; do
  diff -u --label "$readme" --label "$file" <(shown "$file") "$file" >&2 ||
    { echo "$readme shows another text than $file: copy the file into it" >&2; exit 1; }
done
echo "$readme shows ${#files[@]} files as they are"
