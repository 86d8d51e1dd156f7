#pragma once

#include "actors/call_seat.hpp"
#include "actors/operator.hpp"
#include "actors/settings.hpp"
#include "file_cache_state.capnp.h"
#include "services/cache/object.hpp"
#include "transfer/native_layout.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace instar::file_cache {

/// Serves a cache of file pages to the threads that have a `reader`. What the implementations
/// share: each can take over from each other.
///
/// State: the pages, which go from one to the other as they are. A checkpoint has none of them: the
/// files may be others when it is read.
template <class Implementation>
class serving final : public operator_base {
public:
  static constexpr setting_type capacity_setting{"capacity", setting_kind::size, "64MiB", false,
                                                 "of all pages that are kept"};
  static constexpr operator_type type{
      .name = Implementation::type_name,
      .version = 1,
      .help = Implementation::help,
      .state_schema = capnp::typeId<FileCacheState>(),
      .state_version = 1,
      .settings = {capacity_setting, call_seat::port_setting, call_seat::observe_setting},
      .native = {"file_cache.pages", layout_of<kept_pages>()}};

  explicit serving(const settings& values)
      : pages_(std::max<std::size_t>(values.size("capacity") / page_bytes, 1)), seat_(values) {}

  void on_start(context& ctx) override { seat_.serve<object>(ctx, pages_, object::metrics()); }
  void on_packet(context&, std::size_t, packet) override {}
  void on_timer(context& ctx, std::uint64_t token) override { seat_.on_timer(ctx, token); }
  std::optional<std::string> not_yet(context& ctx, cut_purpose) override {
    return seat_.not_yet(ctx);
  }

  void save(state_writer& into) const override {
    auto to = into.init<FileCacheState>();
    if (into.purpose() == save_purpose::checkpoint) return;
    seat_.close();
    unsigned count = 0;
    pages_.each([&](const kept_page&) { ++count; });
    auto list = to.initPages(count);
    pages_.each([&, i = 0u](const kept_page& one) mutable { write(one, list[i++]); });
  }
  void restore(context&, state_reader& from) override {
    kept_pages all;
    for (const auto one : from.root<FileCacheState>().getPages()) all.push_back(read(one));
    pages_.take(std::move(all));
  }
  void* give_native() noexcept override {
    seat_.close();
    return new kept_pages(pages_.give());
  }
  void take_native(void* given) noexcept override {
    const std::unique_ptr<kept_pages> from(static_cast<kept_pages*>(given));
    pages_.take(std::move(*from));
  }

private:
  static void write(const kept_page& from, FileCacheState::Page::Builder to) {
    to.setDevice(from.key.file.device);
    to.setInode(from.key.file.inode);
    to.setChanged(from.key.file.changed);
    to.setNumber(from.key.number);
    to.setUsed(from.used);
    auto bytes = to.initBytes(from.body->size);
    if (bytes.size() > 0) std::memcpy(bytes.begin(), from.body->bytes.data(), bytes.size());
  }
  static kept_page read(FileCacheState::Page::Reader from) {
    kept_page one{{{from.getDevice(), from.getInode(), from.getChanged()}, from.getNumber()},
                  std::make_unique<page>(),
                  from.getUsed()};
    const auto bytes = from.getBytes();
    if (bytes.size() > page_bytes)
      throw std::runtime_error("a page of " + std::to_string(bytes.size()) +
                               " bytes is larger than " + std::to_string(page_bytes));
    one.body->size = static_cast<std::uint32_t>(bytes.size());
    if (bytes.size() > 0) std::memcpy(one.body->bytes.data(), bytes.begin(), bytes.size());
    return one;
  }

  Implementation pages_;
  call_seat seat_;
};

} // namespace instar::file_cache
