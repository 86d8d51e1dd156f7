#include "apps/memcache/memcache_client.hpp"

#include <sstream>
#include <stdexcept>
#include <utility>

namespace instar::clients {

namespace {

constexpr unsigned keys = 60, commands_at_once = 8;

std::string store_text(const char* how, const std::string& key, std::uint32_t flags,
                       const std::string& value, const char* more = "") {
  return std::string(how) + " " + key + " " + std::to_string(flags) + " 0 " +
         std::to_string(value.size()) + more + "\r\n" + value + "\r\n";
}

} // namespace

memcache_client::memcache_client(std::string host, std::uint16_t port, std::size_t number)
    : host_(std::move(host)), port_(port), prefix_("c" + std::to_string(number) + "_"),
      random_(static_cast<unsigned>(number)) {}

/// After a failure nobody knows what is there: begins with nothing.
void memcache_client::open() {
  to_ = connection(host_, port_);
  has_.clear();
  std::string text;
  for (unsigned i = 0; i < keys; ++i)
    text += "delete " + prefix_ + std::to_string(i) + " noreply\r\n";
  to_.send(text + "version\r\n");
  if (const auto said = to_.line(); !said.starts_with("VERSION "))
    throw std::runtime_error("version: answered '" + said + "'");
}

void memcache_client::close() {
  to_.send("quit\r\n");
  to_.expect_end();
}

std::uint64_t memcache_client::ask() {
  if (random_() % 16 == 0) return compare_and_set();
  for (unsigned i = 0; i < commands_at_once; ++i) add_command();
  return exchange(commands_at_once);
}

std::uint64_t memcache_client::exchange(std::uint64_t answers) {
  to_.send(std::exchange(text_, {}));
  std::istringstream lines(std::exchange(expected_, {}));
  for (std::string line; std::getline(lines, line);)
    if (const auto said = to_.line(); said != line)
      throw std::runtime_error("expected '" + line.substr(0, 60) + "', but came '" +
                               said.substr(0, 60) + "'");
  return answers;
}

std::string memcache_client::random_key() { return prefix_ + std::to_string(random_() % keys); }

void memcache_client::add_command() {
  switch (random_() % 8) {
  case 0:
  case 1:
    return add_store();
  case 2:
    return add_join();
  case 3:
    return add_count();
  case 4: {
    const auto key = random_key();
    text_ += "delete " + key + "\r\n";
    return expect(has_.erase(key) ? "DELETED" : "NOT_FOUND");
  }
  case 5: {
    const auto key = random_key();
    const bool ends = random_() % 4 == 0;
    text_ += "touch " + key + (ends ? " -1\r\n" : " 1000\r\n");
    expect(has_.count(key) ? "TOUCHED" : "NOT_FOUND");
    if (ends) has_.erase(key);
    return;
  }
  default:
    return add_read();
  }
}

void memcache_client::add_store() {
  const auto key = random_key();
  const auto size = random_() % 50 == 0 ? random_() % 20'000 : random_() % 100;
  entry made{std::string(size, static_cast<char>('a' + random_() % 26)),
             static_cast<std::uint32_t>(random_())};
  const bool had = has_.count(key) > 0;
  const auto kind = random_() % 4;
  const char* const how = kind == 0 ? "add" : kind == 1 ? "replace" : "set";
  const bool done = kind == 0 ? !had : kind == 1 ? had : true;
  const bool silent = random_() % 3 == 0;
  text_ += store_text(how, key, made.flags, made.value, silent ? " noreply" : "");
  if (!silent) expect(done ? "STORED" : "NOT_STORED");
  if (done) has_[key] = std::move(made);
}

void memcache_client::add_join() {
  const auto key = random_key();
  const std::string more(random_() % 20, '+');
  const bool front = random_() % 2 == 0;
  text_ += store_text(front ? "prepend" : "append", key, 0, more);
  const auto at = has_.find(key);
  expect(at != has_.end() ? "STORED" : "NOT_STORED");
  if (at == has_.end()) return;
  auto& value = at->second.value;
  value = front ? more + value : value + more;
  if (value.size() <= 30'000) return;
  text_ += "delete " + key + " noreply\r\n";
  has_.erase(at);
}

void memcache_client::add_count() {
  const auto key = random_key();
  const std::uint64_t first = random_(), by = random_();
  const bool down = random_() % 2 == 0;
  text_ += store_text("set", key, 0, std::to_string(first), " noreply");
  text_ += (down ? "decr " : "incr ") + key + " " + std::to_string(by) + "\r\n";
  const auto result = !down ? first + by : first > by ? first - by : 0;
  has_[key] = {std::to_string(result), 0};
  expect(std::to_string(result));
}

void memcache_client::expect_value(const std::string& key, const std::string& more) {
  const auto at = has_.find(key);
  if (at == has_.end()) return;
  expect("VALUE " + key + " " + std::to_string(at->second.flags) + " " +
         std::to_string(at->second.value.size()) + more);
  expect(at->second.value);
}

void memcache_client::add_read() {
  text_ += "get";
  for (auto left = 1 + random_() % 5; left > 0; --left) {
    const auto key = random_key();
    text_ += " " + key;
    expect_value(key);
  }
  text_ += "\r\n";
  expect("END");
}

/// With the number that `gets` tells, and once more, when it is out of date.
std::uint64_t memcache_client::compare_and_set() {
  const auto key = random_key();
  has_[key] = {"before", 7};
  text_ = store_text("set", key, 7, "before") + "gets " + key + "\r\n";
  expect("STORED");
  exchange(0);
  const auto head = to_.line();
  const auto expected = "VALUE " + key + " 7 6 ";
  if (!head.starts_with(expected) || to_.line() != "before" || to_.line() != "END")
    throw std::runtime_error("gets: answered '" + head.substr(0, 60) + "'");
  const auto cas = " " + head.substr(expected.size());
  text_ = store_text("cas", key, 8, "after", cas.c_str()) +
          store_text("cas", key, 9, "too late", cas.c_str()) + "get " + key + "\r\n";
  has_[key] = {"after", 8};
  expect("STORED");
  expect("EXISTS");
  expect_value(key);
  expect("END");
  return exchange(5);
}

} // namespace instar::clients
