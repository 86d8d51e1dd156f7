#include "services/kv/lanes.hpp"

#include "transfer/key_hash.hpp"

#include <algorithm>
#include <charconv>

namespace instar::kv {

namespace {

std::uint64_t hash_of(std::string_view key) { return key_hash<std::string_view>()(key); }

/// Whether it has as many arguments as it must have; if not, one store says so.
bool complete(const command_info& info, std::size_t args) {
  if (info.keys == key_places::pairs && args % 2 == 0) return false;
  return info.arity < 0 ? args >= static_cast<std::size_t>(-info.arity)
                        : args == static_cast<std::size_t>(info.arity);
}

} // namespace

std::uint64_t lane_end(std::size_t lane, std::size_t lanes) {
  if (lane + 1 >= lanes) return ~std::uint64_t{0};
  const auto scaled = static_cast<unsigned __int128>(lane + 1) << 64;
  return static_cast<std::uint64_t>((scaled + lanes - 1) / lanes);
}

void lane_sorter::begin(std::size_t lanes) {
  lanes_.resize(std::max<std::size_t>(1, lanes));
  for (auto& l : lanes_) {
    l.commands.clear();
    l.args.clear();
  }
  args_.clear();
  commands_ = 0;
}

std::size_t lane_sorter::parts() const {
  return static_cast<std::size_t>(std::count_if(lanes_.begin(), lanes_.end(),
                                                [](const lane& l) { return !l.commands.empty(); }));
}

const command_info& lane_sorter::add(const lane_function& lane_of) {
  if (lanes_.size() > 1) {
    const auto& info = find_command(args_[0]);
    sort(info, lane_of);
    ++commands_;
    args_.clear();
    return info;
  }
  auto& only = lanes_[0];
  const auto first =
      only.commands.empty() ? 0u : only.commands.back().first + only.commands.back().count;
  const auto& info = find_command(only.args[first]);
  only.commands.push_back({info.id, joining::whole, first,
                           static_cast<std::uint32_t>(only.args.size()) - first, commands_++, 0});
  return info;
}

void lane_sorter::put(std::size_t to, const command_info& info, std::uint32_t part, joining how,
                      std::span<const std::string_view> args) {
  auto& l = lanes_[to];
  l.commands.push_back({info.id, how, static_cast<std::uint32_t>(l.args.size()),
                        static_cast<std::uint32_t>(args.size()), commands_, part});
  l.args.insert(l.args.end(), args.begin(), args.end());
}

void lane_sorter::sort(const command_info& info, const lane_function& lane_of) {
  const auto whole = [&](std::size_t lane) { put(lane, info, 0, joining::whole, args_); };
  if (!complete(info, args_.size())) return whole(0);
  switch (info.keys) {
  case key_places::none:
    return whole(0);
  case key_places::everywhere:
    for (std::size_t l = 0; l < lanes_.size(); ++l)
      put(l, info, static_cast<std::uint32_t>(l), info.how, args_);
    return;
  case key_places::cursor: {
    std::uint64_t place = 0;
    std::from_chars(args_[1].data(), args_[1].data() + args_[1].size(), place);
    return whole(lane_of(place));
  }
  case key_places::first:
    return whole(args_.size() < 2 ? 0 : lane_of(hash_of(args_[1])));
  case key_places::all:
  case key_places::pairs:
    if (!split(info, lane_of)) whole(of_key_[0]);
  }
}

/// Returns false if one lane has all of its keys.
bool lane_sorter::split(const command_info& info, const lane_function& lane_of) {
  const std::size_t step = info.keys == key_places::pairs ? 2 : 1;
  of_key_.clear();
  for (std::size_t i = 1; i < args_.size(); i += step)
    of_key_.push_back(lane_of(hash_of(args_[i])));
  if (std::all_of(of_key_.begin(), of_key_.end(), [&](auto l) { return l == of_key_[0]; }))
    return false;
  std::uint32_t part = 0;
  for (std::size_t i = 1; i < args_.size(); i += step, ++part) {
    const std::string_view one[] = {args_[0], args_[i], step == 2 ? args_[i + 1] : args_[i]};
    put(of_key_[part], info, part, info.how, std::span(one, step + 1));
  }
  return true;
}

} // namespace instar::kv
