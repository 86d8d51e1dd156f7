#include "apps/stream/listener.hpp"

#include "services/stream/frame_text.hpp"

#include <span>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace instar::stream {

void listener::open() {
  connection_ = clients::connection(how_.host, how_.port);
  connection_.send("LISTEN\n");
  next_.reset();
  position_.reset();
}

std::uint64_t listener::ask() {
  if (how_.pause.count() > 0) std::this_thread::sleep_for(how_.pause);
  const auto line = connection_.line();
  std::istringstream words(line);
  std::string what;
  std::uint64_t number = 0;
  if (!(words >> what >> number))
    throw std::runtime_error("the stream has the line '" + line + "'");
  if (what == "FRAME") {
    on_number(number);
    on_frame(line);
    ++frames_;
  } else if (what == "SILENCE") {
    on_number(number);
    ++silent_;
  } else if (what == "DROPPED" && number > 0) {
    if (next_) *next_ += number; // else what it was to begin with has gone already
    position_.reset();
    dropped_ += number;
  } else {
    throw std::runtime_error("the stream has the line '" + line + "'");
  }
  return 1;
}

void listener::on_number(std::uint64_t sequence) {
  if (next_ && sequence != *next_)
    throw std::runtime_error("frame " + std::to_string(sequence) + " instead of " +
                             std::to_string(*next_));
  next_ = sequence + 1;
}

void listener::on_frame(const std::string& line) {
  std::istringstream words(line);
  std::string what;
  std::uint64_t sequence = 0, position = 0, sum = 0;
  std::size_t size = 0;
  constexpr std::size_t largest = 1 << 20;
  if (!(words >> what >> sequence >> position >> size >> sum) || size > largest)
    throw std::runtime_error("the stream has the line '" + line + "'");
  data_.resize(size);
  connection_.read(std::span(data_.data(), data_.size()));
  if (checksum(data_) != sum)
    throw std::runtime_error("frame " + std::to_string(sequence) + " is not what was sent");
  if (position_ && position != *position_)
    throw std::runtime_error("frame " + std::to_string(sequence) + " has the bytes from " +
                             std::to_string(position) + " on, instead of " +
                             std::to_string(*position_));
  position_ = position + size;
  if (!how_.content) return;
  const auto& all = *how_.content;
  for (std::size_t i = 0; i < size; ++i)
    if (data_[i] != all[static_cast<std::size_t>((position + i) % all.size())])
      throw std::runtime_error("frame " + std::to_string(sequence) +
                               " has other bytes than the file");
}

void listener::count(clients::tally& into) const {
  into.more["frames"] += frames_;
  into.more["silent"] += silent_;
  into.more["dropped"] += dropped_;
}

stream_stats ask_stats(const std::string& host, std::uint16_t port) {
  clients::connection one(host, port);
  one.send("STATS\n");
  const auto line = one.line();
  std::istringstream words(line);
  std::string names[5];
  stream_stats made;
  words >> names[0] >> names[1] >> made.listeners >> names[2] >> made.frames >> names[3] >>
      made.dropped >> names[4] >> made.bytes;
  if (!words || names[0] != "STATS" || names[1] != "listeners")
    throw std::runtime_error("the service says '" + line + "' of itself");
  while (one.line() != "END") {
  }
  return made;
}

} // namespace instar::stream
