use core::time::Duration;

use crate::datagram::{DatagramLimits, Overflow, RequestLimits, SourceRate};
use crate::testkit::laws;

/// Takes limits from the first bytes of `data` and a script of calls from the others, for an
/// endpoint and for requests.
///
/// # Panics
/// When one of their laws is broken.
pub fn datagram(data: &[u8]) {
    let Some((choices, script)) = data.split_first_chunk::<8>() else { return };
    let [count, len, overflow, rate, burst, row, requests, attempts] = choices.map(usize::from);

    let mut limits = DatagramLimits::new();
    limits.datagram_len_max = len;
    limits.receive_datagrams_max = count % 16;
    limits.receive_len_max = len * (count / 16);
    limits.transmit_datagrams_max = count / 16;
    limits.transmit_len_max = len * (count % 16);
    limits.overflow = if overflow % 2 == 0 { Overflow::DropOldest } else { Overflow::DropNewest };
    limits.sources_max = overflow / 2;
    limits.flush_timeout = Duration::from_millis(attempts as u64);
    limits.source_rate = (rate > 0).then(|| {
        let mut limit = SourceRate::new();
        limit.per_second = rate as u32;
        limit.burst = burst as u32;
        limit.row_max = row as u32;
        limit.pause = Duration::from_millis(row as u64);
        limit
    });
    laws::datagram::endpoint_is_two_lists(&limits, script);

    let mut limits = RequestLimits::new();
    limits.datagram_len_max = len;
    limits.requests_max = requests % 16;
    limits.attempts_max = (attempts % 8) as u32;
    limits.retry_timeout = Duration::from_millis((burst % 64) as u64);
    limits.retry_timeout_max = Duration::from_millis(row as u64);
    limits.request_timeout = Duration::from_millis((rate * 4) as u64);
    laws::datagram::requests_end_once(&limits, script);
}
