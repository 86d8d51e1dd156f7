#include "apps/pool/file_client.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace instar::pool {

namespace {

/// As it stands in a URL.
std::string encoded(const std::string& path) {
  std::string made;
  for (const char c : path) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("/-._~").find(c) != std::string_view::npos;
    if (plain) made += c;
    else {
      made += '%';
      made += "0123456789ABCDEF"[byte >> 4];
      made += "0123456789ABCDEF"[byte & 15];
    }
  }
  return made;
}

std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  const auto done = std::from_chars(text.data(), text.data() + text.size(), value);
  if (done.ec != std::errc{} || done.ptr != text.data() + text.size())
    throw std::runtime_error("'" + std::string(text) + "' is no number");
  return value;
}

std::string lower(std::string_view text) {
  std::string made(text);
  for (auto& c : made)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return made;
}

} // namespace

targets read_targets(const std::filesystem::path& root) {
  auto made = std::make_shared<std::vector<target>>();
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    std::string content{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (!file) throw std::runtime_error(entry.path().string() + ": cannot be read");
    made->push_back({"/" + encoded(entry.path().lexically_relative(root).generic_string()),
                     std::move(content)});
  }
  if (made->empty()) throw std::runtime_error(root.string() + ": there are no files in it");
  return made;
}

targets fetch_targets(const std::string& host, std::uint16_t port,
                      const std::vector<std::string>& paths) {
  auto made = std::make_shared<std::vector<target>>();
  for (const auto& path : paths) {
    clients::connection one(host, port);
    one.send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
    const auto status = one.line();
    if (!status.starts_with("HTTP/1.1 200 "))
      throw std::runtime_error(path + ": the service answers '" + status +
                               "'; name something that it has with --path");
    while (!one.line().empty()) {
    }
    std::string content;
    for (auto more = one.some(); !more.empty(); more = one.some()) content += more;
    made->push_back({path, std::move(content)});
  }
  return made;
}

file_client::file_client(std::string host, std::uint16_t port, targets files, std::size_t number)
    : host_(std::move(host)), port_(port), files_(std::move(files)), random_(number) {}

void file_client::open() { connection_ = clients::connection(host_, port_); }

std::uint64_t file_client::ask() {
  switch (random_() % 16) {
  case 0:
    ask_part(any());
    return 1;
  case 1:
    ask_head(any());
    return 1;
  case 2: {
    const target* const three[] = {&any(), &any(), &any()};
    for (const auto* one : three) ask_for("GET", *one);
    for (const auto* one : three) expect_whole(*one);
    return 3;
  }
  default:
    const auto& one = any();
    ask_for("GET", one);
    expect_whole(one);
    return 1;
  }
}

const target& file_client::any() { return (*files_)[random_() % files_->size()]; }

void file_client::ask_for(const char* method, const target& of, const std::string& more) {
  connection_.send(std::string(method) + " " + of.path + " HTTP/1.1\r\nHost: " + host_ + "\r\n" +
                   more + "\r\n");
}

file_client::response file_client::read_head(const target& of) {
  response made;
  const auto first = connection_.line();
  if (!first.starts_with("HTTP/1.1 ") || first.size() < 12)
    throw std::runtime_error(of.path + ": '" + first + "' is no status line");
  made.status = static_cast<int>(number_of(std::string_view(first).substr(9, 3)));
  for (auto line = connection_.line(); !line.empty(); line = connection_.line()) {
    const auto colon = line.find(": ");
    const auto name = lower(std::string_view(line).substr(0, colon));
    const auto value = colon == std::string::npos ? std::string() : line.substr(colon + 2);
    if (name == "content-length") made.length = number_of(value);
    if (name == "content-range") made.range = value;
    if (name == "connection" && lower(value) == "close")
      throw std::runtime_error(of.path + ": the service wants to end the connection");
  }
  return made;
}

void file_client::expect_whole(const target& of) {
  const auto head = read_head(of);
  if (head.status != 200 || head.length != of.content.size())
    throw std::runtime_error(of.path + ": status " + std::to_string(head.status) + " and " +
                             std::to_string(head.length) + " bytes instead of 200 and " +
                             std::to_string(of.content.size()));
  received_.resize(of.content.size());
  connection_.read(std::span(received_.data(), received_.size()));
  if (received_ != of.content) throw std::runtime_error(of.path + ": other bytes than expected");
}

void file_client::ask_part(const target& of) {
  if (of.content.empty()) return ask_head(of);
  const auto first = random_() % of.content.size();
  const auto last = std::min<std::uint64_t>(first + random_() % 5000, of.content.size() - 1);
  const auto text = std::to_string(first) + "-" + std::to_string(last);
  ask_for("GET", of, "Range: bytes=" + text + "\r\n");
  const auto head = read_head(of);
  const auto wanted = "bytes " + text + "/" + std::to_string(of.content.size());
  if (head.status != 206 || head.range != wanted || head.length != last - first + 1)
    throw std::runtime_error(of.path + ": status " + std::to_string(head.status) + " and '" +
                             head.range + "' instead of 206 and '" + wanted + "'");
  const auto part = connection_.read(static_cast<std::size_t>(head.length));
  if (of.content.compare(static_cast<std::size_t>(first), part.size(), part) != 0)
    throw std::runtime_error(of.path + ": other bytes than expected in " + wanted);
}

void file_client::ask_head(const target& of) {
  ask_for("HEAD", of);
  const auto head = read_head(of);
  if (head.status != 200 || head.length != of.content.size())
    throw std::runtime_error(of.path + ": a HEAD is answered with status " +
                             std::to_string(head.status) + " and " + std::to_string(head.length) +
                             " bytes");
}

} // namespace instar::pool
