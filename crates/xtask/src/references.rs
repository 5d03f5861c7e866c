//! `cargo xtask references`: published results beside what Tundish says.

use testkit::references::{self, Line};

/// Prints every line; an error where one does not hold.
pub fn run() -> anyhow::Result<()> {
    let lines = references::all(&crate::release::build()?);
    anyhow::ensure!(!lines.is_empty(), "the reference data is absent (TUNDISH_TEST_DATA)");
    println!("{:<42} {:<48} {:>18} {:>18} {:>9}", "", "", "published", "Tundish", "apart");
    let mut of = "";
    for line in &lines {
        let title = if line.of == of { "" } else { line.of };
        of = line.of;
        println!("{title:<42} {}", row(line));
    }
    let failed = lines.iter().filter(|line| !line.holds()).count();
    println!("{} figures, {failed} beyond their tolerance", lines.len());
    anyhow::ensure!(failed == 0, "{failed} figures are beyond their tolerance");
    Ok(())
}

fn row(line: &Line) -> String {
    let Line { what, source, wanted, got, .. } = line;
    let apart = (got - wanted).abs();
    let held = if line.holds() { "" } else { "  BEYOND ITS TOLERANCE" };
    format!("{what:<48} {wanted:>18} {got:>18.9} {apart:>9.1e}  {source}{held}")
}
