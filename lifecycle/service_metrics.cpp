#include "lifecycle/service_metrics.hpp"

#include "lifecycle/supervisor.hpp"

#include <caf/send.hpp>

#include <future>
#include <stdexcept>
#include <utility>

namespace instar {

void service_metrics::attach(caf::actor admin) { admin_ = std::move(admin); }

observation service_metrics::look() {
  std::future<observation> answer;
  {
    // Only the message holds the promise: one that is dropped, because the service ends, breaks it.
    auto promise = std::make_shared<std::promise<observation>>();
    answer = promise->get_future();
    caf::anon_send(admin_, observe_message{[promise = std::move(promise)](observation seen) {
                     promise->set_value(std::move(seen));
                   }});
  }
  try {
    auto seen = answer.get();
    seen.own = own();
    return seen;
  } catch (const std::future_error&) {
    throw std::runtime_error("the service ends and does not answer any more");
  }
}

} // namespace instar
