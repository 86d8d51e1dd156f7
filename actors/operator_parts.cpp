// Keyed state on its way from an operator to its successor.
#include "actors/operator_core.hpp"
#include "actors/thrown_text.hpp"

#include <algorithm>
#include <utility>

namespace instar {

namespace {

/// For so long parts are sent at a time; for several times as long as they took they then rest, so
/// that whoever serves keeps most of the time.
constexpr std::chrono::microseconds part_slice{50};
constexpr int part_rest = 5;
/// How often it is told how far they are.
constexpr std::chrono::milliseconds tell_interval{50};

} // namespace

void operator_core::set_instance(operator_instance made) {
  instance_ = std::move(made);
  parts_ = setup_.type.part_schema != 0 ? instance_->parts() : nullptr;
}

state_header operator_core::part_header() const {
  return {setup_.type.name, setup_.type.version, setup_.type.part_schema,
          setup_.type.state_version};
}

/// Returns whether parts rest for a while now.
bool operator_core::rest_parts(core_clock::time_point since) {
  const auto now = host_.now();
  if (now == since) return false;
  pause_ = next_id_++;
  host_.start_timer(pause_, now + (now - since) * part_rest);
  return true;
}

void operator_core::tell_moved(std::uint64_t entries, std::uint64_t total) {
  const auto now = host_.now();
  if (now - told_moved_ < tell_interval) return;
  told_moved_ = now;
  host_.parts_moved(part_.epoch != 0 ? part_.epoch : setup_.epoch, entries, total);
}

// -- ahead of the cut ---------------------------------------------------------------------------

void operator_core::begin_copy(epoch_t epoch) {
  if (!aligner_.active() || part_.epoch != epoch || part_.parts == part_transfer::none) return;
  if (!parts_)
    return fail_cut("operator '" + setup_.place.name + "' (" + setup_.type.reference() +
                    ") declares a schema for parts of its state, but its parts() returns none");
  sender_.emplace(*parts_, part_header(), part_.parts == part_transfer::progressive);
  said_copied_ = false;
  more_ = true;
}

void operator_core::part_taken(epoch_t epoch) {
  if (sender_ && part_.epoch == epoch) sender_->taken();
}

/// Returns whether it wants to go on at once.
bool operator_core::copy_parts() {
  if (!running() || pause_ != 0 || cut_failed_) return false;
  const auto began = host_.now();
  try {
    while (sender_->ready() && host_.now() - began < part_slice)
      host_.send_part(part_.epoch, sender_->next());
  } catch (...) {
    fail_copy();
    return false;
  }
  tell_moved(sender_->sent(), sender_->total());
  if (!said_copied_ && sender_->near_end()) {
    said_copied_ = true;
    host_.copied(part_.epoch);
  }
  return sender_->ready() && !rest_parts(began);
}

void operator_core::fail_copy() {
  const auto why = thrown_text();
  sender_.reset();
  fail_cut("operator '" + setup_.place.name + "' (" + setup_.type.reference() +
           "): writing its state failed: " + why);
}

/// At the cut. Throws what the operator throws.
void operator_core::send_rest() {
  if (!sender_) return;
  while (auto part = sender_->rest()) host_.send_part(part_.epoch, std::move(*part));
}

result<void> operator_core::read_part(const sent_part& part, bool rehearsal) {
  const auto fail = [&](const std::string& why) {
    return failure{errc::operator_error, "operator '" + setup_.place.name + "' (" +
                                             setup_.type.reference() +
                                             "): taking over a part of its state failed: " + why};
  };
  if (!parts_) return fail("it declares a schema for parts of it, but its parts() returns none");
  try {
    const auto converted = setup_.part_conversion(part.content);
    state_reader reader(converted);
    parts_->read(reader, part.from_key, part.to_key);
    if (rehearsal) parts_->clear();
    return {};
  } catch (...) {
    return fail(thrown_text());
  }
}

// -- after the commit ---------------------------------------------------------------------------

void operator_core::start_moving(left_parts from, conversion convert) {
  if (!parts_)
    return host_.request_stop("operator '" + setup_.place.name + "' (" + setup_.type.reference() +
                              ") has no parts() for the state that it was to take over");
  puller_ = std::make_unique<part_puller>(std::move(from), std::move(convert), *parts_);
  parts_->draw_from(puller_.get());
  more_ = true;
}

/// Returns whether it wants to go on at once.
bool operator_core::move_parts() {
  if (!running() || pull_job_ != 0 || pause_ != 0) return false;
  const bool more = puller_->advance();
  if (puller_->failed())
    host_.request_stop("operator '" + setup_.place.name + "' (" + setup_.type.reference() +
                       "): taking over a part of its state failed: " + *puller_->failed());
  else if (more) {
    tell_moved(puller_->total() - puller_->left(), puller_->total());
    pull_began_ = host_.now();
    pull_job_ = next_id_++;
    host_.start_job(pull_job_, puller_->work(), instance_);
    return false;
  }
  parts_->draw_from(nullptr);
  // The last of the instance before goes with it, and maybe its module: elsewhere.
  host_.start_job(
      next_id_++, [last = std::shared_ptr(std::move(puller_))] {}, instance_);
  host_.all_moved(setup_.epoch);
  return false;
}

/// An instance of the same version takes over from one that has failed.
void operator_core::take_parts_of(const std::shared_ptr<operator_base>& failed) {
  if (sender_) {
    sender_.reset();
    fail_cut("operator '" + setup_.place.name +
             "' threw, and was restarted, while its state was sent to its successor; ask again");
  }
  auto* had = std::exchange(parts_, setup_.type.part_schema != 0 ? instance_->parts() : nullptr);
  if (!had) return;
  if (puller_) { // nobody can fetch from two
    puller_->finish();
    had->draw_from(nullptr);
  }
  start_moving({failed, had, part_header()}, {});
}

} // namespace instar
