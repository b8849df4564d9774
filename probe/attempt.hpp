#pragma once

#include <memory>

#include <boost/asio/ip/tcp.hpp>

#include "probe/deadline_list.hpp"
#include "probe/outcome.hpp"

namespace nacre {

class probe_loop;

/// The answers of one call, on their way to its listener.
struct probe_batch {
  prober::listener answers;
  std::vector<probe_answer> ready;
};

/// One probe under way: from its first system call to its outcome. Lives as long as an operation
/// of it is under way, or its loop holds it. The loop's thread only.
class attempt : public std::enable_shared_from_this<attempt>,
                public boost::intrusive::list_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
  using endpoint = boost::asio::ip::tcp::endpoint;

  attempt(probe_loop& loop, probe_order order, const endpoint& target,
          std::shared_ptr<probe_batch> batch);
  attempt(const attempt&) = delete;
  attempt& operator=(const attempt&) = delete;
  virtual ~attempt() = default;

  /// Begins; it may be done at once.
  virtual void start() = 0;

  void on_deadline(const deadline& x) { finish(timed_out(x.span)); }

  /// Ends it without an outcome.
  void abandon();

  const probe_order& order() const { return order_; }
  const endpoint& target() const { return target_; }
  const std::shared_ptr<probe_batch>& batch() const { return batch_; }
  moment started() const { return started_; }

protected:
  /// Frees the socket; what waits for it hears of it later, when `is_done`. May be called twice.
  virtual void close() = 0;

  /// The first outcome counts.
  void finish(probe_answer x);

  bool is_done() const { return is_done_; }
  probe_loop& loop() { return loop_; }
  deadline& phase() { return phase_; }

private:
  probe_loop& loop_;
  probe_order order_;
  endpoint target_;
  std::shared_ptr<probe_batch> batch_;
  moment started_;
  deadline phase_{*this};
  bool is_done_ = false;
};

} // namespace nacre
