#include "apps/inspect/scanner.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace instar::inspect {

namespace {

/// The number behind ` NAME=`.
std::uint64_t number_in(const std::string& line, const std::string& name) {
  const auto at = line.find(" " + name + "=");
  std::uint64_t number = 0;
  if (at != line.npos) {
    const auto* from = line.data() + at + name.size() + 2;
    if (std::from_chars(from, line.data() + line.size(), number).ec == std::errc()) return number;
  }
  throw std::runtime_error("no " + name + " in '" + line + "'");
}

[[noreturn]] void differ(const std::string& what, const std::string& got) {
  throw std::runtime_error("expected " + what + ", got " + got);
}

} // namespace

scanner::scanner(std::string host, std::uint16_t port, std::size_t number)
    : host_(std::move(host)), port_(port), small_(number * 2 + 1, 50), large_(number * 2 + 2, 400) {
}

void scanner::open() { line_ = clients::connection(host_, port_); }

std::uint64_t scanner::ask() {
  const auto n = asked_++;
  const auto tag = "t" + std::to_string(n);
  if (n % 8 == 7) {
    ask_statistics();
    return 1;
  }
  std::map<std::string, expected> open;
  open[tag].what = n % 4 == 3 ? &large_ : &small_;
  if (n % 4 == 1) open[tag + "+"].what = &large_;
  for (const auto& one : open) send(*one.second.what, one.first);
  const auto answers = open.size();
  receive(std::move(open));
  return answers;
}

void scanner::send(const traffic& what, const std::string& tag) {
  const std::string_view text = what.file().text();
  const auto line = tag + " scan " + std::to_string(text.size()) + "\n";
  const auto half = text.size() * (asked_ % 5) / 5;
  line_.send(line + std::string(text.substr(0, half)));
  line_.send(text.substr(half));
}

/// What is said of several files comes in any order.
void scanner::receive(std::map<std::string, expected> open) {
  while (!open.empty()) {
    const auto line = line_.line();
    const auto found = open.find(line.substr(0, line.find(' ')));
    if (found == open.end()) differ("an answer to " + open.begin()->first, "'" + line + "'");
    auto& of = found->second;
    const auto rest = line.substr(std::min(line.size(), found->first.size() + 1));
    if (rest.starts_with("alert ")) {
      of.alerts.push_back(without_message(std::string_view(rest).substr(6)));
      continue;
    }
    check_done(*of.what, rest);
    check_alerts(*of.what, std::move(of.alerts));
    open.erase(found);
  }
}

void scanner::check_alerts(const traffic& what, std::vector<std::string> found) {
  std::sort(found.begin(), found.end());
  alerts_ += found.size();
  if (found == what.alerts()) return;
  const auto end =
      std::mismatch(found.begin(), found.end(), what.alerts().begin(), what.alerts().end());
  differ(std::to_string(what.alerts().size()) + " alerts with " +
             (end.second == what.alerts().end() ? "no more" : *end.second),
         std::to_string(found.size()) + " with " +
             (end.first == found.end() ? "no more" : *end.first));
}

void scanner::check_done(const traffic& what, const std::string& line) {
  if (!line.starts_with("done ")) differ("that all is done", "'" + line + "'");
  const std::pair<const char*, std::uint64_t> figures[] = {{"frames", what.file().frames()},
                                                           {"bytes", what.file().bytes()},
                                                           {"alerts", what.alerts().size()}};
  for (const auto& [name, number] : figures)
    if (number_in(line, name) != number)
      differ(name + ("=" + std::to_string(number)), "'" + line + "'");
}

/// They never go back.
void scanner::ask_statistics() {
  line_.send("s stats\n");
  const auto line = line_.line();
  if (!line.starts_with("s stats ")) differ("statistics", "'" + line + "'");
  const auto frames = number_in(line, "frames");
  if (frames < seen_frames_)
    differ("at least " + std::to_string(seen_frames_) + " frames", "'" + line + "'");
  seen_frames_ = frames;
}

void scanner::close() {
  line_.send("q quit\n");
  line_.expect_end();
}

void scanner::count(clients::tally& into) const { into.more["alerts"] += alerts_; }

} // namespace instar::inspect
