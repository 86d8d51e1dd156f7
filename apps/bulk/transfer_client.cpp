#include "apps/bulk/transfer_client.hpp"

#include "services/bulk/pattern.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace instar::bulk {

namespace {

constexpr std::size_t block_size = 128 * 1024;

void expect(const std::string& seen, const std::string& wanted) {
  if (seen != wanted) throw std::runtime_error("'" + seen + "' instead of '" + wanted + "'");
}

/// `… received N sent N` of a line of a report.
totals read_totals(std::istringstream& words, const std::string& line) {
  std::string received, sent;
  totals made;
  if (!(words >> received >> made.received >> sent >> made.sent) || received != "received" ||
      sent != "sent")
    throw std::runtime_error("a report has the line '" + line + "'");
  return made;
}

} // namespace

totals ask_report(clients::connection& on) {
  on.send("REPORT\n");
  std::optional<std::uint64_t> number;
  std::optional<totals> all;
  for (auto line = on.line(); line != "END"; line = on.line()) {
    std::istringstream words(line);
    std::string what;
    words >> what;
    if (what == "INTERVAL") {
      std::uint64_t next = 0;
      words >> next;
      if (number && next != *number + 1)
        throw std::runtime_error("after interval " + std::to_string(*number) + " comes '" + line +
                                 "'");
      number = next;
      read_totals(words, line);
    } else if (what == "TOTAL") {
      all = read_totals(words, line);
    } else if (what != "MEAN" && what != "HIGHEST") {
      throw std::runtime_error("a report has the line '" + line + "'");
    }
  }
  if (!all) throw std::runtime_error("a report has no totals");
  return *all;
}

transfer_client::transfer_client(std::string host, std::uint16_t port, std::uint64_t most,
                                 std::size_t number)
    : host_(std::move(host)), port_(port), most_(most), random_(number), block_(block_size) {}

void transfer_client::open() { connection_ = clients::connection(host_, port_); }

std::uint64_t transfer_client::ask() {
  const auto turn = random_() % 16;
  if (turn == 0) {
    const auto now = ask_report(connection_);
    if (now.received < seen_.received || now.sent < seen_.sent)
      throw std::runtime_error("a report has forgotten what an earlier one had");
    seen_ = now;
  } else if (turn % 2 == 0) {
    send();
  } else {
    take();
  }
  return 1;
}

void transfer_client::send() {
  const auto size = random_() % (most_ + 1), seed = random_();
  const auto number = std::to_string(size);
  connection_.send("SEND " + number + " " + std::to_string(seed) + "\n");
  const pattern bytes(seed);
  for (std::uint64_t at = 0; at < size;) {
    const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(size - at, block_.size()));
    const auto block = std::span(block_).first(now);
    bytes.fill(std::as_writable_bytes(block), at);
    connection_.send({block.data(), block.size()});
    at += now;
  }
  expect(connection_.line(), "GOT " + number);
  sent_ += size;
}

void transfer_client::take() {
  const auto size = random_() % (most_ + 1), seed = random_();
  const auto number = std::to_string(size);
  connection_.send("TAKE " + number + " " + std::to_string(seed) + "\n");
  expect(connection_.line(), "HERE " + number);
  const pattern bytes(seed);
  for (std::uint64_t at = 0; at < size;) {
    const auto now = static_cast<std::size_t>(std::min<std::uint64_t>(size - at, block_.size()));
    const auto block = std::span(block_).first(now);
    connection_.read(block);
    if (const auto wrong = bytes.find_wrong(std::as_bytes(block), at))
      throw std::runtime_error("byte " + std::to_string(*wrong) + " of " + number + " is wrong");
    at += now;
  }
  expect(connection_.line(), "DONE");
  taken_ += size;
}

void transfer_client::close() {
  connection_.send("QUIT\n");
  connection_.expect_end();
}

void transfer_client::count(clients::tally& into) const {
  into.more["bytes_sent"] += sent_;
  into.more["bytes_taken"] += taken_;
}

} // namespace instar::bulk
