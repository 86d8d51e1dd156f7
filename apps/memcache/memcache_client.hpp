#pragma once

#include "apps/clients/connection.hpp"
#include "apps/clients/crowd.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <string>

namespace instar::clients {

/// A client of memcached with keys of its own: writes, reads back and compares, several commands at
/// once. Knows what each of its entries has to be.
class memcache_client final : public client {
public:
  memcache_client(std::string host, std::uint16_t port, std::size_t number);

  void open() override;
  std::uint64_t ask() override;
  void close() override;

private:
  struct entry {
    std::string value;
    std::uint32_t flags = 0;
  };

  void add_command();
  void add_store();
  void add_join();
  void add_count();
  void add_read();
  void expect_value(const std::string& key, const std::string& more = {});
  void expect(const std::string& line) { expected_.append(line).append("\n"); }
  std::string random_key();
  std::uint64_t exchange(std::uint64_t answers);
  std::uint64_t compare_and_set();

  const std::string host_;
  const std::uint16_t port_;
  const std::string prefix_;
  connection to_;
  std::mt19937 random_;
  std::map<std::string, entry> has_;
  std::string text_, expected_; // of this round; expected lines without their `\r`
};

} // namespace instar::clients
