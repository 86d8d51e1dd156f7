#include "services/net/address_counts.hpp"

#include <netinet/in.h>

#include <utility>

namespace instar::net {

namespace {

std::string key_of(const sockaddr_storage& of) {
  if (of.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(of).sin_addr;
    return {reinterpret_cast<const char*>(&v4), sizeof v4};
  }
  if (of.ss_family == AF_INET6) {
    constexpr std::size_t network = 8;
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(of).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) return {reinterpret_cast<const char*>(&v6) + 12, 4};
    return {reinterpret_cast<const char*>(&v6), network};
  }
  return {};
}

} // namespace

class address_counts::place {
public:
  place(std::shared_ptr<address_counts> of, std::string key)
      : of_(std::move(of)), key_(std::move(key)) {}
  place(const place&) = delete;
  place& operator=(const place&) = delete;
  ~place() {
    std::lock_guard lock(of_->guard_);
    const auto found = of_->taken_.find(key_);
    if (--found->second == 0) of_->taken_.erase(found);
  }

private:
  const std::shared_ptr<address_counts> of_;
  const std::string key_;
};

std::shared_ptr<const void> address_counts::take(const sockaddr_storage& of, std::size_t most) {
  auto key = key_of(of);
  {
    std::lock_guard lock(guard_);
    auto& count = taken_[key];
    if (count >= most) return nullptr;
    ++count;
  }
  return std::make_shared<place>(shared_from_this(), std::move(key));
}

std::size_t address_counts::size() const {
  std::lock_guard lock(guard_);
  return taken_.size();
}

} // namespace instar::net
