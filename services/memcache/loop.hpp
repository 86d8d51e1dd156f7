#pragma once

#include "actors/blocking_operator.hpp"
#include "actors/descriptors.hpp"
#include "actors/settings.hpp"
#include "memcache_state.capnp.h"
#include "services/blocking/common_settings.hpp"
#include "services/memcache/session.hpp"

#include <poll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace instar::memcache {

/// One of the threads that serve the clients of a table: waits in `poll` for its connections, and
/// carries out their commands. It blocks nowhere else.
///
/// State: each connection, with what has come of a command and what is not sent of its answers.
class loop : public blocking_operator {
public:
  static constexpr in_port<descriptor_packet> in{0, "connection"};
  static constexpr setting_type cache_setting{"cache", setting_kind::text, "main", false,
                                              "name of the table, of all operators that share it"};
  static constexpr setting_type most_setting{"max_connections", setting_kind::integer, "1024",
                                             false,
                                             "of one loop; further ones are told and closed"};

  void run(blocking_context& ctx) final;
  bool left_over(std::size_t port, packet& p) final;
  void save(state_writer& into) const final;
  void restore(context& ctx, state_reader& from) final;

protected:
  loop(const settings& values, dialect in);

private:
  struct connection {
    std::shared_ptr<descriptor> at;
    session talk;
    bool ended = false; // sends no more
  };

  void begin(tables& all);
  void adopt(packet& p);
  void wait(blocking_context& ctx);
  void serve(connection& c, short ready);
  bool receive(connection& c);
  bool send(connection& c);
  static bool is_over(const connection& c);

  const std::string cache_;
  const std::size_t most_;
  const dialect in_;
  std::shared_ptr<table> table_;
  std::vector<connection> connections_;
  std::vector<pollfd> polled_;
  std::array<char, 64 * 1024> block_; // what was read last
};

} // namespace instar::memcache
