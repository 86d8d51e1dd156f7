#pragma once

#include "apps/clients/connection.hpp"
#include "apps/clients/crowd.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace instar::pool {

/// What is asked for, and what has to come.
struct target {
  std::string path; ///< of the URL, encoded
  std::string content;
};
using targets = std::shared_ptr<const std::vector<target>>;

/// All regular files below a folder. Throws if there are none.
targets read_targets(const std::filesystem::path& root);
/// What a service answers to these paths now. Throws if it does not.
targets fetch_targets(const std::string& host, std::uint16_t port,
                      const std::vector<std::string>& paths);

/// Asks for files on one connection: most for the whole, now and then for a part, for the head
/// only, or for three at once. Every byte is compared.
class file_client final : public clients::client {
public:
  file_client(std::string host, std::uint16_t port, targets files, std::size_t number);

  void open() override;
  std::uint64_t ask() override;
  void close() override { connection_.close(); }

private:
  struct response {
    int status = 0;
    std::uint64_t length = 0;
    std::string range;
  };

  const target& any();
  void ask_for(const char* method, const target& of, const std::string& more = {});
  response read_head(const target& of);
  void expect_whole(const target& of);
  void ask_part(const target& of);
  void ask_head(const target& of);

  const std::string host_;
  const std::uint16_t port_;
  const targets files_;
  std::mt19937_64 random_;
  clients::connection connection_;
  std::string received_;
};

} // namespace instar::pool
