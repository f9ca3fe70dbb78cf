//! A protocol that holds its loop up until it is told to go on: what comes meanwhile is there when the
//! loop waits next, and all at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use drywire::framing::Lines;
use drywire::{Handle, Peer, Protocol, SendError};

use crate::peer::PATIENCE;

/// Echoes lines. `hold` holds the loop up; one of a letter is counted and not echoed.
pub(crate) struct Gated {
    inside: Arc<Inside>,
}

#[derive(Debug)]
struct Inside {
    arrived: Sender<()>,
    leave: Mutex<Receiver<()>>,
    counted: AtomicUsize,
    /// How many had been counted when others came.
    others: Mutex<Vec<usize>>,
}

/// The outside.
pub(crate) struct Gate {
    arrived: Receiver<()>,
    leave: Sender<()>,
    inside: Arc<Inside>,
}

impl Gate {
    pub(crate) fn new() -> Self {
        let (arrived, arrives) = mpsc::channel();
        let (leave, leaves) = mpsc::channel();
        let (counted, others) = (AtomicUsize::new(0), Mutex::default());
        let inside = Arc::new(Inside { arrived, leave: Mutex::new(leaves), counted, others });
        Self { arrived: arrives, leave, inside }
    }

    pub(crate) fn factory(&self) -> impl Fn(&Peer) -> Gated + Send + Sync + use<> {
        let inside = Arc::clone(&self.inside);
        move |_| Gated { inside: Arc::clone(&inside) }
    }

    /// Waits until the loop is held up.
    pub(crate) fn is_held(&self) {
        self.arrived.recv_timeout(PATIENCE).unwrap();
    }

    pub(crate) fn open(&self) {
        self.leave.send(()).unwrap();
    }

    pub(crate) fn counted(&self) -> usize {
        self.inside.counted.load(Ordering::SeqCst)
    }

    /// How many lines had been counted before each other line came.
    pub(crate) fn others(&self) -> Vec<usize> {
        self.inside.others.lock().unwrap().clone()
    }
}

impl Protocol for Gated {
    type Framing = Lines;

    fn framing(&self) -> Lines {
        Lines::new()
    }

    fn on_frame(&mut self, line: &[u8], handle: &mut Handle<'_, Lines>) {
        if line.len() == 1 {
            self.inside.counted.fetch_add(1, Ordering::SeqCst);
            return;
        }
        if line == b"hold" {
            self.inside.arrived.send(()).unwrap();
            self.inside.leave.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        } else {
            let counted = self.inside.counted.load(Ordering::SeqCst);
            self.inside.others.lock().unwrap().push(counted);
        }
        match handle.send(line) {
            Err(SendError::Full) => handle.retain(),
            outcome => outcome.unwrap(),
        }
    }
}
