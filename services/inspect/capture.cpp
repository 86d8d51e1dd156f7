#include "services/inspect/capture.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/inspect/headers.hpp"
#include "services/inspect/wire.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace instar::inspect {

namespace {

/// So much at once, that a cut in between is never far away.
constexpr std::size_t batch_frames = 32, batch_bytes = 128 * 1024;
constexpr std::chrono::seconds longest_pause{60};
constexpr std::chrono::nanoseconds second = std::chrono::seconds(1);

struct batch {
  struct one {
    std::int64_t time;
    std::size_t size;
  };
  std::vector<one> frames;
  std::string data;
  bool last = false;
  std::string error;
};

batch read_batch(pcap_file& from) {
  batch made;
  pcap_file::frame next;
  while (made.frames.size() < batch_frames && made.data.size() < batch_bytes) {
    const auto got = from.next(next);
    if (got != pcap_file::outcome::frame) {
      made.last = true;
      if (got == pcap_file::outcome::failed) made.error = from.error();
      break;
    }
    made.frames.push_back({next.time, next.data.size()});
    made.data += next.data;
  }
  return made;
}

void write(wire::Frames::Builder into, const batch& from, std::uint64_t first) {
  auto frames = into.initFrames(static_cast<unsigned>(from.frames.size()));
  octets rest = from.data;
  for (unsigned i = 0; i < frames.size(); ++i) {
    const auto& one = from.frames[i];
    frames[i].setNumber(first + i);
    frames[i].setTime(one.time);
    frames[i].setData(data_of(rest.substr(0, one.size)));
    rest.remove_prefix(one.size);
  }
}

} // namespace

capture::capture(const settings& values)
    : blocking_operator(blocking::rest_of(values)), path_(values.path("file").string()),
      loops_wanted_(static_cast<std::uint64_t>(std::max<std::int64_t>(0, values.integer("loops")))),
      rate_(std::clamp<std::int64_t>(values.integer("rate"), 0, 1'000'000'000)) {}

void capture::run(blocking_context& ctx) {
  while (true) {
    begin_own(ctx);
    take_order(ctx);
    std::string error; // goes with the frames
    if (asked_.open) read_some(ctx, asked_, error);
    if (own_.open && steady::now() >= due_) read_own(ctx);
  }
}

void capture::begin_own(blocking_context& ctx) {
  const bool done = loops_wanted_ > 0 && loops_ >= loops_wanted_;
  if (own_.open || own_failed_ || done || path_.empty()) return;
  std::string why;
  if (!own_.of) own_.of = open_own(ctx.host<descriptors>(), why);
  if (!own_.of) {
    own_failed_ = true;
    return ctx.stop_service(why);
  }
  own_ = {true, loops_ * 2 + 1, 0, std::move(own_.of), std::nullopt};
}

std::shared_ptr<descriptor> capture::open_own(descriptors& with, std::string& why) const {
  const int fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) return with.hold(fd);
  why = "cannot open " + path_ + ": " + std::system_category().message(errno) +
        "; set capture.file to a capture file, or leave it out";
  return nullptr;
}

/// Waits for an order if there is nothing else to do.
void capture::take_order(blocking_context& ctx) {
  if (asked_.open) return ctx.rest_point();
  auto order = own_.open ? inbox_.next_until(ctx, due_) : inbox_.next(ctx);
  if (!order) return;
  asked_ = {true, order->what.key, 0, order->what.as<descriptor_packet>().what(), std::nullopt};
}

void capture::read_own(blocking_context& ctx) {
  const auto before = own_.file ? own_.file->frames() : 0;
  std::string error;
  const bool last = read_some(ctx, own_, error);
  const auto frames = own_.file ? own_.file->frames() : 0;
  if (rate_ > 0)
    due_ = std::max(due_, steady::now() - second) +
           second / rate_ * static_cast<std::int64_t>(frames - before);
  if (!last) return;
  ++loops_;
  if (error.empty() && frames == 0) error = path_ + " has no frames in it";
  own_failed_ = !error.empty();
  if (own_failed_) ctx.log(log_level::warning, error + "; it is not read again");
}

/// The next batch; returns whether it was the last.
bool capture::read_some(blocking_context& ctx, reading& of, std::string& error) {
  auto made = make_payload<record>();
  auto into = made->init<wire::Frames>();
  into.setJob(of.job);
  batch read;
  if (!of.file) {
    auto opened = pcap_file::open(of.of->fd(), is_own(of.job) ? path_ : "what was sent");
    if (opened) of.file = std::move(*opened);
    else read = {{}, {}, true, opened.error().message};
  }
  if (of.file && !link::is_known(of.file->link()))
    read = {{},
            {},
            true,
            "link type " + of.file->link_name() +
                " is not known; capture Ethernet, raw IP or Linux cooked"};
  else if (of.file) read = read_batch(*of.file);
  const auto frames = of.file ? of.file->frames() : 0;
  if (of.file) into.setLink(of.file->link());
  write(into, read, frames - read.frames.size() + 1);
  of.bytes += read.data.size();
  auto end = into.initEnd();
  end.setLast(read.last);
  end.setFrames(frames);
  end.setBytes(of.bytes);
  end.setError(read.error);
  counts seen;
  seen[count::jobs] = read.last;
  seen[count::frames] = read.frames.size();
  seen[count::bytes] = read.data.size();
  ctx.emit(out, std::move(made), of.job);
  ctx.emit(counted, seen.to_record());
  error = read.error;
  of.open = !read.last;
  if (read.last && !is_own(of.job)) of = {};
  return read.last;
}

// -- state --------------------------------------------------------------------------------------

bool capture::left_over(std::size_t port, packet& p) {
  if (removed()) return false; // nobody else would treat it
  inbox_.keep(port, std::move(p));
  return true;
}

void capture::save(Reading::Builder into, const reading& of, bool by_id) {
  into.setOpen(of.open);
  into.setJob(of.job);
  into.setFile(by_id && of.of ? of.of->id() : 0);
  into.setBytes(of.bytes);
  if (!of.file) return;
  into.setPlace(of.file->place());
  into.setFrames(of.file->frames());
}

void capture::save(state_writer& into) const {
  auto state = into.init<CaptureState>();
  const bool by_id = into.purpose() == save_purpose::hand_over;
  if (by_id) save(state.initAsked(), asked_, by_id); // who has asked is another process's client
  save(state.initOwn(), own_, by_id);
  state.setPath(own_.of ? path_ : std::string());
  state.setLoops(loops_);
  if (rate_ > 0) state.setDueNs(left_until(due_));
  if (!by_id) return;
  auto waiting = state.initWaiting(inbox_.count(asked.index));
  unsigned i = 0;
  inbox_.for_each(asked.index, [&](const packet& p) {
    auto one = waiting[i++];
    one.setJob(p.key);
    one.setFile(p.as<descriptor_packet>().what()->id());
  });
}

void capture::restore(reading& into, Reading::Reader from, std::shared_ptr<descriptor> of) {
  if (!of) return;
  into = {from.getOpen(), from.getJob(), from.getBytes(), std::move(of), std::nullopt};
  if (!into.open || from.getFrames() == 0) return;
  auto opened = pcap_file::open(into.of->fd(), "a capture file");
  if (!opened) throw std::runtime_error(opened.error().message);
  if (auto gone = opened->go_to(from.getPlace(), from.getFrames()); !gone)
    throw std::runtime_error(gone.error().message);
  into.file = std::move(*opened);
}

void capture::restore(context& ctx, state_reader& from) {
  const auto state = from.root<CaptureState>();
  auto& all = ctx.host<descriptors>();
  restore(asked_, state.getAsked(), all.find(state.getAsked().getFile()));
  for (const auto one : state.getWaiting())
    if (auto file = all.find(one.getFile()))
      inbox_.keep(asked.index, {make_payload<descriptor_packet>(std::move(file)), one.getJob()});
  // Another file is begun from its first frame on.
  if (path_.empty() || path_ != state.getPath().cStr()) return;
  loops_ = state.getLoops();
  due_ = from_now(state.getDueNs(), longest_pause);
  auto file = all.find(state.getOwn().getFile());
  std::string why;
  if (!file && !(file = open_own(all, why))) throw std::runtime_error(why);
  restore(own_, state.getOwn(), std::move(file));
}

} // namespace instar::inspect
