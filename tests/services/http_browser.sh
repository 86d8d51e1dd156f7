#!/usr/bin/env bash
# http_browser.sh BUILD: a browser loads a page with many pictures while the service is changed without
# a pause; afterwards each picture has its width.
set -euo pipefail
test=http_browser
build=$(realpath "$1")
root=$(cd "$(dirname "$0")/../.." && pwd)
source "$root/tests/services/live_server.sh"

need chromium chromium
pictures=200

# word BYTES NUMBER: the lowest first.
word() {
  local i text=
  for ((i = 0; i < $1; ++i)); do text+=$(printf '\\x%02x' $(($2 >> (8 * i) & 255))); done
  printf '%b' "$text"
}
# picture WIDTH HEIGHT: a bitmap of 24 bits per pixel with random colours.
picture() {
  local row=$((($1 * 3 + 3) / 4 * 4))
  printf BM
  word 4 $((54 + row * $2)); word 4 0; word 4 54
  word 4 40; word 4 "$1"; word 4 "$2"; word 2 1; word 2 24
  word 4 0; word 4 $((row * $2)); word 4 2835; word 4 2835; word 4 0; word 4 0
  head -c $((row * $2)) /dev/urandom
}

# Five bitmaps under many names: of different widths, and of up to 200 kB.
for i in 0 1 2 3 4; do picture $((100 + i)) $((20 + 150 * i)) >"$place/$i.bmp"; done
{
  echo '<!doctype html><title>pictures</title>'
  for ((i = 0; i < pictures; ++i)); do
    ln "$place/$((i % 5)).bmp" "$www/$i.bmp"
    echo "<img src=\"$i.bmp\">"
  done
  echo '<p id="widths"></p><script>onload = () => widths.textContent =
    Array.from(document.images, one => one.naturalWidth).join(" ");</script>'
} >"$www/index.html"
expected=$(for ((i = 0; i < pictures; ++i)); do echo $((100 + i % 5)); done | tr '\n' ' ')

start_service
start_changes

for round in 1 2; do
  timeout 60 chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage \
    --user-data-dir="$place/browser$round" --dump-dom "http://127.0.0.1:$port/" \
    >"$place/page" 2>"$place/browser.log" || fail "chromium ended with $?: $(tail -3 "$place/browser.log")"
  widths=$(sed -n 's|.*<p id="widths">\([^<]*\)</p>.*|\1|p' "$place/page")
  [[ "$widths " == "$expected" ]] || fail "not all pictures were loaded; their widths: '$widths'"
done

stop_changes
(( $(changes) >= 5 )) || fail "only $(changes) changes were made meanwhile"
stop_service
echo "$round times $pictures pictures, $(changes) changes of the service meanwhile"
