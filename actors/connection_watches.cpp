// The part of a CONNECTION CLIENT that watches services by pattern (Nacos
// `NamingFuzzyWatchSyncNotifier`).
#include <algorithm>

#include "actors/connection_client.hpp"
#include "protocol/naming_response.hpp"

namespace nacre {

namespace {

/// Patterns a connection may watch, and services one pattern may match (Nacos
/// `FUZZY_WATCH_PATTERN_OVER_LIMIT`, `FUZZY_WATCH_PATTERN_MATCH_COUNT_OVER_LIMIT`).
constexpr std::size_t patterns_max = 20;
constexpr std::size_t matches_max = 500;

/// Services told in one message of a watch.
constexpr std::size_t watch_batch_size = 10;

constexpr std::string_view watch_sync = "NamingFuzzyWatchSyncRequest";
constexpr std::string_view watch_change = "NamingFuzzyWatchChangeNotifyRequest";

} // namespace

void connection_client_state::on_watch(const watch_services& msg) {
  auto pattern = parse_watch_pattern(msg.pattern);
  auto& watches = wire->rows.watches;
  if (!pattern)
    return complete(msg.answer, {ec::illegal_value, "groupKeyPattern is illegal"});
  if (!watches.contains(msg.pattern) && watches.size() >= patterns_max)
    return complete(msg.answer, {ec::watch_patterns_limit, "fuzzy watch pattern over limit"});
  // Told of changes before it looks: what comes in between is told twice and not never.
  auto& watch = watches[msg.pattern];
  watch.pattern = std::move(*pattern);
  tell_whether_watching();
  auto matched = present_services(watch.pattern);
  if (matched.size() > matches_max) {
    on_cancel_watch({msg.pattern, nullptr});
    return complete(msg.answer,
                    {ec::watch_matches_limit, "fuzzy watch pattern matched count over limit"});
  }
  sync_watch(msg, matched);
  watch.told = std::move(matched);
  complete(msg.answer);
  send_notices(steady_ms(self));
}

std::set<std::string> connection_client_state::present_services(const watch_pattern& x) const {
  std::set<std::string> keys;
  for (auto& view : context->directory.views(x.namespace_id))
    if (!view->publications.empty() && x.matches(view->key->view()))
      keys.insert(watched_key(view->key->view()));
  return keys;
}

void connection_client_state::sync_watch(const watch_services& msg,
                                         const std::set<std::string>& matched) {
  std::vector<watch_batch::change> changes;
  std::set<std::string> received(msg.received_keys.begin(), msg.received_keys.end());
  for (auto& key : matched)
    if (!received.contains(key))
      changes.push_back({key, true});
  auto now = steady_ms(self);
  watch_batch batch{msg.initializing ? "FUZZY_WATCH_INIT_NOTIFY" : "FUZZY_WATCH_DIFF_SYNC_NOTIFY",
                    msg.pattern, {}, (changes.size() + watch_batch_size - 1) / watch_batch_size, 0};
  for (std::size_t i = 0; i < changes.size(); i += watch_batch_size) {
    auto end = std::min(changes.size(), i + watch_batch_size);
    batch.changes.assign(changes.begin() + static_cast<std::ptrdiff_t>(i),
                         changes.begin() + static_cast<std::ptrdiff_t>(end));
    ++batch.current;
    notices->add(watch_sync, watch_batch_fields(batch), now);
  }
  if (msg.initializing)
    notices->add(watch_sync,
                 watch_batch_fields({"FINISH_FUZZY_WATCH_INIT_NOTIFY", msg.pattern, {}, 0, 0}),
                 now);
  // Clients do not act on removals inside a sync; they hear of them as of changes.
  for (auto& key : received)
    if (!matched.contains(key))
      notices->add(watch_change, watch_change_fields(key, false), now);
}

void connection_client_state::tell_whether_watching() {
  bool watches = !wire->rows.watches.empty();
  if (wire->watches.exchange(watches) != watches)
    self->send(context->fuzzy_watch.get(), watcher_changed{wire->info.id, watches});
}

void connection_client_state::on_resync(const resync_watches&) {
  auto now = steady_ms(self);
  for (auto& [text, watch] : wire->rows.watches) {
    auto& told = watch.told;
    auto matched = present_services(watch.pattern);
    for (auto& key : matched)
      if (!told.contains(key))
        notices->add(watch_change, watch_change_fields(key, true), now);
    for (auto& key : told)
      if (!matched.contains(key))
        notices->add(watch_change, watch_change_fields(key, false), now);
    told = std::move(matched);
  }
  send_notices(now);
}

void connection_client_state::on_cancel_watch(const cancel_watch& msg) {
  wire->rows.watches.erase(msg.pattern);
  tell_whether_watching();
  complete(msg.answer);
}

void connection_client_state::on_presence(const presence_changed& msg) {
  auto key = watched_key(msg.service->view());
  bool news = false;
  for (auto& [text, watch] : wire->rows.watches)
    if (watch.pattern.matches(msg.service->view()))
      news |= msg.present ? watch.told.insert(key).second : watch.told.erase(key) > 0;
  if (!news)
    return;
  auto now = steady_ms(self);
  if (notices->is_full()) {
    wire->link->close("does not take what it watches");
    return end_connection(wire, change_reason::connection_silent);
  }
  notices->add(watch_change, watch_change_fields(key, msg.present), now);
  send_notices(now);
}

void connection_client_state::send_notices(std::int64_t now_ms) {
  if (auto request = notices->take(context->counters.last_request_id + 1, now_ms)) {
    ++context->counters.last_request_id;
    wire->link->send(std::move(*request));
  }
  if (auto due = notices->next_due_ms())
    arm(*due);
}

} // namespace nacre
