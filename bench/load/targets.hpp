#pragma once

#include "response.hpp"

#include <netinet/in.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace instar::load {

/// `http://ADDRESS:PORT/PATH`, the address in numbers.
struct endpoint {
  sockaddr_in address{};
  std::string host; ///< as in the Host header
  std::string path;
};
/// Throws `std::runtime_error` with what is wrong.
endpoint parse_url(std::string_view url);

/// Replaces `{}` by `number`, and `{5}` by `number` with leading zeros to five digits.
std::string expand(std::string_view pattern, std::size_t number);

/// The files asked for, as requests ready to send and answers to expect. Expected files are
/// mapped, so a comparison costs a read of the page cache and no memory of their own.
class target_set {
public:
  explicit target_set(std::string host) : host_(std::move(host)) {}
  target_set(const target_set&) = delete;
  target_set& operator=(const target_set&) = delete;
  ~target_set();

  /// `root` is empty if bodies are not compared. Throws if the expected file cannot be read.
  void add(const std::string& path, const std::filesystem::path& root);

  std::size_t size() const { return targets_.size(); }
  const std::string& request(std::size_t index) const { return targets_[index].request; }
  expectation expected(std::size_t index) const { return targets_[index].expected; }

private:
  struct target {
    std::string request;
    expectation expected;
  };

  std::string host_;
  std::vector<target> targets_;
  std::vector<std::string_view> mapped_;
};

} // namespace instar::load
