#pragma once

#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "probe/attempt.hpp"

namespace nacre {

/// How long an attempt may wait.
enum class probe_wait : std::uint8_t {
  /// For the connection, or then for the answer: 500 ms.
  step,
  /// For all of it: 1 s.
  whole,
};

/// What probes share: the context they run on, their deadlines, the queue of those that have to
/// wait, and the way of the answers back. One thread, but for what says otherwise.
class probe_loop {
public:
  /// `sockets_max` attempts are under way at once, at least one.
  explicit probe_loop(std::size_t sockets_max);

  /// Works until `stop`; then no attempt is left.
  void run();

  /// Any thread. Ends what is under way, without answers; takes no more.
  void stop();

  /// Any thread, never blocks.
  void add(std::vector<probe_order> orders, const prober::listener& answers);

  // -- for attempts --

  boost::asio::io_context& io() { return io_; }

  /// Begins to count; the attempt's last deadline of this kind no longer counts.
  void set_deadline(deadline& x, probe_wait wait);

  void on_finished(attempt& x, probe_answer result);

private:
  struct waiting {
    probe_order order;
    std::shared_ptr<probe_batch> batch;
  };

  void on_arrived();
  void on_stop();

  void do_pump();
  void pump();
  void begin(waiting x);
  void look_up(waiting x);

  void arm_deadlines(moment at);
  void on_deadlines();

  void answer(const std::shared_ptr<probe_batch>& batch, probe_answer x);
  void do_flush();
  void flush();

  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  const std::size_t sockets_max_;
  bool is_stopping_ = false;

  std::mutex arrived_mutex_;
  std::vector<waiting> arrived_;

  std::deque<waiting> queue_;
  boost::intrusive::list<attempt, boost::intrusive::constant_time_size<false>> under_way_;
  std::size_t sockets_ = 0;
  bool will_pump_ = false;

  deadline_list step_deadlines_;
  deadline_list whole_deadlines_;
  /// Looks one name up at a time, which may take long: on a thread of Asio's.
  boost::asio::ip::tcp::resolver resolver_{io_};
  boost::asio::steady_timer deadline_timer_{io_};
  std::optional<moment> armed_;

  /// Batches with answers that are ready.
  std::vector<std::shared_ptr<probe_batch>> ready_;
  boost::asio::steady_timer flush_timer_{io_};
  moment flushed_{};
  bool will_flush_ = false;
};

} // namespace nacre
