//! Two reports beside each other.

use std::collections::BTreeSet;
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

/// Something that was asked for in one way and in another.
#[derive(Debug, PartialEq)]
struct Difference {
    name: String,
    a: Value,
    b: Value,
}

pub(super) fn run(files: &[PathBuf], output: Output) -> Result<Exit, Stop> {
    let [a, b] = files else { return Err(Stop::usage("--compare takes two files")) };
    let (first, second) = (read(a)?, read(b)?);
    let rows = rows(&first, &second);
    let differences = differences(&first, &second);
    let figures = rows.iter().map(|row| {
        json!({
            "name": row.name, "a": row.a, "b": row.b, "ratio": row.ratio(),
            "beyond_noise": row.is_different, "direction": row.direction(),
        })
    });
    let options = differences
        .iter()
        .map(|difference| json!({ "name": difference.name, "a": difference.a, "b": difference.b }));
    let value = json!({
        "event": "comparison", "version": VERSION, "figures": figures.collect::<Vec<_>>(),
        "differences": options.collect::<Vec<_>>(),
        "errors": { "a": first["errors"], "b": second["errors"] },
    });
    let mut text = text(a, b, &rows, &differences);
    for (file, report) in [(a, &first), (b, &second)] {
        text.push_str(&errors(file, report));
    }
    output.record(text, &value)?;
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
    let rate = Row::RATE;
    let rates = row(rate, [&a[rate], &b[rate]]);
    let quantiles = QUANTILES
        .iter()
        .filter_map(|(name, _)| row(name, [&a["latency"][name], &b["latency"][name]]));
    rates.into_iter().chain(quantiles).collect()
}

/// The address and the options in which the runs differ. What one report does not tell is none.
fn differences(a: &Value, b: &Value) -> Vec<Difference> {
    let difference = |name: &str, a: &Value, b: &Value| {
        (a != b).then(|| Difference { name: name.to_owned(), a: a.clone(), b: b.clone() })
    };
    let address = difference("address", &a["address"], &b["address"]);
    let names = |report: &Value| -> BTreeSet<String> {
        report["options"]
            .as_object()
            .into_iter()
            .flat_map(|options| options.keys().cloned())
            .collect()
    };
    let names = &names(a) | &names(b);
    let options = |report: &Value, name: &str| report["options"][name].clone();
    let options =
        names.iter().filter_map(|name| difference(name, &options(a, name), &options(b, name)));
    address.into_iter().chain(options).collect()
}

impl Row {
    const RATE: &str = "requests_per_second";

    /// None where nothing was measured.
    fn ratio(&self) -> Option<f64> {
        (self.a > 0.0).then(|| self.b / self.a)
    }

    /// What the second is, if that is more than noise.
    fn direction(&self) -> Option<&'static str> {
        let is_faster = (self.b > self.a) == (self.name == Self::RATE);
        let direction = if is_faster { "faster" } else { "slower" };
        self.is_different?.then_some(direction)
    }

    fn verdict(&self) -> &'static str {
        match self.is_different {
            None => "too few slices to tell",
            Some(_) => self.direction().unwrap_or("no difference beyond the noise"),
        }
    }
}

/// What went wrong in a run, whose figures then are of what went well, or of what failed fast.
fn errors(file: &Path, report: &Value) -> String {
    let errors = report["errors"].as_object().into_iter().flatten();
    let errors: Vec<_> =
        errors.map(|(name, count)| format!("{count} {}", name.replace('_', " "))).collect();
    if errors.is_empty() {
        return String::new();
    }
    format!("\n\nerrors in {}: {}", file.display(), errors.join(", "))
}

fn text(a: &Path, b: &Path, rows: &[Row], differences: &[Difference]) -> String {
    let name = |path: &Path| {
        path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
    };
    let mut lines = vec![["".to_owned(), name(a), name(b), "ratio".to_owned(), String::new()]];
    lines.extend(rows.iter().map(|row| {
        let figure = |figure| if row.name == Row::RATE { count(figure) } else { time(figure) };
        let ratio = row.ratio().map_or_else(|| "–".to_owned(), |ratio| format!("{ratio:.3}"));
        let verdict = row.verdict().to_owned();
        [row.name.replace('_', " "), figure(row.a), figure(row.b), ratio, verdict]
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
    let table = lines.collect::<Vec<_>>().join("\n");
    if differences.is_empty() {
        return table;
    }
    // Strings without their quotes.
    let told = |value: &Value| match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    };
    let differences = differences.iter().map(|Difference { name, a, b }| {
        format!("{} {} and {}", name.replace('_', " "), told(a), told(b))
    });
    format!("{table}\n\nnot the same load: {}", differences.collect::<Vec<_>>().join(", "))
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
        let table = text(Path::new("x/a.json"), Path::new("b.json"), &rows, &[]);
        let expected = "                      a.json   b.json  ratio
requests per second     1000     1005  1.005  no difference beyond the noise
p50                  1.00 ms  2.00 ms  2.000  slower";
        assert_eq!(table, expected);
    }

    #[test]
    fn errors_of_either_run_are_told() {
        let mut failed = report(1000.0, 0.001);
        assert_eq!(errors(Path::new("a.json"), &failed), "");
        failed["errors"] = json!({ "connect_failed": 2, "unanswered": 20 });
        let expected = "\n\nerrors in a.json: 2 connect failed, 20 unanswered";
        assert_eq!(errors(Path::new("a.json"), &failed), expected);
    }

    #[test]
    fn more_requests_are_faster_and_so_are_shorter_times() {
        let rows = rows(&report(1000.0, 0.002), &report(1100.0, 0.001));
        let table = text(Path::new("a"), Path::new("b"), &rows, &[]);
        assert_eq!(table.matches("faster").count(), 2, "{table}");
        assert_eq!(rows[1].ratio(), Some(0.5));
    }

    #[test]
    fn few_slices_tell_nothing() {
        let mut few = report(2000.0, 0.001);
        few["slices"].as_array_mut().unwrap().truncate(2);
        let rows = rows(&report(1000.0, 0.001), &few);
        let verdicts = rows.iter().map(|row| (row.verdict(), row.direction()));
        assert!(verdicts.eq([("too few slices to tell", None); 2]));
        let nothing = rows.into_iter().map(|row| Row { a: 0.0, ..row }.ratio());
        assert!(nothing.eq([None; 2]));
    }

    #[test]
    fn what_differs_in_the_runs_is_named() {
        let run = |address: &str, options: Value| json!({ "address": address, "options": options });
        let a = run("tcp://a:7", json!({ "connections": 16, "framing": "raw", "rate": null }));
        let b = run("tls://a:7", json!({ "connections": 64, "framing": "raw", "rate": 9.5 }));
        assert_eq!(differences(&a, &a), []);
        let named = text(Path::new("a"), Path::new("b"), &[], &differences(&a, &b));
        let expected = "\n\nnot the same load: address tcp://a:7 and tls://a:7, connections 16 and \
                        64, rate none and 9.5";
        assert!(named.ends_with(expected), "{named}");
        // An earlier version of this program told less.
        let c = run("tcp://a:7", json!({ "connections": 16, "rate": null }));
        let differences = differences(&a, &c);
        assert_eq!(differences.len(), 1);
        assert_eq!((&*differences[0].name, &differences[0].b), ("framing", &Value::Null));
    }
}
