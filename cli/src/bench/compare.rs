//! Two reports beside each other.

use std::fs;
use std::path::{Path, PathBuf};

use drywire::load::is_beyond_noise;
use serde_json::{Value, json};

use super::latencies::QUANTILES;
use super::report::{VERSION, count, time};
use crate::exit::{Exit, Stop, cause};
use crate::output::Output;

/// A figure of both reports.
#[derive(Debug, PartialEq)]
struct Row {
    name: &'static str,
    a: f64,
    b: f64,
    /// None if there are too few slices to tell.
    is_different: Option<bool>,
}

pub(super) fn run(files: &[PathBuf], output: Output) -> Result<Exit, Stop> {
    let [a, b] = files else { return Err(Stop::usage("--compare takes two files")) };
    let (first, second) = (read(a)?, read(b)?);
    let rows = rows(&first, &second);
    let options = |report: &Value| report["options"].clone();
    if options(&first) != options(&second) {
        output.warn("the reports are of different loads");
    }
    let json = rows.iter().map(|row| {
        json!({
            "name": row.name, "a": row.a, "b": row.b, "ratio": row.b / row.a,
            "beyond_noise": row.is_different,
        })
    });
    let value = json!({
        "event": "comparison", "version": VERSION, "figures": json.collect::<Vec<_>>(),
    });
    output.record(text(a, b, &rows), &value)?;
    Ok(Exit::Ok)
}

fn read(file: &Path) -> Result<Value, Stop> {
    let name = file.display();
    let text = fs::read_to_string(file)
        .map_err(|error| Stop::usage(format_args!("cannot read {name}: {}", cause(&error))))?;
    // The last line is the report; those before are of a server's connection, say.
    let values = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut reports = values.filter(|value| value["event"] == "bench");
    let report = reports.next_back().ok_or_else(|| {
        Stop::usage(format_args!("{name} has no report of `drywire bench --json`"))
    })?;
    if report["version"] != VERSION {
        let version = &report["version"];
        return Err(Stop::usage(format_args!(
            "{name} is of version {version}, and only {VERSION} is known"
        )));
    }
    Ok(report)
}

fn rows(a: &Value, b: &Value) -> Vec<Row> {
    let slices = |report: &Value, name: &str| -> Vec<f64> {
        let slices = report["slices"].as_array().into_iter().flatten();
        slices.filter_map(|slice| slice[name].as_f64()).collect()
    };
    let row = |name: &'static str, [a_figure, b_figure]: [&Value; 2]| {
        Some(Row {
            name,
            a: a_figure.as_f64()?,
            b: b_figure.as_f64()?,
            is_different: is_beyond_noise(&slices(a, name), &slices(b, name)),
        })
    };
    let rate = "requests_per_second";
    let rates = row(rate, [&a[rate], &b[rate]]);
    let quantiles = QUANTILES
        .iter()
        .filter_map(|(name, _)| row(name, [&a["latency"][name], &b["latency"][name]]));
    rates.into_iter().chain(quantiles).collect()
}

fn text(a: &Path, b: &Path, rows: &[Row]) -> String {
    let name = |path: &Path| {
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    };
    let mut lines = vec![["".to_owned(), name(a), name(b), "ratio".to_owned(), String::new()]];
    lines.extend(rows.iter().map(|row| {
        let is_rate = row.name == "requests_per_second";
        let figure = |figure| if is_rate { count(figure) } else { time(figure) };
        let verdict = match row.is_different {
            None => "too few slices to tell",
            Some(false) => "within the noise",
            Some(true) if (row.b > row.a) == is_rate => "better",
            Some(true) => "worse",
        };
        let ratio = format!("{:.3}", row.b / row.a);
        [row.name.replace('_', " "), figure(row.a), figure(row.b), ratio, verdict.to_owned()]
    }));
    let width = |column: usize| {
        let lens = lines.iter().map(|line| line[column].chars().count());
        lens.max().unwrap_or(0)
    };
    let widths: [usize; 4] = std::array::from_fn(width);
    let lines = lines.iter().map(|[title, figures @ .., verdict]| {
        let mut line = format!("{title:0$}", widths[0]);
        for (figure, width) in figures.iter().zip(&widths[1..]) {
            line.push_str(&format!("  {figure:>width$}"));
        }
        format!("{line}  {verdict}").trim_end().to_owned()
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(rate: f64, p50: f64) -> Value {
        let slice = |wobble: f64| json!({ "requests_per_second": rate + wobble, "p50": p50 });
        json!({
            "requests_per_second": rate,
            "latency": { "p50": p50 },
            "slices": [slice(-5.0), slice(0.0), slice(5.0), slice(0.0)],
        })
    }

    #[test]
    fn what_differs_is_told_from_noise() {
        let rows = rows(&report(1000.0, 0.001), &report(1005.0, 0.002));
        let different: Vec<_> = rows.iter().map(|row| (row.name, row.is_different)).collect();
        assert_eq!(different, [("requests_per_second", Some(false)), ("p50", Some(true))]);
        let table = text(Path::new("x/a.json"), Path::new("b.json"), &rows);
        let expected = "                      a.json   b.json  ratio
requests per second     1000     1005  1.005  within the noise
p50                  1.00 ms  2.00 ms  2.000  worse";
        assert_eq!(table, expected);
    }

    #[test]
    fn more_requests_are_better_and_longer_times_worse() {
        let rows = rows(&report(1000.0, 0.002), &report(1100.0, 0.001));
        let table = text(Path::new("a"), Path::new("b"), &rows);
        assert_eq!(table.matches("better").count(), 2, "{table}");
    }
}
