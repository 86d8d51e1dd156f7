#pragma once

#include <caf/detail/simple_actor_clock.hpp>

#include <condition_variable>
#include <mutex>

namespace instar {

/// The timers of a `local_scheduler`: sends what is due, from a thread that calls `run`.
///
/// That thread sleeps until the earliest timer, and is only woken for one that is earlier still:
/// CAF's own clock is woken for each timer that is set or taken back, which for an operator costs
/// more than the rest of its activation. All may be called from any thread.
class local_clock final : public caf::detail::simple_actor_clock {
public:
  void run();
  void end(); ///< has `run` return; what is not due by then is never sent

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                            std::uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                         std::uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point t, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override;
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                        caf::message content) override;
  void cancel_all() override;

private:
  template <class Change>
  void change(Change&& what);

  // Recursive: an actor that is sent its message may end by that, and takes its timers back.
  std::recursive_mutex guard_;
  std::condition_variable_any wake_;
  time_point sleeps_until_ = time_point::max(); // else `run` looks again before it sleeps
  bool sleeps_ = false, ended_ = false;
};

} // namespace instar
