//! The picture of an answer, as a file of its own.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use web::charts;

use crate::cli::Picture;
use crate::output::{Output, refused};

/// Draws into the file that `--plot` names, if it names one.
///
/// # Errors
/// The file cannot be written, or holds something that is no picture, the table itself for one.
pub fn write(output: Output, flags: &Picture, draw: impl FnOnce() -> String) -> anyhow::Result<()> {
    let Some(path) = &flags.plot else { return Ok(()) };
    let name = path.display();
    if path.as_os_str().is_empty() || path == Path::new("-") {
        return Err(refused("--plot: name a file to draw into, as in --plot out.svg"));
    }
    if is_other_file(path) {
        return Err(refused(format!(
            "--plot {name}: there is a file of that name, and it is no picture: name another"
        )));
    }
    std::fs::write(path, charts::standalone(&draw())).map_err(|why| {
        refused(format!("--plot {name}: {why}: name a file in a folder you may write to"))
    })?;
    output.say(format!("drawn into {name}"));
    Ok(())
}

/// How a picture begins.
const BEGINS: [&[u8]; 2] = [b"<svg", b"<?xml"];

/// Whether something stands in the file that is no earlier picture. What cannot be read is no
/// picture either.
fn is_other_file(path: &Path) -> bool {
    let Ok(about) = std::fs::metadata(path) else { return false };
    if !about.is_file() || about.len() == 0 {
        return false;
    }
    let mut begin = Vec::new();
    let read = File::open(path).and_then(|file| file.take(5).read_to_end(&mut begin));
    read.is_err() || !BEGINS.iter().any(|known| begin.starts_with(known))
}
