use std::collections::VecDeque;
use std::mem;

/// Puts `slot` to the end of the queue, unless it is there: `is_queued` says so.
pub(super) fn enqueue(queue: &mut VecDeque<usize>, is_queued: &mut bool, slot: usize) {
    if !mem::replace(is_queued, true) {
        queue.push_back(slot);
    }
}
