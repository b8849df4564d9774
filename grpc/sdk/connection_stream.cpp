#include "grpc/sdk/connection_stream.hpp"

#include <spdlog/spdlog.h>

#include "protocol/text.hpp"

namespace nacre {

namespace {

/// Bytes and messages that may wait for a client which does not read.
constexpr std::size_t outgoing_bytes_max = 4 * 1024 * 1024;
constexpr std::size_t outgoing_max = 1024;

/// Shorter ones are not counted among what is under way.
constexpr std::size_t long_push_bytes = 16 * 1024;

constexpr std::size_t kept_bytes_max = 16 * 1024;

/// Texts of a setup longer than this are cut: they are only shown.
constexpr std::size_t text_max = 256;
constexpr std::size_t labels_max = 32;

std::string_view reason_of(connection_table::admission refused) {
  switch (refused) {
    case connection_table::admission::too_many:
      return "as many connections as the node may hold";
    case connection_table::admission::too_many_of_address:
      return "as many connections as one address may hold";
    case connection_table::admission::no_memory:
      return "the node uses as much memory as it may";
    case connection_table::admission::admitted:
      break;
  }
  return {};
}

metadata_map shortened_labels(const metadata_map& labels) {
  metadata_map result;
  for (auto& [key, value] : labels)
    if (result.size() < labels_max)
      set_metadata(result, shortened(key, text_max), shortened(value, text_max));
  return result;
}

std::string label(const metadata_map& labels, std::string_view key) {
  auto value = find_metadata(labels, key);
  return value ? *value : std::string();
}

} // namespace

connection_stream::connection_stream(grpc_environment& env, stream_call& call,
                                     std::string channel_text)
  : env_(env),
    call_(call),
    channel_text_(std::move(channel_text)),
    channel_(env.peers.get(channel_text_, env.api.context->clock)) {}

void connection_stream::start() { call_.start_read(incoming_); }

bool connection_stream::send(server_request request) {
  std::lock_guard guard(lock_);
  if (ending_ || finished_)
    return true; // nobody will miss it
  auto share = room_for(request.body.size());
  if (!share || outgoing_bytes_ > outgoing_bytes_max || outgoing_.size() >= outgoing_max) {
    refused_ = true;
    return false;
  }
  shares_.push_back(std::move(*share));
  outgoing_bytes_ += request.body.size();
  fill_payload(outgoing_.emplace_back(), request.type, std::move(request.body));
  if (!writing_)
    start_write();
  return true;
}

std::optional<answer_budget::share> connection_stream::room_for(std::size_t bytes) {
  if (bytes < long_push_bytes)
    return answer_budget::share();
  auto& from = channel_->address;
  auto share = env_.api.context->tables.answers.take(from.ip, bytes, from.port);
  if (!share)
    return std::nullopt;
  return share;
}

void connection_stream::start_write() {
  writing_ = true;
  call_.start_write(outgoing_.front());
}

void connection_stream::on_written(bool ok) {
  bool drained = false;
  {
    std::lock_guard guard(lock_);
    writing_ = false;
    outgoing_bytes_ -= outgoing_.front().body().value().size();
    outgoing_.pop_front();
    shares_.pop_front();
    if (ending_ || !ok)
      return finish_when_idle();
    if (!outgoing_.empty())
      start_write();
    drained =
      refused_ && outgoing_.size() < outgoing_max / 2 && outgoing_bytes_ < outgoing_bytes_max / 2;
    refused_ = refused_ && !drained;
  }
  if (drained)
    if (auto live = channel_->live())
      caf::anon_send(live->actor.get(), link_drained{});
}

void connection_stream::close(std::string_view why) {
  std::lock_guard guard(lock_);
  if (std::exchange(ending_, true) || finished_)
    return;
  status_ = grpc::Status(grpc::StatusCode::UNAVAILABLE, std::string(why));
  // A client that does not read would hold up the write under way for ever.
  if (writing_)
    call_.cancel();
  finish_when_idle();
}

void connection_stream::finish_when_idle() {
  ending_ = true;
  if (!writing_ && !std::exchange(finished_, true))
    call_.finish(status_);
}

void connection_stream::on_read(bool ok) {
  if (ok) {
    on_message(incoming_);
    if (incoming_.ByteSizeLong() > kept_bytes_max)
      incoming_ = {}; // else a large message's buffer would stay with the stream
    else
      incoming_.Clear();
    return call_.start_read(incoming_);
  }
  // The client has closed its half, or all is over.
  std::lock_guard guard(lock_);
  finish_when_idle();
}

void connection_stream::on_cancelled() {
  std::lock_guard guard(lock_);
  if (!ending_)
    status_ = grpc::Status(grpc::StatusCode::CANCELLED, "cancelled");
  finish_when_idle();
}

void connection_stream::on_over() {
  if (channel_->end_stream(this))
    env_.peers.remove(channel_text_);
}

void connection_stream::on_message(const wire::Payload& message) {
  auto& type = type_of(message);
  if (type == "ConnectionSetupRequest")
    return on_setup(message);
  auto live = channel_->live();
  if (!live || !type.ends_with("Response"))
    return;
  live->active = env_.api.context->clock.steady();
  try {
    auto answer = parse_client_answer(body_of(message));
    if (auto id = parse_int64(answer.request_id); id && *id > 0)
      caf::anon_send(live->actor.get(), request_answered{static_cast<std::uint64_t>(*id),
                                                         answer.ok && type != "ErrorResponse"});
  } catch (const unreadable_request&) {
    spdlog::debug("answer-unreadable of {}: {}", live->info.id, loggable(type, text_max));
  }
}

void connection_stream::on_setup(const wire::Payload& message) {
  setup_request setup;
  try {
    setup = parse_setup_request(body_of(message));
  } catch (const unreadable_request&) {
    spdlog::debug("setup-unreadable of {}", channel_->id);
    return; // a good one may follow
  }
  auto module = label(setup.labels, "module");
  auto done = channel_->set_up(shared_from_this(), module == "naming",
                               [&] { return open_connection_of(setup, message); });
  if (done == client_channel::setup_result::refused)
    return close("no more connections");
  if (!setup.has_abilities)
    return;
  // The same key would have clients of the configuration API use another one of ours.
  bool watches = setup.watches_fuzzily && module != "config";
  json_writer out;
  out.begin_object().key("headers").begin_object().end_object();
  out.key("abilityTable").begin_object();
  out.field("supportPersistentInstanceByGrpc", true);
  if (watches)
    out.field("fuzzyWatch", true);
  out.end_object().field("module", "internal").end_object();
  send({"SetupAckRequest", out.take()});
}

connection_ptr connection_stream::open_connection_of(const setup_request& setup,
                                                     const wire::Payload& message) {
  if (!env_.api.ready())
    return nullptr;
  connection_info info;
  info.id = channel_->id;
  info.remote_ip = channel_->address.ip;
  info.remote_address = channel_->address.ip + ':' + channel_->address.port;
  info.client_ip = message.metadata().clientip().empty()
                     ? channel_->address.ip
                     : loggable(message.metadata().clientip(), text_max);
  info.client_version = loggable(setup.client_version, text_max);
  info.tenant = shortened(setup.tenant, text_max);
  info.labels = shortened_labels(setup.labels);
  info.app = label(info.labels, "AppName");
  info.connected_at = env_.api.context->clock.wall();
  auto opened =
    std::make_shared<connection>(std::move(info), channel_, env_.api.context->clock.steady());
  auto admission = open_connection(*env_.system, env_.api.context, opened);
  if (admission == connection_table::admission::admitted)
    return opened;
  spdlog::warn("connection-refused {}: {}", channel_->id, reason_of(admission));
  return nullptr;
}

} // namespace nacre
