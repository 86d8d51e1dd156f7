#include "services/inspect/flow.hpp"

#include "services/blocking/common_settings.hpp"
#include "services/inspect/wire.hpp"

#include <algorithm>
#include <utility>

namespace instar::inspect {

namespace {

std::size_t limit(const settings& values, std::string_view name) {
  return static_cast<std::size_t>(std::clamp<std::int64_t>(values.integer(name), 1, 1 << 24));
}

ipv4 packet_of(wire::Packet::Reader p) {
  return {p.getSource(), p.getDestination(), p.getProtocol(),          p.getId(),
          p.getOffset(), p.getMore(),        octets_of(p.getPayload())};
}

} // namespace

flow::flow(const settings& values)
    : blocking_operator(blocking::rest_of(values)), checksums_(values.boolean("checksums")),
      datagrams_(limit(values, "max_datagrams")),
      streams_(longest_content - 1, limit(values, "max_streams")) {}

void flow::run(blocking_context& ctx) {
  while (true) {
    const auto next = inbox_.next(ctx);
    if (next.port == ticks.index) expire();
    else treat(ctx, next.what.as<record>().read<wire::Packets>());
    units_.clear();
    if (seen_.any()) ctx.emit(counted, std::exchange(seen_, {}).to_record());
  }
}

void flow::treat(blocking_context& ctx, wire::Packets::Reader packets) {
  const auto job = packets.getJob();
  for (const auto p : packets.getPackets()) add(job, p);
  const bool last = packets.getEnd().getLast();
  if (last)
    for (auto& grown : streams_.end(job, jobs_[job].newest)) add(std::move(grown));
  send(ctx, job);
  if (last) end(ctx, job, packets.getEnd());
}

void flow::add(std::uint64_t job, wire::Packet::Reader p) {
  auto& newest = jobs_[job].newest;
  newest = std::max(newest, p.getTime());
  auto packet = packet_of(p);
  if (!packet.is_fragment()) return add_whole(job, packet, p);
  ++seen_[count::fragments];
  std::string whole;
  const auto got = datagrams_.add(job, packet, p.getTime(), whole);
  if (got == datagrams::outcome::refused) ++seen_[count::malformed];
  if (got != datagrams::outcome::complete) return;
  ++seen_[count::reassembled];
  packet.payload = whole;
  add_whole(job, packet, p);
}

void flow::add_whole(std::uint64_t job, const ipv4& packet, wire::Packet::Reader from) {
  endpoints of{packet.protocol, packet.source, packet.destination, 0, 0};
  if (packet.protocol == protocol::tcp) {
    const auto segment = parse_tcp(packet, packet.payload, checksums_);
    if (!segment) return void(++seen_[count::malformed]);
    ++seen_[count::segments];
    streams::growth grown;
    const auto got = streams_.add(
        {job, of.source, of.destination, segment->source_port, segment->destination_port}, *segment,
        from.getNumber(), from.getTime(), grown);
    if (got == streams::outcome::refused) ++seen_[count::malformed];
    if (got == streams::outcome::grown) add(std::move(grown));
    return;
  }
  auto payload = packet.payload;
  if (packet.protocol == protocol::udp) {
    const auto datagram = parse_udp(packet, packet.payload, checksums_);
    if (!datagram) return void(++seen_[count::malformed]);
    of.source_port = datagram->source_port;
    of.destination_port = datagram->destination_port;
    payload = datagram->payload;
  }
  if (!payload.empty()) units_.push_back({from.getNumber(), of, 0, std::string(payload)});
}

void flow::add(streams::growth&& grown) {
  const auto& of = grown.of;
  units_.push_back({grown.frame,
                    {protocol::tcp, of.source, of.destination, of.source_port, of.destination_port},
                    grown.old,
                    std::move(grown.data)});
}

void flow::send(blocking_context& ctx, std::uint64_t job) {
  if (units_.empty()) return;
  auto made = make_payload<record>();
  auto into = made->init<wire::Units>();
  into.setJob(job);
  auto list = into.initUnits(static_cast<unsigned>(units_.size()));
  for (unsigned i = 0; i < list.size(); ++i) {
    write(list[i].initHeader(), units_[i].frame, units_[i].of);
    list[i].setOld(static_cast<std::uint32_t>(units_[i].old));
    list[i].setData(data_of(units_[i].data));
  }
  jobs_[job].units += units_.size();
  seen_[count::units] += units_.size();
  ctx.emit(out, std::move(made), ++batches_);
}

void flow::end(blocking_context& ctx, std::uint64_t job, wire::End::Reader end) {
  auto made = make_payload<record>();
  auto into = made->init<wire::Total>();
  into.setJob(job);
  into.setUnits(jobs_[job].units);
  into.setFrames(end.getFrames());
  into.setBytes(end.getBytes());
  into.setError(end.getError());
  ctx.emit(totals, std::move(made), job);
  datagrams_.end(job);
  jobs_.erase(job);
}

void flow::expire() {
  for (const auto& one : jobs_)
    seen_[count::expired] += datagrams_.expire(one.first, one.second.newest) +
                             streams_.expire(one.first, one.second.newest);
}

bool flow::left_over(std::size_t port, packet& p) {
  if (removed()) return false; // nobody else would treat it
  inbox_.keep(port, std::move(p));
  return true;
}

} // namespace instar::inspect
