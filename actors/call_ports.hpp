#pragma once

#include "actors/call_port.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace instar {

/// The call ports of a service, by name: a resource of every service (`context::host<call_ports>`),
/// and for the threads of its host program `service::calls`. Any thread.
class call_ports {
public:
  static constexpr std::string_view resource_name = "instar.call_ports";

  /// Made by whoever asks first, callers or who serves; there as long as anybody has it.
  /// Throws `std::runtime_error` if it is of another interface.
  template <class Interface>
  std::shared_ptr<call_port> port(std::string_view name) {
    return find_or_make(name, Interface::interface_name);
  }

private:
  std::shared_ptr<call_port> find_or_make(std::string_view name, std::string_view interface_name);

  std::mutex guard_;
  std::map<std::string, std::weak_ptr<call_port>, std::less<>> ports_;
};

} // namespace instar
