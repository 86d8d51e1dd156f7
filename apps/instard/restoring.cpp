#include "apps/instard/restoring.hpp"

#include "transfer/checkpoint_folder.hpp"

#include <spdlog/spdlog.h>

#include <utility>

namespace instar::instard {

result<std::optional<restore_request>> find_restore(const options& o) {
  using found = std::optional<restore_request>;
  if (o.restore.empty()) return found();
  auto newest = newest_whole(o.restore);
  for (const auto& wrong : newest.skipped) spdlog::warn("passed over: {}", wrong.message);
  const auto none = "--restore " + o.restore.string() + ": ";
  if (!newest.file && !newest.skipped.empty())
    return failure{errc::bad_input, none + "no checkpoint in it is whole; start without --restore "
                                           "to begin anew"};
  if (!newest.file && o.graph.empty())
    return failure{errc::not_found,
                   none + "there is no checkpoint in it; give --graph FILE to begin anew"};
  if (!newest.file) {
    spdlog::warn("{}there is no checkpoint in it; begins anew", none);
    return found();
  }
  auto contents = checkpoint_contents::read(*std::move(newest.file));
  if (!contents) return contents.error();
  const auto& info = (*contents)->info();
  spdlog::info("goes on from {}, of epoch {}", info.file.string(), info.epoch);
  return found(restore_request{*std::move(contents), o.drop});
}

} // namespace instar::instard
