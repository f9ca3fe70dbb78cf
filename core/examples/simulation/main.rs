//! Simulates 100,000 connections that think, ask and wait, on one core, and reports what they take.
//!
//! ```sh
//! cargo run --release -p drywire --example simulation
//! cargo run --release -p drywire --example simulation -- --connections 20000 --seed 3 --chart out.svg
//! ```
//!
//! Each client comes at some time of the first 20 seconds, asks five questions or more, thinks before
//! each, and leaves. Think times are drawn from two exponential
//! distributions, of which most have a mean of 4 seconds and one in ten of a minute: such mixtures
//! have the long tail that people have. The server echoes.

mod chart;
mod crowd;

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use crowd::{Crowd, Sample};
use drywire::Instant;
use drywire::testkit::sim::Memory;

struct Options {
    connections: usize,
    seed: u64,
    chart: PathBuf,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options =
        Options { connections: 100_000, seed: 1, chart: PathBuf::from("simulation.svg") };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or("a value is missing")?;
        match name.as_str() {
            "--connections" => options.connections = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--chart" => options.chart = value.into(),
            _ => return Err("known are --connections, --seed and --chart".into()),
        }
    }
    Ok(options)
}

fn main() -> Result<(), Box<dyn Error>> {
    let Options { connections, seed, chart } = options()?;
    let begun = std::time::Instant::now();
    let mut crowd = Crowd::new(connections, seed);
    let samples = crowd.run(Duration::from_secs(5))?;
    report(&crowd, &samples, begun.elapsed());
    std::fs::write(&chart, chart::draw(&samples, connections))?;
    println!("chart           {}", chart.display());
    Ok(())
}

fn report(crowd: &Crowd, samples: &[Sample], elapsed: Duration) {
    let totals = crowd.sim.totals();
    let counts = crowd.counts();
    let virtual_time = crowd.sim.now().saturating_duration_since(Instant::ZERO);
    let peak = samples.iter().max_by_key(|sample| sample.active).map_or(0, |sample| sample.active);
    let seconds = elapsed.as_secs_f64();
    println!("connections     {} (seed {})", crowd.connections, crowd.seed);
    println!("most at once    {peak}");
    println!("virtual time    {virtual_time:.0?}");
    println!(
        "real time       {elapsed:.1?}, {:.0} times as fast",
        virtual_time.as_secs_f64() / seconds
    );
    println!("questions       {}, answered {}", counts.asked, counts.answered);
    println!("bytes           {} in both directions", totals.stream_len_received);
    println!(
        "events          {}, {:.1} a question, {:.0} ns each",
        totals.events,
        totals.events as f64 / counts.asked as f64,
        elapsed.as_nanos() as f64 / totals.events as f64
    );
    println!("digest          {:016x}", crowd.sim.digest());
    let idle = crowd.sim.memory();
    let busiest =
        samples.iter().map(|sample| sample.memory).max_by_key(|memory| memory.buffers_len);
    for (name, memory) in [("at the end", idle), ("when busiest", busiest.unwrap_or_default())] {
        println!("memory {name}, in bytes for each of {} ends:", memory.nodes);
        let Memory {
            nodes, state_len, buffers_len, protocols_len, pool_len, simulator_len, ..
        } = memory;
        let each = |len: usize| len as f64 / nodes.max(1) as f64;
        println!("  connection    {:.1}", each(state_len));
        println!("  its buffers   {:.1}", each(buffers_len));
        println!("  protocol      {:.1}", each(protocols_len));
        println!("  simulator     {:.1}", each(simulator_len));
        println!("  pool          {pool_len} for all together");
    }
}
