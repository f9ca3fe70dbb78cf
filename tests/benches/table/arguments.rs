//! The command line of the benchmark.

use std::env;
use std::path::PathBuf;
use std::time::Duration;

use crate::cores;
use crate::measure::Effort;
use crate::options::ServerKind;
use crate::rows::{ROWS, Row};

pub(crate) struct Arguments {
    pub(crate) rows: Vec<Row>,
    /// The first is what the others are compared with.
    pub(crate) servers: Vec<ServerKind>,
    pub(crate) effort: Effort,
    /// All rows and servers: idle connections and scale are measured too.
    pub(crate) is_whole: bool,
    /// System calls are counted, where there is strace.
    pub(crate) counts: bool,
    /// Where to draw the chart.
    pub(crate) chart: Option<PathBuf>,
    /// The result goes into the README.
    pub(crate) writes: bool,
}

impl Arguments {
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, String> {
        let is_bench = env::args().any(|argument| argument == "--bench");
        let mut parsed = Self {
            rows: ROWS.to_vec(),
            servers: ServerKind::ALL.to_vec(),
            effort: Effort {
                rounds: 5,
                warm_up: Duration::from_millis(150),
                time: Duration::from_millis(500),
                idle: [10_000, 4_000],
                scale: [100, 1_000, 10_000],
                cores: cores::pair(),
            },
            is_whole: is_bench,
            counts: is_bench,
            chart: None,
            writes: is_bench,
        };
        if !is_bench {
            parsed.hurry(Duration::from_millis(2));
        }
        let mut arguments = arguments.iter();
        while let Some(option) = arguments.next() {
            if option == "--test" || option == "--quick" {
                let millis = if option == "--test" { 2 } else { 50 };
                parsed.hurry(Duration::from_millis(millis));
                continue;
            }
            if option == "--calls" {
                parsed.counts = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("{option} needs a value"))?;
            parsed.writes = false;
            match option.as_str() {
                "--chart" => parsed.chart = Some(value.into()),
                "--rounds" => parsed.effort.rounds = number(value)?,
                "--seconds" => {
                    let seconds: f64 = number(value)?;
                    parsed.effort.time = Duration::from_secs_f64(seconds);
                    parsed.effort.warm_up = Duration::from_secs_f64(seconds / 3.0);
                }
                "--rows" => {
                    parsed.rows = value.split(',').map(row).collect::<Result<_, _>>()?;
                    parsed.is_whole = false;
                    parsed.counts = false;
                }
                "--servers" => {
                    let servers = value.split(',').map(str::parse);
                    parsed.servers = servers.collect::<Result<_, _>>()?;
                    parsed.servers.retain(|server| *server != ServerKind::Epoll);
                    parsed.servers.insert(0, ServerKind::Epoll);
                    parsed.is_whole = false;
                    parsed.counts = false;
                }
                _ => return Err(format!("unknown option {option}")),
            }
        }
        Ok(parsed)
    }

    /// One short round, which shows that it works.
    fn hurry(&mut self, time: Duration) {
        self.effort.rounds = 1;
        self.effort.time = time;
        self.effort.warm_up = time / 2;
        self.effort.idle = [100, 100];
        self.effort.scale = [100, 200, 400];
        self.is_whole = false;
        self.counts = false;
        self.writes = false;
    }
}

fn row(name: &str) -> Result<Row, String> {
    ROWS.into_iter().find(|row| row.name == name).ok_or_else(|| format!("no row {name}"))
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text} is no number"))
}
