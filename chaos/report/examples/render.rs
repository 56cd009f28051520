//! Draws a stored run again: `cargo run -p holdfast-report --example render -- RUN.json PAGE.html`.

use std::{env, error::Error, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = env::args().skip(1);
    let (from, to) = (
        words.next().ok_or("name the run")?,
        words.next().ok_or("name the page")?,
    );
    let run = holdfast_report::read(&fs::read_to_string(from)?)?;
    fs::write(to, holdfast_report::html(&run))?;
    Ok(())
}
