//! Writes sample reports of made-up runs into a directory, to look at the page without a cluster.
//!
//! `cargo run -p holdfast-report --example sample -- DIRECTORY`. The same seeds give the same files.

#![expect(clippy::print_stdout, reason = "a command that says what it wrote")]

mod cluster;
mod runs;
mod verdicts;

use std::path::Path;
use std::{env, fs, io};

use holdfast_report::{html, html_index, json, json_complete, junit_sweep};

fn main() -> io::Result<()> {
    let directory = env::args()
        .nth(1)
        .unwrap_or_else(|| "sample-reports".to_owned());
    let directory = Path::new(&directory);
    fs::create_dir_all(directory)?;
    let runs = runs::samples();
    for run in &runs {
        let page = html(run);
        println!(
            "{:>9} bytes, {:>6} operations: {}.html",
            page.len(),
            run.history.operations.len(),
            run.stem()
        );
        fs::write(directory.join(run.stem() + ".html"), page)?;
        fs::write(directory.join(run.stem() + ".json"), json(run))?;
    }
    fs::write(
        directory.join("first.complete.json"),
        json_complete(&runs[0]),
    )?;
    let sweep = runs::sweep(&runs);
    fs::write(directory.join("junit.xml"), junit_sweep(&sweep, &runs))?;
    fs::write(directory.join("index.html"), html_index(&sweep))
}
