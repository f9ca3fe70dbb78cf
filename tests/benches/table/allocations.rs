//! Allocations, counted if that is asked for when the benchmark is built.

/// Whether they are.
pub(crate) const ARE_COUNTED: bool = cfg!(feature = "count-allocations");

#[cfg(feature = "count-allocations")]
#[global_allocator]
static ALLOCATOR: &stats_alloc::StatsAlloc<std::alloc::System> = &stats_alloc::INSTRUMENTED_SYSTEM;

/// How many there were, buffers that have grown included.
pub(crate) fn count() -> usize {
    #[cfg(feature = "count-allocations")]
    {
        let stats = ALLOCATOR.stats();
        stats.allocations + stats.reallocations
    }
    #[cfg(not(feature = "count-allocations"))]
    0
}
