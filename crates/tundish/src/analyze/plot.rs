//! The picture of an answer, as a file of its own.

use std::path::Path;

use web::charts;

use crate::cli::Picture;
use crate::output::{Output, refused};

/// Draws into the file that `--plot` names, if it names one.
///
/// # Errors
/// The file cannot be written.
pub fn write(output: Output, flags: &Picture, draw: impl FnOnce() -> String) -> anyhow::Result<()> {
    let Some(path) = &flags.plot else { return Ok(()) };
    let name = path.display();
    if path.as_os_str().is_empty() || path == Path::new("-") {
        return Err(refused("--plot: name a file to draw into, as in --plot out.svg"));
    }
    std::fs::write(path, charts::standalone(&draw())).map_err(|why| {
        refused(format!("--plot {name}: {why}: name a file in a folder you may write to"))
    })?;
    output.say(format!("drawn into {name}"));
    Ok(())
}
