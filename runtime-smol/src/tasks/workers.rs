//! The threads that run a server's tasks.

use std::io;
use std::num::NonZeroUsize;
use std::sync::{Arc, Weak};
use std::thread::{Builder, JoinHandle};

use async_executor::Executor;
use event_listener::Event;

/// An executor and its threads. Dropping it ends the threads, and the tasks with the last of them.
#[derive(Debug)]
pub(super) struct Workers {
    executor: Arc<Executor<'static>>,
    quit: Event,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    pub(super) fn start(count: NonZeroUsize) -> io::Result<Self> {
        let executor = Arc::new(Executor::new());
        let mut workers = Self { executor, quit: Event::new(), threads: Vec::new() };
        for _ in 0..count.get() {
            let (executor, quit) = (Arc::clone(&workers.executor), workers.quit.listen());
            // Whichever thread has nothing else to do waits for the reactor.
            let work = move || async_io::block_on(executor.run(quit));
            workers.threads.push(Builder::new().name("drywire".into()).spawn(work)?);
        }
        Ok(workers)
    }

    pub(super) fn executor(&self) -> &Executor<'static> {
        &self.executor
    }

    /// For the executor's own tasks: one that held it would keep it for ever.
    pub(super) fn downgrade(&self) -> Weak<Executor<'static>> {
        Arc::downgrade(&self.executor)
    }

    /// Ends the threads and waits until they have.
    pub(super) async fn join(mut self) {
        let threads = std::mem::take(&mut self.threads);
        drop(self);
        blocking::unblock(move || {
            for thread in threads {
                // The executor catches what a task panics with.
                let _ = thread.join();
            }
        })
        .await;
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.quit.notify(usize::MAX);
    }
}
