#pragma once

#include "bench/state/client.hpp"
#include "lifecycle/operator_library.hpp"

#include <cstdint>
#include <memory>
#include <string_view>

namespace instar::bench {

/// A question for one account, and what became of it.
struct question : payload {
  static constexpr std::string_view payload_name = "bench.question";
  explicit question(std::uint64_t n) : account(n) {}
  std::string_view type_name() const noexcept override { return payload_name; }
  std::uint64_t account, amount = 0;
};

/// `bench.door` (which brings in a client's questions), `bench.ledger` in two versions with
/// different schemas for its accounts, `bench.object` in two versions that hand over the same
/// object, and `bench.end`. A ledger begins with the accounts from 0 up to its setting `accounts`.
std::shared_ptr<host_library> ledger_library();

/// What all of them share.
struct desk {
  static constexpr std::string_view resource_name = "bench.desk";
  client* who = nullptr;
};

} // namespace instar::bench
