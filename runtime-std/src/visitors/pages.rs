//! A loop's own part of the list.

use std::sync::Arc;

use drywire::{Instant, Peer};

use super::page::{self, Page};
use super::{VisitorRef, Visitors};

/// Pages of the list that one loop has for itself. The place of a connection is its slot, so that the
/// loop need not keep it.
#[derive(Debug, Default)]
pub(crate) struct Pages(Vec<Arc<Page>>);

impl Pages {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    /// The place of this `slot`, which has been [entered](Visitors::enter_slot).
    pub(crate) fn visitor(&self, slot: usize) -> VisitorRef<'_> {
        VisitorRef { page: &self.0[slot / page::LEN], place: slot }
    }
}

impl Visitors {
    /// Enters a connection on the place of this `slot`, where nobody is.
    pub(crate) fn enter_slot(
        &self,
        pages: &mut Pages,
        slot: usize,
        peer: &Peer,
        is_tls: bool,
        has_header: bool,
        now: Instant,
    ) {
        while pages.0.len() <= slot / page::LEN {
            let page = Arc::new(Page::own());
            self.list().pages.push(Arc::clone(&page));
            pages.0.push(page);
        }
        pages.visitor(slot).enter(peer, is_tls, has_header, now);
    }
}

#[cfg(test)]
mod tests {
    use drywire::CloseKind;

    use super::*;

    #[test]
    fn the_places_of_a_loop_are_its_slots_and_never_those_of_others() {
        let visitors = Visitors::new();
        let mut loops = [Pages::new(), Pages::new()];
        let mut expected = Vec::new();
        let number = |of: usize, slot: usize| u32::try_from(1000 * of + slot).unwrap();
        for slot in (0..130).rev() {
            for (of, pages) in loops.iter_mut().enumerate() {
                let peer = Peer::unix().by(number(of, slot));
                visitors.enter_slot(pages, slot, &peer, false, false, Instant::ZERO);
                if slot % 3 == 0 {
                    visitors.leave(pages.visitor(slot), CloseKind::Finished, Instant::ZERO);
                } else {
                    expected.push(number(of, slot));
                }
            }
        }
        for listener in 5000..5100 {
            let visitor = visitors.enter(&Peer::unix().by(listener), false, false, Instant::ZERO);
            assert_eq!(visitor.peer().listener(), listener);
            expected.push(listener);
        }
        let mut listed: Vec<_> =
            visitors.visits().iter().map(|visit| visit.peer.listener()).collect();
        listed.sort_unstable();
        expected.sort_unstable();
        assert_eq!(listed, expected);
        for slot in (0..130).filter(|slot| slot % 3 != 0) {
            assert_eq!(loops[1].visitor(slot).peer().listener(), number(1, slot));
        }
        assert_eq!(visitors.list().pages.len(), 2 * 3 + 2);
    }
}
