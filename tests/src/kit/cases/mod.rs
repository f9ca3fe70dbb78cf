//! The cases, one function each.

mod close_table;
mod flow;
mod process;
mod server;
mod stream;

use super::lab::Lab;
use super::verdict::Halt;

/// What a case comes to.
pub(crate) type Done = Result<(), Halt>;

/// One case.
#[derive(Clone, Copy)]
pub(crate) struct Case {
    /// Under which heading of the report it stands.
    pub(crate) group: &'static str,
    pub(crate) name: &'static str,
    /// It changes or measures the process, so that nothing else may run.
    pub(crate) is_alone: bool,
    pub(crate) run: fn(&Lab) -> Done,
}

macro_rules! cases {
    ($($group:literal { $($name:literal => $module:ident::$run:ident $($alone:ident)?,)* })*) => {
        /// All of them, in the order of the report.
        pub(crate) const CASES: &[Case] = &[$($(
            Case {
                group: $group,
                name: $name,
                is_alone: cases!(@is $($alone)?),
                run: $module::$run,
            },
        )*)*];
    };
    (@is alone) => { true };
    (@is) => { false };
}

cases! {
    "close table" {
        "finished by the peer" => close_table::finished,
        "half-closed by the peer, we still send" => close_table::half_closed_by_the_peer,
        "half-closed by us, the peer still sends" => close_table::half_closed_by_us,
        "truncated: FIN inside a frame" => close_table::truncated_in_a_frame,
        "truncated: FIN without close_notify" => close_table::truncated_without_close_notify,
        "truncated: FIN in the handshake" => close_table::truncated_in_the_handshake,
        "reset" => stream::reset_between_frames,
        "timed out in the handshake" => close_table::timed_out_in_the_handshake,
        "timed out in a frame" => close_table::timed_out_in_a_frame,
        "timed out idle" => close_table::timed_out_idle,
        "timed out while the peer does not read" =>
            close_table::timed_out_while_the_peer_does_not_read,
        "refused for a frame beyond the limit" => close_table::refused_for_a_long_frame,
        "refused for too many connections" => close_table::refused_for_too_many,
        "refused by the system" => close_table::refused_by_the_system,
        "failed by the peer's bytes" => close_table::failed_by_the_peers_bytes,
        "failed by our protocol" => close_table::failed_by_our_protocol,
        "TLS alert sent" => close_table::a_tls_alert_is_sent,
        "TLS alert received" => close_table::a_tls_alert_is_received,
        "closed by us, flushed" => close_table::closed_by_us,
        "closed by us, linger expired" => close_table::closed_by_us_and_the_peer_lingers,
        "aborted by us" => close_table::aborted,
        "stopped by the driver" => close_table::stopped,
    }
    "input and output in portions" {
        "data and the end in one read" => close_table::data_with_the_end,
        "one byte at a time" => stream::bytes_come_one_by_one,
        "short writes" => stream::writes_are_short,
        "reads that would block" => stream::reads_would_block,
        "an urgent byte" => stream::an_urgent_byte_cuts_a_read_short,
        "interrupted calls" => process::calls_are_interrupted alone,
    }
    "resets" {
        "at once" => stream::reset_at_once,
        "in the handshake" => stream::reset_in_the_handshake,
        "inside a frame" => stream::reset_in_a_frame,
        "while we write" => stream::reset_while_we_write,
        "after FIN, while we write" => stream::reset_after_the_end,
        "after our FIN" => stream::reset_after_our_end,
        "while we linger" => stream::reset_while_we_linger,
    }
    "flow" {
        "a long answer to a peer that has finished" => stream::nothing_is_lost_of_a_long_answer,
        "both sides write first" => flow::both_sides_write_first,
        "a peer that reads late" => flow::the_peer_reads_late,
        "woken by a timer only" => server::a_timer_wakes,
        "waits without a spin" => process::waits_do_not_spin alone,
        "waits without a spin, half-closed" => process::half_closed_waits_do_not_spin alone,
        "futures dropped at every await point" => flow::futures_are_dropped,
    }
    "servers" {
        "drain while idle" => server::drained_while_idle,
        "drain while busy" => server::drained_while_busy,
        "drain out of time" => server::drained_and_out_of_time,
        "stop while busy" => server::stopped_while_busy,
        "handshakes that stand still" => server::handshakes_stand_still,
        "buffers of those who are idle" => server::idle_connections_hold_no_buffers,
        "a flood" => server::a_flood_starves_nobody,
        "out of descriptors" => process::out_of_descriptors alone,
    }
}
