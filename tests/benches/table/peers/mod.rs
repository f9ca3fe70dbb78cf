//! Echo servers that are not of Drywire, each as good as we could make it.

pub(crate) mod epoll;
pub(crate) mod smol;
pub(crate) mod threads;
pub(crate) mod tokio;
