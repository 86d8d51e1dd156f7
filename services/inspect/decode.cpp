#include "services/inspect/decode.hpp"

#include "services/inspect/headers.hpp"
#include "services/inspect/wire.hpp"

#include <utility>
#include <vector>

namespace instar::inspect {

namespace {

struct decoded {
  wire::Frame::Reader from;
  ipv4 packet;
};

void write(wire::Packet::Builder into, const decoded& one) {
  into.setNumber(one.from.getNumber());
  into.setTime(one.from.getTime());
  into.setSource(one.packet.source);
  into.setDestination(one.packet.destination);
  into.setProtocol(one.packet.protocol);
  into.setId(one.packet.id);
  into.setOffset(one.packet.offset);
  into.setMore(one.packet.more);
  into.setPayload(data_of(one.packet.payload));
}

} // namespace

void decode::run(blocking_context& ctx) {
  while (true) {
    const auto next = inbox_.next(ctx);
    const auto frames = next.what.as<record>().read<wire::Frames>();
    counts seen;
    ctx.emit(out, decode_frames(frames, seen), frames.getJob());
    if (seen.any()) ctx.emit(counted, seen.to_record());
  }
}

payload_ptr<record> decode::decode_frames(wire::Frames::Reader frames, counts& seen) const {
  std::vector<decoded> all;
  for (const auto frame : frames.getFrames()) {
    const auto inside = network_layer(frames.getLink(), octets_of(frame.getData()));
    if (!inside) {
      ++seen[count::other];
      continue;
    }
    auto packet = parse_ipv4(*inside, checksums_);
    if (packet) packet = behind_tunnels(*packet, tunnels_, checksums_);
    if (packet) all.push_back({frame, *packet});
    else ++seen[count::malformed];
  }
  auto made = make_payload<record>();
  auto into = made->init<wire::Packets>();
  into.setJob(frames.getJob());
  into.setEnd(frames.getEnd());
  auto list = into.initPackets(static_cast<unsigned>(all.size()));
  for (unsigned i = 0; i < all.size(); ++i) write(list[i], all[i]);
  return made;
}

bool decode::left_over(std::size_t port, packet& p) {
  if (removed()) return false; // nobody else would treat it
  inbox_.keep(port, std::move(p));
  return true;
}

void decode::save(state_writer& into) const {
  auto state = into.init<DecodeState>();
  inbox_.save<wire::Frames>(in.index, state.initWaiting(inbox_.count(in.index)));
}

void decode::restore(context&, state_reader& from) {
  inbox_.restore<wire::Frames>(in.index, from.root<DecodeState>().getWaiting());
}

} // namespace instar::inspect
